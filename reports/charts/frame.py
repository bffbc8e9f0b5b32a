"""What all figures share: colours with a second channel, size, fonts, and the way from a chart to inline SVG.

figure = finished(sketch, svg)      # sketch.spec = spec_of(chart)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reports import text
from reports.tables import Table

if TYPE_CHECKING:
    import altair
    from markupsafe import Markup

BLUE, ORANGE, GREEN, PINK, GREY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#6E7781"
"""Each has a contrast of at least 3:1 on white and on the dark page; none is ever the only sign."""
WIDTH, HEIGHT = 400, 270
"""Pixels of the plot, without axes."""
FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
FONT_SIZE = 13
CHARACTER = 6.6
"""Mean width in pixels of a character at that size."""
LABEL_STEPS = (0.0, -14.0, 14.0, -30.0, 30.0)
"""Pixels that a label may be moved up or down from its point, the first ones first: a far label names another point."""

_SIZE = re.compile(r'<svg ([^>]*?)width="(\d+)" height="(\d+)"')
_NAMESPACES = re.compile(r' xmlns(?::xlink)?="[^"]*"')
_ROLES = re.compile(r' (?:role|aria-[a-z]+)="[^"]*"')
_ACTIVE = re.compile(r"<(?:script|foreignObject|image|a|style)\b|<[^>]*\s(?:on[a-z]+|[a-z:]*href)=", re.IGNORECASE)


@dataclass(frozen=True)
class Sketch:
    """One figure before it is drawn."""

    id: str
    title: str
    """What it shows, as a finding."""
    caption: str
    """How to read it."""
    description: str
    """For a reader who does not see it."""
    table: Table
    spec: dict[str, Any]


@dataclass(frozen=True)
class Figure:
    """One figure: its finding, how to read it, the drawing, the numbers."""

    id: str
    title: str
    caption: str
    svg: Markup
    table: Table


EMPTY = Sketch(
    id="empty",
    title="",
    caption="",
    description="",
    table=Table("", (), ()),
    spec={
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "data": {"values": [{"a": 1}]},
        "mark": "point",
        "encoding": {"x": {"field": "a", "type": "quantitative"}},
    },
)
"""Draws nothing of interest, and starts the renderer."""


def spec_of(chart: altair.Chart | altair.LayerChart) -> dict[str, Any]:
    """The chart as Vega-Lite with the look that all figures share."""
    found: dict[str, Any] = _rounded(chart.to_dict(validate=False) | {"config": _look()})
    return found


def _rounded(value: Any) -> Any:
    """Numbers to six digits: a drawing shows no more, and the last bits differ between processors."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(item) for item in value]
    return value


def finished(sketch: Sketch, svg: str) -> Figure:
    """The drawing as inline SVG that scales to its column, with a title and a description for screen readers.

    Ids are prefixed with the figure's, so that several figures share a page.
    """
    from markupsafe import Markup, escape

    svg = _ROLES.sub("", _NAMESPACES.sub("", svg))
    svg = re.sub(r'\b(id="|url\(#)([A-Za-z])', rf"\1{sketch.id}-\2", svg)
    svg = _SIZE.sub(r"<svg \1", svg, count=1)
    if _ACTIVE.search(svg):
        raise AssertionError(f"the drawing {sketch.id} holds active content")
    title, text = f"{sketch.id}-title", f"{sketch.id}-text"
    heading = f'<title id="{title}">{escape(sketch.title)}</title><desc id="{text}">{escape(sketch.description)}</desc>'
    head, body = svg.split(">", 1)
    drawn = Markup(f'{head} role="img" aria-labelledby="{title} {text}">{heading}{body}')
    return Figure(sketch.id, sketch.title, sketch.caption, drawn, sketch.table)


def _look() -> dict[str, Any]:
    axis = {
        "labelFontSize": FONT_SIZE,
        "titleFontSize": FONT_SIZE,
        "titleFontWeight": "normal",
        "gridColor": "#d0d7de",
        "domainColor": "#57606a",
        "tickColor": "#57606a",
        "labelLimit": 190,
    }
    return {
        "background": None,
        "font": FONT,
        "axis": axis,
        "view": {"stroke": None},
        "text": {"fontSize": FONT_SIZE},
        "padding": 4,
        "legend": {"labelFontSize": FONT_SIZE, "titleFontSize": FONT_SIZE, "orient": "top", "title": None},
    }


def label(name: str, most: int = 24) -> str:
    """An approach's name for a drawing."""
    return text.one_line(name, 200) if len(name) <= most else text.one_line(name, 200)[: most - 1] + "…"


def padded(
    low: float, high: float, share: float = 0.06, floor: float | None = None, ceil: float | None = None
) -> list[float]:
    """A scale's ends with some air, kept inside the bounds."""
    air = (high - low) * share or abs(high) * share or share
    first = low - air if floor is None else max(floor, low - air)
    last = high + air if ceil is None else min(ceil, high + air)
    return [first, last]


def place_labels(
    points: list[tuple[float, float]], names: list[str], width: float = WIDTH, height: float = HEIGHT
) -> list[tuple[float, float, str]]:
    """(dx, dy, alignment) for each label in pixels: beside its point, moved off other labels, points and the axis.

    Points are (x, y) in pixels from the upper left. Tried in a fixed order, so the same points give the same places.
    """
    taken = [(x - 6, y - 6, x + 6, y + 6) for x, y in points]
    placed: list[tuple[float, float, str]] = []
    for (x, y), name in zip(points, names, strict=True):
        long = CHARACTER * len(name)
        options = [(dx, dy, side) for dy in LABEL_STEPS for dx, side in ((10.0, "left"), (-10.0, "right"))]
        boxes = {option: _box(x, y, option, long) for option in options}
        best = min(
            options, key=lambda option: (_cost(boxes[option], taken, (x, y), width, height), options.index(option))
        )
        taken.append(boxes[best])
        placed.append(best)
    return placed


def _box(x: float, y: float, option: tuple[float, float, str], long: float) -> tuple[float, float, float, float]:
    dx, dy, side = option
    left = x + dx if side == "left" else x + dx - long
    return (left, y + dy - 7, left + long, y + dy + 7)


def _cost(
    box: tuple[float, float, float, float],
    taken: list[tuple[float, float, float, float]],
    own: tuple[float, float],
    width: float,
    height: float,
) -> float:
    """Overlapped area with what is there already, and what hangs over the plot's sides or into the axis below."""
    outside = max(0.0, -box[0]) + max(0.0, box[2] - width - 70) + max(0.0, box[3] - height - 6)
    covered = 0.0
    for other in taken:
        if (other[0] + 6, other[1] + 6) == own:
            continue
        wide = min(box[2], other[2]) - max(box[0], other[0])
        high = min(box[3], other[3]) - max(box[1], other[1])
        covered += max(0.0, wide) * max(0.0, high)
    return covered + 20 * outside
