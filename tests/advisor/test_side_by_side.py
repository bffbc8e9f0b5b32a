"""Several jobs as one stream of events: order, room, errors, an early end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from advisor.placement import Needs, Place, Room
from advisor.side_by_side import HELD, side_by_side


class Jobs:
    """Jobs named by letters, each with its number of events."""

    def __init__(self, broken: str = "") -> None:
        self.broken = broken
        self.told: dict[str, int] = {}
        self.alive: set[str] = set()
        self.together: list[set[str]] = []

    async def work(self, job: str, place: Place) -> AsyncGenerator[str]:
        self.alive.add(job)
        self.together.append(set(self.alive))
        try:
            for number in range(int(job[1:])):
                await asyncio.sleep(0)
                self.told[job] = number + 1
                yield f"{job[0]}{number}"
                if job[0] == self.broken:
                    raise OSError(f"no room for {job}")
        finally:
            self.alive.discard(job)


def test_every_event_comes_once_and_in_the_order_of_its_job() -> None:
    async def collected() -> list[str]:
        return [event async for event in side_by_side(["a5", "b3", "c0"], lambda job: Needs(), Room(()), Jobs().work)]

    found = asyncio.run(collected())
    assert [event for event in found if event[0] == "a"] == ["a0", "a1", "a2", "a3", "a4"]
    assert sorted(found) == ["a0", "a1", "a2", "a3", "a4", "b0", "b1", "b2"]
    assert found.index("b0") < found.index("a4"), "they run at the same time"


def test_jobs_that_want_the_same_run_one_after_the_other() -> None:
    jobs = Jobs()

    async def collected() -> list[str]:
        return [event async for event in side_by_side(["a2", "b2"], lambda job: ALONE, Room(()), jobs.work)]

    assert asyncio.run(collected()) == ["a0", "a1", "b0", "b1"]
    assert jobs.together == [{"a2"}, {"b2"}]


ALONE = Needs(processor="alone")


def test_an_error_in_one_job_ends_the_others_and_is_raised() -> None:
    jobs = Jobs(broken="b")

    async def collected() -> None:
        async with aclosing(side_by_side(["a9000", "b1"], lambda job: Needs(), Room(()), jobs.work)) as events:
            async for _ in events:
                pass

    with pytest.raises(OSError, match="no room for b1"):
        asyncio.run(collected())
    assert not jobs.alive
    assert jobs.told["a9000"] < 9000


def test_closing_the_stream_ends_all_jobs_and_few_events_wait_for_a_slow_reader() -> None:
    jobs, room = Jobs(), Room(())

    async def first() -> str:
        async with aclosing(side_by_side(["a9000", "b9000"], lambda job: Needs(), room, jobs.work)) as events:
            async for event in events:
                for _ in range(1000):
                    await asyncio.sleep(0)
                return event
        raise AssertionError

    assert asyncio.run(first()) == "a0"
    assert not jobs.alive
    assert sum(jobs.told.values()) <= HELD + 4
