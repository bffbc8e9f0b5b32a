"""Plan: what will run and what it will take, what is skipped and why, and the rule by which it is decided.

What runs is advisor.plan's, time and money advisor.estimates', the list of approaches advisor.choices'; every change is
saved to advisor.yaml at once and the plan prepared again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual import work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import DataTable, Static

from advisor.tui.actions import bindings
from advisor.tui.aside import aside, found
from advisor.tui.frame import StepScreen
from advisor.tui.plain import MUTED, cell, joined, line, plain
from advisor.tui.widgets.sheet import fill
from advisor.user_folders import typed
from reports.errors import AdvisorError
from reports.text import count, listed, money, seconds, size

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rich.text import Text

    from advisor.choices import Choice
    from advisor.estimates import PlanEstimate
    from advisor.plan import Prepared
    from advisor.project import Project
    from reports.run.schema import Expected, Span

MARKS = {"runs": ("●", "success"), "skipped": ("✗", "warning"), "off": ("○", "foreground")}
"""Glyph, and colour of the theme."""
OPTIONS_SHOWN = 8


class PlanScreen(StepScreen):
    """The last look before something is measured."""

    STEP = "plan"
    HELP = (
        "Space takes the marked approach into the run or out of it, o sets its options, m names the model. Times are "
        "estimates for this machine, as ranges. r starts the run; it can be stopped and resumed at any time."
    )
    CSS_PATH = "plan.tcss"
    BINDINGS = bindings("plan")

    def __init__(self) -> None:
        super().__init__()
        self._choices: tuple[Choice, ...] = ()
        self._expected: dict[str, Expected] = {}
        self._first: Project | None = None

    def compose_body(self) -> ComposeResult:
        with Horizontal(id="plan"):
            with Vertical(id="left"):
                yield Static(Content.styled("Reading the project…", MUTED), id="problem", classes="-told")
                yield DataTable(id="approaches", cursor_type="row")
                yield Static(" ", id="total")
            with VerticalScroll(id="right", classes="pane"):
                yield Static(" ", id="detail")
                yield Static(" ", id="rule")

    def on_mount(self) -> None:
        self._first = self.session.project
        self.query_one("#right").border_title = "The marked approach"
        self.query_one("#approaches", DataTable).focus()
        self.prepare()

    def next_step(self) -> str | None:
        """The run under way, or the question whether to start one."""
        if not self.session.running:
            self.action_start()
            return None
        return "run"

    # --- reading ----------------------------------------------------------------------------------------

    @work(exclusive=True, group="prepare")
    async def prepare(self) -> None:
        """The plan, drawn at once, then with what it will take."""
        session = self.session
        if session.project is None:
            return
        try:
            if session.prepared is None:
                session.prepared = await aside(await found("advisor.plan:prepare"), session.project)
            self._choices = await aside(await found("advisor.choices:choices"), session.project, session.prepared)
        except AdvisorError as error:
            session.prepared, self._choices = None, ()
            self._draw()
            self._tell(joined(plain(error, "$error"), "\n", plain(error.hint, MUTED)))
            return
        self._draw()
        prepared = session.prepared
        assert prepared is not None
        self._draw_rule(prepared, await found("reports.verdict.wording:stated_rule"))
        estimate = await aside(await found("advisor.estimates:estimate"), prepared)
        self._expected = {one.approach: one for one in estimate.approaches}
        self._draw()
        self._draw_total(estimate)

    # --- drawing ----------------------------------------------------------------------------------------

    def _tell(self, said: Content) -> None:
        """What is wrong, above the table; nothing takes no room."""
        problem = self.query_one("#problem", Static)
        problem.update(said)
        problem.set_class(bool(said), "-told")

    def _draw(self) -> None:
        self._tell(Content(""))
        head = [cell(name, "bold") for name in ("", "approach", "time", "memory", "at most")]
        fill(self.query_one("#approaches", DataTable), head, [self._row(choice) for choice in self._choices])

    def _row(self, choice: Choice) -> list[Text]:
        mark, style = MARKS[choice.state]
        one = self._expected.get(choice.name)
        shade = "" if choice.state == "runs" else "dim"
        return [
            cell(mark, f"{self.app.theme_variables[style]}" + (" dim" if choice.state == "off" else "")),
            cell(choice.name + (f" +{choice.parts}" if choice.parts else ""), shade or "bold", 24),
            cell(_time(one) if choice.state == "runs" else choice.state, shade),
            cell(size(one.memory_bytes) if one and one.memory_bytes else "", shade),
            cell(money(one.usd[2]) if one and one.usd and one.usd[2] else "", shade),
        ]

    def _draw_total(self, total: PlanEstimate) -> None:
        running = [choice for choice in self._choices if choice.state == "runs"]
        parts = [count(len(running), "approach", "approaches")]
        if total.seconds:
            aside = f", {total.answering.at_once} jobs at a time" if total.answering.at_once > 1 else ""
            parts.append(f"together {_span(total.seconds)}{aside}")
        if total.usd and total.usd[2] > 0:
            parts.append(_money(total.usd))
        unknown = [one.approach for one in total.approaches if one.seconds is None]
        rest = f", without {listed(unknown)}" if unknown and total.seconds else ""
        said = plain(" · ".join(parts) + rest, "bold")
        small = [one.approach for one in total.approaches if one.fits is False]
        if small:
            said = joined(said, "\n", plain(f"! does not fit in memory: {listed(small)}", "$warning"))
        if total.fallback:
            said = joined(said, "\n", plain(f"! {total.fallback}", "$warning"))
        self.query_one("#total", Static).update(joined(said, Content.styled("\nr starts the run", MUTED)))

    def _draw_rule(self, prepared: Prepared, stated_rule: Callable[..., str]) -> None:
        from reports import metrics

        facts = metrics.facts(prepared.spec.metrics[0])
        rule = stated_rule(facts.title, facts.unit, prepared.spec.decision, prepared.spec.traffic)
        command = f"advisor run {typed(prepared.project.folder)}"
        self.query_one("#rule", Static).update(
            joined(
                Content.styled("\nHow it is decided\n", "$accent bold"),
                plain(rule),
                Content.styled("\n\nThe same from the command line\n", "$accent bold"),
                plain(command),
                Content.styled("   y copies it", MUTED),
            )
        )

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        if 0 <= event.cursor_row < len(self._choices):
            choice = self._choices[event.cursor_row]
            self.query_one("#detail", Static).update(_about(choice, self._expected.get(choice.name)))

    def copied(self) -> str | None:
        """The command that does the same."""
        return f"advisor run {typed(self.session.folder)}" if self.session.folder else None

    # --- changing ---------------------------------------------------------------------------------------

    @property
    def _marked(self) -> Choice | None:
        row = self.query_one("#approaches", DataTable).cursor_row
        return self._choices[row] if 0 <= row < len(self._choices) else None

    def on_data_table_row_selected(self) -> None:
        self.change()

    def action_switch(self) -> None:
        self.change()

    @work(exclusive=True, group="change")
    async def change(self) -> None:
        from advisor.choices import toggled

        choice, project = self._marked, self.session.project
        if choice is None or project is None:
            return
        try:
            await self._save({"approaches": toggled(project, choice.name, self._first)})
        except AdvisorError as error:
            self.complain(error)

    @work(exclusive=True, group="change")
    async def action_options(self) -> None:
        from advisor.choices import with_options
        from advisor.tui.dials import Dials
        from baselines.kinds import KINDS

        choice, project = self._marked, self.session.project
        if choice is None or project is None:
            return
        if choice.state == "off" or not KINDS[choice.kind].options:
            said = "Turn it on first: Space." if choice.state == "off" else f"{choice.name} has no options."
            self.notify(said, timeout=3, markup=False)
            return
        said_before = {key: value for key, value in choice.options if key in choice.said}
        changes = await self.app.push_screen_wait(Dials(choice.name, choice.kind, said_before))
        if changes:
            try:
                await self._save({"approaches": with_options(project, choice.name, changes)})
            except AdvisorError as error:
                self.complain(error)

    @work(exclusive=True, group="change")
    async def action_model(self) -> None:
        from advisor.tui.asking import Ask

        project = self.session.project
        if project is None:
            return
        now = project.model if isinstance(project.model, str) else project.model.id if project.model else ""
        said = "demo, a hub id, a local folder, or openai:NAME. The bundled demo proves the machinery, not your answer."
        model = await self.app.push_screen_wait(Ask("The model", said, now, paths=True))
        if model and model != now:
            try:
                await self._save({"model": model})
            except AdvisorError as error:
                self.complain(error)

    async def _save(self, changes: Mapping[str, Any]) -> None:
        from advisor.editing import save

        project = self.session.project
        if project is not None:
            self.session.opened(await aside(save, project.folder, changes))
            self.prepare()

    # --- starting ---------------------------------------------------------------------------------------

    @work(exclusive=True, group="start")
    async def action_start(self) -> None:
        from advisor import launch
        from advisor.tui.dialogs import Confirm

        prepared = self.session.prepared
        if prepared is None:
            self.notify("The plan is not ready: what is wrong stands above.", severity="warning", timeout=4)
            return
        many = count(len(prepared.spec.approaches), "approach", "approaches")
        said = f"{many} on {count(prepared.spec.data.eval_cases, 'case')}."
        if self.session.running:
            said += " The run under way is stopped; it can be resumed."
        if not await self.app.push_screen_wait(Confirm("Start the run?", said, yes="Start", sure=True)):
            return
        try:
            await self.advisor.start_run(await aside(launch.begin, prepared))
        except AdvisorError as error:
            self.complain(error)


def _about(choice: Choice, one: Expected | None) -> Content:
    """One approach in full."""
    state = {"runs": "● will run", "skipped": "✗ skipped", "off": "○ not in the plan"}[choice.state]
    parts = [joined(line(choice.name, "bold"), Content.styled(f"  {choice.family}", MUTED)), Content(state)]
    parts.append(plain(choice.reason))
    if choice.model:
        parts.append(joined(Content.styled("model ", MUTED), line(choice.model)))
    if choice.options:
        shown = [f"{key} {value}" for key, value in choice.options[: max(OPTIONS_SHOWN, len(choice.said))]]
        more = len(choice.options) - len(shown)
        rest = Content.styled(f" … {more} more, o shows them", MUTED) if more > 0 else Content("")
        parts.append(joined(Content.styled("options ", MUTED), plain(", ".join(shown)), rest))
    if choice.parts:
        parts.append(Content(f"with {choice.parts} further trainings: learning curve or repetitions"))
    if one is not None and choice.state == "runs":
        parts.append(joined(Content.styled("will take ", MUTED), plain(_taking(one))))
        parts += [joined(Content.styled("would fit: ", "$warning"), plain(remedy)) for remedy in one.would_fit]
    return Content("\n").join(parts)


def _taking(one: Expected) -> str:
    from reports.expected import expected_words

    return expected_words(one)


def _time(one: Expected | None) -> str:
    if one is None:
        return "…"
    return _span(one.seconds) if one.seconds else "unknown"


def _span(span: Span) -> str:
    low, _, high = span
    if high < 1:
        return "< 1 s"
    if high < 120:
        return f"{max(low, 1):.0f} – {high:.0f} s"
    if low >= 60 and high < 7200:
        return f"{low / 60:.0f} – {high / 60:.0f} min"
    return f"{seconds(low)} – {seconds(high)}" if low >= 60 else f"{low:.0f} s – {high / 60:.0f} min"


def _money(span: Span | None) -> str:
    return f"{money(span[0])} – {money(span[2])}" if span and span[2] > 0 else ""
