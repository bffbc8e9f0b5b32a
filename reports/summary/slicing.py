"""The cases by label, length, group and context field, with intervals corrected for looking at all of them.

found = find_slices(outcomes, dimensions(questions, labels), baseline, leader, margin)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from reports import text
from reports.run.schema import Question
from reports.statistics.multiplicity import holm
from reports.statistics.outcomes import Bools, Outcomes
from reports.statistics.results import PairedResult
from reports.summary.estimates import estimate
from reports.summary.model import Slice, SliceComparison

FEWEST = 10
"""Cases of a slice; smaller ones are not shown."""
MOST = 12
"""Slices of one dimension: the largest ones."""


def dimensions(questions: Sequence[Question], labels: Sequence[str] | None) -> dict[str, list[str | None]]:
    """Name of a dimension to each case's value there: label, length of the input in thirds, group, and every context
    field that few values share (a language, a channel). None: the case falls under no value."""
    found: dict[str, list[str | None]] = {}
    if labels is not None:
        found["label"] = list(labels)
    found["length"] = _thirds([len(q.input) + sum(map(len, q.context.values())) for q in questions])
    found["group"] = [q.group for q in questions]
    for name in sorted({name for q in questions for name in q.context}):
        found[name] = [q.context.get(name) for q in questions]
    return {name: values for name, values in found.items() if _worth_showing(values)}


def find_slices(
    outcomes: Outcomes, by: Mapping[str, Sequence[str | None]], baseline: str, leader: str, margin: float
) -> tuple[Slice, ...]:
    """The leader against the baseline inside each slice. Intervals are Bonferroni's over all slices, p is Holm's, so
    each column of them holds together at 95 %."""
    limit = max(1.0, *(float(np.nanmax(np.abs(outcomes.scores[one]))) for one in (baseline, leader)))
    places = [(name, value, mask) for name, values in by.items() for value, mask in _masks(values)]
    parts = [outcomes.only((baseline, leader)).subset(mask) for _, _, mask in places]
    results = [part.compare(baseline, leader, margin) for part in parts]
    adjusted = holm([result.p for result in results])
    found = []
    for (name, value, _), part, result, p in zip(places, parts, results, adjusted, strict=True):
        level = 1 - 0.05 / len(places)
        qualities = {one: estimate(part.quality(one, level), part.failures(one)) for one in (baseline, leader)}
        wide = _widened(result, len(places), limit)
        found.append(
            Slice(
                by=name,
                value=text.one_line(value, 80),
                n=result.n,
                qualities=qualities,
                comparison=SliceComparison(
                    a=baseline, b=leader, difference=result.difference, low=wide.low, high=wide.high, p_adjusted=p
                ),
            )
        )
    return tuple(found)


def _widened(result: PairedResult, looks: int, limit: float) -> PairedResult:
    """The interval at level 1 - 0.05 / looks: its half-widths stretched by the ratio of normal quantiles."""
    from statistics import NormalDist

    normal = NormalDist()
    ratio = normal.inv_cdf(1 - 0.025 / max(looks, 1)) / normal.inv_cdf(0.975)
    low = result.difference - ratio * (result.difference - result.low)
    high = result.difference + ratio * (result.high - result.difference)
    return replace(result, low=max(low, -limit), high=min(high, limit))


def _masks(values: Sequence[str | None]) -> list[tuple[str, Bools]]:
    counts = Counter(value for value in values if value is not None)
    shown = sorted((v for v, n in counts.items() if n >= FEWEST), key=lambda v: (-counts[v], v))[:MOST]
    array = np.array([value if value is not None else "" for value in values], dtype=object)
    known = np.array([value is not None for value in values])
    return [(value, (array == value) & known) for value in shown]


def _worth_showing(values: Sequence[str | None]) -> bool:
    counts = Counter(value for value in values if value is not None)
    return len(counts) > 1 and sum(n >= FEWEST for n in counts.values()) > 1


def _thirds(lengths: Sequence[int]) -> list[str | None]:
    first, second = np.quantile(lengths, [1 / 3, 2 / 3]) if lengths else (0, 0)
    names = (f"short (up to {first:,.0f} characters)", f"middle (up to {second:,.0f} characters)",
             f"long (above {second:,.0f} characters)")  # fmt: skip
    return [names[0] if n <= first else names[1] if n <= second else names[2] for n in lengths]
