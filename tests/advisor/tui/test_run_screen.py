"""The run, replayed from a list of events at both sizes: rows, curves, log, and what a stop leaves behind."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest
from textual.pilot import Pilot

from advisor.narration import Board
from advisor.tui.app import AdvisorApp
from advisor.tui.feed import Feed, State
from advisor.tui.frame import RunProgressed
from reports.errors import AdvisorError, EnvironmentFault
from reports.run.events import (
    Answered,
    ApproachFailed,
    ApproachFinished,
    Event,
    Measured,
    Progressed,
    RunFinished,
    RunStarted,
    Scored,
    Trained,
    Warned,
)
from reports.run.schema import LatencySample, TrainingStep
from reports.run.store import RunStore
from tests.advisor.tui.conftest import SIZES, seen

HOSTILE = "[/foo] \x1b[2J\x00\u202eno\n" + "x" * 200


@dataclass
class Replayed:
    """A feed without a run."""

    folder: Path
    board: Board
    primary: str = "accuracy"
    state: State = "running"
    error: AdvisorError | None = None
    events: list[Event] = field(default_factory=list)

    def tell(self, *events: Event) -> None:
        for event in events:
            self.board.feed(event)
            self.events.append(event)

    async def stop(self) -> None:
        self.state = "stopped"


@pytest.fixture
def feed(stored_run: Path) -> Replayed:
    store = RunStore.open(stored_run)
    found = Replayed(stored_run, Board("accuracy", header=store.header))
    found.tell(RunStarted(run="r", directory="r", approaches=store.approaches, cases=60))
    for name in ("zero-shot", "few-shot"):
        scores = store.scores(name, "accuracy")
        for i, answer in enumerate(store.answers(name).values(), start=1):
            found.tell(Answered(answer=answer, done=i, total=60))
            if answer.case in scores:
                found.tell(Scored(score=scores[answer.case]))
    found.tell(
        ApproachFinished(approach="zero-shot", answered=60, failed=0),
        ApproachFailed(approach="rag", error=HOSTILE, hint="look there"),
        Progressed(approach="qlora", what="loading the model"),
    )
    return found


async def opened(app: AdvisorApp, pilot: Pilot[None], feed: Replayed) -> None:
    app.session.feed = cast(Feed, feed)
    app.session.show_run(feed.folder)
    await app.go("run")
    await pilot.pause(0.1)


def train(steps: int) -> list[Event]:
    return [
        Trained(
            approach="qlora",
            point=TrainingStep(
                step=i,
                epoch=i / 10,
                loss=2.0 / i,
                validation_loss=2.2 / i if i % 5 == 0 else None,
                tokens_per_second=1234.0,
                memory_bytes=1_900_000_000,
            ),
            total_steps=40,
            seconds_left=95.0,
        )
        for i in range(1, steps + 1)
    ]


@pytest.mark.parametrize("size", SIZES)
async def test_rows_curves_and_warnings_follow_the_events(feed: Replayed, size: tuple[int, int]) -> None:
    app = AdvisorApp()
    async with app.run_test(size=size) as pilot:
        await opened(app, pilot, feed)
        first = seen(pilot)
        assert "▸ Running" in first
        assert "✓ zero-shot" in first
        assert "60/60" in first
        assert "✗ rag" in first
        assert "[/foo]" in first
        assert not {"\x1b", "\x00", "\u202e"} & set(first)
        batch = (*train(20), Warned(approach="qlora", text="the loss rises", hint="a lower rate"))
        feed.tell(*batch)
        app.screen.post_message(RunProgressed(tuple(batch), cast(Feed, feed)))
        await pilot.pause(0.2)
        told = seen(pilot)
        assert "qlora  step 20/40" in told
        assert "1,234 tokens/s" in told
        assert "1.9 GB" in told
        assert "validation 0.110" in told
        assert "! qlora: the loss rises (a lower rate)" in told
        if size[0] < 100:
            assert "zero-shot: 60/60 answered" not in told
            await pilot.press("l")
            await pilot.pause(0.1)
        assert "note: the loss rises" in seen(pilot)


async def test_a_pause_says_how_to_go_on_and_a_cancel_asks_first(feed: Replayed) -> None:
    app = AdvisorApp()
    async with app.run_test(size=(100, 30)) as pilot:
        await opened(app, pilot, feed)
        await pilot.press("x")
        await pilot.pause()
        assert "Cancel the run?" in seen(pilot)
        await pilot.press("n", "p")
        await pilot.pause(0.1)
        assert "‖ Paused" in seen(pilot)
        assert "advisor resume" in seen(pilot)
        assert feed.state == "stopped"


async def test_leaving_the_app_during_a_run_asks_and_says_how_to_resume(feed: Replayed) -> None:
    app = AdvisorApp()
    async with app.run_test(size=(100, 30)) as pilot:
        await opened(app, pilot, feed)
        await pilot.press("6")
        await pilot.pause()
        assert feed.state == "running"
        await pilot.press("q")
        await pilot.pause()
        assert "Leave while the run is under way?" in seen(pilot)
        assert "advisor resume" in seen(pilot)
        await pilot.press("n")
        assert feed.state == "running"


@pytest.mark.parametrize(
    ("state", "error", "said"),
    [
        ("finished", None, "but rag failed"),
        ("broken", EnvironmentFault("No space left to write answers", "free some"), "No space left to write answers"),
    ],
)
async def test_how_a_run_ended_stands_at_the_top(
    feed: Replayed, state: State, error: AdvisorError | None, said: str
) -> None:
    feed.state, feed.error = state, error
    feed.tell(
        Measured(sample=LatencySample(case="c00000", approach="zero-shot", seconds=0.25)),
        RunFinished(directory="r", seconds=61.0, failed=("rag",)),
    )
    app = AdvisorApp()
    async with app.run_test(size=(100, 30)) as pilot:
        await opened(app, pilot, feed)
        assert said in seen(pilot)
        assert "0.25 s" in seen(pilot)
        assert "measuring" not in seen(pilot)
