"""Runs jobs side by side as far as there is room, and hands their events on as one stream.

    async with aclosing(side_by_side(jobs, needs, room, work)) as events:    # work(job, place): events of one job
        async for event in events: ...

A slow reader holds all of them up: few events wait here. An error in one job ends the others and is raised; closing the
stream ends all. Knows no process and no run.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Generic, TypeVar

from advisor.placement import Needs, Place, Room

J = TypeVar("J")
E = TypeVar("E")
HELD = 64
"""Events that may wait for the reader."""


@dataclass(frozen=True)
class _Told(Generic[E]):
    event: E


@dataclass(frozen=True)
class _Ended:
    place: Place
    task: asyncio.Task[None]


async def side_by_side(
    jobs: Sequence[J], needs: Callable[[J], Needs], room: Room, work: Callable[[J, Place], AsyncGenerator[E]]
) -> AsyncGenerator[E]:
    """The events of all jobs, those of each in their order."""
    told: asyncio.Queue[_Told[E] | _Ended] = asyncio.Queue()
    free = asyncio.Semaphore(HELD)
    waiting = [(job, needs(job)) for job in jobs]
    running: set[asyncio.Task[None]] = set()

    async def pump(job: J, place: Place) -> None:
        async with aclosing(work(job, place)) as events:
            async for event in events:
                await free.acquire()
                told.put_nowait(_Told(event))

    def start(job: J, place: Place) -> None:
        task = asyncio.create_task(pump(job, place))
        task.add_done_callback(lambda done: told.put_nowait(_Ended(place, done)))
        running.add(task)

    try:
        while waiting or running:
            while (found := room.next([each for _, each in waiting])) is not None:
                start(waiting.pop(found[0])[0], found[1])
            match await told.get():
                case _Told(event):
                    free.release()
                    yield event
                case _Ended(place, task):
                    room.give_back(place)
                    running.discard(task)
                    task.result()  # an error of the job is the reader's
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
