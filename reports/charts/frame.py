"""What all figures share: what stands around a drawing, the places of its labels, and its way into a page.

figure = finished(sketch, svg)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports import text
from reports.tables import Table
from reports.vega import Drawing
from reports.vega.look import HEIGHT, WIDTH

if TYPE_CHECKING:
    from markupsafe import Markup

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
    drawing: Drawing


@dataclass(frozen=True)
class Figure:
    """One figure: its finding, how to read it, the drawing, the numbers."""

    id: str
    title: str
    caption: str
    svg: Markup
    table: Table


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
