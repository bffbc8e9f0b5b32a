"""Blind review: two answers without names, one key says which is better; then the win rate and the metric's agreement.

Which cases, which order, which side: `reports.review`. Every pick is stored at once, so leaving loses nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from textual import work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Static

from advisor.tui.actions import bindings
from advisor.tui.aside import aside
from advisor.tui.frame import StepScreen
from advisor.tui.plain import line, plain, words
from advisor.tui.stored import numbers, tell
from advisor.tui.widgets.choosing import Choose
from advisor.tui.widgets.page import Page
from reports import text
from reports.answers import shown_input
from reports.differing import compared_pair
from reports.errors import AdvisorError, DataError
from reports.review import FILE, Card, Deck, Pick, deal, result, reviews, shown, verdict_on, withdrawn
from reports.run.schema import Case
from reports.run.store import RunStore
from reports.summary import Summary

ENOUGH = 20
"""After so many picks the screen says that a result is there to be seen."""


@dataclass
class Table:
    """What lies on the table: a pair's deck, and which of its cards were judged."""

    deck: Deck
    judged: dict[str, Pick | Literal["withdrawn"]]
    """Case id to its pick."""
    cases: dict[str, Case]

    @property
    def open_cards(self) -> list[Card]:
        """Cards without a judgement, in order."""
        return [card for card in self.deck.cards if card.case not in self.judged]


class ReviewScreen(StepScreen):
    """Judging one pair of approaches."""

    STEP = "review"
    HELP = (
        "Two answers to one case; who gave which is not shown. Left or right: that one is better. t or space: as good. "
        "s: cannot tell. r shows the reference, u takes the last pick back, e shows the result, c changes the pair. "
        "Picks are stored in the run at once; the report shows the win rate and how often the metric agrees."
    )
    CSS_PATH = "review.tcss"
    BINDINGS = bindings("review")

    def __init__(self) -> None:
        super().__init__()
        self._store: RunStore | None = None
        self._summary: Summary | None = None
        self._table: Table | None = None
        self._card: Card | None = None
        self._done: list[Card] = []
        self._reference = False
        self._result = False
        self._said: tuple[str, ...] = ()

    def compose_body(self) -> ComposeResult:
        yield Static("Dealing the cases …", id="where", markup=False)
        yield Static("", id="trouble", classes="problem", markup=False)
        with Page(id="judging"):
            yield Static("", id="question", markup=False)
            yield Static("", id="reference", markup=False)
            with Horizontal(id="pair"):
                for side in ("left", "right"):
                    with Vertical(id=side, classes="answer"):
                        yield Static("", id=f"{side}-text", markup=False)
        with Page(id="outcome"):
            yield Static("", id="words", markup=False)

    def on_mount(self) -> None:
        self.query_one("#trouble").display = False
        self.query_one("#outcome").display = False
        self.query_one("#left").border_title = "◀ Left"
        self.query_one("#right").border_title = "Right ▶"
        self._open()

    def on_unmount(self) -> None:
        if self._store is not None:
            try:
                self._store.close()
            except AdvisorError as error:  # a full disk: what could not be made safe is told wherever one is now
                self.app.notify(words(error), severity="error", markup=False)

    @work
    async def _open(self) -> None:
        """Opens the run for writing and deals the pair that the report compares."""
        if self.session.running and self.session.feed and self.session.feed.folder == self.session.run:
            self._trouble(DataError("The run is still under way.", "judge its answers once it has finished"))
            return
        asked = await numbers(self)
        if asked is None or self.session.run is None:
            self.query_one("#judging").display = False
            return
        self._summary = asked.stored
        pair = compared_pair(asked.stored)
        if pair is None:
            self._trouble(DataError("There are not two approaches with answers to compare.", "a run with two has them"))
            return
        try:
            self._store = await aside(RunStore.open, self.session.run, write=True)
        except (AdvisorError, OSError) as error:
            self._trouble(error)
            return
        if not self.is_attached:
            self._store.close()
            return
        await self._deal(*pair)

    async def _deal(self, a: str, b: str) -> None:
        assert self._store is not None
        try:
            self._table = await aside(_lay, self._store, a, b)
        except (AdvisorError, OSError) as error:
            self._trouble(error)
            return
        self._done = [card for card in self._table.deck.cards if card.case in self._table.judged]
        self._next()

    def _trouble(self, error: Exception) -> None:
        said = error if isinstance(error, AdvisorError) else DataError(str(error), "check the run's folder")
        self.query_one("#judging").display = False
        self.query_one("#where", Static).update(Content("Blind review"))
        tell(self, said)

    # --- judging ----------------------------------------------------------------------------------------

    def _next(self) -> None:
        assert self._table is not None
        left = self._table.open_cards
        self._card = left[0] if left else None
        self._reference = False
        if self._card is None:
            self._result = True
        self._show()

    def action_pick(self, pick: Pick) -> None:
        if self._card is None or self._store is None or self._table is None or self._result:
            return
        try:
            self._store.append(FILE, verdict_on(self._card, pick, reference_seen=self._reference))
        except AdvisorError as error:
            self.complain(error)
            return
        self.session.asked = None  # the summary has a review more
        self._table.judged[self._card.case] = pick
        self._done.append(self._card)
        self._next()

    def action_undo(self) -> None:
        if self._table is None or self._store is None or not self._done:
            self.notify("Nothing was judged yet.", timeout=3)
            return
        card = self._done[-1]
        try:
            self._store.append(FILE, withdrawn(card))
        except AdvisorError as error:
            self.complain(error)
            return
        self._done.pop()
        self.session.asked = None
        self._table.judged.pop(card.case, None)
        self._result = False
        self._card, self._reference = card, False
        self._show()

    def action_reference(self) -> None:
        self._reference = not self._reference
        self._show()

    def action_end(self) -> None:
        if self._table is not None and self._table.open_cards:
            self._result = not self._result
        self._show()

    def action_pair(self) -> None:
        if self._summary is None or self._table is None:
            return
        names = [a.name for a in self._summary.approaches if a.quality.value is not None]
        now = self._table.deck.b
        pairs = [(f"{i} {j}", (a, b)) for i, a in enumerate(names) for j, b in enumerate(names) if i < j]
        pairs.sort(key=lambda item: now not in item[1])
        choices = [(known, f"{text.one_line(a, 22)} and {text.one_line(b, 22)}", "") for known, (a, b) in pairs]

        async def chosen(known: str | None) -> None:
            if known is not None and self._store is not None:
                self._result = False
                await self._deal(*dict(pairs)[known])

        if choices:
            self.app.push_screen(Choose("Which two", choices), chosen)

    # --- what is shown ----------------------------------------------------------------------------------

    def _show(self) -> None:
        if self._table is None or self._store is None or not self.is_attached:
            return
        self.query_one("#judging").display = not self._result
        self.query_one("#outcome").display = self._result
        picked = len(self._table.judged)
        total = len(self._table.deck.cards)
        where = Content.styled("Blind review", "bold") + Content(f"  {picked} of {total} cases judged")
        if picked >= ENOUGH and not self._result:
            where += Content.styled("  e shows the result", "$accent")
        self.query_one("#where", Static).update(where)
        if self._result:
            self._show_result()
        elif self._card is not None:
            self._show_card(self._card)

    def _show_card(self, card: Card) -> None:
        assert self._store is not None
        assert self._table is not None
        seen = shown(self._store, card, self._table.cases)
        self.query_one("#question", Static).update(plain(shown_input(seen.case)))
        hidden = Content.styled("r shows the reference", "$foreground-muted")
        told = Content.styled("Reference  ", "$foreground-muted") + plain(
            " | ".join(seen.case.references) or "none", "bold"
        )
        self.query_one("#reference", Static).update(told if self._reference else hidden)
        for side, answer in (("left", seen.left), ("right", seen.right)):
            self.query_one(f"#{side}-text", Static).update(plain(answer.text or "(empty)"))
        self.query_one("#judging", Page).scroll_home(animate=False)

    def _show_result(self) -> None:
        assert self._table is not None
        assert self._store is not None
        metric = self._store.header.spec.metrics[0]
        found = result(self._store, self._table.deck.a, self._table.deck.b, metric)
        self._said = found.words
        parts = [line(f"{found.a} against {found.b}", "bold"), Content("")]
        if not self._table.deck.cards:
            parts.append(
                Content("Both gave the same answer to every case: there is nothing to judge. c changes the pair.")
            )
        parts += [Content.styled("• ", "$foreground-muted") + plain(said) for said in found.words]
        on = "e goes on judging. " if self._table.open_cards else ""
        parts += [
            Content(""),
            Content.styled(f"{on}u takes the last pick back, c changes the pair.", "$foreground-muted"),
        ]
        parts.append(Content.styled("It is stored in the run and stands in its report.", "$foreground-muted"))
        self.query_one("#words", Static).update(Content("\n").join(parts))

    def copied(self) -> str | None:
        return "\n".join(self._said) if self._result else None


def _lay(store: RunStore, a: str, b: str) -> Table:
    """A pair's deck with what was judged before. Reads all answers of the two."""
    made = {case: review.pick for case, review in reviews(store, a, b).items()}
    cases = {case.question.id: case for case in store.cases()}
    return Table(deal(store, a, b), made, cases)
