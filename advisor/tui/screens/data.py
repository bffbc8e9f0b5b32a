"""Data: which files, what stands in them, what was found, and what the cases can show.

Reading, guessing and checking are done by advisor.data_view, advisor.plan and the audit, off the loop; changes go to
the project file at once, or for a new project when the step is left.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual import work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import DataTable, OptionList, Static
from textual.widgets.option_list import Option

from advisor.data_view import ROLES, USES, FileView, Role, look, said, with_use
from advisor.findings import Noticed, noticed
from advisor.tui.actions import bindings
from advisor.tui.aside import aside, found
from advisor.tui.frame import StepScreen
from advisor.tui.plain import MUTED, cell, joined, line, plain
from advisor.tui.widgets.sheet import fill
from baselines.source import Source
from reports.errors import AdvisorError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from advisor.project import Project


TASKS = (
    ("classification", "Classification: one of a set of labels"),
    ("extraction", "Extraction: fields taken out of a text"),
    ("qa", "Questions answered"),
    ("summarization", "Summaries"),
    ("generation", "Other texts"),
)
GLYPHS = {"serious": ("✗", "$error"), "warning": ("!", "$warning"), "note": ("·", MUTED)}


class DataScreen(StepScreen):
    """Files, columns, findings."""

    STEP = "data"
    HELP = (
        "Choose the files with e or Enter: an eval set is all that is needed. c says what each column is, t what kind "
        "of task it is, f shows what was found; Enter on a finding shows the rows. Changes are saved to advisor.yaml."
    )
    CSS_PATH = "data.tcss"
    BINDINGS = bindings("data")

    def __init__(self) -> None:
        super().__init__()
        self._views: dict[Role, FileView] = {}
        self._found: tuple[Noticed, ...] = ()

    def compose_body(self) -> ComposeResult:
        with Horizontal(id="data"):
            with Vertical(id="left"):
                yield OptionList(id="files", markup=False)
                yield Static(" ", id="about")
                yield DataTable(id="preview", cursor_type="row", zebra_stripes=True)
            with Vertical(id="right", classes="pane"):
                yield Static(" ", id="shows")
                yield OptionList(id="findings", markup=False)
        yield Static(" ", id="in-short")

    def on_mount(self) -> None:
        self.query_one("#right").border_title = "What the data show"
        self._draw_files()
        files = self.query_one("#files", OptionList)
        files.highlighted = 0
        files.focus()
        self.read()

    # --- reading ----------------------------------------------------------------------------------------

    @property
    def _base(self) -> Path:
        return self.session.project.folder if self.session.project else Path.cwd()

    @work(exclusive=True, group="read")
    async def read(self) -> None:
        """Every file looked at again, then the plan's own check of all together."""
        session = self.session
        sources = dict(session.sources)
        self.query_one("#shows", Static).update(Content.styled("Reading…", MUTED) if sources else _first_step())
        for role, source in sources.items():
            self._views[role] = await aside(look, role, source, self._base, session.task)
            self._draw_files()
        self._views = {role: view for role, view in self._views.items() if role in sources}
        self._draw_files()
        self._draw_preview()
        await self._check()

    async def _check(self) -> None:
        session = self.session
        problem: AdvisorError | None = None
        if session.project is not None:
            try:
                session.prepared = await aside(await found("advisor.plan:prepare"), session.project)
            except AdvisorError as error:
                session.prepared, problem = None, error
        elif "eval" not in session.sources:
            return
        views = tuple(self._views.values())
        self._found = noticed(session.prepared, views, problem)
        self._draw_findings()
        if session.project is not None:
            await self._audit(session.project, views, problem)

    async def _audit(self, project: Project, views: tuple[FileView, ...], problem: AdvisorError | None) -> None:
        """The slower look: near duplicates, leaks, conflicts, noise."""
        pane = self.query_one("#right")
        pane.border_subtitle = "looking closer…"
        try:
            audit = await aside(await found("advisor.audit:audit_project"), project)
        except AdvisorError as error:
            if problem is None:
                self._found = noticed(self.session.prepared, views, error)
                self._draw_findings()
            return
        finally:
            pane.border_subtitle = ""
        self._found = noticed(self.session.prepared, views, problem, audit)
        self._draw_findings()

    # --- drawing ----------------------------------------------------------------------------------------

    def _draw_files(self) -> None:
        files = self.query_one("#files", OptionList)
        place = files.highlighted
        files.clear_options()
        for role, doc in ROLES.items():
            source, view = self.session.sources.get(role), self._views.get(role)
            name = Content.styled(f" {role:<10} ", "bold")
            if source is None:
                files.add_option(Option(joined(name, Content.styled(f"none · {doc.lower()}", MUTED)), id=role))
            elif view is not None and view.problem:
                files.add_option(
                    Option(
                        joined(name, line(source.path, limit=40), Content.styled("  ✗ unreadable", "$error")), id=role
                    )
                )
            else:
                words = f"  {view.words}" if view else ""
                files.add_option(
                    Option(joined(name, line(source.path, limit=40), Content.styled(words, MUTED)), id=role)
                )
        files.highlighted = place

    def _draw_preview(self) -> None:
        about, table = self.query_one("#about", Static), self.query_one("#preview", DataTable)
        view = self._views.get(self._role)
        table.clear(columns=True)
        table.display = bool(view and view.columns)
        if view is None:
            about.update(Content.styled("e chooses a file", MUTED) if self._role not in self.session.sources else "")
            return
        if view.problem:
            about.update(plain(f"{view.problem}\n{view.hint}", "$error"))
        else:
            uses = sorted(((column, use) for column, use in view.uses.items() if use), key=lambda u: USES.index(u[1]))
            parts = [joined(Content.styled(f"{use} ", MUTED), line(column, "bold", 30)) for column, use in uses]
            about.update(Content("   ").join(parts) if parts else Content.styled("all of it is read", MUTED))
        columns: list[tuple[str, str]] = [(column, view.uses.get(column, "")) for column in view.columns]
        head = [cell(f"{column} → {use}" if use else column, "bold" if use else "dim", 40) for column, use in columns]
        fill(table, head, [[cell(value) for value in row] for row in view.rows])

    def _draw_findings(self) -> None:
        shows = self.query_one("#shows", Static)
        listed = self.query_one("#findings", OptionList)
        place = listed.highlighted
        listed.clear_options()
        head = [one for one in self._found if one.kind == "shows"]
        shows.update(Content("\n").join(plain(one.text, "bold") for one in head) or Content(""))
        rest = [one for one in self._found if one.kind != "shows"]
        for one in rest:
            glyph, style = GLYPHS[one.severity]
            more = Content.styled("  Enter shows rows", MUTED) if one.rows else Content("")
            listed.add_option(Option(joined(Content.styled(f"{glyph} ", style), plain(one.text, limit=400), more)))
        if not rest:
            listed.add_option(Option(Content.styled("✓ nothing to warn of was one", "$success"), disabled=True))
        listed.highlighted = min(place or 0, max(0, len(rest) - 1)) if rest else None
        self._found = (*rest, *head)
        worst = sum(one.severity != "note" for one in rest)
        said = f"{worst} to look at: f shows them" if worst else "no warnings; f shows the notes"
        first = head[0].text if head else ""
        self.query_one("#in-short", Static).update(joined(line(first, limit=160), Content.styled(f"  {said}", MUTED)))

    # --- choosing ---------------------------------------------------------------------------------------

    @property
    def _role(self) -> Role:
        place = self.query_one("#files", OptionList).highlighted or 0
        return tuple(ROLES)[place]

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        if event.option_list.id == "files":
            self._draw_preview()

    async def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        if event.option_list.id == "files":
            self.action_choose()
        elif event.option_list.id == "findings":
            await self._show_rows(self._found[event.option_index])

    async def _show_rows(self, one: Noticed) -> None:
        from advisor.tui.browsing import Rows

        said = "\n".join(part for part in (one.effect, one.remedy) if part)
        if one.rows or said:
            await self.app.push_screen(Rows(one.text, said, ("where", "text", "note"), one.rows))

    @work(exclusive=True, group="choose")
    async def action_choose(self) -> None:
        from advisor.tui.browsing import Browse

        role = self._role
        now = self.session.sources.get(role)
        dialog = Browse(
            ROLES[role], self._base, now.path if now else "", folders=role == "documents", none=role != "eval"
        )
        path = await self.app.push_screen_wait(dialog)
        if path is None or (now and path == now.path):
            return
        await self._set(role, Source(path=_from(path, self._base)) if path else None)

    @work(exclusive=True, group="choose")
    async def action_columns(self) -> None:
        from advisor.tui.browsing import Columns

        role = self._role
        view, source = self._views.get(role), self.session.sources.get(role)
        if view is None or source is None or role == "documents" or not view.columns:
            self.notify("Move to a data file with columns first.", timeout=3)
            return
        changes = await self.app.push_screen_wait(Columns(view))
        if changes:
            for column, use in changes:
                source = with_use(source, view, column, use)
                view = FileView(**{**vars(view), "uses": {**view.uses, column: use}})
            await self._set(role, source)

    @work(exclusive=True, group="choose")
    async def action_task(self) -> None:
        from advisor.tui.asking import Pick

        said = "What the answers are for. It decides metrics, prompts and which approaches apply."
        chosen = await self.app.push_screen_wait(Pick("Kind of task", said, TASKS, self.session.task))
        if chosen is None or chosen == self.session.task:
            return
        self.session.task = chosen  # type: ignore[assignment]
        if self.session.project is not None:
            await self._save({"task.type": chosen, "metrics": None})
        self.read()

    def closed(self) -> bool:
        if not (self.has_class("-showing-findings") and self.has_class("-narrow")):
            return False
        self.action_findings()
        return True

    def action_findings(self) -> None:
        self.toggle_class("-showing-findings")
        narrow = self.has_class("-narrow")
        self.query_one("#findings" if self.has_class("-showing-findings") or not narrow else "#files").focus()

    async def _set(self, role: Role, source: Source | None) -> None:
        """Another source for a role: kept, saved where there is a project, and read."""
        if self.session.project is not None:
            if not await self._save({f"data.{role}": said(source) if source else None}):
                return
        elif source is None:
            self.session.sources.pop(role, None)
        else:
            self.session.sources[role] = source
        self._views.pop(role, None)
        self.read()

    async def _save(self, changes: Mapping[str, Any]) -> bool:
        from advisor.editing import save

        project = self.session.project
        assert project is not None
        try:
            self.session.opened(await aside(save, project.folder, changes))
        except AdvisorError as error:
            self.complain(error)
            return False
        return True

    async def leaving(self) -> bool:
        """Writes the file of a new project once there is something to measure on."""
        session = self.session
        if session.project is not None or "eval" not in session.sources or session.folder is None:
            return True
        try:
            session.opened(
                await aside(_written, session.folder, dict(session.sources), session.task, session.interview)
            )
        except AdvisorError as error:
            self.complain(error)
        else:
            self.notify(f"Written: {line(session.folder).plain}/advisor.yaml", markup=False)
        return True


def _written(folder: Path, sources: dict[Role, Source], task: Any, interview: Mapping[str, Any]) -> Any:
    """The project of a new file."""
    from advisor import project, recent
    from advisor.data_view import propose
    from advisor.new import write_project

    write_project(folder, propose(sources, Path.cwd(), task), Path.cwd(), interview=interview)
    loaded = project.load(folder)
    recent.remember(loaded.folder)
    return loaded


def _from(path: str, base: Path) -> str:
    """The path as the project file says it: relative to the file's folder, with slashes."""
    full = base / Path(path).expanduser()
    try:
        near = Path(os.path.relpath(full, base)).as_posix()
    except ValueError:  # another drive
        near = full.as_posix()
    return f"{near}/" if full.is_dir() else near


def _first_step() -> Content:
    return Content.styled("Choose the eval file: Enter or e on the first row.", "bold")
