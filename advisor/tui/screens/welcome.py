"""Welcome: what is there to go on with, and what to begin. Finds projects through advisor.recent, off the loop."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from textual import work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from advisor import demo
from advisor.tui.actions import bindings
from advisor.tui.aside import aside, found
from advisor.tui.frame import StepScreen
from advisor.tui.plain import MUTED, joined, line, plain
from reports.errors import AdvisorError

if TYPE_CHECKING:
    from advisor.recent import ProjectEntry
    from reports.run.listing import RunEntry

QUESTION = "Is fine-tuning worth it here, or do prompting or RAG do?"
PROMISE = "Answered by measuring every approach on your own cases, on this machine."
AFTER_PAINT = 0.05
"""Seconds: reading runs imports pydantic, which the first paint does not wait for."""
RUNS_SHOWN = 3
DEMOS_IN = Path("advisor-demo")


class WelcomeScreen(StepScreen):
    """Projects, runs and demos."""

    STEP = "welcome"
    HELP = (
        "Begin a project from your own data, open one that you had, go on with a run that was interrupted, or try a "
        "demo with the bundled model. Up and Down move, Enter opens."
    )
    CSS_PATH = "welcome.tcss"
    BINDINGS = bindings("welcome")

    def __init__(self) -> None:
        super().__init__()
        self._details: dict[str, Content] = {}
        self._places: dict[str, Path] = {}

    def compose_body(self) -> ComposeResult:
        with Vertical(id="welcome"):
            yield Static(QUESTION, id="question")
            yield Static(PROMISE, classes="why", id="promise")
            with Horizontal(id="columns"):
                yield OptionList(*self._beginnings(), id="choices", markup=False)
                with VerticalScroll(id="detail-box", can_focus=False):
                    yield Static(id="detail")
            yield Static(" ", id="machine", classes="why")

    def on_mount(self) -> None:
        choices = self.query_one("#choices", OptionList)
        choices.highlighted = 1
        choices.focus()
        self.set_timer(AFTER_PAINT, self.find)
        self.set_timer(AFTER_PAINT, self.look_at_machine)

    def next_step(self) -> str | None:
        return "interview" if self.session.folder else None

    # --- what there is ----------------------------------------------------------------------------------

    def _beginnings(self) -> list[Option | None]:
        """What can always be begun: shown at once, before anything was read."""
        options: list[Option | None] = [_heading("Begin")]
        options.append(self._option("new", "New project", "Name a folder, answer a few questions, pick your files."))
        options.append(self._option("open", "Open a folder", "A project or a stored run, by its path."))
        options += [Option(" ", disabled=True), _heading("Try a demo")]
        for name in demo.PROJECTS:
            said = f"{demo.SHOWS[name]} Runs with the bundled model, in minutes, on a processor. Copied to {DEMOS_IN}/."
            options.append(self._option(f"demo:{name}", name.capitalize(), said))
        return options

    def _option(self, id: str, title: str, detail: str) -> Option:
        self._details[id] = plain(detail)
        return Option(Content(f"  {title}"), id=id)

    @work(exclusive=True, group="find")
    async def find(self) -> None:
        """Remembered projects and their runs, above what can be begun."""
        entries = await aside(await found("advisor.recent:overview"), Path.cwd())
        if not entries:
            return
        options: list[Option | None] = [_heading("Go on")]
        for number, entry in enumerate(entries):
            options += self._rows(number, entry)
        options.append(None)
        choices = self.query_one("#choices", OptionList)
        choices.clear_options()
        choices.add_options([*options, *self._beginnings()])
        choices.highlighted = 1

    def _rows(self, number: int, entry: ProjectEntry) -> list[Option]:
        """A project and its last runs."""
        id = f"project:{number}"
        self._places[id] = entry.folder
        self._details[id] = joined(
            line(entry.name, "bold"), "\n", plain(entry.folder, MUTED), f"\n\n{entry.words}\n\nEnter opens it."
        )
        rows = [Option(joined("  ", line(entry.name, limit=40), Content.styled(f"  {entry.words}", MUTED)), id=id)]
        for place, run in enumerate(entry.runs[:RUNS_SHOWN]):
            row = f"run:{number}:{place}"
            self._places[row] = run.folder
            self._details[row] = _about(run)
            glyph, said = _state(run)
            rows.append(Option(joined(f"    {glyph} ", said, Content.styled(f"  {_when(run)}", MUTED)), id=row))
        return rows

    @work(exclusive=True, group="machine")
    async def look_at_machine(self) -> None:
        machine = await aside(await found("advisor.hardware:describe"))
        for shown in self.query("#machine").results(Static):  # none where the screen was left meanwhile
            shown.update(plain(f"This machine: {machine.words()}."))

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        self.query_one("#detail", Static).update(self._details.get(event.option_id or "", Content("")))

    # --- what is chosen ---------------------------------------------------------------------------------

    async def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        kind, _, rest = (event.option_id or "").partition(":")
        place = self._places.get(event.option_id or "")
        if kind == "new":
            await self.action_new()
        elif kind == "open":
            await self.action_open()
        elif kind == "demo":
            self.open_demo(rest)
        elif kind == "project" and place:
            self.open_project(place)
        elif kind == "run" and place:
            self.open_run(place)

    async def action_new(self) -> None:
        from advisor.tui.asking import Ask

        await self.app.push_screen(
            Ask(
                "A new project",
                "The folder that advisor.yaml is written to; it is made where it is missing.",
                "my-task",
            ),
            self._begin,
        )

    async def action_open(self) -> None:
        from advisor.tui.asking import Ask

        await self.app.push_screen(
            Ask("Open", "The folder of a project, or of a stored run.", "", paths=True), self._open
        )

    async def _begin(self, said: str | None) -> None:
        if not said:
            return
        folder = Path(said).expanduser()
        if (folder / "advisor.yaml").exists():
            self.open_project(folder)
            return
        self.session.begun(folder)
        await self.advisor.go("interview")

    def _open(self, said: str | None) -> None:
        if said:
            place = Path(said).expanduser()
            if (place / "run.json").is_file():
                self.open_run(place)
            else:
                self.open_project(place)

    @work(exclusive=True, group="open")
    async def open_demo(self, name: str) -> None:
        folder = DEMOS_IN / name
        try:
            if not (folder / "advisor.yaml").is_file():
                await aside(demo.copy_project, name, DEMOS_IN)
        except OSError as error:
            self.complain(AdvisorError(f"{folder} cannot be written: {error}", "start the app where you may write"))
            return
        self.open_project(folder)

    @work(exclusive=True, group="open-project")
    async def open_project(self, place: Path) -> None:
        if await self._opened(place):
            await self.advisor.go("interview")

    async def _opened(self, place: Path) -> bool:
        try:
            loaded = await aside(await found("advisor.project:load"), place)
        except AdvisorError as error:
            self.complain(error)
            return False
        self.session.opened(loaded)
        await aside(await found("advisor.recent:remember"), loaded.folder)
        return True

    @work(exclusive=True, group="open-run")
    async def open_run(self, folder: Path) -> None:
        """A finished run is shown; an interrupted one goes on."""
        try:
            store = await aside((await found("reports.run.store:RunStore")).open, folder)
            feed = self.session.feed
            if self.session.running and feed is not None and feed.folder.resolve() == folder.resolve():
                await self.advisor.go("run")
                return
            unfinished = store.finished is None
            opened = await self._opened(Path(store.header.spec.project_folder))
            if unfinished and opened:
                await self.advisor.start_run(await aside(await found("advisor.launch:reopen"), folder))
            elif not unfinished:
                self.session.show_run(folder)
                await self.advisor.go("results")
        except AdvisorError as error:
            self.complain(error)


def _heading(title: str) -> Option:
    return Option(Content.styled(title, "$accent bold"), disabled=True)


def _state(run: RunEntry) -> tuple[str, Content]:
    """A glyph and a word."""
    if run.state == "unreadable":
        return "✗", Content.styled("unreadable", "$error")
    if run.state == "running":
        return "▸", Content.styled("running now", "$accent")
    if run.state == "unfinished":
        return "▸", Content.styled("interrupted: Enter resumes", "$warning")
    failed = run.finished.failed if run.finished else ()
    return (
        ("!", Content.styled(f"finished, {len(failed)} failed", "$warning")) if failed else ("✓", Content("finished"))
    )


def _when(run: RunEntry) -> str:
    from advisor.recent import ago

    return ago(run.header.started) if run.header else ""


def _about(run: RunEntry) -> Content:
    if run.header is None:
        return plain(run.problem, "$error")
    spec = run.header.spec
    names = ", ".join(approach.name for approach in spec.approaches)
    glyph, said = _state(run)
    return joined(
        line(f"{spec.name}, run {run.header.run}", "bold"),
        "\n",
        plain(run.folder, MUTED),
        f"\n\n{glyph} ",
        said,
        f"\n{spec.data.eval_cases} cases, decided by ",
        plain(spec.metrics[0]),
        "\n",
        plain(names, MUTED),
    )
