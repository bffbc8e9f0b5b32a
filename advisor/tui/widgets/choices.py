"""One of several answers, or none: Up and Down move, Enter chooses, Enter on the chosen one takes it back.

Choices("task", [("qa", "Questions answered"), …], chosen="qa")      # posts Choices.Chosen(name, value or None)
"""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from advisor.tui.plain import MUTED, joined, line


class Choices(OptionList):
    """A list with a mark at the chosen answer."""

    DEFAULT_CSS = """
    Choices { height: auto; max-height: 1fr; border: none; background: transparent; padding: 0; }
    Choices:focus { border: none; }
    """

    class Chosen(Message):
        """An answer was chosen, or taken back (None)."""

        def __init__(self, field: str, value: str | None) -> None:
            super().__init__()
            self.field = field
            self.value = value

    def __init__(self, field: str, choices: Sequence[tuple[str, str]], chosen: str | None = None) -> None:
        self._choices = list(choices)
        self.field = field
        self.chosen = chosen
        super().__init__(*(self._option(value, label) for value, label in self._choices), markup=False)

    def on_mount(self) -> None:
        values = [value for value, _ in self._choices]
        self.highlighted = values.index(self.chosen) if self.chosen in values else 0

    def _option(self, value: str, label: str) -> Option:
        mark = Content.styled("● ", "$success") if value == self.chosen else Content.styled("○ ", MUTED)
        return Option(joined(mark, line(label)))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        value = self._choices[event.option_index][0]
        self.chosen = None if value == self.chosen else value
        for index, (each, label) in enumerate(self._choices):
            self.replace_option_prompt_at_index(index, self._option(each, label).prompt)
        self.post_message(self.Chosen(self.field, self.chosen))
