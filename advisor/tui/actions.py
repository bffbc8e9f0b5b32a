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
    Action("next", "n,ctrl+n", "Next", "Go on to the next step.", "next"),
    Action(
        "back",
        "escape,b",
        "Back",
        "Leave a field, or go to the step before.",
        "back",
        footer=False,
    ),
    Action("help", "question_mark,f1", "Help", "What this screen is for, and its keys.", "help"),
    Action("palette", "ctrl+p", "All actions", "Search every action by name.", "command_palette", footer=False),
    Action("theme", "f3", "Light/dark", "Change between the light and the dark theme.", "theme", footer=False),
    Action("quit", "q,ctrl+q,ctrl+c", "Quit", "Leave; a run under way is stopped and can be resumed.", "quit"),
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
    Action("welcome.new", "p", "New project", "Begin a project from your own files.", "new", "welcome"),
    Action("welcome.open", "o", "Open", "Open a project or a stored run by its path.", "open", "welcome"),
    # --- interview --------------------------------------------------------------------------------------
    Action("interview.skip", "s,right", "Skip", "Go on to the next question without an answer.", "skip", "interview"),
    Action("interview.before", "left", "Before", "Go back to the question before.", "before", "interview"),
    Action("interview.form", "a", "All", "Show all questions as one form, or one at a time.", "form", "interview"),
    Action("interview.why", "v", "Why", "Show what the answers suggest, with the reasons.", "why", "interview"),
    # --- data -------------------------------------------------------------------------------------------
    Action("data.choose", "e", "File", "Choose the file of the marked row, by browsing or typing.", "choose", "data"),
    Action("data.columns", "c", "Columns", "Say what each column is used for.", "columns", "data"),
    Action("data.task", "t", "Task", "Say what kind of task it is.", "task", "data"),
    Action("data.findings", "f", "Findings", "Show what was found, and rows to look at.", "findings", "data"),
    # --- plan -------------------------------------------------------------------------------------------
    Action("plan.toggle", "space", "On/off", "Take the marked approach into the run, or out of it.", "switch", "plan"),
    Action("plan.options", "o", "Options", "Set the dials of the marked approach.", "options", "plan"),
    Action("plan.model", "m", "Model", "Name the model of every approach that names none.", "model", "plan"),
    Action("plan.start", "r", "Start", "Start the run.", "start", "plan"),
    # --- run --------------------------------------------------------------------------------------------
    Action("run.pause", "p", "Pause", "Stop the worker; all that is there stays.", "pause", "run"),
    Action("run.resume", "r", "Resume", "Go on from what is stored.", "resume", "run"),
    Action("run.cancel", "x", "Cancel", "Give the run up for now; it can be resumed later.", "cancel", "run"),
    Action("run.log", "l", "Log", "Change between training and log.", "log", "run"),
    # --- results ----------------------------------------------------------------------------------------
    Action("results.later", "right", "Next view", "Show the next view.", "view(1)", "results"),
    Action("results.earlier", "left", "View before", "Show the view before.", "view(-1)", "results", False),
    Action("results.more", "plus", "Volume up", "Try out more answers a day.", "volume(True)", "results"),
    Action("results.less", "minus", "Down", "Try out fewer answers a day.", "volume(False)", "results"),
    Action("results.what_if", "w", "What if", "Try out other limits, margin and volume.", "what_if", "results"),
    Action("results.undo", "u", "Undo", "Return to the rule of the run.", "undo", "results"),
    # --- answers, review --------------------------------------------------------------------------------
    Action("answers.next", "right,j,space", "Next case", "The next case of the filter.", "case(1)", "answers"),
    Action("answers.before", "left,k", "Before", "The case before.", "case(-1)", "answers"),
    Action("answers.first", "home", "First", "The first case of the filter.", "case(-1000000000)", "answers", False),
    Action("answers.last", "end", "Last", "The last case of the filter.", "case(1000000000)", "answers", False),
    Action(
        "answers.filter", "f", "Filter", "Disagreements, failures, one approach alone, a label.", "filter", "answers"
    ),
    Action(
        "answers.search", "slash", "Search", "Look for words in questions, references and answers.", "search", "answers"
    ),
    Action("answers.passages", "p", "Passages", "Show or hide what retrieval found.", "passages", "answers"),
    Action("answers.review", "v", "Blind review", "Judge answers without knowing whose they are.", "review", "answers"),
    Action("review.left", "left,h", "Left", "The left answer is better.", "pick('left')", "review"),
    Action("review.right", "right,l", "Right", "The right answer is better.", "pick('right')", "review"),
    Action("review.tie", "t,space", "Tie", "Both are as good.", "pick('tie')", "review"),
    Action("review.skip", "s", "Skip", "I cannot tell.", "pick('skip')", "review"),
    Action("review.undo", "u", "Undo", "Judge the case before again.", "undo", "review"),
    Action("review.reference", "r", "Reference", "Show or hide the reference.", "reference", "review"),
    Action("review.pair", "c", "Pair", "Choose which two approaches are judged.", "pair", "review"),
    Action("review.end", "e", "Result", "Show the win rate so far, or go on judging.", "end", "review"),
    # --- report, next -----------------------------------------------------------------------------------
    Action("report.write", "w", "Write", "Write the chosen formats.", "write", "report"),
    Action("report.open", "o", "Open", "Open the page in the browser.", "open", "report"),
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
