"""Total cost over the horizon against traffic: which approach is cheapest at which volume, and where that flips.

volume(summary).title
"""

from __future__ import annotations

from typing import Any

from reports import text
from reports.charts.frame import Sketch, label
from reports.costs.estimate import DAYS_PER_MONTH
from reports.summary.model import ApproachSummary, Summary
from reports.tables import Cell, Table
from reports.vega import Drawing
from reports.vega.look import BLUE, FONT_SIZE, GREEN, GREY, ORANGE, PINK, WIDTH

LINES = 5
STYLES = ((ORANGE, [1, 0]), (BLUE, [7, 4]), (GREEN, [2, 3]), (PINK, [10, 3, 2, 3]), (GREY, [4, 2]))
STEPS = 60


def volume(summary: Summary) -> Sketch | None:
    """At most five approaches: the recommended one, the baseline, then the undominated; None below two."""
    shown = drawn(summary)
    if len(shown) < 2:
        return None
    traffic = summary.header.spec.traffic
    flips = cheapest_changes(shown, traffic.horizon_months)
    title = finding(summary, shown, flips)
    said = [f"{label(a.name)}: {text.money(total(a, traffic.queries_per_day, traffic.horizon_months))}" for a in shown]
    months = text.number(traffic.horizon_months, 0)
    return Sketch(
        id="volume",
        title=title,
        caption=f"One-off and running cost over {months} months. Dashed upright line: your traffic. "
        "Dots: where the cheapest changes.",
        description="Total US dollars at your traffic. " + "; ".join(said),
        drawing=_drawing(summary, shown, flips),
        table=_table(summary, shown),
    )


def total(approach: ApproachSummary, queries_per_day: float, months: float) -> float:
    """US dollars over the horizon: once + months * (fixed + days * queries * each)."""
    cost = approach.cost
    each = (cost.per_1000_usd or 0.0) / 1000
    return (cost.one_off_usd or 0.0) + months * (
        (cost.monthly_fixed_usd or 0.0) + DAYS_PER_MONTH * queries_per_day * each
    )


def drawn(summary: Summary) -> list[ApproachSummary]:
    """The approaches of the figure: those whose costs are known, the recommended one and the baseline first."""
    known = [
        a
        for a in summary.approaches
        if a.kind != "floor" and a.cost.per_1000_usd is not None and a.cost.one_off_usd is not None
    ]
    first = (summary.verdict.approach, summary.baseline)

    def rank(approach: ApproachSummary) -> tuple[bool, bool, bool, float]:
        return (
            approach.name not in first,
            not approach.acceptable,
            not approach.undominated,
            -(approach.quality.value or 0.0),
        )

    return sorted(known, key=rank)[:LINES]


def volumes(summary: Summary) -> list[float]:
    """Queries a day from a thousandth to a thousand times the project's own traffic, at least 1."""
    own = summary.header.spec.traffic.queries_per_day
    first, last = max(1.0, own / 1000), own * 1000
    return [first * (last / first) ** (i / STEPS) for i in range(STEPS + 1)]


def _drawing(summary: Summary, shown: list[ApproachSummary], flips: list[tuple[float, str, str]]) -> Drawing:
    traffic = summary.header.spec.traffic
    grid = volumes(summary)
    totals = {a.name: [max(total(a, q, traffic.horizon_months), 0.01) for q in grid] for a in shown}
    every = [value for values in totals.values() for value in values]
    rows = [
        {"name": str(i), "queries": round(q, 4), "usd": round(v, 6)}
        for i, a in enumerate(shown)
        for q, v in zip(grid, totals[a.name], strict=True)
    ]
    inside = [flip for flip in flips if grid[0] <= flip[0] <= grid[-1]]
    by_name = {a.name: a for a in shown}
    return "volume", {
        "lines": rows,
        "key": _key(shown),
        "flips": [{"queries": q, "usd": total(by_name[name], q, traffic.horizon_months)} for q, name, _ in inside],
        "here": traffic.queries_per_day,
        "x_domain": [grid[0], grid[-1]],
        "y_domain": [min(every) / 1.3, max(every) * 1.3],
        "title": f"US dollars over {text.number(traffic.horizon_months, 0)} months",
        "styles": STYLES[: len(shown)],
    }


def _key(shown: list[ApproachSummary]) -> list[dict[str, Any]]:
    """The names, each behind a piece of its line, in two columns above the plot. In pixels."""
    high = (len(shown) + 1) // 2
    return [
        {"name": str(i), "x": 8 + left, "x2": 40 + left, "text_x": 47 + left, "y": y, "text": label(a.name)}
        for i, a in enumerate(shown)
        for left, y in [(WIDTH / 2 * (i % 2), (i // 2 - high) * (FONT_SIZE + 5))]
    ]


def cheapest_changes(shown: list[ApproachSummary], months: float) -> list[tuple[float, str, str]]:
    """(queries a day, cheapest below, cheapest above) of the lower envelope of the straight lines."""
    lines = [(total(a, 0, months), total(a, 1, months) - total(a, 0, months), a.name) for a in shown]
    at = 0.0
    found: list[tuple[float, str, str]] = []
    current = min(lines)
    while True:
        crossings = [
            ((line[0] - current[0]) / (current[1] - line[1]), line[1], line) for line in lines if line[1] < current[1]
        ]
        later = [crossing for crossing in crossings if crossing[0] > at]
        if not later:
            return found
        at, _, following = min(later, key=lambda crossing: crossing[:2])
        found.append((at, current[2], following[2]))
        current = following


def finding(summary: Summary, shown: list[ApproachSummary], flips: list[tuple[float, str, str]]) -> str:
    """The figure's title: who is the cheapest, and from which volume on somebody else is."""
    queries, months = summary.header.spec.traffic.queries_per_day, summary.header.spec.traffic.horizon_months
    barred = {name for name, _ in summary.verdict.excluded}

    def called(name: str) -> str:
        return f"{label(name)} (outside your limits)" if name in barred else label(name)

    cheapest = min(shown, key=lambda a: (total(a, queries, months), a.name))
    said = f"At {text.number(queries, 0)} answers a day {called(cheapest.name)} is the cheapest of these"
    above = next((flip for flip in flips if flip[0] > queries), None)
    below = next((flip for flip in reversed(flips) if flip[0] <= queries), None)
    if above and above[0] < queries * 1000:
        return f"{said}; above {text.significant(above[0])} a day {called(above[2])} is"
    if below:
        return f"{said}; below {text.significant(below[0])} a day {called(below[1])} is"
    return f"{said}, at any volume"


def _table(summary: Summary, shown: list[ApproachSummary]) -> Table:
    traffic = summary.header.spec.traffic
    volumes = [traffic.queries_per_day * factor for factor in (0.01, 0.1, 1, 10, 100)]
    return Table(
        caption=f"Total US dollars over {text.number(traffic.horizon_months, 0)} months at so many answers a day",
        head=("Approach", *(text.number(v, 0) for v in volumes)),
        rows=tuple(
            (
                Cell(label(a.name), numeric=False),
                *(Cell(text.money(total(a, v, traffic.horizon_months))) for v in volumes),
            )
            for a in shown
        ),
    )
