"""Rows into a DataTable with the widths that they need, whatever stood there before.

    fill(table, [cell("approach", "bold")], [[cell("rag")], [cell("qlora")]])

Textual 8.2.8 measures columns when it is idle: a table that is cleared and filled again before that keeps the widths of
its headings (seen with a busy machine). So they are said here.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.widgets import DataTable


def fill(table: DataTable[Text], head: Sequence[Text], rows: Sequence[Sequence[Text]], widest: int = 80) -> None:
    """Replaces columns and rows; the cursor stays on its row where there still is one."""
    place = table.cursor_row
    table.clear(columns=True)
    for number, title in enumerate(head):
        width = max([title.cell_len, *(row[number].cell_len for row in rows)])
        table.add_column(title, width=max(1, min(width, widest)))
    for row in rows:
        table.add_row(*row)
    if rows:
        table.move_cursor(row=min(place, len(rows) - 1))
