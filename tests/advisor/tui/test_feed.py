"""One task over the run's iterator: few batches, every end told, and its turn for the loop between."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from advisor.launch import Launch
from advisor.tui import feed as feeding
from advisor.tui.aside import aside, found
from advisor.tui.feed import Feed
from reports.errors import DataError, UsageError
from reports.run.events import Answered, Event, RunFinished, RunStarted, Scored
from reports.run.schema import Answer, Score

STARTED = RunStarted(run="r", directory="r", approaches=("rag",), cases=9_000)
FINISHED = RunFinished(directory="r", seconds=1.0)


class Store:
    """What a feed needs of a run's store."""

    folder = "r"
    closed = 0

    def __init__(self) -> None:
        spec = SimpleNamespace(metrics=("accuracy",), approaches=(), prices=None)
        self.header = SimpleNamespace(spec=spec)

    def close(self) -> None:
        self.closed += 1


def following(events: AsyncIterator[Event], monkeypatch: pytest.MonkeyPatch) -> tuple[Feed, list[tuple[Event, ...]]]:
    """A feed over these events, and the batches that it tells."""

    async def run(*_: object, **__: object) -> AsyncGenerator[Event]:
        async for event in events:
            yield event

    class Rows:
        def __init__(self, *_: object, **__: object) -> None:
            self.fed = 0

        def feed(self, _: Event) -> None:
            self.fed += 1

    monkeypatch.setattr(feeding, "run", run)
    monkeypatch.setattr(feeding, "Board", Rows)
    told: list[tuple[Event, ...]] = []
    return Feed(Launch(cast(Any, Store()), {}), told.append), told


async def many(count: int) -> AsyncIterator[Event]:
    yield STARTED
    for number in range(count):
        yield Answered(answer=Answer(case=str(number), approach="rag"), done=number + 1, total=count)
        yield Scored(score=Score(case=str(number), approach="rag", metric="accuracy", version=1, value=1.0))
    yield FINISHED


async def test_every_event_is_told_once_in_few_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    feed, told = following(many(20_000), monkeypatch)
    feed.start()
    turns = 0
    while feed.state == "running":
        await asyncio.sleep(0)
        turns += 1
    assert feed.state == "finished"
    assert sum(map(len, told)) == 40_002
    assert len(told) < 4_000
    assert [event.kind for event in feed.events] == ["run-started", "run-finished"]
    assert cast(Store, feed.launch.store).closed == 1
    assert turns > 2  # a key would have had its turn


async def test_stopping_ends_the_task_and_closes_the_store(monkeypatch: pytest.MonkeyPatch) -> None:
    async def endless() -> AsyncIterator[Event]:
        yield STARTED
        await asyncio.sleep(3_600)

    feed, told = following(endless(), monkeypatch)
    feed.start()
    await asyncio.sleep(0)
    await feed.stop()
    await feed.stop()
    assert feed.state == "stopped"
    assert cast(Store, feed.launch.store).closed == 1
    assert told[-1] == () or told[-1] == (STARTED,)


@pytest.mark.parametrize("error", [DataError("the file is gone", "bring it back"), OSError(28, "No space left")])
async def test_what_ends_a_run_is_kept_with_its_hint(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    async def failing() -> AsyncIterator[Event]:
        yield STARTED
        raise error

    feed, _ = following(failing(), monkeypatch)
    feed.start()
    await feed.ended()
    assert feed.state == "broken"
    assert feed.error is not None
    assert str(error) in str(feed.error)
    assert feed.error.hint


async def test_a_defect_ends_the_run_with_its_traceback_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    async def failing() -> AsyncIterator[Event]:
        yield STARTED
        raise KeyError("no such row")

    feed, _ = following(failing(), monkeypatch)
    feed.start()
    await feed.ended()
    assert feed.state == "broken"
    assert "a defect in the program: KeyError: 'no such row'" in str(feed.error)
    (log,) = tmp_path.iterdir()
    assert "in failing" in log.read_text()
    assert feed.error is not None
    assert str(log) in feed.error.hint


async def test_work_aside_gives_its_result_or_what_it_raised() -> None:
    def fail() -> None:
        raise UsageError("no", "yes")

    assert await aside(sorted, [3, 1]) == [1, 3]
    with pytest.raises(UsageError, match="no"):
        await aside(fail)
    assert (await found("advisor.recent:overview")).__name__ == "overview"
    waiting = threading.Event()
    task = asyncio.create_task(aside(waiting.wait, 30))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    waiting.set()


async def test_what_work_raises_that_was_let_go_is_told_by_the_loop() -> None:
    waiting, told = threading.Event(), asyncio.Event()
    faults: list[object] = []

    def tell(_: asyncio.AbstractEventLoop, said: dict[str, object]) -> None:
        faults.append(said["exception"])
        told.set()

    asyncio.get_running_loop().set_exception_handler(tell)

    def fail() -> None:
        waiting.wait(30)
        raise KeyError("nobody waits")

    task = asyncio.create_task(aside(fail))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    waiting.set()
    await asyncio.wait_for(told.wait(), 30)
    assert [str(fault) for fault in faults] == ["'nobody waits'"]
