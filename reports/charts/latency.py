"""How long one answer takes: every measured request, the median and the 95th percentile.

latency(summary, samples).title
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reports import text
from reports.charts.frame import Sketch, label
from reports.run.schema import LatencySample
from reports.summary.model import ApproachSummary, Summary
from reports.tables import Cell, Table
from reports.vega import Drawing

MOST_POINTS = 50
ROW = 34


def latency(summary: Summary, samples: Mapping[str, Sequence[LatencySample]]) -> Sketch | None:
    """One row an approach, the fastest first, without the floor; None where nothing was measured."""
    shown = [a for a in summary.approaches if a.latency.n and a.kind != "floor" and a.latency.p50_seconds]
    if not shown:
        return None
    shown.sort(key=lambda a: (a.latency.p50_seconds or 0.0, a.name))
    title = _title(summary, shown)
    said = [
        f"{label(a.name)}: median {text.seconds(a.latency.p50_seconds)}, p95 {text.seconds(a.latency.p95_seconds)}"
        for a in shown
    ]
    return Sketch(
        id="latency",
        title=title,
        caption="One request at a time after warm-up. Ticks: requests; bar: median; ring: 95th percentile."
        + (" Batch traffic waits for hours instead." if any(a.batch for a in shown) else ""),
        description="Seconds for one answer. " + "; ".join(said),
        table=_table(shown),
        drawing=_drawing(summary, shown, samples),
    )


def _alone(sample: LatencySample) -> bool:
    """One at a time after warm-up, in the form that the approach answered in."""
    return sample.phase == "warm" and sample.concurrency == 1 and not sample.merged


def _drawing(summary: Summary, shown: list[ApproachSummary], samples: Mapping[str, Sequence[LatencySample]]) -> Drawing:
    rows: list[dict[str, Any]] = [
        {"name": label(a.name), "seconds": max(seconds, 1e-6)}
        for a in shown
        for seconds in _thinned([s.seconds for s in samples[a.name] if _alone(s)])
    ]
    marks = [{"name": label(a.name), "p50": a.latency.p50_seconds, "p95": a.latency.p95_seconds} for a in shown]
    values = [row["seconds"] for row in rows]
    limit = summary.header.spec.decision.max_p95_seconds
    ends = [*values, limit] if limit else values
    logarithmic = max(ends) / min(ends) > 12
    domain = [min(ends) / 1.25, max(ends) * 1.25] if logarithmic else [0, max(ends) * 1.08]
    return "latency", {
        "requests": rows,
        "marks": marks,
        "domain": domain,
        "logarithmic": logarithmic,
        "limit": limit,
        "height": max(90, ROW * len(shown)),
    }


def _thinned(values: list[float]) -> list[float]:
    """At most so many of them, evenly over the sorted range, both ends kept."""
    ordered = sorted(values)
    if len(ordered) <= MOST_POINTS:
        return ordered
    return [ordered[round(i * (len(ordered) - 1) / (MOST_POINTS - 1))] for i in range(MOST_POINTS)]


def _title(summary: Summary, shown: list[ApproachSummary]) -> str:
    limit = summary.header.spec.decision.max_p95_seconds
    over = [label(a.name) for a in shown if limit and (a.batch or (a.latency.p95_seconds or 0.0) > limit)]
    if limit and over:
        return (
            f"{text.listed(over)} {'is' if len(over) == 1 else 'are'} slower than your limit of {text.seconds(limit)}"
        )
    fast, slow = shown[0], shown[-1]
    if len(shown) == 1:
        return f"{label(fast.name)} answers in {text.seconds(fast.latency.p50_seconds)} (median)"
    if text.seconds(fast.latency.p50_seconds) == text.seconds(slow.latency.p50_seconds):
        return f"All take about {text.seconds(fast.latency.p50_seconds)} (median)"
    bounded = all(a.latency.p95_seconds is not None for a in shown)
    within = f"all within your limit of {text.seconds(limit)}" if limit and bounded else "medians"
    return (
        f"From {text.seconds(fast.latency.p50_seconds)} ({label(fast.name)}) to "
        f"{text.seconds(slow.latency.p50_seconds)} ({label(slow.name)}), {within}"
    )


def _table(shown: list[ApproachSummary]) -> Table:
    return Table(
        caption="Seconds for one answer, with 95 % intervals",
        head=("Approach", "Median", "95th percentile", "First token", "Requests"),
        rows=tuple(
            (
                Cell(label(a.name), numeric=False),
                Cell(text.seconds(a.latency.p50_seconds), _ends(a.latency.p50_low, a.latency.p50_high)),
                Cell(
                    text.seconds(a.latency.p95_seconds),
                    _ends(a.latency.p95_low, a.latency.p95_high) or a.latency.p95_refused,
                ),
                Cell(text.seconds(a.latency.ttft_p50_seconds)),
                Cell(f"{a.latency.n:,}"),
            )
            for a in shown
        ),
    )


def _ends(low: float | None, high: float | None) -> str:
    return f"{text.seconds(low)} to {text.seconds(high)}" if low is not None and high is not None else ""
