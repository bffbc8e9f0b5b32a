"""Events and summaries as terminal text: plain lines, a live table, the final table. Knows no logic of a run.

teller = Lines(sys.stderr)            # one line an event that matters, for logs, pipes and screen readers
teller = Live(console, total=120)     # one row an approach, on a terminal
teller.tell(event); teller.close()
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from reports import text
from reports.run.events import (
    Answered,
    ApproachFailed,
    ApproachFinished,
    ApproachSkipped,
    Event,
    Measured,
    Progressed,
    RunFinished,
    RunStarted,
    Scored,
    StoppedEarly,
    Trained,
    TrainingFinished,
    Warned,
)

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from reports.progress import Progress
    from reports.run.schema import RunHeader
    from reports.run.store import RunStore
    from reports.summary import Summary

MEASURING = "measuring latency"
GLYPHS = {"done": "✓", "failed": "✗", "skipped": "–", "stopped": "–", "waiting": "·"}
REFRESH_SECONDS = 0.2
"""Display work is kept off the run: at most this often."""


def glyph_of(state: str) -> str:
    """The sign of a state, so that colour is never alone; whatever is under way has one sign."""
    return GLYPHS.get(state, "▸")


def approach_of(event: Event) -> str | None:
    """Whose event it is; None for the run's own."""
    match event:
        case Answered(answer=answer):
            return answer.approach
        case Scored(score=score):
            return score.approach
        case Measured(sample=sample):
            return sample.approach
        case _:
            return getattr(event, "approach", None)


class Teller(Protocol):
    """Shows a run while it runs."""

    def tell(self, event: Event) -> None: ...

    def close(self) -> None: ...


@dataclass
class Row:
    """What is known of one approach so far."""

    name: str
    state: str = "waiting"
    done: int = 0
    total: int = 0
    scored: int = 0
    points: float = 0.0
    note: str = ""

    @property
    def quality(self) -> str:
        """Mean of the primary metric over the scored answers."""
        return f"{self.points / self.scored:.2f}" if self.scored else ""


@dataclass
class Board:
    """The rows of a run, fed by events."""

    primary: str
    rows: dict[str, Row] = field(default_factory=dict)
    clock: Callable[[], float] = time.monotonic
    header: RunHeader | None = None
    """With the run's header the board also keeps each approach's numbers so far."""
    progress: dict[str, Progress] = field(default_factory=dict)
    started: float | None = None
    """By the clock, when the run began or went on."""
    seconds: float | None = None
    """Of the whole run, once it has finished."""

    def __post_init__(self) -> None:
        if self.header is not None:
            from reports.progress import Progress

            self.progress = {spec.name: Progress(spec, self.header) for spec in self.header.spec.approaches}

    def remember(self, store: RunStore) -> None:
        """Takes in what an earlier part of a resumed run has stored; before its events. A second for 30,000 answers."""
        for name, known in self.progress.items():
            answers = store.answers(name)
            known.remember(answers.stream(), store.every_score(name), store.latency(name))
            self._row(name).done = len(answers)

    def feed(self, event: Event) -> None:
        """Takes one event in."""
        known = self.progress.get(approach_of(event) or "")
        if known is not None:
            known.feed(event)
        match event:
            case RunStarted(approaches=names, cases=cases):
                self.started = self.clock()
                done = {name: row.done for name, row in self.rows.items()}
                self.rows |= {name: Row(name, done=done.get(name, 0), total=cases) for name in names}
            case RunFinished(seconds=seconds):
                self.seconds = seconds
                for row in self.rows.values():
                    row.state = "done" if row.state == MEASURING else row.state
            case Progressed(approach=name, what=what, done=done, total=total):
                self._set(name, what, f"{done}/{total}" if total else "")
            case Trained(approach=name, point=point, total_steps=total, seconds_left=left):
                held = f", validation {point.validation_loss:.3f}" if point.validation_loss is not None else ""
                wait = f", {text.seconds(left)} left" if left is not None else ""
                self._set(name, "training", f"step {point.step}/{total}, loss {point.loss:.3f}{held}{wait}")
            case Answered(answer=answer, done=done, total=total):
                row = self._set(answer.approach, "answering", "")
                row.done, row.total = done, total
            case Scored(score=score) if score.metric == self.primary and score.value is not None:
                row = self._row(score.approach)
                row.scored, row.points = row.scored + 1, row.points + score.value
            case ApproachFinished(approach=name, answered=answered, failed=failed):
                row = self._set(name, "done", text.count(failed, "failed answer") if failed else "")
                row.done = answered
            case StoppedEarly(approach=name, rival=rival, settled=settled):
                self._set(name, "stopped", "all others are worse" if settled else f"clearly worse than {rival}")
            case ApproachFailed(approach=name, error=error):
                self._set(name, "failed", error)
            case ApproachSkipped(approach=name, reason=reason):
                self._set(name, "skipped", reason)
            case Measured(sample=sample):
                self._set(sample.approach, MEASURING, "")
            case _:
                pass

    def _row(self, name: str) -> Row:
        return self.rows.setdefault(name, Row(name))

    def _set(self, name: str, state: str, note: str) -> Row:
        row = self._row(name)
        row.state, row.note = state, note
        return row


class Lines:
    """One line for each thing that a reader of a log wants to know; nothing for single answers and scores."""

    STEP = 0.25
    """Progress is told each time another quarter of the answers is there."""

    def __init__(self, write: Callable[[str], None], primary: str) -> None:
        self._write = write
        self._board = Board(primary)
        self._told: dict[str, int] = {}
        self._what: dict[str, str] = {}

    def tell(self, event: Event) -> None:
        self._board.feed(event)
        line = self._line(event)
        if line:
            self._write(text.clean(line).replace("\n", " "))

    def close(self) -> None:
        """Nothing is held back."""

    def _line(self, event: Event) -> str:
        match event:
            case RunStarted(run=run, approaches=names, cases=cases, resumed=resumed):
                word = "resumed" if resumed else "started"
                return f"run {run} {word}: {text.count(len(names), 'approach', 'approaches')}, {cases} cases"
            case Progressed(approach=name, what=what) if self._what.get(name) != what:
                self._what[name] = what
                return f"{name}: {what}"
            case Trained(approach=name, point=point) if point.validation_loss is not None:
                return f"{name}: {self._board.rows[name].note}"
            case TrainingFinished(approach=name, training=training):
                return (
                    f"{name}: trained {training.steps} steps in {text.seconds(training.seconds)} ({training.stopped})"
                )
            case Answered(answer=answer, done=done, total=total):
                return self._progress(answer.approach, done, total)
            case StoppedEarly(approach=name, answered=answered, total=total, reason=reason):
                return f"{name}: stopped early after {answered} of {total} cases, {reason}"
            case ApproachSkipped(approach=name, reason=reason):
                return f"{name}: skipped, {reason}"
            case ApproachFailed(approach=name, error=error, hint=hint):
                return f"{name}: failed: {error}" + (f" ({hint})" if hint else "")
            case Warned(approach=name, text=said, hint=hint):
                return f"{name + ': ' if name else ''}note: {said}" + (f" ({hint})" if hint else "")
            case _:
                return ""

    def _progress(self, name: str, done: int, total: int) -> str:
        quarter = int(done / max(1, total) / self.STEP)
        if quarter <= self._told.get(name, 0):
            return ""
        self._told[name] = quarter
        return f"{name}: {done}/{total} answered"


class Live:
    """A table that is drawn over itself on a terminal."""

    def __init__(self, console: Console, primary: str) -> None:
        from rich.live import Live as RichLive

        self._board = Board(primary)
        self._console = console
        self._drawn = 0.0
        self._live = RichLive(console=console, auto_refresh=False, transient=True)
        self._live.start()

    def tell(self, event: Event) -> None:
        self._board.feed(event)
        if isinstance(event, Warned):
            from rich.text import Text

            said = f"{event.approach + ': ' if event.approach else ''}{event.text}"
            self._console.print(Text(f"note: {text.clean(said)}", style="yellow"))
        now = time.monotonic()
        if now - self._drawn >= REFRESH_SECONDS:
            self._drawn = now
            self._live.update(self._table(), refresh=True)

    def close(self) -> None:
        self._live.update(self._table(), refresh=True)
        self._live.stop()

    def _table(self) -> Table:
        from rich import box
        from rich.table import Table
        from rich.text import Text

        table = Table(box=box.SIMPLE_HEAD)
        rows = [self._cells(row) for row in self._board.rows.values()]
        counted = max((len(cells[2]) for cells in rows), default=0)
        table.add_column("approach", no_wrap=True)
        table.add_column("state", no_wrap=True, min_width=max((len(cells[1]) for cells in rows), default=0))
        # Numbers keep their width where names and notes are long: those give way.
        table.add_column("answers", justify="right", no_wrap=True, min_width=max(7, counted))
        table.add_column("so far", justify="right", no_wrap=True, min_width=6)
        table.add_column("", ratio=1, overflow="ellipsis", no_wrap=True)
        for cells in rows:
            table.add_row(*(Text(text.one_line(cell, 80)) for cell in cells))
        return table

    @staticmethod
    def _cells(row: Row) -> tuple[str, ...]:
        glyph = glyph_of(row.state)
        counted = f"{row.done}/{row.total}" if row.total else ""
        return row.name, f"{glyph} {row.state}", counted, row.quality, row.note


def result_table(summary: Summary) -> Table:
    """The approaches of a run: quality with interval, p50 and p95, cost, failures."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("approach", no_wrap=True)
    for name in (summary.primary.name, "95 % interval", "p50", "p95", "$ per 1,000", "failed"):
        table.add_column(name, justify="right", no_wrap=True)
    for cells in result_rows(summary):
        style = "bold" if cells[0] == summary.verdict.approach else ""
        table.add_row(*(Text(cell, style=style) for cell in cells))
    return table


def result_rows(summary: Summary) -> list[tuple[str, ...]]:
    """The cells of the result table as plain text."""
    unit = summary.primary.unit
    rows: list[tuple[str, ...]] = []
    for approach in summary.approaches:
        quality, latency = approach.quality, approach.latency
        rows.append(
            (
                text.clean(approach.name),
                text.quality(quality.value, quality.low, quality.high, unit),
                text.interval(quality.low, quality.high, unit),
                text.seconds(latency.p50_seconds),
                text.seconds(latency.p95_seconds),
                text.money(approach.cost.per_1000_usd),
                f"{quality.failed}/{quality.n}" if quality.n else approach.state,
            )
        )
    return rows
