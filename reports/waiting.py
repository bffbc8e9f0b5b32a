"""The latency pass in words and as a table: each concurrency that was measured, and how. Numbers come from the summary.

for label, words in latency_facts(summary.approach("rag")): print(label, words)
"""

from __future__ import annotations

from collections.abc import Sequence

from reports import text
from reports.run.schema import Load, is_endpoint
from reports.summary.latency import LOADS
from reports.summary.model import ApproachSummary, LatencyLevel
from reports.tables import Cell, Table
from reports.text import listed

LOAD_NAMES: dict[Load, str] = {"closed-loop": "closed loop", "rounds": "in rounds"}


def latency_facts(approach: ApproachSummary) -> list[tuple[str, str]]:
    """One line for each concurrency, the cold start, and how it was taken; empty where nothing was measured.

    Where an adapter was also timed merged into its base weights, the same lines again.
    """
    latency = approach.latency
    facts = [(f"Latency, {_together(level.concurrency)}", level_words(level)) for level in latency.levels]
    facts += [
        (f"The same with merged weights, {_together(m.concurrency)}", level_words(m)) for m in latency.merged_levels
    ]
    if approach.batch:
        facts.append(("Batch traffic", "answers come within hours; the seconds here are those of direct requests"))
    if latency.cold_p50_seconds is not None:
        what = "over a new connection" if is_endpoint(approach.model) else "of a fresh process, weights read"
        facts.append(("Cold start", f"{text.seconds(latency.cold_p50_seconds)} for the first request {what}"))
    return [*facts, ("How latency was measured", latency.how)] if facts and latency.how else facts


def level_words(level: LatencyLevel) -> str:
    """Median, 95th percentile, first token and speed with their intervals."""
    said = [f"median {text.seconds(level.p50_seconds)}{_ends(level.p50_low, level.p50_high)}"]
    if level.p95_seconds is not None:
        said.append(f"p95 {text.seconds(level.p95_seconds)}{_ends(level.p95_low, level.p95_high)}")
    if level.p99_seconds is not None:
        said.append(f"p99 {text.seconds(level.p99_seconds)}{_ends(level.p99_low, level.p99_high)}")
    if level.ttft_p50_seconds is not None:
        first = f"first token {text.seconds(level.ttft_p50_seconds)}{_ends(level.ttft_p50_low, level.ttft_p50_high)}"
        tail = f", p95 {text.seconds(level.ttft_p95_seconds)}" if level.ttft_p95_seconds is not None else ""
        said.append(first + tail)
    if level.tokens_per_second is not None:
        each = "" if level.concurrency == 1 else " for each caller"
        said.append(f"{text.significant(level.tokens_per_second)} answer tokens a second{each}{_speeds(level)}")
    said.append(text.count(level.n, "request"))
    return "; ".join(said)


def concurrency_table(approaches: Sequence[ApproachSummary]) -> Table | None:
    """One row for each approach and concurrency; None where only one at a time was measured."""
    shown = [(a, level) for a in approaches for level in a.latency.levels]
    if not any(level.concurrency > 1 for _, level in shown):
        return None
    loads = {load for _, level in shown if level.concurrency > 1 for load in level.loads}
    said = [f"{LOAD_NAMES[load].capitalize()}: {words}." for load, words in LOADS.items() if load in loads]
    return Table(
        caption="Several requests at a time: seconds for one answer, with 95 % intervals. " + " ".join(said),
        head=(
            "Approach",
            "At a time",
            "Median",
            "95th percentile",
            "First token",
            "Tokens a second for each",
            "Requests",
        ),
        rows=tuple(_row(a, level) for a, level in shown),
    )


def _row(approach: ApproachSummary, level: LatencyLevel) -> tuple[Cell, ...]:
    several = level.concurrency > 1
    return (
        Cell(text.one_line(approach.name, 60), numeric=False),
        Cell(f"{level.concurrency:,}", listed([LOAD_NAMES[load] for load in level.loads]) if several else ""),
        Cell(text.seconds(level.p50_seconds), _ends(level.p50_low, level.p50_high).strip(" ()")),
        Cell(
            text.seconds(level.p95_seconds),
            _ends(level.p95_low, level.p95_high).strip(" ()") or level.p95_refused,
        ),
        Cell(text.seconds(level.ttft_p50_seconds), _ends(level.ttft_p50_low, level.ttft_p50_high).strip(" ()")),
        Cell(
            text.significant(level.tokens_per_second) if level.tokens_per_second is not None else "–",
            _speeds(level).strip(" ()"),
        ),
        Cell(f"{level.n:,}"),
    )


def _together(concurrency: int) -> str:
    return "one at a time" if concurrency == 1 else f"{concurrency:,} at a time"


def _speeds(level: LatencyLevel) -> str:
    low, high = level.tokens_per_second_low, level.tokens_per_second_high
    return f" ({text.significant(low)} to {text.significant(high)})" if low is not None and high is not None else ""


def _ends(low: float | None, high: float | None) -> str:
    return f" ({text.seconds(low)} to {text.seconds(high)})" if low is not None and high is not None else ""
