"""A dialog that asks for one line of text, with paths completed where it is a path.

await self.app.push_screen(Ask("Open", "The folder of a project.", "", paths=True), callback)   # callback(str | None)
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.suggester import Suggester
from textual.widgets import Input, Static

from advisor.tui.plain import plain
from advisor.tui.widgets.choices import Choices

LOOKED_AT = 2000
"""Entries of a folder that a completion looks through."""


class PathSuggester(Suggester):
    """The first file or folder that goes on from what is typed; Right takes it."""

    def __init__(self, base: Path | None = None) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._base = base or Path()

    async def get_suggestion(self, value: str) -> str | None:
        if not value:
            return None
        typed = Path(value).expanduser()
        folder = typed if value.endswith(os.sep) else typed.parent
        start = "" if value.endswith(os.sep) else typed.name
        try:
            with os.scandir(self._base / folder) as entries:
                names = [(e.name, e.is_dir()) for _, e in zip(range(LOOKED_AT), entries, strict=False)]
        except (OSError, ValueError):
            return None
        fits = sorted(name for name in names if name[0].startswith(start) and (start or not name[0].startswith(".")))
        if not fits:
            return None
        name, is_folder = fits[0]
        rest = name[len(start) :] + (os.sep if is_folder else "")
        return value + rest if rest.isprintable() else None


class Ask(ModalScreen[str | None]):
    """One question, one line. Enter answers, Escape gives None."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "give_up", "Cancel")]

    def __init__(self, title: str, said: str, value: str, *, paths: bool = False) -> None:
        super().__init__()
        self._title, self._said, self._value, self._paths = title, said, value, paths

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(plain(self._title), classes="heading")
            yield Static(plain(self._said), classes="said why")
            yield Input(self._value, suggester=PathSuggester() if self._paths else None, id="answer")
            said = "Enter confirms, Escape cancels" + (", Right completes a path" if self._paths else "")
            yield Static(said, classes="why")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.dismiss(event.value.strip() or None)

    def action_give_up(self) -> None:
        self.dismiss(None)


class Pick(ModalScreen[str | None]):
    """One of several; Enter takes it, Escape gives None."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "give_up", "Cancel")]

    def __init__(self, title: str, said: str, choices: Sequence[tuple[str, str]], chosen: str | None = None) -> None:
        super().__init__()
        self._title, self._said, self._choices, self._chosen = title, said, choices, chosen

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(plain(self._title), classes="heading")
            yield Static(plain(self._said), classes="said why")
            yield Choices("", self._choices, self._chosen)

    def on_choices_chosen(self, event: Choices.Chosen) -> None:
        event.stop()
        self.dismiss(event.value or self._chosen)

    def action_give_up(self) -> None:
        self.dismiss(None)
