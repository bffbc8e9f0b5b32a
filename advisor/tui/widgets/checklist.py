"""A list of things to mark: a sign and not only a colour says which are. Space or Enter marks.

chosen = Checklist([("html", "Page", True)]); chosen.marked      # ("html",)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from advisor.tui.plain import line


class Checklist(OptionList):
    """(id, words, marked at first) of each thing."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("space", "select", "Mark", show=False)]

    def __init__(self, things: Sequence[tuple[str, str, bool]], *, id: str | None = None) -> None:
        self._things = tuple(things)
        self._marked = {known for known, _, marked in things if marked}
        super().__init__(*(self._option(known, words) for known, words, _ in things), id=id, markup=False)

    @property
    def marked(self) -> tuple[str, ...]:
        """Ids of what is marked, in the order of the list."""
        return tuple(known for known, _, _ in self._things if known in self._marked)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        known, words, _ = self._things[event.option_index]
        self._marked ^= {known}
        self.replace_option_prompt_at_index(event.option_index, self._option(known, words).prompt)

    def _option(self, known: str, words: str) -> Option:
        sign = (
            Content.styled("[✓] ", "$success bold")
            if known in self._marked
            else Content.styled("[ ] ", "$foreground-muted")
        )
        return Option(sign + line(words))
