"""A replayed stream of events as lines, as rows of a board and as a live table; the final table's cells."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest
from rich.console import Console

from advisor import commands
from advisor.narration import Board, Lines, Live, Row, result_rows, result_table
from reports.run.events import (
    Answered,
    ApproachFailed,
    ApproachFinished,
    ApproachSkipped,
    Event,
    JobFinished,
    JobStarted,
    Measured,
    Prepared,
    Progressed,
    RunFinished,
    RunStarted,
    Scored,
    Trained,
    TrainingFinished,
    Warned,
)
from reports.run.schema import Answer, LatencySample, Score, TrainingRecord, TrainingStep
from reports.run.store import RunStore
from reports.summary import summarise

FROZEN = Path(__file__).resolve().parents[1] / "runs" / "v1-small"
HOSTILE = "[/foo]\x1b[31m\u202e\x9b2J\nsecond line"


def answered(approach: str, n: int, total: int = 8) -> list[Event]:
    """Eight answers or so, each with a score: the even ones are right."""
    events: list[Event] = []
    for case in map(str, range(n)):
        right = float(int(case) % 2 == 0)
        events += [
            Answered(answer=Answer(case=case, approach=approach, text="x"), done=int(case) + 1, total=total),
            Scored(score=Score(case=case, approach=approach, metric="accuracy", version=1, value=right)),
            Scored(score=Score(case=case, approach=approach, metric="macro-f1", version=1, value=1.0)),
        ]
    return events


RECORD = TrainingRecord(
    method="qlora",
    examples=10,
    validation_examples=1,
    trained_tokens=99,
    steps=20,
    epochs=2,
    best_step=10,
    best_validation_loss=0.5,
    stopped="all epochs",
    seconds=61,
)
STREAM: list[Event] = [
    RunStarted(run="r1", directory="/r1", approaches=("floor", "qlora", "old"), cases=8),
    ApproachSkipped(approach="rag", reason="it needs documents"),
    JobStarted(job="one", approaches=("floor",), pid=7),
    Progressed(approach="floor", what="preparing"),
    Prepared(approach="floor", seconds=0.1),
    *answered("floor", 8),
    ApproachFinished(approach="floor", answered=8, failed=1),
    Progressed(approach="qlora", what="embedding", done=1, total=9),
    Progressed(approach="qlora", what="embedding", done=2, total=9),
    Trained(approach="qlora", point=TrainingStep(step=1, epoch=0.1, loss=2.5), total_steps=20),
    Trained(
        approach="qlora",
        point=TrainingStep(step=10, epoch=1, loss=1.25, validation_loss=0.5),
        total_steps=20,
        seconds_left=30,
    ),
    TrainingFinished(approach="qlora", training=RECORD),
    Warned(approach="qlora", text="one note", hint="a hint"),
    ApproachFailed(approach="old", error="no such column", hint="name it"),
    JobFinished(job="one", exit_code=1),
    Warned(text="of the run"),
    Measured(sample=LatencySample(case="0", approach="floor", seconds=0.1)),
    RunFinished(directory="/r1", seconds=3, failed=("old",)),
]


def told(events: list[Event]) -> list[str]:
    lines: list[str] = []
    teller = Lines(lines.append, "accuracy")
    for event in events:
        teller.tell(event)
    teller.close()
    return lines


def test_a_run_in_lines() -> None:
    assert told(STREAM) == [
        "run r1 started: 3 approaches, 8 cases",
        "rag: skipped, it needs documents",
        "floor: preparing",
        "floor: 2/8 answered",
        "floor: 4/8 answered",
        "floor: 6/8 answered",
        "floor: 8/8 answered",
        "qlora: embedding",
        "qlora: step 10/20, loss 1.250, validation 0.500, 30 s left",
        "qlora: trained 20 steps in 61 s (all epochs)",
        "qlora: note: one note (a hint)",
        "old: failed: no such column (name it)",
        "note: of the run",
    ]


def test_thousands_of_answers_are_four_lines() -> None:
    assert len(told([*answered("floor", 1000, 1000)])) == 4


def test_a_resumed_run_says_so_and_begins_where_it_stands() -> None:
    started = RunStarted(run="r1", directory="/r1", approaches=("floor",), cases=8, resumed=True)
    assert told([started]) == ["run r1 resumed: 1 approach, 8 cases"]


def test_foreign_text_is_one_harmless_line() -> None:
    [line, *_] = told([Warned(approach=f"a{HOSTILE}", text=HOSTILE), ApproachFailed(approach="b", error=HOSTILE)])
    assert line.startswith("a[/foo]")
    assert not {"\x1b", "\u202e", "\x9b", "\n"} & set(line)


def board(events: list[Event]) -> dict[str, Row]:
    found = Board("accuracy")
    for event in events:
        found.feed(event)
    return found.rows


def test_the_board_after_a_run() -> None:
    rows = board(STREAM)
    assert list(rows) == ["floor", "qlora", "old", "rag"]
    assert rows["floor"] == Row("floor", "done", 8, 8, scored=8, points=4.0)
    assert rows["floor"].quality == "0.50"
    assert (rows["old"].state, rows["old"].note) == ("failed", "no such column")
    assert (rows["rag"].state, rows["rag"].note) == ("skipped", "it needs documents")


@pytest.mark.parametrize(
    ("count", "state", "note"),
    [
        (1, "waiting", ""),
        (4, "preparing", ""),
        (5, "preparing", ""),
        (6, "answering", ""),
        (5 + 3 * 8 + 1, "done", "1 failed answer"),
    ],
)
def test_the_board_on_the_way(count: int, state: str, note: str) -> None:
    row = board(STREAM[:count])["floor"]
    assert (row.state, row.note) == (state, note)


def test_progress_and_training_stand_in_the_note() -> None:
    start = next(index for index, event in enumerate(STREAM) if isinstance(event, ApproachFinished)) + 1
    assert board(STREAM[: start + 2])["qlora"].note == "2/9"
    row = board(STREAM[: start + 3])["qlora"]
    assert (row.state, row.note) == ("training", "step 1/20, loss 2.500")


def test_an_answer_without_a_score_counts_for_no_quality() -> None:
    unscored = Score(case="0", approach="a", metric="accuracy", version=1, value=None, unscored="no label")
    assert board([Scored(score=unscored), *answered("a", 0)]) == {}
    assert Row("a").quality == ""


def test_the_live_table_shows_every_row_and_passes_no_escape_on() -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=100, height=40, color_system=None)
    live = Live(console, "accuracy")
    foreign: list[Event] = [Warned(text=HOSTILE), ApproachFailed(approach=HOSTILE, error=HOSTILE)]
    for event in [*STREAM, *foreign]:
        live.tell(event)
    live.close()
    shown = out.getvalue()
    for words in ("note: of the run", "✗ failed", "no such column", "– skipped", "8/8", "0.50", "[/foo]"):
        assert words in shown
    assert "\x1b[31m" not in shown
    assert not {"\u202e", "\x9b"} & set(shown)


def test_the_cells_of_the_final_table() -> None:
    with RunStore.open(FROZEN) as store:
        summary = summarise(store)
    rows = {row[0]: row for row in result_rows(summary)}
    assert list(rows) == [approach.name for approach in summary.approaches]
    for row in rows.values():
        assert len(row) == 7
        assert all(isinstance(cell, str) and "None" not in cell and "nan" not in cell for cell in row)
    value, interval, p50, p95, cost, failed = rows["floor"][1:]
    assert value.endswith(" %")
    assert " to " in interval
    assert (p50[-1], p95) == ("s", "–"), "60 requests do not bound a 95th percentile"
    assert cost.startswith("$")
    assert failed.count("/") == 1
    assert rows["gpt-4-today"][3:5] == ("–", "–"), "recorded answers were not timed by us"
    out = io.StringIO()
    Console(file=out, width=120).print(result_table(summary))
    assert all(name in out.getvalue() for name in rows)
    assert "95 % interval" in out.getvalue()


@pytest.mark.parametrize("terminal", [False, True])
def test_colour_is_for_terminals_that_want_it(monkeypatch: pytest.MonkeyPatch, terminal: bool) -> None:
    class Screen(io.StringIO):
        def isatty(self) -> bool:
            return terminal

    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    assert isinstance(commands.Display(plain=True).teller("accuracy"), Lines)
    assert isinstance(commands.Display(json=True).teller("accuracy"), Lines)
    teller = commands.Display().teller("accuracy")
    teller.close()
    assert isinstance(teller, Live if terminal else Lines)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    painted = io.StringIO()
    Console(file=painted, force_terminal=True).print("x", style="red")
    assert "\x1b[31m" not in painted.getvalue()
