"""Interview: one question at a time or all as a form, why it is asked, and what the answers suggest so far.

The questions are data (advisor.questions), the guess is advisor.prior's; answers go to session.interview and with the
step to the project's `interview:`.
"""

from __future__ import annotations

from textual import events, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Input, Static

from advisor.questions import QUESTIONS, InterviewQuestion, read_interview
from advisor.tui.actions import bindings
from advisor.tui.aside import aside, found
from advisor.tui.frame import StepScreen
from advisor.tui.plain import MUTED, plain
from advisor.tui.widgets.asked import YES, Asked
from advisor.tui.widgets.choices import Choices
from advisor.tui.widgets.prior_panel import PriorPanel, in_one_line
from reports.errors import AdvisorError, UsageError


class InterviewScreen(StepScreen):
    """Twelve questions, each of which may be skipped."""

    STEP = "interview"
    HELP = (
        "Answer what you know; skip the rest with s. Enter chooses an answer and goes on, Enter on the chosen one "
        "takes it back. a shows all questions as one form. What the answers suggest is a guess from published results; "
        "the run overrides it."
    )
    CSS_PATH = "interview.tcss"
    BINDINGS = bindings("interview")

    def __init__(self) -> None:
        super().__init__()
        self._place = 0
        self._form = False
        """All questions below each other."""
        self._saved = True

    def compose_body(self) -> ComposeResult:
        with Horizontal(id="interview"):
            with Vertical(id="asking"):
                yield Static(id="place", classes="why")
                yield VerticalScroll(id="question", can_focus=False)
                yield Static(id="problem", classes="problem")
                yield Static(id="so-far")
            yield PriorPanel(id="prior", classes="pane")

    async def on_mount(self) -> None:
        unanswered = [n for n, question in enumerate(QUESTIONS) if not self._answered(question)]
        self._place = unanswered[0] if unanswered else 0
        await self.show()
        self.guess()

    # --- one question, or all of them -------------------------------------------------------------------

    async def show(self) -> None:
        """The present question with its answers; in the form all of them, at the present one."""
        shown = list(enumerate(QUESTIONS, start=1)) if self._form else [(None, QUESTIONS[self._place])]
        self._mark()
        self._complain("")
        page = self.query_one("#question", VerticalScroll)
        async with self.batch():
            await page.remove_children()
            await page.mount_all(Asked(question, self.session.interview, number) for number, question in shown)
            if self._form or any(field.kind == "number" for _, question in shown for field in question.fields):
                words = "Enter goes on, Escape leaves a field, empty means skipped."
                await page.mount(Static(words, classes="label"))
        page.scroll_home(animate=False)
        self._enter(self._place)

    def _enter(self, place: int) -> None:
        """To the first field of a question that is shown."""
        asked = list(self.query(Asked))
        asked[place if self._form else 0].fields[0].focus()

    def _mark(self) -> None:
        """Where one stands, and what was answered."""
        said = Content(f"Question {self._place + 1} of {len(QUESTIONS)}   ")
        for number, question in enumerate(QUESTIONS):
            glyph = "◉" if number == self._place else "●" if self._answered(question) else "○"
            style = "$accent" if number == self._place else "$success" if self._answered(question) else MUTED
            said += Content.styled(glyph + " ", style)
        self.query_one("#place", Static).update(said)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """In the form, the place is where the focus is."""
        for asked in event.widget.ancestors:
            if self._form and isinstance(asked, Asked) and QUESTIONS[self._place] is not asked.question:
                self._place = QUESTIONS.index(asked.question)
                self._mark()

    async def action_form(self) -> None:
        """All questions below each other, or one at a time."""
        self._form = not self._form
        self.set_class(self._form, "-form")
        await self.show()

    def _answered(self, question: InterviewQuestion) -> bool:
        return any(self.session.interview.get(field.id) is not None for field in question.fields)

    # --- answers ----------------------------------------------------------------------------------------

    async def on_choices_chosen(self, event: Choices.Chosen) -> None:
        field = next(f for q in QUESTIONS for f in q.fields if f.id == event.field)
        value: str | bool | None = event.value
        if field.kind == "yes-no" and value is not None:
            value = value == YES
        self._keep(event.field, value)
        if event.value is not None:
            await self._onward()

    async def on_input_submitted(self, event: Input.Submitted) -> None:
        if self._read(event.input):
            await self._onward()

    def on_descendant_blur(self, event: events.DescendantBlur) -> None:
        if isinstance(event.widget, Input):
            self._read(event.widget)

    def _read(self, field: Input) -> bool:
        """Takes a number over; False, and a line that says why, where it is none."""
        name = (field.id or "").removeprefix("field-")
        said = field.value.strip().replace(",", "").replace("_", "")
        if not said:
            self._keep(name, None)
            self._complain("")
            return True
        try:
            read_interview({name: said})
        except UsageError as error:
            self._complain(f"{error}: {error.hint}")
            return False
        self._keep(name, float(said))
        self._complain("")
        return True

    def _complain(self, said: str) -> None:
        self.query_one("#problem", Static).update(plain(said))

    def _keep(self, name: str, value: object) -> None:
        if self.session.interview.get(name) == value:
            return
        if value is None:
            self.session.interview.pop(name, None)
        else:
            self.session.interview[name] = value
        self._saved = False
        self._mark()
        self.guess()

    async def _onward(self) -> None:
        """To the next field shown, or to the next question, or to the next step."""
        answers = list(self.query_one("#question").query(".answer"))
        place = answers.index(self.focused) if self.focused in answers else len(answers) - 1
        if place + 1 < len(answers):
            answers[place + 1].focus()
        elif not self._form and self._place + 1 < len(QUESTIONS):
            await self.action_skip()
        else:
            await self.advisor.action_next()

    async def action_skip(self) -> None:
        await self._turn(self._place + 1)

    async def action_before(self) -> None:
        await self._turn(self._place - 1)

    async def _turn(self, place: int) -> None:
        if not 0 <= place < len(QUESTIONS):
            return
        self._place = place
        if self._form:
            self._mark()
            self._enter(place)
        else:
            await self.show()

    def closed(self) -> bool:
        if not (self.has_class("-showing-prior") and self.has_class("-narrow")):
            return False
        self.action_why()
        return True

    def action_why(self) -> None:
        self.toggle_class("-showing-prior")
        if self.has_class("-showing-prior"):
            self.query_one("#prior").focus()
        else:
            self._enter(self._place)

    # --- the guess, and the file ------------------------------------------------------------------------

    @work(exclusive=True, group="guess")
    async def guess(self) -> None:
        """The prior of the answers so far, computed aside: its table of cases takes a moment the first time."""
        prior = await found("advisor.prior:prior")
        project = self.session.project
        try:
            record = prior(read_interview(self.session.interview), project.task.type if project else None)
        except UsageError as error:  # a word in the project's own interview that is no answer
            self._complain(f"{error}: {error.hint}")
            return
        self.query_one("#prior", PriorPanel).update_record(record, len(QUESTIONS))
        self.query_one("#so-far", Static).update(in_one_line(record))

    async def leaving(self) -> bool:
        """Saves the answers to the project; stays where a field or the file refuses."""
        if isinstance(self.focused, Input) and not self._read(self.focused):
            return False
        project = self.session.project
        if self._saved or project is None:
            return True
        changes = (await found("advisor.editing:interview_changes"))(self.session.interview)
        try:
            saved = await aside(await found("advisor.editing:save"), project.folder, changes)
        except AdvisorError as error:
            self.complain(error)
            return False
        self._saved = True
        self.session.opened(saved)
        return True
