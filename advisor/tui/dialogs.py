"""Small windows above a screen: a question with two answers, and the help of a screen.

await self.app.push_screen(Confirm("Cancel the run?", "What is stored stays."), callback)      # callback(bool)
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from advisor.tui.actions import EVERYWHERE, Action, of_screen
from advisor.tui.frame import StepScreen
from advisor.tui.plain import plain, words
from advisor.user_folders import typed


def stop_words(folder: Path) -> str:
    """What stopping a run means, and how to go on."""
    return (
        "The worker is ended; every answer that is there stays stored. To go on, start the app again, or type:\n"
        f"advisor resume {words(typed(folder))}"
    )


class Confirm(ModalScreen[bool]):
    """Yes or no; Escape is no."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "Yes"),
        Binding("n,escape", "answer(False)", "No"),
        Binding("left,right", "other", "Other", show=False),
    ]

    def __init__(self, question: str, said: str, *, yes: str = "Yes", no: str = "No", sure: bool = False) -> None:
        """`sure`: the first button has the focus, so that Enter says yes."""
        super().__init__()
        self._question, self._said, self._yes, self._no = question, said, yes, no
        self._first = "#yes" if sure else "#no"

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(plain(self._question), classes="heading")
            yield Static(plain(self._said), classes="said")
            with Horizontal(classes="buttons"):
                yield Button(Content(f"{self._yes} (y)"), id="yes", variant="primary")
                yield Button(Content(f"{self._no} (n)"), id="no")

    def on_mount(self) -> None:
        self.query_one(self._first).focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")

    def action_answer(self, sure: bool) -> None:
        self.dismiss(sure)

    def action_other(self) -> None:
        self.focus_next()


class Help(ModalScreen[None]):
    """What the screen is for, and its keys."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,question_mark,f1,q", "dismiss", "Close")]

    def __init__(self, screen: StepScreen) -> None:
        super().__init__()
        self._for = screen

    def compose(self) -> ComposeResult:
        own, everywhere = of_screen(self._for.STEP), of_screen(EVERYWHERE)
        with VerticalScroll(classes="dialog"):
            yield Static(Content(self._for.HELP), classes="said")
            if own:
                yield Static("On this screen", classes="heading")
                yield Static(self._keys(own), classes="said")
            yield Static("Everywhere", classes="heading")
            yield Static(self._keys(everywhere), classes="said")
            yield Static("Tab and Shift+Tab move, Enter chooses, Escape closes.", classes="why")

    def _keys(self, actions: tuple[Action, ...]) -> Content:
        rows = []
        for action in actions:
            keys = " or ".join(self.app.get_key_display(b) for b in self._bindings_of(action))
            rows.append(Content.styled(f"{keys:<14}", "$accent") + Content(f" {action.tooltip}"))
        return Content("\n").join(rows)

    def _bindings_of(self, action: Action) -> list[Binding]:
        """With the user's own keys where he has set some."""
        keys = self.app._keymap.get(action.id, action.keys) if hasattr(self.app, "_keymap") else action.keys
        return [Binding(key.strip(), action.does) for key in keys.split(",")]
