"""A worker: one job in a process of its own, its events as lines, its end for certain.

    worker = await start(job, log.fileno(), {"CUDA_VISIBLE_DEVICES": "0"})
    async for line in worker.lines(): ...
    code = await worker.ended(); await worker.kill()

Whoever runs jobs elsewhere keeps to `Worker`. Refuses to know what the lines say.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from typing import Protocol

from advisor.gpus import COUNTED_ALIKE
from baselines.jobs import Job

LINE_BYTES = 64 << 20
"""Longest event line: an answer of megabytes is legal."""
KEEPS_MEMORY = {"MALLOC_TRIM_THRESHOLD_": str(256 << 20), "MALLOC_MMAP_THRESHOLD_": str(32 << 20)}
"""glibc otherwise gives every layer's activations back to the system and asks for them again: measured 5 to 18 % of the
processor time of answering. 32 MiB is the most that it takes; larger blocks go back as ever. Others ignore it."""


class Worker(Protocol):
    """One job under way, wherever it runs."""

    @property
    def pid(self) -> int | None:
        """Of the process, where it is one of this machine."""
        ...

    def lines(self) -> AsyncIterator[bytes]:
        """What it writes on its standard output, until it ends."""
        ...

    def tell(self, line: bytes) -> None:
        """A line on its standard input."""
        ...

    async def ended(self) -> int:
        """Its exit code, negative for a signal; whatever it had started is gone then."""
        ...

    async def kill(self) -> None:
        """Ends it with everything that it started. Nothing happens where it has ended."""
        ...


class LocalWorker:
    """A process of this machine, leader of a group of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._orphans = asyncio.create_task(_end_orphans(process))

    @property
    def pid(self) -> int:
        return self._process.pid

    async def lines(self) -> AsyncIterator[bytes]:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            yield line

    def tell(self, line: bytes) -> None:
        if self._process.stdin is not None:
            self._process.stdin.write(line)

    async def ended(self) -> int:
        code = await self._process.wait()
        await self._orphans
        return code

    async def kill(self) -> None:
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            await self._process.wait()


async def start(job: Job, errors: int, environment: Mapping[str, str]) -> Worker:
    """A worker on this machine. `errors`: file descriptor of its log; `environment`: on top of ours."""
    return LocalWorker(await spawn(job, errors, environment))


async def spawn(job: Job, errors: int, environment: Mapping[str, str]) -> asyncio.subprocess.Process:
    """A process group of its own: Ctrl-C reaches the orchestrator alone, which then ends the group."""
    worker = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",  # a user's own folder named `reports` must not shadow ours
        "-m",
        "baselines.worker",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=errors,
        limit=LINE_BYTES,
        start_new_session=True,
        env={**KEEPS_MEMORY, **COUNTED_ALIKE, **os.environ, "TOKENIZERS_PARALLELISM": "false", **environment},
    )
    assert worker.stdin is not None
    worker.stdin.write(job.model_dump_json().encode() + b"\n")
    with contextlib.suppress(ConnectionError):
        await worker.stdin.drain()
    return worker


def ending(code: int) -> str:
    """An exit code in words."""
    if code >= 0:
        return f"exit code {code}"
    name = signal.Signals(-code).name
    return f"{name}: killed, perhaps for want of memory" if name == "SIGKILL" else name


async def _end_orphans(worker: asyncio.subprocess.Process) -> None:
    """What a killed worker had started would keep its output open, and the GPU taken."""
    await worker.wait()
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(worker.pid, signal.SIGKILL)
