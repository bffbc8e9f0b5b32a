"""The rule's dials: limits, margin and traffic, each in a field. Says what somebody wants; computes nothing.

    dials = RuleDials(percent=True); dials.show(rule)
    def on_rule_dials_turned(self, message: RuleDials.Turned): message.dial, message.said

Up and down step along 1, 2, 5, 10 …; what is typed counts after a moment, or at once with Enter.
"""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Input, Static

from advisor.tui.plain import plain
from reports.what_if import DIALS, Dial, Rule, typed

SETTLE_SECONDS = 0.4
LABELS: dict[Dial, tuple[str, str]] = {
    "queries_per_day": ("Answers a day", ""),
    "min_quality": ("Least quality", "%"),
    "margin": ("Margin, too small to matter", "points"),
    "max_p95_seconds": ("Slowest p95", "seconds"),
    "monthly_budget_usd": ("Budget a month", "US dollars"),
    "horizon_months": ("Horizon", "months"),
}


class DialInput(Input):
    """One field. Up and down are its own: they step the value."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "step(True)", "Up", show=False),
        Binding("down", "step(False)", "Down", show=False),
    ]

    def __init__(self, dial: Dial) -> None:
        super().__init__(id=f"dial-{dial}", placeholder="any", compact=True, select_on_focus=True)
        self.dial = dial

    def action_step(self, up: bool) -> None:
        self.post_message(RuleDials.Stepped(self.dial, up))


class RuleDials(VerticalScroll, can_focus=False):
    """All six, one below the other."""

    class Turned(Message):
        """Somebody typed a value."""

        def __init__(self, dial: Dial, said: str) -> None:
            super().__init__()
            self.dial, self.said = dial, said

    class Stepped(Message):
        """Somebody wants the next value up or down."""

        def __init__(self, dial: Dial, up: bool) -> None:
            super().__init__()
            self.dial, self.up = dial, up

    def __init__(self, percent: bool = True, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._percent = percent
        self._shown: dict[Dial, str] = {}
        self._timer: Timer | None = None

    def compose(self) -> ComposeResult:
        yield Static("What if …", classes="heading")
        for dial, (title, unit) in LABELS.items():
            known = unit and (self._percent or unit not in ("%", "points"))
            yield Static(f"{title}, {unit}" if known else title, classes="dial-label", markup=False)
            yield DialInput(dial)
        yield Static("", id="dial-problem", classes="problem", markup=False)
        yield Static("Up and down step, Tab moves on, u undoes. Nothing is run again.", classes="why")

    def show(self, rule: Rule, percent: bool = True) -> None:
        """The rule's values; a field that somebody is typing in is left alone."""
        self._percent = percent
        for dial in DIALS:
            said = typed(dial, rule.value(dial), percent)
            field = self.query_one(f"#dial-{dial}", DialInput)
            if said != self._shown.get(dial) or not field.has_focus:
                self._shown[dial] = said
                with field.prevent(Input.Changed):
                    field.value = said
        self.problem("")

    def problem(self, said: str) -> None:
        """What is wrong with a value; empty: nothing."""
        self.query_one("#dial-problem", Static).update(plain(said))

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        if self._timer is not None:
            self._timer.stop()
        field = event.input
        self._timer = self.set_timer(SETTLE_SECONDS, lambda: self._settle(field))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._settle(event.input)

    def _settle(self, field: Input) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        if isinstance(field, DialInput) and field.value != self._shown.get(field.dial):
            self._shown[field.dial] = field.value
            self.post_message(self.Turned(field.dial, field.value))
