"""Next steps: what to do for this verdict, in steps, with the commands. `advisor.next_steps` says which."""

from __future__ import annotations

from textual import work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from advisor.next_steps import Step, next_steps
from advisor.tui.actions import bindings
from advisor.tui.frame import StepScreen
from advisor.tui.plain import plain, words
from advisor.tui.stored import numbers
from advisor.tui.widgets.page import Page


class StepCard(Static, can_focus=True):
    """One step; y copies its commands."""

    def __init__(self, number: int, step: Step) -> None:
        said = Content.styled(f"{number}  ", "$accent bold") + plain(step.title, "bold") + Content("\n")
        said += plain(step.text, "$foreground-muted")
        for command in step.commands:
            said += Content("\n") + Content.styled("$ ", "$foreground-muted") + plain(command, "$success")
        super().__init__(said, classes="step")
        self._step = step

    def copied(self) -> str:
        return words("\n".join(self._step.commands) or self._step.text)


class NextStepsScreen(StepScreen):
    """What follows from the verdict."""

    STEP = "next"
    HELP = "What to do now, in order. Tab moves from step to step; y copies the commands of the one in the frame."
    CSS_PATH = "next_steps.tcss"
    BINDINGS = bindings("next")

    def compose_body(self) -> ComposeResult:
        yield Static("Reading the run …", id="headline", markup=False)
        yield Static("", id="trouble", classes="problem", markup=False)
        with Page(id="steps-page"):
            yield Vertical(id="step-list")

    def on_mount(self) -> None:
        self.query_one("#trouble").display = False
        self._fill()

    def next_step(self) -> str | None:
        return None

    @work
    async def _fill(self) -> None:
        asked = await numbers(self)
        if asked is None or self.session.run is None or not self.is_attached:
            return
        verdict = asked.stored.verdict
        self.query_one("#headline", Static).update(plain(verdict.headline or verdict.kind, "bold", 600))
        steps = next_steps(asked.stored, self.session.run)
        cards = [StepCard(number, step) for number, step in enumerate(steps, start=1)]
        await self.query_one("#step-list").mount_all(cards)
        if cards:
            cards[0].focus()
