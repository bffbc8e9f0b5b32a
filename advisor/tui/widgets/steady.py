"""Text that changes often: the layout of the screen is worked out anew only when its height may have changed.

said = Steady(id="state"); said.show(content)

Measured: an update with layout repaints the whole screen, 20 ms at 140x40; one without, its own lines alone.
"""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static


class Steady(Static):
    """Takes content; nothing happens where it is the same as before."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, markup=False)
        self._said: Content | None = None

    def show(self, said: Content) -> None:
        """Other content."""
        if self._said is not None and self._said == said and self._said.spans == said.spans:
            return
        width = self.content_size.width
        before, self._said = self._said, said
        same = before is not None and width > 0 and _lines(before, width) == _lines(said, width)
        self.update(said, layout=not same)


def _lines(said: Content, width: int) -> int:
    return len(said.wrap(width)) if said.plain else 0
