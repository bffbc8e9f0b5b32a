"""Results: the verdict first, then what it rests on; limits, margin and volume can be tried out.

Everything shown is a `reports.summary.Summary`; another rule gives another one (`reports.what_if`), computed aside.
"""

from __future__ import annotations

from textual import work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Static, TabbedContent, TabPane, Tabs

from advisor.tui.actions import bindings
from advisor.tui.aside import aside
from advisor.tui.frame import StepScreen
from advisor.tui.plain import line, plain
from advisor.tui.stored import numbers
from advisor.tui.widgets.dials import RuleDials
from advisor.tui.widgets.grid import Grid, Row
from advisor.tui.widgets.page import Page
from advisor.tui.widgets.plots import LINE_COLOURS, CostPlot, VolumePlot, mark
from advisor.tui.widgets.whiskers import Whiskers
from reports import text
from reports.charts.plain import STANDINGS, difference_whiskers, quality_cost_points, volume_lines
from reports.errors import AdvisorError
from reports.sentences import chips, mind, opening
from reports.summary import Summary
from reports.tables import main_table
from reports.what_if import Rule, WhatIf, stepped, turned

VIEWS = ("why", "table", "cost", "differences", "volume")
WIDE_TABLE = 108
"""Cells from which the table also shows differences and money by month."""
TONES = {"warn": "$warning", "fine": "$success"}


class ResultsScreen(StepScreen):
    """The verdict of the shown run, and of the same measurements under another rule."""

    STEP = "results"
    HELP = (
        "What to do, how sure that is, and what would change it. Left and right change the view. w opens the dials: "
        "limits, margin, volume; plus and minus turn the volume. The verdict above reacts; nothing is run again, and "
        "the report keeps the rule that was set before the run."
    )
    CSS_PATH = "results.tcss"
    BINDINGS = bindings("results")

    def __init__(self) -> None:
        super().__init__()
        self._asked: WhatIf | None = None
        self._shown: Summary | None = None
        self._busy = False

    def compose_body(self) -> ComposeResult:
        with Vertical(id="verdict"):
            yield Static("Reading the run …", id="headline", markup=False)
            yield Static("", id="tried", markup=False)
        yield Static("", id="trouble", classes="problem", markup=False)
        with Horizontal(id="split"):
            with TabbedContent(initial="why", id="views"):
                with TabPane("Why", id="why"), Page():
                    yield Static("", id="reasons", markup=False)
                with TabPane("Table", id="table"), Page():
                    yield Grid(left=2, id="figures")
                    yield Static("", id="asides", classes="note", markup=False)
                with TabPane("Quality and cost", id="cost"), Horizontal(classes="plot"):
                    yield CostPlot(id="cost-plot")
                    yield Static("", id="cost-key", classes="key", markup=False)
                with TabPane("Differences", id="differences"), Page():
                    yield Static("", id="difference-title", classes="heading", markup=False)
                    yield Whiskers(id="whiskers")
                with TabPane("Volume", id="volume"), Horizontal(classes="plot"):
                    yield VolumePlot(id="volume-plot")
                    yield Static("", id="volume-key", classes="key", markup=False)
            yield RuleDials(id="dials")

    def on_mount(self) -> None:
        self.query_one("#trouble").display = False
        self.query_one(Tabs).can_focus = False
        self._read()

    @work
    async def _read(self) -> None:
        """The run's numbers, once; then under the rule that was being tried out, if there is one."""
        asked = await numbers(self)
        if asked is None:
            self.query_one("#headline", Static).update(Content("This run cannot be shown."))
            self.query_one("#split").display = False
            return
        self._asked = asked
        self._show(asked.stored)
        if self.session.rule is not None and self.session.rule != asked.rule:
            self._try(self.session.rule)

    # --- another rule -----------------------------------------------------------------------------------

    @property
    def _rule(self) -> Rule | None:
        return self.session.rule or (self._asked.rule if self._asked else None)

    def on_rule_dials_turned(self, message: RuleDials.Turned) -> None:
        if self._asked is None or self._rule is None:
            return
        try:
            self._try(turned(self._rule, message.dial, message.said, self._asked.percent))
        except AdvisorError as error:
            self.query_one(RuleDials).problem(f"{error}: {error.hint}")

    def on_rule_dials_stepped(self, message: RuleDials.Stepped) -> None:
        if self._rule is not None:
            self._try(stepped(self._rule, message.dial, message.up))

    def action_volume(self, up: bool) -> None:
        if self._rule is not None:
            self._try(stepped(self._rule, "queries_per_day", up))

    def action_undo(self) -> None:
        if self._asked is not None:
            self._try(self._asked.rule)

    def _try(self, rule: Rule) -> None:
        """Shows the dials at once and the verdict as soon as it is computed; the last wish counts."""
        self.session.rule = rule
        if self._asked is None:
            return
        self.query_one(RuleDials).show(rule, self._asked.percent)
        self._say_tried()
        if not self._busy:
            self._busy = True
            self._recount()

    @work
    async def _recount(self) -> None:
        try:
            done = None
            while self._asked is not None and (rule := self._rule) is not None and rule != done:
                found = await aside(self._asked.under, rule)
                done = rule
                self._show(found)
        finally:
            self._busy = False

    # --- what is shown ----------------------------------------------------------------------------------

    def _show(self, summary: Summary) -> None:
        if not self.is_attached:
            return
        self._shown = summary
        self.query_one("#headline", Static).update(self._headline(summary))
        self._say_tried()
        self.query_one("#reasons", Static).update(reasons(summary))
        self._show_table(summary)
        self._show_figures(summary)
        assert self._asked is not None
        self.query_one(RuleDials).show(self._rule or self._asked.rule, self._asked.percent)

    def _headline(self, summary: Summary) -> Content:
        verdict = summary.verdict
        sign, style = ("▸", "$success") if verdict.approach else ("?", "$warning")
        return Content.styled(f"{sign} ", f"bold {style}") + plain(verdict.headline or verdict.kind, "bold", 600)

    def _say_tried(self) -> None:
        """Which rule the verdict above is by, where it is not the run's own."""
        asked, rule = self._asked, self._rule
        tried = self.query_one("#tried", Static)
        changes = asked.changes(rule) if asked and rule else ()
        tried.display = bool(changes)
        if asked is None or not changes:
            return
        stored = asked.stored.verdict
        moved = self._shown is not None and self._shown.verdict.approach != stored.approach
        before = f" By the run's own rule: {text.one_line(stored.approach or stored.kind, 40)}." if moved else ""
        tried.update(Content.styled("What if: ", "$accent bold") + plain("; ".join(changes) + "." + before, "$accent"))

    def _show_table(self, summary: Summary) -> None:
        head, rows = table_rows(summary, wide=self.size.width >= WIDE_TABLE + 36)
        self.query_one("#figures", Grid).fill(rows, head)
        said = [f"Not run: {item.name}: {item.reason}" for item in summary.skipped]
        said += [f"Gave up: {a.name}: {a.error}" for a in summary.approaches if a.error]
        if summary.baseline:
            said.append(f"Same cases for all; differences are against {summary.baseline}.")
        self.query_one("#asides", Static).update(plain("\n".join(said)))

    def _show_figures(self, summary: Summary) -> None:
        points, lines = quality_cost_points(summary), volume_lines(summary)
        whiskers = difference_whiskers(summary)
        self.query_one(CostPlot).show(points)
        self.query_one(VolumePlot).show(lines)
        self.query_one(Whiskers).show(whiskers)
        self.query_one("#difference-title", Static).update(plain(whiskers.title if whiskers else ""))
        key = Content("Fewer than two approaches have a known quality and cost.")
        if points:
            signs = {"recommended": "■", "undominated": "●", "dominated": "○"}
            styles = {"recommended": "$accent", "undominated": "$primary", "dominated": ""}
            said = [plain(points.title, "bold"), Content("")]
            for i, point in enumerate(points.points, start=1):
                sign = signs[point.standing]
                said.append(line(f"{mark(i)} {sign} {point.name}: {point.said}", styles[point.standing]))
            said += [Content(""), Content(f"{points.y_title}, with 95 % intervals").stylize("$foreground-muted")]
            said += [Content(f"{signs[s]} {words}").stylize("$foreground-muted") for s, words in STANDINGS.items()]
            key = Content("\n").join(said)
        self.query_one("#cost-key", Static).update(key)
        key = Content("Fewer than two approaches have known costs.")
        if lines:
            said = [plain(lines.title, "bold"), Content("")]
            for i, one in enumerate(lines.lines, start=1):
                colour = f"bold ${LINE_COLOURS[(i - 1) % len(LINE_COLOURS)]}"
                said.append(Content.styled(mark(i), colour) + plain(f" {one.name}: {text.money(one.here)}"))
            said += [Content(""), Content(f"{lines.y_title}, at {text.number(lines.here, 0)} answers a day (┊)")]
            said += [
                line(f"From {text.significant(at)} a day: {name}", "$foreground-muted") for at, name in lines.changes
            ]
            said.append(Content("+ and − change the volume").stylize("$foreground-muted"))
            key = Content("\n").join(said)
        self.query_one("#volume-key", Static).update(key)

    # --- keys -------------------------------------------------------------------------------------------

    def action_view(self, step: int) -> None:
        views = self.query_one(TabbedContent)
        views.active = VIEWS[(VIEWS.index(views.active) + step) % len(VIEWS)]

    def on_tabbed_content_tab_activated(self, event: TabbedContent.TabActivated) -> None:
        """The view that is shown takes the arrow keys up and down, unless somebody is at the dials."""
        if self.focused is None or isinstance(self.focused, Page):
            pages = event.pane.query(Page)
            self.set_focus(pages.first() if pages else None)

    def action_what_if(self) -> None:
        """On a narrow screen the dials take the views' place, and give it back."""
        opened = not self.has_class("-dials")
        self.set_class(opened, "-dials")
        dials = self.query_one(RuleDials)
        if opened or self.has_class("-wide"):
            dials.query("Input").first().focus()
        else:
            self.set_focus(None)

    def on_resize(self) -> None:
        if self._shown is not None:
            self._show_table(self._shown)

    def copied(self) -> str | None:
        if self._shown is None:
            return None
        verdict = self._shown.verdict
        return text.clean("\n".join([verdict.headline, *verdict.because]))


def reasons(summary: Summary) -> Content:
    """Because, would change if, mind, how far to trust it, and the rule."""
    said = opening(summary)
    parts: list[Content] = []
    for title, lines in (
        ("Because", summary.verdict.because),
        ("Would change if", (*said.change, *said.further) or ("More answers: nothing was scored.",)),
        ("Mind", mind(summary)),
    ):
        if lines:
            parts.append(Content.styled(title, "bold $primary"))
            parts += [_bullet(item, "•") for item in lines]
            parts.append(Content(""))
    parts.append(Content.styled("How far to trust it", "bold $primary"))
    if summary.trust.demo_model:
        parts.append(
            _bullet("Made with the bundled demo model: it proves that the machinery works, no more.", "!", "warn")
        )
    parts += [_bullet(chip.text, chip.glyph, chip.tone) for chip in chips(summary)]
    if said.rule:
        parts += [Content(""), plain(f"The rule: {said.rule}", "$foreground-muted")]
    return Content("\n").join(parts)


def _bullet(said: str, sign: str, tone: str = "") -> Content:
    return Content.styled(f"{sign} ", TONES.get(tone, "$foreground-muted")) + plain(said, limit=1_000)


def table_rows(summary: Summary, *, wide: bool) -> tuple[tuple[str, ...], list[Row]]:
    """Heading and rows of the one table, best first: the short one of the command line, or with differences."""
    table = main_table(summary)
    rows = []
    unit = summary.primary.unit
    against = {c.b: c for c in summary.comparisons if c.primary}
    for i, name in enumerate(table.names):
        a = summary.approach(name)
        q = a.quality
        chosen = i in table.marked
        sign = "▸" if chosen else "✗" if a.state == "failed" else "–" if q.value is None else " "
        cells = [sign, name, text.quality(q.value, q.low, q.high, unit), text.interval(q.low, q.high, unit)]
        if wide:
            c = against.get(name)
            cells.append(f"{text.difference(c.difference, c.low, c.high, unit)}, {c.words}" if c else "–")
        cells += [
            text.seconds(a.latency.p50_seconds),
            text.seconds(a.latency.p95_seconds),
            text.money(a.cost.per_1000_usd),
        ]
        if wide:
            cells += [text.money(a.cost.one_off_usd), text.money(a.cost.monthly_usd)]
        cells.append(f"{q.failed}/{q.n}" if q.n else a.state)
        rows.append(Row(tuple(cells), "bold" if chosen else ""))
    base = text.one_line(summary.baseline or "", 20)
    head = ["", "approach", text.one_line(summary.primary.name, 12), "95 % interval"]
    head += [f"against {base}"] if wide else []
    head += ["p50", "p95", "$/1,000"] + (["once", "a month"] if wide else []) + ["failed"]
    return tuple(head), rows
