"""Run: how far each approach is, the training under way, what is said on the way; pause, cancel, resume.

Pause ends the worker, as cancel does: what is stored stays and resume goes on from there. Holding the worker with
SIGSTOP instead would put the pause into its clocks: latencies, training seconds and timeouts would count it.
"""

from __future__ import annotations

import time

from textual import work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Log

from advisor.launch import reopen
from advisor.narration import MEASURING, Lines
from advisor.tui.actions import bindings
from advisor.tui.aside import aside
from advisor.tui.dialogs import Confirm, stop_words
from advisor.tui.feed import Feed
from advisor.tui.frame import RunProgressed, StepScreen
from advisor.tui.plain import plain, words
from advisor.tui.widgets.grid import Grid
from advisor.tui.widgets.page import Page
from advisor.tui.widgets.plots import Losses
from advisor.tui.widgets.progress import board_rows, failures, loss_words, trained_now, training_words
from advisor.tui.widgets.steady import Steady
from reports import text
from reports.errors import AdvisorError
from reports.run.events import Event, Measured, Scored

DRAW_SECONDS = 0.2
"""Display work is kept off the run, which shares this loop."""
PLOT_SECONDS = 0.5
"""A curve is drawn at most so often: it costs ten times a table."""
WIDE_ROWS = 100


class RunScreen(StepScreen):
    """The run under way, or the one that ended last."""

    STEP = "run"
    HELP = (
        "One row an approach. 'p50' is the latency pass once it has begun; before it, ~ is the pace of the batched "
        "pass. Leaving this screen does not stop the run. p pauses: the worker ends, all answers stay, r goes on."
    )
    CSS_PATH = "run.tcss"
    BINDINGS = bindings("run")

    def __init__(self) -> None:
        super().__init__()
        self._lines: Lines | None = None
        self._plotted = self._drawn = 0.0
        self._points = ("", 0)
        self._paused = False

    def compose_body(self) -> ComposeResult:
        yield Steady(id="state")
        with Page(id="rows"):
            yield Grid(left=3, id="board")
            yield Steady(id="failures")
        with Horizontal(id="below"):
            with Vertical(id="training", classes="pane"):
                yield Steady(id="training-words")
                yield Losses(id="losses")
                yield Steady(id="loss-words")
            yield Log(id="log", classes="pane", max_lines=2_000)

    def on_mount(self) -> None:
        feed = self.session.feed
        if feed is None:
            self.query_one("#state", Steady).show(Content("No run is under way: Plan, key 4, starts one."))
            return
        self._lines = Lines(self._log, feed.primary)
        for event in feed.events:
            self._lines.tell(event)
        self.call_after_refresh(self.query_one(Log).scroll_end, animate=False)
        self.set_interval(1.0, self._tick)
        self._draw(feed)

    # --- what comes in ----------------------------------------------------------------------------------

    def on_run_progressed(self, message: RunProgressed) -> None:
        self._tell(message.events)
        now = time.monotonic()
        if now - self._drawn >= DRAW_SECONDS or message.feed.state != "running":
            self._drawn = now
            self._draw(message.feed)

    def _tell(self, events: tuple[Event, ...]) -> None:
        if self._lines is not None:
            for event in events:
                if not isinstance(event, (Scored, Measured)):  # nothing is said of them, and they are the most
                    self._lines.tell(event)

    def _log(self, said: str) -> None:
        self.query_one(Log).write_line(words(said, 2_000))

    def _tick(self) -> None:
        if self.session.feed is not None:
            self._draw(self.session.feed)

    # --- what is shown ----------------------------------------------------------------------------------

    def _draw(self, feed: Feed) -> None:
        if not self.is_attached:
            return
        head, rows = board_rows(feed.board, wide=self.size.width >= WIDE_ROWS)
        self.query_one(Grid).fill(rows, head)
        self.query_one("#failures", Steady).show(failures(feed.board))
        self._say_state(feed)
        self._draw_training(feed)

    def _draw_training(self, feed: Feed) -> None:
        found = trained_now(feed.board)
        self.set_class(found is not None, "-trained")
        if found is None:
            return
        name, training = found
        self.query_one("#training-words", Steady).show(training_words(name, training))
        self.query_one("#loss-words", Steady).show(loss_words(training))
        now = time.monotonic()
        points = (name, len(training.points))
        if points != self._points and now - self._plotted >= PLOT_SECONDS:
            self._plotted, self._points = now, points
            self.query_one(Losses).show(training.points)

    def _say_state(self, feed: Feed) -> None:
        """One line: what the run is doing, since when, and which key leads on."""
        board = feed.board
        took = ""
        if board.started is not None:
            took = text.seconds(board.seconds if board.seconds is not None else board.clock() - board.started)
        failed = [row.name for row in board.rows.values() if row.state == "failed"]
        match feed.state:
            case "running":
                done = sum(
                    row.state in ("done", "failed", "skipped", "stopped", MEASURING) for row in board.rows.values()
                )
                said = Content.styled("▸ Running", "$primary bold")
                said += Content(f"  {took}  {done} of {len(board.rows)} approaches answered") if took else " …"
            case "finished" if failed:
                said = Content.styled("! Finished", "$warning bold")
                said += plain(f" in {took}, but {text.listed(failed)} failed. n shows the results, r tries again.")
            case "finished":
                said = Content.styled("✓ Finished", "$success bold") + Content(f" in {took}. n shows the results.")
            case "stopped":
                word = "‖ Paused" if self._paused else "■ Stopped"
                said = Content.styled(word, "$warning bold") + Content("; all that is there stays. r goes on. Later: ")
                said += plain(f"advisor resume {feed.folder}", "bold")
            case _:
                error = feed.error
                said = Content.styled("✗ The run could not go on: ", "$error bold") + plain(error or "")
                said += plain(f"\n{error.hint}" if error and error.hint else "") + Content(
                    "\nr tries again from there."
                )
        self.query_one("#state", Steady).show(said)

    # --- keys -------------------------------------------------------------------------------------------

    async def action_pause(self) -> None:
        if self.session.running:
            self._paused = True
            await self.advisor.stop_run()
            self._after_stop()

    async def action_cancel(self) -> None:
        feed = self.session.feed
        if not self.session.running or feed is None:
            self.notify("No run is under way.", timeout=3)
            return

        async def answered(sure: bool | None) -> None:
            if sure:
                self._paused = False
                await self.advisor.stop_run()
                self._after_stop()

        await self.app.push_screen(Confirm("Cancel the run?", stop_words(feed.folder)), answered)

    def _after_stop(self) -> None:
        if self.session.feed is not None:
            self._draw(self.session.feed)

    def action_resume(self) -> None:
        feed = self.session.feed
        if feed is None or self.session.running:
            self.notify("The run is under way.", timeout=3)
        elif feed.state == "finished" and not any(row.state == "failed" for row in feed.board.rows.values()):
            self.notify("The run is complete: nothing is left to do.", timeout=3)
        else:
            self._reopen(feed)

    @work(exclusive=True, group="resume")
    async def _reopen(self, feed: Feed) -> None:
        self.query_one("#state", Steady).show(Content("Reading the project and what is stored …"))
        try:
            launch = await aside(reopen, feed.folder)
        except (AdvisorError, OSError) as error:
            self._say_state(feed)
            if isinstance(error, AdvisorError):
                self.complain(error)
            else:
                self.notify(words(error), severity="error", markup=False)
            return
        await self.advisor.start_run(launch)

    def action_log(self) -> None:
        """On a narrow screen log and training share a place."""
        self.toggle_class("-log")
        self.call_after_refresh(self.query_one(Log).scroll_end, animate=False)

    def copied(self) -> str | None:
        return words(f"advisor resume {self.session.feed.folder}") if self.session.feed else None
