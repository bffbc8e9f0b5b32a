"""The run as it stands: one row an approach, and the training under way. Takes the board of advisor.narration.

board_rows(board, wide=True); training_words(progress)
"""

from __future__ import annotations

import math

from textual.content import Content

from advisor.narration import Board, Row, glyph_of
from advisor.tui.plain import line, plain
from advisor.tui.widgets import grid
from reports import text
from reports.metrics import facts
from reports.progress import Progress, Training

STYLES = {
    "done": "$success",
    "failed": "$error",
    "skipped": "$foreground-muted",
    "stopped": "$warning",
    "waiting": "$foreground-muted",
}
BAR = 12
UNTIMED = ("floor", "recorded")
"""Their pace says nothing."""


def board_rows(board: Board, *, wide: bool) -> tuple[tuple[str, ...], list[grid.Row]]:
    """Heading and rows. Numbers are those so far; '~' marks the pace of the batched pass, which is no latency."""
    rows = []
    for row in board.rows.values():
        known = board.progress.get(row.name)
        cells = [glyph_of(row.state), row.name, row.state]
        if wide:
            cells.append(bar(row.done, row.total))
        cells += [f"{row.done}/{row.total}" if row.total else "", *_quality(board, known), _speed(known)]
        cells.append(text.money(known.spent_usd) if known and known.spent_usd is not None else "–")
        style = STYLES.get(row.state, "$primary")
        rows.append(grid.Row(tuple(cells), styles=((0, f"bold {style}"), (2, style))))
    head = ["", "approach", "state"] + (["progress"] if wide else [])
    head += ["answers", text.one_line(board.primary, 12), "95 %", "p50", "cost"]
    return tuple(head), rows


def bar(done: int, total: int) -> str:
    """Twelve cells, filled by share."""
    filled = round(BAR * done / total) if total else 0
    return "━" * filled + "─" * (BAR - filled)


def failures(board: Board) -> Content:
    """Why approaches failed or were left out, and what the run warned of: the last ones."""
    said = [
        Content.styled(f"✗ {_name(r)}: ", "$error") + line(r.note, limit=150)
        for r in board.rows.values()
        if r.state == "failed"
    ]
    for name, known in board.progress.items():
        head = Content.styled(f"! {text.one_line(name, 40)}: ", "$warning")
        said += [head + line(warning, limit=150) for warning in known.warnings[-2:]]
    return Content("\n").join(said)


def trained_now(board: Board) -> tuple[str, Training] | None:
    """The training under way, else the one that ended last."""
    found = [(name, known.training) for name, known in board.progress.items() if known.training is not None]
    going = [(name, one) for name, one in found if one.finished is None]
    return (going or found)[-1] if found else None


def training_words(name: str, training: Training) -> Content:
    """Step, losses, speed, memory, time left: one or two lines."""
    said = Content.styled(text.one_line(name, 40), "bold")
    step = training.latest
    if training.finished is not None:
        done = training.finished
        said += Content(f"  trained in {text.seconds(done.seconds)}: ") + plain(done.stopped)
        if done.best_validation_loss is not None:
            said += Content(f", step {done.best_step} kept, validation loss {done.best_validation_loss:.3f}")
        return said
    if step is None:
        return said
    said += Content(f"  step {step.step}/{training.total_steps}")
    facts_ = []
    if (speed := training.last("tokens_per_second")) is not None:
        facts_.append(f"{text.number(speed, 0)} tokens/s")
    if (memory := training.last("memory_bytes")) is not None:
        facts_.append(text.size(memory))
    if training.seconds_left is not None:
        facts_.append(f"{text.seconds(training.seconds_left)} left")
    return said + Content("".join(f"  {fact}" for fact in facts_)).stylize("$foreground-muted")


def loss_words(training: Training) -> Content:
    """The key of the curves with their last values."""
    step, held = training.latest, training.last("validation_loss")
    if step is None:
        return Content("")
    said = Content.styled("─ training ", "$primary") + Content(f"{step.loss:.3f}")
    return said + (Content.styled("   o validation ", "$accent") + Content(f"{held:.3f}") if held is not None else "")


def _quality(board: Board, known: Progress | None) -> tuple[str, str]:
    found = known.quality if known else None
    if known is None or found is None:
        return "–", ""
    unit = facts(board.primary, (found.value,)).unit
    if math.isnan(found.low):
        return text.quality(found.value, unit=unit), ""
    return text.quality(found.value, found.low, found.high, unit), text.interval(found.low, found.high, unit)


def _speed(known: Progress | None) -> str:
    if known is None or (known.p50_seconds is None and known.pace_seconds is None):
        return "–"
    if known.p50_seconds is not None:
        return text.seconds(known.p50_seconds)
    return "–" if known.spec.kind in UNTIMED else f"~{text.seconds(known.pace_seconds)}"


def _name(row: Row) -> str:
    return text.one_line(row.name, 40)
