"""Quality against running cost, with the approaches marked that nothing beats on both.

quality_cost(summary).title
"""

from __future__ import annotations

import math
from typing import Any

from reports import text
from reports.charts.frame import Sketch, label, padded, place_labels
from reports.summary.model import ApproachSummary, Summary
from reports.tables import Cell, Table
from reports.vega import Drawing
from reports.vega.look import BLUE, GREY, HEIGHT, ORANGE, WIDTH

WIDE_RATIO = 12
"""Costs further apart than this are drawn on a logarithmic axis."""


def quality_cost(summary: Summary) -> Sketch | None:
    """Contenders with a known quality and cost, without the floor; None where fewer than two have both."""
    shown = [
        a
        for a in summary.approaches
        if a.kind != "floor" and a.quality.value is not None and a.cost.per_1000_usd is not None
    ]
    if len(shown) < 2:
        return None
    title = finding(summary, shown)
    return Sketch(
        id="quality-cost",
        title=title,
        caption="Filled: nothing is both better and cheaper. Ring: something is. Square: recommended. "
        "Bars: 95 % intervals.",
        description=_description(summary, shown),
        table=_table(summary, shown),
        drawing=_drawing(summary, shown),
    )


def _drawing(summary: Summary, shown: list[ApproachSummary]) -> Drawing:
    share = summary.primary.unit == "share"
    rows = [_row(summary, approach) for approach in shown]
    costs = [row["cost"] for row in rows]
    positive = [cost for cost in costs if cost > 0]
    logarithmic = bool(positive) and max(positive) / min(positive) > WIDE_RATIO
    least = min(positive) if positive else 0.0
    for row in rows:
        row["cost"] = max(row["cost"], least / 3) if logarithmic else row["cost"]
    x_domain = _log_ends(rows) if logarithmic else padded(0.0, max(costs) or 1.0, 0.08, floor=0.0)
    bounds = (0.0, 1.0) if share else (None, None)
    y_domain = padded(min(r["low"] for r in rows), max(r["high"] for r in rows), 0.05, bounds[0], bounds[1])
    pixels = [_pixel(row, x_domain, y_domain, logarithmic) for row in rows]
    return "quality-cost", {
        "rows": rows,
        **_labels(rows, pixels),
        "x_domain": x_domain,
        "y_domain": y_domain,
        "logarithmic": logarithmic,
        "share": share,
        "title": summary.primary.title,
    }


def _labels(rows: list[dict[str, Any]], pixels: list[tuple[float, float]]) -> dict[str, list[dict[str, Any]]]:
    """The names beside their points, placed in pixels, by the side that they are aligned to."""
    names = [row["name"] for row in rows]
    placed = [
        (align, {"x": x + dx, "y": y + dy, "name": name})
        for (x, y), (dx, dy, align), name in zip(pixels, place_labels(pixels, names), names, strict=True)
    ]
    return {side: [one for align, one in placed if align == side] for side in ("left", "right")}


def _row(summary: Summary, approach: ApproachSummary) -> dict[str, Any]:
    q, chosen = approach.quality, approach.name == summary.verdict.approach
    colour = ORANGE if chosen else BLUE if approach.undominated else GREY
    return {
        "name": label(approach.name, 18),
        "cost": approach.cost.per_1000_usd or 0.0,
        "value": q.value,
        "low": q.low if q.low is not None else q.value,
        "high": q.high if q.high is not None else q.value,
        "colour": colour,
        "fill": colour if approach.undominated else "transparent",
        "shape": "square" if chosen else "circle",
    }


def _log_ends(rows: list[dict[str, Any]]) -> list[float]:
    low, high = (math.log10(pick(row["cost"] for row in rows)) for pick in (min, max))
    first, last = padded(low, high, 0.08)
    return [10**first, 10**last]


def _pixel(row: dict[str, Any], x: list[float], y: list[float], logarithmic: bool) -> tuple[float, float]:
    place, ends = (math.log(row["cost"]), [math.log(v) for v in x]) if logarithmic else (row["cost"], x)
    across = (place - ends[0]) / (ends[1] - ends[0])
    return WIDTH * across, HEIGHT * (1 - (row["value"] - y[0]) / (y[1] - y[0]))


def finding(summary: Summary, shown: list[ApproachSummary]) -> str:
    """The figure's title: whom nothing beats on both, by the estimates; what is shown to be better says the table."""
    front = sorted((a for a in shown if a.undominated), key=lambda a: a.cost.per_1000_usd or 0.0)
    names = [label(a.name) for a in front]
    if len(names) == 1:
        return f"{names[0]} has the highest estimate, and none is cheaper to run"
    if 1 < len(names) <= 4:
        return f"By their estimates only {text.listed(names)} are not beaten on quality and running cost at once"
    return f"{len(names)} of {len(shown)} approaches trade quality against cost"


def _description(summary: Summary, shown: list[ApproachSummary]) -> str:
    said = [
        f"{label(a.name)}: {text.quality(a.quality.value, a.quality.low, a.quality.high, summary.primary.unit)} at "
        f"{text.money(a.cost.per_1000_usd)}"
        for a in shown
    ]
    return f"{summary.primary.title} against US dollars per 1,000 answers. " + "; ".join(said)


def _table(summary: Summary, shown: list[ApproachSummary]) -> Table:
    unit = summary.primary.unit
    return Table(
        caption=f"{summary.primary.title} and cost per 1,000 answers",
        head=("Approach", summary.primary.title, "95 % interval", "Per 1,000", "Beaten on both"),
        rows=tuple(
            (
                Cell(label(a.name), numeric=False),
                Cell(text.quality(a.quality.value, a.quality.low, a.quality.high, unit)),
                Cell(text.interval(a.quality.low, a.quality.high, unit)),
                Cell(text.money(a.cost.per_1000_usd)),
                Cell("no" if a.undominated else "yes", numeric=False),
            )
            for a in sorted(shown, key=lambda a: a.cost.per_1000_usd or 0.0)
        ),
    )
