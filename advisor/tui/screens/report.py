"""Report: choose formats, write them, see where they are, open the page.

`reports.exports.write_report` does the work, aside; a full disk or a missing browser is told here.
"""

from __future__ import annotations

from pathlib import Path

from textual import work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from advisor.tui.actions import bindings
from advisor.tui.aside import aside
from advisor.tui.frame import StepScreen
from advisor.tui.plain import plain
from advisor.tui.stored import numbers, tell
from advisor.tui.widgets.checklist import Checklist
from advisor.tui.widgets.page import Page
from reports import text
from reports.errors import AdvisorError, EnvironmentFault
from reports.exports import FORMATS, write_report

WORDS = {
    "html": "Page: one file, no script: for everybody",
    "md": "Markdown: for a pull request or a wiki",
    "csv": "CSV: every answer, for a spreadsheet",
    "json": "JSON: all numbers, for programs",
    "pdf": "PDF: the page printed; needs a Chromium or Chrome",
}
USUAL = ("html", "md")


class ReportScreen(StepScreen):
    """Writing the report of the shown run."""

    STEP = "report"
    HELP = (
        "Space chooses formats, w writes them below the run, o opens the page in a browser, y copies its path. n shows "
        "what to do next. The report keeps the rule that was set before the run, whatever was tried out under Results."
    )
    CSS_PATH = "report.tcss"
    BINDINGS = bindings("report")

    def __init__(self) -> None:
        super().__init__()
        self._written: list[Path] = []

    def compose_body(self) -> ComposeResult:
        with Page(id="paper"), Vertical(id="sheet"):
            yield Static("The report", classes="heading")
            yield Static("Reading the run …", id="about", markup=False)
            yield Static("", id="trouble", classes="problem", markup=False)
            yield Checklist([(name, WORDS[name], name in USUAL) for name in FORMATS], id="formats")
            yield Static(Content("w writes them").stylize("$foreground-muted"), id="written", markup=False)

    def on_mount(self) -> None:
        self.query_one("#trouble").display = False
        self.query_one("#formats").focus()
        self._about()

    def next_step(self) -> str | None:
        return "next"

    @work
    async def _about(self) -> None:
        asked = await numbers(self)
        if not self.is_attached:
            return
        if asked is None:
            self.query_one("#about", Static).update(Content("There is nothing to write a report of."))
            self.query_one("#formats").display = self.query_one("#written").display = False
            return
        summary = asked.stored
        self.query_one("#about", Static).update(
            plain(summary.verdict.headline or summary.verdict.kind, "$foreground-muted")
        )
        page = summary_page(self.session.run)
        if page is not None and page.exists():
            self._written = [page]
            self._show_written("There is one from before")

    def action_write(self) -> None:
        chosen = self.query_one(Checklist).marked
        if not chosen:
            self.notify("Choose a format first: space marks it.", timeout=4)
        elif self.session.asked is not None:
            self._write(chosen)

    @work(exclusive=True, group="write")
    async def _write(self, chosen: tuple[str, ...]) -> None:
        asked = self.session.asked
        assert asked is not None
        self.query_one("#trouble").display = False
        self.query_one("#written", Static).update(Content(f"Writing {text.listed(chosen)} …"))
        try:
            self._written = await aside(write_report, self.session.reading(), chosen, summary=asked.stored)
        except (AdvisorError, OSError) as error:
            self.query_one("#written", Static).update(Content("Nothing more was written."))
            known = (
                error if isinstance(error, AdvisorError) else EnvironmentFault(str(error), "look at the run's folder")
            )
            tell(self, known)
            return
        if self.is_attached:
            self._show_written("Written")

    def _show_written(self, word: str) -> None:
        said = [Content.styled(f"✓ {word}", "$success bold")] + [plain(f"  {path}") for path in self._written]
        said.append(
            Content("o opens the page, y copies its path, n shows what to do next").stylize("$foreground-muted")
        )
        self.query_one("#written", Static).update(Content("\n").join(said))

    def action_open(self) -> None:
        page = next((path for path in self._written if path.suffix == ".html"), None)
        if page is None:
            self.notify("Write the page first: w.", timeout=3)
            return
        self.app.open_url(page.resolve().as_uri())
        self.notify("Asked the system to open it. Over ssh, copy the path with y instead.", timeout=5)

    def copied(self) -> str | None:
        return text.clean(str(self._written[0].resolve())) if self._written else None


def summary_page(run: Path | None) -> Path | None:
    """Where the run's page stands once it is written."""
    return run / "report" / "report.html" if run is not None else None
