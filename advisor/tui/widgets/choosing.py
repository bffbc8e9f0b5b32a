"""A small window to choose one of several things from, or to type some words; Escape leaves it.

await self.app.push_screen(Choose("Which cases", [("all", "every case", "150")], "all"), callback)   # callback(id)
await self.app.push_screen(AskWords("Search", "words"), callback)                                     # callback(words)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from advisor.tui.plain import plain
from advisor.tui.widgets.grid import fitted
from reports.text import one_line


class Choose(ModalScreen[str | None]):
    """(id, words, a number beside them) of each choice; the result is the id, None where nothing was chosen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss(None)", "Close"),
        Binding("j", "cursor_down", "Down", show=False),
        Binding("k", "cursor_up", "Up", show=False),
    ]

    def __init__(self, title: str, choices: Sequence[tuple[str, str, str]], chosen: str = "") -> None:
        super().__init__()
        self._title, self._choices, self._chosen = title, tuple(choices), chosen

    def compose(self) -> ComposeResult:
        width = min(48, max((cell_len(words) for _, words, _ in self._choices), default=10))
        with Vertical(classes="dialog"):
            yield Static(plain(self._title), classes="heading")
            yield OptionList(
                *(
                    Option(
                        Content(fitted(one_line(words, 200), width))
                        + Content(f"  {beside}").stylize("$foreground-muted")
                    )
                    for _, words, beside in self._choices
                ),
                id="choices",
                markup=False,
            )

    def on_mount(self) -> None:
        choices = self.query_one(OptionList)
        ids = [known for known, _, _ in self._choices]
        choices.highlighted = ids.index(self._chosen) if self._chosen in ids else 0
        choices.focus()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._choices[event.option_index][0])

    def action_cursor_down(self) -> None:
        self.query_one(OptionList).action_cursor_down()

    def action_cursor_up(self) -> None:
        self.query_one(OptionList).action_cursor_up()


class AskWords(ModalScreen[str | None]):
    """One line of words; None where Escape was pressed."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Close")]

    def __init__(self, title: str, why: str, words: str = "") -> None:
        super().__init__()
        self._title, self._why, self._words = title, why, words

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(plain(self._title), classes="heading")
            yield Static(plain(self._why), classes="why")
            yield Input(self._words, id="words", select_on_focus=True)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.dismiss(event.value)
