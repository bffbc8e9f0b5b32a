"""One question of the interview: its text, why it is asked, and a field for each of its answers.

Asked(question, {"task": "qa"}, number=1)      # number: its place, where several questions stand below each other
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Static

from advisor.questions import Field, InterviewQuestion
from advisor.tui.widgets.choices import Choices
from advisor.tui.widgets.number import Number

YES, NO = "yes", "no"


class Asked(Vertical):
    """A question with what was answered so far."""

    DEFAULT_CSS = """
    Asked { height: auto; }
    Asked .why { margin-bottom: 1; }
    Asked .label { height: auto; color: $text-muted; margin-top: 1; }
    Asked Input { width: 24; }
    """

    def __init__(self, question: InterviewQuestion, held: Mapping[str, Any], number: int | None = None) -> None:
        super().__init__()
        self.question = question
        self._held = held
        self._number = number

    def compose(self) -> ComposeResult:
        place = "" if self._number is None else f"{self._number}  "
        yield Static(Content.styled(place + self.question.text, "bold"))
        yield Static(Content(self.question.why), classes="why")
        for field in self.question.fields:
            if len(self.question.fields) > 1 or field.kind == "number":
                yield Static(Content(_label(field)), classes="label")
            yield self._widget(field)

    @property
    def fields(self) -> list[Widget]:
        """Its fields, in order."""
        return list(self.query(".answer"))

    def _widget(self, field: Field) -> Choices | Input:
        held = self._held.get(field.id)
        if field.kind == "number":
            said = "" if held is None else f"{held:g}" if isinstance(held, (int, float)) else str(held)
            return Number(said, placeholder="skipped", id=f"field-{field.id}", classes="answer", compact=True)
        word = {True: YES, False: NO}.get(held, held) if isinstance(held, bool) else held
        shown = [(choice.value, choice.label) for choice in field.choices]
        choices = Choices(field.id, shown, None if word is None else str(word))
        choices.add_class("answer")
        return choices


def _label(field: Field) -> str:
    return f"{field.label} ({field.unit})" if field.unit else field.label
