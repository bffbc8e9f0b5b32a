"""The figures as plain numbers, for a display that draws its own: a terminal. The same findings as the page's.

figure = quality_cost_points(summary); print(figure.title, figure.points[0].x)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from reports import text
from reports.charts.differences import finding as difference_finding
from reports.charts.frame import label
from reports.charts.quality_cost import WIDE_RATIO
from reports.charts.quality_cost import finding as cost_finding
from reports.charts.volume import cheapest_changes, drawn, total, volumes
from reports.charts.volume import finding as volume_finding
from reports.summary.model import Summary

Standing = Literal["recommended", "undominated", "dominated"]
STANDINGS: dict[Standing, str] = {
    "recommended": "recommended",
    "undominated": "nothing is both better and cheaper",
    "dominated": "something is",
}


@dataclass(frozen=True)
class Point:
    """One approach by what it costs and how good it is."""

    name: str
    x: float
    """US dollars per 1,000 answers."""
    y: float
    low: float
    high: float
    standing: Standing
    said: str
    """Quality and cost as a reader says them."""


@dataclass(frozen=True)
class PointFigure:
    """Quality against running cost."""

    title: str
    x_title: str
    y_title: str
    points: tuple[Point, ...]
    logarithmic: bool
    """Costs lie so far apart that their axis needs it; free ones then stand at a third of the cheapest."""
    percent: bool


@dataclass(frozen=True)
class Line:
    """Total cost of one approach by volume."""

    name: str
    y: tuple[float, ...]
    here: float
    """At the rule's own volume."""


@dataclass(frozen=True)
class LineFigure:
    """Total cost against volume, both axes logarithmic."""

    title: str
    x_title: str
    y_title: str
    x: tuple[float, ...]
    lines: tuple[Line, ...]
    here: float
    """The rule's own volume, answers a day."""
    changes: tuple[tuple[float, str], ...]
    """Volumes from which another one is the cheapest, and which."""


@dataclass(frozen=True)
class Whisker:
    """One approach against the baseline, in points for shares."""

    name: str
    value: float
    low: float
    high: float
    words: str
    said: str


@dataclass(frozen=True)
class WhiskerFigure:
    """Paired differences to the baseline."""

    title: str
    x_title: str
    rows: tuple[Whisker, ...]
    margin: float
    """Half-width of the band that is too small to matter."""


def quality_cost_points(summary: Summary) -> PointFigure | None:
    """Contenders with a known quality and cost, without the floor, best first; None below two."""
    shown = [
        a
        for a in summary.approaches
        if a.kind != "floor" and a.quality.value is not None and a.cost.per_1000_usd is not None
    ]
    if len(shown) < 2:
        return None
    shown.sort(key=lambda a: (-(a.quality.value or 0.0), a.name))
    costs = [a.cost.per_1000_usd or 0.0 for a in shown]
    positive = [cost for cost in costs if cost > 0]
    logarithmic = bool(positive) and max(positive) / min(positive) > WIDE_RATIO
    least = min(positive) / 3 if positive else 0.0
    scale = 100 if summary.primary.unit == "share" else 1
    points = []
    for a, cost in zip(shown, costs, strict=True):
        q = a.quality
        value = q.value or 0.0
        low, high = (value if end is None else end for end in (q.low, q.high))
        chosen = a.name == summary.verdict.approach
        points.append(
            Point(
                name=label(a.name),
                x=max(cost, least) if logarithmic else cost,
                y=scale * value,
                low=scale * low,
                high=scale * high,
                standing="recommended" if chosen else "undominated" if a.undominated else "dominated",
                said=f"{text.quality(q.value, q.low, q.high, summary.primary.unit)}, {text.money(cost)}",
            )
        )
    return PointFigure(
        title=cost_finding(summary, shown),
        x_title="US dollars per 1,000 answers",
        y_title=summary.primary.title,
        points=tuple(points),
        logarithmic=logarithmic,
        percent=scale == 100,
    )


def volume_lines(summary: Summary) -> LineFigure | None:
    """At most five approaches, the recommended one and the baseline first; None below two."""
    shown = drawn(summary)
    if len(shown) < 2:
        return None
    traffic = summary.header.spec.traffic
    grid, months = volumes(summary), traffic.horizon_months
    flips = cheapest_changes(shown, months)
    lines = tuple(
        Line(
            label(a.name),
            tuple(max(total(a, q, months), 0.01) for q in grid),
            total(a, traffic.queries_per_day, months),
        )
        for a in shown
    )
    return LineFigure(
        title=volume_finding(summary, shown, flips),
        x_title="answers a day",
        y_title=f"US dollars over {text.number(months, 0)} months",
        x=tuple(grid),
        lines=lines,
        here=traffic.queries_per_day,
        changes=tuple((at, label(name)) for at, _, name in flips if grid[0] <= at <= grid[-1]),
    )


def difference_whiskers(summary: Summary) -> WhiskerFigure | None:
    """Every approach against the baseline, the best first; None where nothing was compared."""
    shown = sorted((c for c in summary.comparisons if c.primary), key=lambda c: (-c.difference, c.b))
    if not shown or summary.baseline is None:
        return None
    unit = summary.primary.unit
    scale = 100 if unit == "share" else 1
    return WhiskerFigure(
        title=difference_finding(summary, shown),
        x_title=f"{'points' if scale == 100 else 'units'} above {label(summary.baseline)}",
        rows=tuple(
            Whisker(
                label(c.b),
                scale * c.difference,
                scale * c.low,
                scale * c.high,
                c.words,
                text.difference(c.difference, c.low, c.high, unit),
            )
            for c in shown
        ),
        margin=scale * summary.header.spec.decision.margin,
    )
