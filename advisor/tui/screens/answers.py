"""Answers: case by case, all approaches side by side, by filter or search; one key for the next.

The cases, their marks and the search are `reports.reading`; here they are laid out.
"""

from __future__ import annotations

from functools import partial

from textual import work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from advisor.tui.actions import bindings
from advisor.tui.aside import aside
from advisor.tui.frame import StepScreen
from advisor.tui.plain import plain
from advisor.tui.stored import numbers, tell
from advisor.tui.widgets.choosing import AskWords, Choose
from advisor.tui.widgets.grid import fitted
from advisor.tui.widgets.page import Page
from advisor.tui.widgets.sides import Side, Sides
from reports import text
from reports.errors import AdvisorError
from reports.reading import CasePage, Kept, Reading, pick

LIST_CELLS = 27
LISTED = 2_000
"""Cases in the list beside the page; the keys reach all of them."""


class CaseList(OptionList, can_focus=False):
    """Shows where one is; the keys are the screen's."""


class AnswersScreen(StepScreen):
    """The cases of the shown run."""

    STEP = "answers"
    HELP = (
        "Read what was answered: right or space for the next case, left for the one before. f keeps only some cases "
        "(where approaches differ, failures, one approach alone right, a label), / looks for words. v judges answers "
        "without knowing whose they are."
    )
    CSS_PATH = "answers.tcss"
    BINDINGS = bindings("answers")

    def __init__(self) -> None:
        super().__init__()
        self._reading: Reading | None = None
        self._filters: tuple[Kept, ...] = ()
        self._kept: Kept | None = None
        self._place = 0
        self._page: CasePage | None = None
        self._passages = False
        self._words = ""

    def compose_body(self) -> ComposeResult:
        yield Static("Reading the answers …", id="where", markup=False)
        yield Static("", id="trouble", classes="problem", markup=False)
        with Horizontal(id="both"):
            yield CaseList(id="list", markup=False)
            with Page(id="case"), Vertical(id="case-body"):
                yield Static("", id="question", markup=False)
                yield Static("", id="reference", markup=False)
                yield Sides(id="sides")

    def on_mount(self) -> None:
        self.query_one("#trouble").display = False
        self._read()

    @work
    async def _read(self) -> None:
        asked = await numbers(self)
        if asked is not None:
            try:
                self._reading = await aside(Reading, self.session.reading(), asked.stored)
            except (AdvisorError, OSError) as error:
                tell(self, error if isinstance(error, AdvisorError) else AdvisorError(str(error)))
        if self._reading is None or not self.is_attached:
            self.query_one("#where", Static).update(Content("The answers cannot be shown."))
            return
        self._filters = await aside(self._reading.filters)
        self._keep(pick(self._filters, self.session.answers_filter), self.session.answers_place)

    # --- which cases ------------------------------------------------------------------------------------

    def _keep(self, kept: Kept, place: int = 0) -> None:
        self._kept = kept
        self._place = max(0, min(place, len(kept.cases) - 1))
        self._fill_list()
        self._show()

    def _fill_list(self) -> None:
        """The first cases of the filter by their inputs' beginnings, where there is room for a list."""
        if self._reading is None or self._kept is None:
            return
        shown = self.query_one(OptionList)
        shown.clear_options()
        cases = self._reading.cases
        shown.add_options(
            Option(Content(f"{i + 1:>4} {fitted(text.one_line(cases[i].question.input, 60), LIST_CELLS)}"))
            for i in self._kept.cases[:LISTED]
        )

    def action_case(self, step: int) -> None:
        if self._kept is None:
            return
        place = max(0, min(self._place + step, len(self._kept.cases) - 1))
        if place != self._place:
            self._place = place
            self._show()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self._place = event.option_index
        self._show()

    def action_filter(self) -> None:
        choices = [(kept.id, kept.words, f"{len(kept.cases):,}") for kept in self._filters]
        if choices:
            now = self._kept.id if self._kept else ""
            self.app.push_screen(Choose("Which cases", choices, now), self._chosen)

    def _chosen(self, known: str | None) -> None:
        if known is not None:
            self._words = ""
            self.session.answers_filter = known
            self._keep(pick(self._filters, known))

    def action_search(self) -> None:
        why = "In questions, references and answers; all words must occur. Empty: every case again."
        self.app.push_screen(AskWords("Search", why, self._words), self._search)

    def _search(self, said: str | None) -> None:
        if said is None or self._reading is None:
            return
        self._words = said.strip()
        if not self._words:
            self._keep(pick(self._filters, "all"))
        else:
            self._find(self._words)

    @work(exclusive=True, group="search")
    async def _find(self, words: str) -> None:
        """Looks aside; another search makes this one stop."""
        assert self._reading is not None
        self.query_one("#where", Static).update(plain(f"Looking for {words!r} …", limit=200))
        stopped = False
        try:
            found = await aside(partial(self._reading.search, words, lambda: stopped))
        finally:
            stopped = True
        if found:
            self._keep(Kept("search", f"with {words!r}", found))
        else:
            self._show()
            self.notify(f"No case holds {text.one_line(words, 60)!r}.", timeout=4, markup=False)

    # --- one case ---------------------------------------------------------------------------------------

    def _show(self) -> None:
        if self._reading is None or self._kept is None or not self.is_attached:
            return
        try:
            page = self._page = self._reading.page(self._kept.cases[self._place])
        except (OSError, KeyError) as error:
            tell(self, AdvisorError(f"This case cannot be read: {error}", "the run's files have changed"))
            return
        self.session.answers_place = self._place
        where = Content.styled(f"{self._place + 1:,} of {len(self._kept.cases):,}", "bold")
        where += plain(f"  {self._kept.words}", "$accent") + plain(f"  ·  case {page.id}", "$foreground-muted")
        where += plain(f"  ·  {page.group}", "$foreground-muted") if page.group else Content("")
        self.query_one("#where", Static).update(where)
        self.query_one("#question", Static).update(plain(page.input))
        reference = Content.styled("Reference  ", "$foreground-muted") + plain(
            " | ".join(page.references) or "none", "bold"
        )
        self.query_one("#reference", Static).update(reference)
        self.query_one(Sides).show(page.sides, passages=self._passages)
        self.query_one("#case", Page).scroll_home(animate=False)
        shown = self.query_one(OptionList)
        if self._place < shown.option_count:
            with shown.prevent(OptionList.OptionHighlighted):
                shown.highlighted = self._place

    def action_passages(self) -> None:
        self._passages = not self._passages
        self._show()

    async def action_review(self) -> None:
        await self.advisor.go("review")

    def copied(self) -> str | None:
        if isinstance(self.focused, Side):
            return self.focused.copied()
        if self._page is None:
            return None
        lines = [self._page.input, f"reference: {' | '.join(self._page.references)}"]
        lines += [f"{side.approach} ({side.verdict}): {side.text}" for side in self._page.sides]
        return "\n".join(lines)
