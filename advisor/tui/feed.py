"""The run under way: one task over the orchestrator's iterator, told on at most ten times a second.

    feed = Feed(launch, tell)          # tell(events) gets each batch, on the loop
    feed.start(); …; await feed.stop()
    feed.state, feed.board, feed.events, feed.error

Belongs to the app, not to a screen: leaving a screen does not stop the run. A screen that opens later reads `board` and
`events` once, then listens to RunProgressed. `stop` ends the worker; what was stored stays, and `launch.reopen` goes
on.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from advisor import defects
from advisor.narration import Board
from advisor.orchestrator import run
from advisor.tui.aside import aside
from reports.errors import AdvisorError, EnvironmentFault
from reports.run.events import Answered, Event, Measured, Scored

if TYPE_CHECKING:
    from advisor.launch import Launch

State = Literal["running", "finished", "stopped", "broken"]
"""stopped: by the user, goes on with resume; broken: the run itself could not go on, `error` says why."""
TELL_SECONDS = 0.1
SLICE_SECONDS = 0.01
"""A worker's pipe may hold thousands of lines: so often a key press gets a turn, and it needs four."""


class Feed:
    """One run from start or resume to its end."""

    def __init__(self, launch: Launch, tell: Callable[[tuple[Event, ...]], None]) -> None:
        self.launch = launch
        self.folder: Path = launch.store.folder
        self.primary: str = launch.store.header.spec.metrics[0]
        self.board = Board(self.primary, header=launch.store.header)
        """Rows and numbers so far of approaches, as `advisor.narration` keeps them."""
        self.events: list[Event] = []
        """All but answers, scores and latency samples, from this start on; older ones are in `store.events()`."""
        self.state: State = "running"
        self.error: AdvisorError | None = None
        self._tell = tell
        self._pending: list[Event] = []
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins; call it once, on the loop."""
        self._task = asyncio.create_task(self._consume(), name="run")

    async def stop(self) -> None:
        """Ends the worker and closes the store. Nothing happens where the run has ended already."""
        if self._task is not None and not self._task.done():
            self._task.cancel()
        await self.ended()

    async def ended(self) -> None:
        """Returns when the run has ended, however it did."""
        if self._task is not None:
            await asyncio.wait([self._task])

    async def _consume(self) -> None:
        launch = self.launch
        try:
            if launch.resumed:
                await aside(self.board.remember, launch.store)
            async with aclosing(run(launch.store, launch.models, resumed=launch.resumed)) as events:
                await self._read(events)
            self.state = "finished"
        except asyncio.CancelledError:
            self.state = "stopped"
        except AdvisorError as error:
            self.state, self.error = "broken", error
        except OSError as error:  # a full disk, a folder that went away
            self.state = "broken"
            self.error = EnvironmentFault(str(error), "check that the place exists, is yours, and has room")
        except Exception as error:  # noqa: BLE001 - a defect would end unseen with the task, the run shown as under way
            self.state, self.error = "broken", defects.told(error)
        finally:
            self._close()

    async def _read(self, events: object) -> None:
        loop = asyncio.get_running_loop()
        turn = loop.time()
        async for event in events:  # type: ignore[attr-defined]
            self.board.feed(event)
            if not isinstance(event, (Answered, Scored, Measured)):
                self.events.append(event)
            self._pending.append(event)
            if self._timer is None:
                self._timer = loop.call_later(TELL_SECONDS, self._flush)
            if loop.time() - turn > SLICE_SECONDS:
                await asyncio.sleep(0)
                turn = loop.time()

    def _flush(self) -> None:
        self._timer = None
        batch, self._pending = tuple(self._pending), []
        self._tell(batch)

    def _close(self) -> None:
        try:
            with contextlib.suppress(RuntimeError):
                self.launch.store.close()
        except (AdvisorError, OSError) as error:
            if self.error is None:
                self.state, self.error = "broken", EnvironmentFault(str(error))
        if self._timer is not None:
            self._timer.cancel()
        self._flush()
