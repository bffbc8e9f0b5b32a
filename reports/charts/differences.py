"""Paired differences to the baseline, with the band that the user called too small to matter.

differences(summary).title
"""

from __future__ import annotations

from typing import Any

from reports import text
from reports.charts.frame import Sketch, label, padded
from reports.statistics.proportions import is_pilot
from reports.summary.model import ComparisonSummary, Summary
from reports.tables import Cell, Table
from reports.vega.look import BLUE, GREEN, GREY, ORANGE

SIGNS = {
    "better": ("triangle-up", GREEN),
    "worse": ("triangle-down", ORANGE),
    "equivalent": ("diamond", BLUE),
    "not shown": ("circle", GREY),
}
ROW = 30


def differences(summary: Summary) -> Sketch | None:
    """One row an approach; None where nothing was compared."""
    shown = sorted((c for c in summary.comparisons if c.primary), key=lambda c: (-c.difference, c.b))
    if not shown or summary.baseline is None:
        return None
    scale, margin = (100 if summary.primary.unit == "share" else 1), summary.header.spec.decision.margin
    rows = [_row(c, scale) for c in shown]
    low, high = min(row["low"] for row in rows), max(row["high"] for row in rows)
    domain = padded(min(low, -margin * scale), max(high, margin * scale))
    unit = "points" if summary.primary.unit == "share" else "units of the metric"
    title = finding(summary, shown)
    description = (
        f"Differences in {summary.primary.title} to {label(summary.baseline)} with 95 % intervals: "
        + "; ".join(f"{row['name']} {row['shown']}, {row['words']}" for row in rows)
    )
    gap = text.difference(margin, 0, margin or 1, summary.primary.unit).lstrip("+")
    return Sketch(
        id="differences",
        title=title,
        caption=f"Same cases, 95 % intervals. Grey band: differences up to {gap}, too small to matter by your margin.",
        description=description,
        table=_table(summary, shown),
        drawing=(
            "differences",
            {
                "rows": rows,
                "domain": domain,
                "margin": margin * scale,
                "height": max(90, ROW * len(rows)),
                "title": f"{summary.primary.title}, {unit} above {label(summary.baseline)}",
            },
        ),
    )


def _row(c: ComparisonSummary, scale: float) -> dict[str, Any]:
    shape, colour = SIGNS[c.words]
    return {
        "name": label(c.b),
        "value": round(c.difference * scale, 4),
        "low": round(c.low * scale, 4),
        "high": round(c.high * scale, 4),
        "words": c.words,
        "shape": shape,
        "colour": colour,
        "shown": f"{text.number(c.difference * scale, 1, signed=True)}",
    }


def finding(summary: Summary, shown: list[ComparisonSummary]) -> str:
    """The figure's title: who is shown to beat the baseline."""
    kinds = {approach.name: approach.kind for approach in summary.approaches}
    better = [label(c.b) for c in shown if c.words == "better"]
    unclear = [label(c.b) for c in shown if c.words == "not shown" and kinds[c.b] != "floor"]
    base = label(summary.baseline or "")
    if is_pilot(max(c.n for c in shown)):
        return f"A pilot: so few cases show no winner over {base}"
    if better:
        some = text.listed(better) if len(better) <= 3 else f"{len(better)} approaches"
        return f"{some} {'beats' if len(better) == 1 else 'beat'} {base}" + (
            f"; for {text.listed(unclear)} no difference is shown" if 0 < len(unclear) <= 3 else ""
        )
    return f"No approach is shown to beat {base}"


def _table(summary: Summary, shown: list[ComparisonSummary]) -> Table:
    unit = summary.primary.unit
    return Table(
        caption=f"Difference to {label(summary.baseline or '')}, in {summary.primary.title}",
        head=("Approach", "Difference", "95 % interval", "Adjusted p", "In words"),
        rows=tuple(
            (
                Cell(label(c.b), numeric=False),
                Cell(text.difference(c.difference, c.low, c.high, unit)),
                Cell(text.interval(c.low, c.high, unit, signed=True)),
                Cell(text.p_value(c.p_adjusted)),
                Cell(c.words, numeric=False),
            )
            for c in shown
        ),
    )
