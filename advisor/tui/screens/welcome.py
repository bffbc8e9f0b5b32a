"""Welcome: what is there to go on with, and what to begin."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.widgets import Static

from advisor.tui.actions import bindings
from advisor.tui.frame import StepScreen


class WelcomeScreen(StepScreen):
    """Projects, runs and demos."""

    STEP = "welcome"
    HELP = "Begin a project, open one that you had, go on with an interrupted run, or try a demo."
    BINDINGS = bindings("welcome")

    def compose_body(self) -> ComposeResult:
        yield Static("Approach Advisor", classes="heading")
