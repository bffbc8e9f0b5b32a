"""Paired differences as a forest plot in text: one line an approach, its interval, the band that does not matter.

Whiskers().show(difference_whiskers(summary))
"""

from __future__ import annotations

from rich.cells import cell_len
from textual.content import Content
from textual.widgets import Static

from advisor.tui.widgets.grid import fitted
from reports.charts.plain import Whisker, WhiskerFigure
from reports.text import number

SIGNS = {"better": ("▲", "$success"), "worse": ("▼", "$error"), "equivalent": ("◆", "$primary"), "not shown": ("○", "")}
LONGEST_NAME = 22


class Whiskers(Static):
    """Takes a WhiskerFigure; None says that there is nothing to compare."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, markup=False)
        self._figure: WhiskerFigure | None = None

    def show(self, figure: WhiskerFigure | None) -> None:
        """Another figure."""
        self._figure = figure
        self._draw()

    def on_resize(self) -> None:
        self._draw()

    def _draw(self) -> None:
        if self._figure is None:
            self.update(Content("There are not two approaches with scores to compare."))
        elif self.size.width:
            self.update(drawn(self._figure, self.content_size.width or self.size.width))


def drawn(figure: WhiskerFigure, width: int) -> Content:
    """The plot in `width` cells: names, axis, sign and difference in words."""
    names = min(LONGEST_NAME, max(cell_len(row.name) for row in figure.rows))
    said = max(cell_len(f"{row.said}, {row.words}") for row in figure.rows)
    room = width - names - 2 - 2
    axis = room - said if room - said >= 24 else room
    worded = axis < room
    low = min(-figure.margin, 0.0, *(row.low for row in figure.rows))
    high = max(figure.margin, 0.0, *(row.high for row in figure.rows))
    scale = _Scale(low, high, max(10, axis))
    lines = [Content(fitted(row.name, names) + "  ") + _bar(row, figure.margin, scale, worded) for row in figure.rows]
    foot = Content(" " * (names + 2) + scale.labelled()).stylize("$foreground-muted")
    band = f"; ░ differences up to {number(figure.margin, 1)} do not matter" if figure.margin else ""
    said_below = Content(f"{figure.x_title}; 95 % intervals{band}").stylize("$foreground-muted")
    return Content("\n").join([*lines, foot, said_below])


class _Scale:
    """From a difference to a column."""

    def __init__(self, low: float, high: float, width: int) -> None:
        pad = (high - low or 1.0) * 0.03
        self.low, self.high, self.width = low - pad, high + pad, width

    def column(self, value: float) -> int:
        share = (value - self.low) / (self.high - self.low)
        return max(0, min(self.width - 1, round(share * (self.width - 1))))

    def labelled(self) -> str:
        """The ends and zero under the axis."""
        line = [" "] * self.width
        for value in (0.0, self.low, self.high):
            label = number(value, 0, signed=True)
            start = max(0, min(self.width - len(label), self.column(value) - len(label) // 2))
            if all(c == " " for c in line[max(0, start - 1) : start + len(label) + 1]):
                line[start : start + len(label)] = label
        return "".join(line).rstrip()


def _bar(row: Whisker, margin: float, scale: _Scale, worded: bool) -> Content:
    sign, style = SIGNS.get(row.words, ("○", ""))
    cells = [" "] * scale.width
    if margin:
        for i in range(scale.column(-margin), scale.column(margin) + 1):
            cells[i] = "░"
    cells[scale.column(0.0)] = "│"
    first, last = scale.column(row.low), scale.column(row.high)
    for i in range(first, last + 1):
        cells[i] = "─"
    cells[first], cells[last] = "├", "┤"
    place = scale.column(row.value)
    cells[place] = sign
    line = Content("".join(cells)).stylize("$foreground-muted").stylize("$foreground", first, last + 1)
    line = line.stylize(f"bold {style}".strip(), place, place + 1)
    return line + Content(f"  {row.said}, {row.words}").stylize(style) if worded else line
