"""A table as text: columns as wide as what they hold, the widest text column gives way first. Takes plain rows.

    grid = Grid(("approach", "accuracy"), left=1)
    grid.fill([Row(("rag", "81 %"), mark="▸")], width=76)

For tables that are read, not edited: a DataTable would cost a cursor and a scrollbar for eight lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from textual.content import Content

from advisor.tui.widgets.steady import Steady
from reports.text import one_line

GAP = 2
LEAST = 8
"""Cells that a text column keeps at least when the window is narrow."""


@dataclass(frozen=True)
class Row:
    """One line of a table. `style`: of the whole line; `styles`: of single cells, by column."""

    cells: tuple[str, ...]
    style: str = ""
    styles: tuple[tuple[int, str], ...] = ()


def laid_out(head: Sequence[str], rows: Sequence[Row], width: int, left: int = 1) -> Content:
    """The table as content of at most `width` cells. The first `left` columns are text, the others numbers.

    Cells are cleaned here: they may be foreign.
    """
    clean = [[one_line(cell, 200) for cell in row.cells] for row in rows]
    widths = _widths(head, clean, width, left)
    lines = [_line(head, widths, left).stylize("$foreground-muted")]
    for row, cells in zip(rows, clean, strict=True):
        line = _line(cells, widths, left)
        for column, style in row.styles:
            start = sum(widths[:column]) + sum(_gap(w) for w in widths[:column])
            line = line.stylize(style, start, start + widths[column])
        lines.append(line.stylize(row.style) if row.style else line)
    return Content("\n").join(lines)


def fitted(said: str, width: int) -> str:
    """The text in exactly so many cells, with an ellipsis where it does not fit."""
    if cell_len(said) <= width:
        return set_cell_size(said, width)
    return set_cell_size(said, max(0, width - 1)) + "…" if width > 1 else said[:width]


def _widths(head: Sequence[str], rows: Sequence[Sequence[str]], width: int, left: int) -> list[int]:
    columns = range(len(head))
    widths = [max([cell_len(head[i]), *(cell_len(row[i]) for row in rows)]) for i in columns]
    excess = sum(widths) + sum(_gap(w) for w in widths[:-1]) - width
    for i in sorted(range(left), key=lambda i: -widths[i]):
        taken = max(0, min(excess, widths[i] - LEAST))
        widths[i] -= taken
        excess -= taken
    return widths


def _line(cells: Sequence[str], widths: Sequence[int], left: int) -> Content:
    said = ""
    for i, (cell, width) in enumerate(zip(cells, widths, strict=True)):
        shown = fitted(cell, width)
        # numbers stand right; `fitted` filled them on the right
        said += shown if i < left else " " * (width - cell_len(shown.rstrip())) + shown.rstrip()
        said += " " * _gap(width)
    return Content(said.rstrip())


def _gap(width: int) -> int:
    """A column of one sign stands close to the next."""
    return 1 if width <= 1 else GAP


class Grid(Steady):
    """The same as a widget that lays itself out again when the window changes."""

    def __init__(self, head: Sequence[str] = (), *, left: int = 1, id: str | None = None) -> None:
        super().__init__(id=id)
        self._head, self._left = tuple(head), left
        self._rows: tuple[Row, ...] = ()

    def fill(self, rows: Sequence[Row], head: Sequence[str] | None = None) -> None:
        """Other rows; nothing happens where they are the same."""
        if head is not None:
            self._head = tuple(head)
        self._rows = tuple(rows)
        self._draw()

    def on_resize(self) -> None:
        self._draw()

    def _draw(self) -> None:
        if self._head and self.size.width:
            self.show(laid_out(self._head, self._rows, self.content_size.width or self.size.width, self._left))
