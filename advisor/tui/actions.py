"""Every action of the app once: key, title, sentence. Feeds the footer, the command palette, `?` and the keys file.

    class DataScreen(StepScreen):
        BINDINGS = bindings("data")           # and a method action_<does> for each

A screen's actions stand here, in its section, and nowhere else. `does` is a Textual action: `pause` calls
`action_pause` of the screen, `app.go('plan')` one of the app. Keys: single letters and F-keys first; never ctrl+enter,
ctrl+h, ctrl+m or ctrl+j, which many terminals cannot tell from others. 1 to 8 jump to a step, unless the screen says
otherwise. A key pressed while a text field has the focus goes to the field: Escape leaves it.
"""

from __future__ import annotations

from dataclasses import dataclass

from textual.binding import Binding, BindingType

EVERYWHERE = ""


@dataclass(frozen=True)
class Action:
    """One thing that a user can do."""

    id: str
    """Its name in the keys file: `run.pause`."""
    keys: str
    """One key, or several with commas."""
    title: str
    """One or two words, for the footer."""
    tooltip: str
    """One sentence, for palette and help."""
    does: str
    screen: str = EVERYWHERE
    footer: bool = True
    priority: bool = False
    """Works also while a text field has the focus: for F-keys and ctrl-keys alone."""


ACTIONS: tuple[Action, ...] = (
    # --- everywhere (methods of the app) ----------------------------------------------------------------
    Action("next", "n", "Next", "Go on to the next step.", "next"),
    Action("back", "escape,b", "Back", "Leave the field, close what is open, or go to the step before.", "back"),
    Action("help", "question_mark,f1", "Help", "What this screen is for, and its keys.", "help"),
    Action("palette", "ctrl+p", "All actions", "Search every action by name.", "command_palette"),
    Action("theme", "f3", "Light/dark", "Change between the light and the dark theme.", "theme", footer=False),
    Action("quit", "q,ctrl+q", "Quit", "Leave; a run under way is stopped and can be resumed.", "quit"),
    Action("copy", "y", "Copy", "Copy what has the focus.", "copy", footer=False),
    Action("go.welcome", "1", "Welcome", "Projects, runs and demos.", "go('welcome')", footer=False),
    Action(
        "go.interview",
        "2",
        "Interview",
        "The task, and what it suggests.",
        "go('interview')",
        footer=False,
    ),
    Action("go.data", "3", "Data", "Files, columns, and what the cases can show.", "go('data')", footer=False),
    Action("go.plan", "4", "Plan", "What will run, and by which rule it is decided.", "go('plan')", footer=False),
    Action("go.run", "5", "Run", "The run under way.", "go('run')", footer=False),
    Action("go.results", "6", "Results", "The verdict and the figures behind it.", "go('results')", footer=False),
    Action("go.answers", "7", "Answers", "Case by case, approaches side by side.", "go('answers')", footer=False),
    Action("go.report", "8", "Report", "Write the report and see what to do next.", "go('report')", footer=False),
    # --- welcome ----------------------------------------------------------------------------------------
    # --- interview --------------------------------------------------------------------------------------
    # --- data -------------------------------------------------------------------------------------------
    # --- plan -------------------------------------------------------------------------------------------
    # --- run --------------------------------------------------------------------------------------------
    # --- results ----------------------------------------------------------------------------------------
    # --- answers, review --------------------------------------------------------------------------------
    # --- report, next -----------------------------------------------------------------------------------
)


def of_screen(screen: str) -> tuple[Action, ...]:
    """The actions of one screen (EVERYWHERE: those of the app), in order."""
    return tuple(action for action in ACTIONS if action.screen == screen)


def bindings(screen: str) -> list[BindingType]:
    """The same as Textual's bindings, for the class variable BINDINGS."""
    return [
        Binding(
            action.keys,
            action.does,
            action.title,
            show=action.footer,
            priority=action.priority,
            tooltip=action.tooltip,
            id=action.id,
        )
        for action in of_screen(screen)
    ]
