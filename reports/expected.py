"""What was estimated before a run, in words, and against what it took. Knows neither machines nor models.

expected_words(one)                     # "20 s to 3 min, about 54 s, 0.7 GB of 8 GB"
rows = against_actual(summary, prepared)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from reports import text
from reports.run.schema import Expected, Span

if TYPE_CHECKING:
    from reports.summary.model import ApproachSummary, Summary


def expected_words(one: Expected) -> str:
    """Time, memory, money of one approach in a clause."""
    parts = [span_words(one.seconds) if one.seconds else f"time unknown ({one.unknown or 'no figures'})"]
    if one.training_seconds and one.training_seconds[2] > 0:
        parts[0] += f" (training {span_words(one.training_seconds)})"
    if one.memory_bytes:
        room = f" of {text.size(one.device_bytes)}" if one.device_bytes else ""
        room += f" on {one.cards} GPUs" if room and one.cards > 1 else ""
        room += f" on each of {one.trained_on} GPUs" if one.trained_on > 1 else ""
        parts.append(f"{text.size(one.memory_bytes)}{room}" + ("" if one.fits is not False else ": does not fit"))
    if one.usd and one.usd[2] > 0:
        parts.append(f"{text.money(one.usd[0])} to {text.money(one.usd[2])}")
    return ", ".join(parts)


def span_words(span: Span) -> str:
    """'2 s to 40 s, about 9 s'."""
    low, typical, high = span
    if high < 1:
        return "under a second"
    return f"{text.seconds(low)} to {text.seconds(high)}, about {text.seconds(typical)}"


def against_actual(
    summary: Summary, prepared: Mapping[str, float], held: Mapping[str, int] | None = None
) -> list[tuple[str, str]]:
    """(approach, estimate and what it took), in the run's order; empty where nothing was estimated.

    `prepared`: seconds until each could answer; `held`: the most memory of each while it answered, in bytes.
    """
    expected = {one.approach: one for one in summary.header.expected}
    rows = []
    for approach in summary.approaches:
        one = expected.get(approach.name)
        if one is not None:
            rows.append(
                (
                    approach.name,
                    f"{expected_words(one)}; {_taken(one, approach, prepared, (held or {}).get(approach.name))}",
                )
            )
    return rows


def _taken(one: Expected, approach: ApproachSummary, prepared: Mapping[str, float], held: int | None) -> str:
    """What it took, and whether that lies within the estimate."""
    if approach.state == "not started" or approach.cached:
        return "not comparable (answers came from the cache)" if approach.cached else "did not run"
    answered = (approach.seconds_per_answer or 0.0) * (
        sum(approach.statuses.values()) - approach.statuses.get("missing", 0)
    )
    took = prepared.get(approach.name, 0.0) + answered
    words = f"took {text.seconds(took)}"
    if one.seconds:
        low, _, high = one.seconds
        words += " (as estimated)" if low <= took <= max(high, 1.0) else " (sooner)" if took < low else " (longer)"
    training = approach.training
    if training is not None and training.peak_memory_bytes:
        words += f", training {text.seconds(training.seconds)} and {text.size(training.peak_memory_bytes)} at most"
    if held:
        words += f", answering {text.size(held)} at most"
    return words
