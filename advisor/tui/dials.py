"""A dialog for the options of one approach: a line each, its default, and what it does.

said = await self.app.push_screen_wait(Dials("qlora", "qlora", {"rank": "16"}))     # {"rank": "32"} or None
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Footer, Input, Static

from advisor.choices import read_option
from advisor.tui.plain import MUTED, joined, line, plain
from baselines.kinds import KINDS, Option
from reports.errors import UsageError


class Dials(ModalScreen[dict[str, object] | None]):
    """What was typed, by option, checked; only what differs from before."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f2", "done", "Save", priority=True),
        Binding("escape", "give_up", "Cancel"),
        Binding("down", "app.focus_next", "Next", show=False),
        Binding("up", "app.focus_previous", "Before", show=False),
    ]

    def __init__(self, name: str, kind: str, said: Mapping[str, str]) -> None:
        super().__init__()
        self._name, self._kind, self._said = name, KINDS[kind], dict(said)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(joined("Options of ", line(self._name)), classes="heading")
            yield Static("Empty: the default. Enter saves, Escape cancels.", classes="why said")
            with VerticalScroll():
                for option in self._kind.options:
                    with Horizontal(classes="dial"):
                        yield Input(
                            self._said.get(option.name, ""), placeholder=_default(option), id=option.name, compact=True
                        )
                        yield Static(joined(line(option.name, "bold"), "  ", plain(_doc(option), MUTED)))
            yield Static("", id="problem", classes="problem")
        yield Footer()

    def on_mount(self) -> None:
        self.query(Input).first().focus()

    def on_input_submitted(self) -> None:
        self.action_done()

    def action_done(self) -> None:
        changes: dict[str, object] = {}
        for field in self.query(Input):
            name = field.id or ""
            if field.value.strip() == self._said.get(name, ""):
                continue
            try:
                changes[name] = read_option(self._kind.name, name, field.value)
            except UsageError as error:
                self.query_one("#problem", Static).update(plain(f"{error} {error.hint}"))
                field.focus()
                return
        self.dismiss(changes)

    def action_give_up(self) -> None:
        self.dismiss(None)


def _default(option: Option) -> str:
    return "derived" if option.default is None else str(option.default)


def _doc(option: Option) -> str:
    return f"{option.doc} ({', '.join(option.choices)})" if option.choices else option.doc
