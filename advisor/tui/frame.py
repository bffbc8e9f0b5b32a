"""The base of every screen: where one stands, above; what one may press, below; help and the too-small notice.

    class ResultsScreen(StepScreen):
        STEP = "results"                                # a key of SCREENS; marks the step above
        HELP = "What it is for, in two or three sentences."
        CSS_PATH = "results.tcss"                       # beside the module
        BINDINGS = bindings("results")                  # actions.py holds them

        def compose_body(self) -> ComposeResult: ...    # between header and footer
        def on_run_progressed(self, message: RunProgressed) -> None: ...   # only where a screen follows the run
        async def leaving(self) -> bool: ...            # saves before another step is shown; False stays
        def closed(self) -> bool: ...                   # Escape: closes what is open here; True where it did
        def next_step(self) -> str | None: ...          # what `n` leads to; default: the step that follows
        def copied(self) -> str | None: ...             # what `y` copies; default: the focused widget's text

`self.session` is advisor.tui.session.Session; `self.app.go(name)` changes the screen and builds it anew;
`self.complain(error)` tells an AdvisorError with its hint. Screens get the classes -narrow (below 100 columns: one
column) or -wide, and -short (below 30 lines) or -tall, for their .tcss; below 60x18 a notice covers all.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Footer, Static

from advisor.tui.plain import words
from reports.errors import AdvisorError

if TYPE_CHECKING:
    from advisor.tui.app import AdvisorApp
    from advisor.tui.feed import Feed
    from advisor.tui.session import Session
    from reports.run.events import Event

STEPS: tuple[tuple[str, str], ...] = (
    ("welcome", "Welcome"),
    ("interview", "Interview"),
    ("data", "Data"),
    ("plan", "Plan"),
    ("run", "Run"),
    ("results", "Results"),
    ("answers", "Answers"),
    ("report", "Report"),
)
"""The steps above the screen, in order; the keys 1 to 8."""
SCREENS: dict[str, str] = {
    "welcome": "advisor.tui.screens.welcome:WelcomeScreen",
    "interview": "advisor.tui.screens.interview:InterviewScreen",
    "data": "advisor.tui.screens.data:DataScreen",
    "plan": "advisor.tui.screens.plan:PlanScreen",
    "run": "advisor.tui.screens.run:RunScreen",
    "results": "advisor.tui.screens.results:ResultsScreen",
    "answers": "advisor.tui.screens.answers:AnswersScreen",
    "review": "advisor.tui.screens.review:ReviewScreen",
    "report": "advisor.tui.screens.report:ReportScreen",
    "next": "advisor.tui.screens.next_steps:NextStepsScreen",
}
"""Name to `module:class`, imported when it is first shown."""
PART_OF = {"review": "answers", "next": "report"}
"""Screens without a step of their own, and the step that they belong to."""


class RunProgressed(Message, bubble=False):
    """Events that came since the last one of these: at most ten a second, to every open screen."""

    def __init__(self, events: tuple[Event, ...], feed: Feed) -> None:
        super().__init__()
        self.events = events
        self.feed = feed


class StepScreen(Screen[None]):
    """One step of the way. Built anew at each visit."""

    STEP: ClassVar[str] = ""
    HELP: ClassVar[str] = ""
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny-width"), (60, "-narrow"), (100, "-wide")]
    VERTICAL_BREAKPOINTS = [(0, "-tiny-height"), (18, "-short"), (30, "-tall")]

    def compose(self) -> ComposeResult:
        yield Steps(PART_OF.get(self.STEP, self.STEP), id="steps")
        with Container(id="body"):
            yield from self.compose_body()
        yield Static("This window is too small: 60 columns and 18 lines are needed.", id="too-small")
        yield Footer()

    def compose_body(self) -> ComposeResult:
        """The screen's own widgets."""
        yield from ()

    @property
    def session(self) -> Session:
        return self.advisor.session

    @property
    def advisor(self) -> AdvisorApp:
        """The app, by its own type."""
        return cast("AdvisorApp", self.app)

    def next_step(self) -> str | None:
        """The screen that `n` leads to; None at the end."""
        names = [name for name, _ in STEPS]
        place = names.index(PART_OF.get(self.STEP, self.STEP))
        return names[place + 1] if place + 1 < len(names) else None

    def closed(self) -> bool:
        """Called by Escape before it leaves the step: closes what is open on the screen; True where something was."""
        return False

    async def leaving(self) -> bool:
        """Called before another step is shown: saves what must be saved; False stays here (and has said why)."""
        return True

    def copied(self) -> str | None:
        """What `y` copies: the text of the focused widget, where it has one."""
        focused = self.focused
        for name in ("copied", "text", "value"):
            found = getattr(focused, name, None)
            if callable(found):
                found = found()
            if isinstance(found, str) and found:
                return found
        return None

    def complain(self, error: AdvisorError) -> None:
        """Tells what went wrong and what to do, beside the screen's content."""
        said = words(str(error) + (f"\n{error.hint}" if error.hint else ""), 600)
        self.notify(said, severity="error", timeout=12, markup=False)


class Steps(Static):
    """The way from question to report, and where one stands on it."""

    def __init__(self, here: str, *, id: str | None = None) -> None:
        super().__init__(id=id, markup=False)
        self.here = here

    def on_mount(self) -> None:
        self.draw()

    def on_resize(self) -> None:
        self.draw()

    def draw(self) -> None:
        """One line: all steps where they fit, else the number and name of this one among numbers."""
        screen = cast(StepScreen, self.screen)
        session = screen.session
        wide = self.size.width >= 79
        parts: list[Content] = []
        for number, (name, title) in enumerate(STEPS, start=1):
            here = name == self.here
            style = "$text bold on $primary-muted" if here else "$foreground 40%" if session.lacks(name) else "$text"
            mark = "●" if name == "run" and session.running else " "
            said = f" {number} {title}{mark}" if wide or here else f" {number}{mark}"
            parts.append(Content.styled(said, style))
        self.update(Content("").join(parts))


def load_screen(name: str) -> StepScreen:
    """A fresh screen by its name; its module is imported at the first visit."""
    module, _, kind = SCREENS[name].partition(":")
    made: StepScreen = getattr(import_module(module), kind)()
    return made
