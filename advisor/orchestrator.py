"""Runs a prepared project: jobs in child processes, one stream of events, everything stored as it comes.

    async for event in run(prepared, folder):
        ...

Alone writes the run directory. A killed run resumes from what is on disk; cancelling kills the worker.
Command line, app and tests all consume this one iterator.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from advisor import estimates, hardware
from advisor.plan import Prepared, check_models
from advisor.prior import prior
from advisor.questions import read_interview
from advisor.stopping import StoppingRule
from baselines import scoring
from baselines.jobs import Decided, Job, answering_jobs
from baselines.latency import levels_of, wanted
from reports.errors import EnvironmentFault
from reports.run.events import (
    Answered,
    ApproachFailed,
    ApproachFinished,
    ApproachSkipped,
    Event,
    JobFinished,
    JobStarted,
    RoundAnswered,
    RunFinished,
    RunStarted,
    Scored,
    StoppedEarly,
    Warned,
    parse_event,
)
from reports.run.schema import Case, Finished, RunHeader
from reports.run.store import RunStore

LINE_BYTES = 64 << 20
"""Longest event line: an answer of megabytes is legal."""
MEASURED_KINDS_LEFT_OUT = ("recorded",)
"""Their latency is not ours to measure."""


def new_folder(parent: Path) -> Path:
    """A fresh name below `parent`, by the time of day in UTC; a number is added where two runs start in one second."""
    stem = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    for number in range(1, 1000):
        folder = parent / (stem if number == 1 else f"{stem}-{number}")
        if not folder.exists():
            return folder
    raise EnvironmentFault(f"{parent} is full of runs of this second", "name a folder with --out")


def create(prepared: Prepared, folder: Path) -> RunStore:
    """The run's directory with its spec, data and prior, open for writing. Raises EnvironmentFault without weights."""
    check_models(prepared)
    header = header_of(prepared, folder)
    store = RunStore.create(
        folder, header, prepared.cases, train=prepared.train, dev=prepared.dev, documents=prepared.documents
    )
    if prepared.project.interview:
        store.write_prior(prior(read_interview(prepared.project.interview), prepared.spec.task.type))
    return store


def header_of(prepared: Prepared, folder: Path) -> RunHeader:
    """What run.json says of a project started now on this machine."""
    machine = hardware.describe()
    return RunHeader(
        run=folder.name,
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        spec=prepared.spec,
        environment=hardware.environment(hardware=machine),
        expected=estimates.estimate(prepared, machine).approaches,
    )


async def run(
    store: RunStore, models: dict[str, str], *, cache: Path | None = None, resumed: bool = False
) -> AsyncGenerator[Event]:
    """Every event of the run, each stored before it is handed on. Closing the iterator kills the worker.

    `models`: model id to folder, for bundled and relative ones. The store stays open; whoever opened it closes it.
    """
    started = asyncio.get_running_loop().time()
    work = _Run(store, models, cache, resumed)
    try:
        for event in work.opening():
            yield event
        async for event in work.jobs():
            yield event
        async for event in work.closing(started):
            yield event
    finally:
        await work.stop()


class _Run:
    """The state of one run: which worker is alive, which approaches failed."""

    def __init__(self, store: RunStore, models: dict[str, str], cache: Path | None, resumed: bool) -> None:
        self.store = store
        self.spec = store.header.spec
        self.resumed = resumed
        self.template = Job(
            id="",
            action="answer",
            run=str(store.folder.resolve()),
            approaches=(),
            models=models,
            cache=str(cache) if cache else None,
            retry_failed=resumed,
        )
        self.cases: dict[str, Case] = {case.question.id: case for case in store.cases()}
        self.failed: dict[str, None] = {}
        self.cause: Literal["", "budget"] = ""
        self.skipped: set[str] = set()
        self.worker: asyncio.subprocess.Process | None = None
        self.tools = scoring.Tools(folder=Path(self.spec.project_folder))
        self.light = tuple(metric for metric in self.spec.metrics if scoring.is_light(metric))
        self.rule = StoppingRule.of(self.spec, self.cases.values())
        self.stopped: set[str] = set()
        if self.rule is not None and resumed:
            self._recall(self.rule)

    # --- the three parts of a run -----------------------------------------------------------------------

    def opening(self) -> Iterator[Event]:
        yield self._kept(
            RunStarted(
                run=self.store.header.run,
                directory=str(self.store.folder),
                approaches=self.store.approaches,
                cases=len(self.cases),
                resumed=self.resumed,
            )
        )
        for item in self.spec.skipped:
            yield self._kept(ApproachSkipped(approach=item.name, reason=item.reason))

    def _recall(self, rule: StoppingRule) -> None:
        """What an earlier session answered and ended: a look comes to the same decision again."""
        self.stopped = {event.approach for event in self.store.events() if isinstance(event, StoppedEarly)}
        rule.out |= self.stopped
        for name in self.store.approaches:
            answers = self.store.answers(name).values()
            pairs = [(self.cases[answer.case], answer) for answer in answers if answer.case in self.cases]
            for score in scoring.score_many(rule.metric, pairs, self.spec.task, self.tools):
                rule.saw(score)

    async def jobs(self) -> AsyncIterator[Event]:
        wanted = [item for item in self.spec.approaches if item.name not in self.stopped]
        template = self.template.model_copy(update={"looks": self.rule.looks if self.rule else ()})
        for job in answering_jobs(template, wanted):
            async for event in self._job(job):
                yield event
        if self.spec.latency_samples:
            async for event in self._latency():
                yield event
        heavy = [metric for metric in self.spec.metrics if not scoring.is_light(metric)]
        gold = any(case.gold_passages for case in self.cases.values())
        if heavy or gold or self.resumed:
            names = tuple(name for name in self.store.approaches if name not in self.skipped)
            job = self.template.model_copy(update={"id": "scoring", "action": "score", "approaches": names})
            async for event in self._job(job):
                yield event

    async def closing(self, started: float) -> AsyncIterator[Event]:
        seconds = round(asyncio.get_running_loop().time() - started, 3)
        yield self._kept(RunFinished(directory=str(self.store.folder), seconds=seconds, failed=tuple(self.failed)))
        now = datetime.now(UTC).isoformat(timespec="seconds")
        left = tuple(name for name in self._timed() if self._unmeasured(name))
        finished = Finished(finished=now, seconds=seconds, failed=tuple(self.failed), cause=self.cause, unmeasured=left)
        self.store.finish(finished)

    def _timed(self) -> tuple[str, ...]:
        """The approaches of the latency pass: contenders that answered and whose speed is ours to measure."""
        return tuple(
            spec.name
            for spec in self.spec.approaches
            if spec.kind not in MEASURED_KINDS_LEFT_OUT
            and spec.part_of is None
            and spec.name not in self.failed.keys() | self.skipped | self.stopped
        )

    async def _latency(self) -> AsyncIterator[Event]:
        names = self._timed()
        if any(self._unmeasured(name) for name in names):
            job = self.template.model_copy(update={"id": "latency", "action": "measure", "approaches": names})
            async for event in self._job(job):
                yield event

    def _unmeasured(self, name: str) -> bool:
        taken = Counter(sample.concurrency for sample in self.store.latency(name) if sample.phase == "warm")
        levels = levels_of(self.spec.latency_concurrency) if self.spec.latency_samples else ()
        return any(taken[level] < wanted(len(self.cases), self.spec.latency_samples, level) for level in levels)

    # --- one worker -------------------------------------------------------------------------------------

    async def _job(self, job: Job) -> AsyncIterator[Event]:
        log = self.store.folder / "artifacts" / "worker.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        ended: set[str] = set()
        with log.open("ab") as errors:
            worker = await _spawn(job, errors.fileno())
            self.worker = worker
            orphans = asyncio.create_task(_end_orphans(worker))
            yield self._kept(JobStarted(job=job.id, approaches=job.approaches, pid=worker.pid))
            assert worker.stdout is not None
            async for line in worker.stdout:
                for event in self._read(line):
                    if isinstance(event, (ApproachFinished, ApproachFailed, ApproachSkipped, StoppedEarly)):
                        ended.add(event.approach)
                    yield event
            code = await worker.wait()
            await orphans
        if code not in (0, 1) or (job.action == "answer" and ended != set(job.approaches)):
            for name in job.approaches:
                if name not in ended and (job.action == "answer" or code not in (0, 1)):
                    yield self._failure(name, job, code)
        yield self._kept(JobFinished(job=job.id, exit_code=code))

    def _read(self, line: bytes) -> Iterator[Event]:
        """The worker's event, stored, and the scores that it allows."""
        try:
            event = parse_event(line)
        except ValidationError:
            yield self._kept(Warned(text=f"a worker wrote a line that is no event: {line[:200]!r}"))
            return
        if isinstance(event, RoundAnswered):  # a question to the orchestrator, which no reader needs
            yield from self._looked(event)
            return
        if isinstance(event, ApproachFailed):
            self.failed[event.approach] = None
            self.cause = event.cause or self.cause
        if isinstance(event, ApproachSkipped):
            self.skipped.add(event.approach)
        if self.rule is not None and isinstance(event, (ApproachFailed, ApproachSkipped)):
            self.rule.out.add(event.approach)
        yield self._kept(event)
        if isinstance(event, Answered) and (case := self.cases.get(event.answer.case)):
            for metric in self.light:
                for score in scoring.score_many(metric, [(case, event.answer)], self.spec.task, self.tools):
                    if self.rule is not None:
                        self.rule.saw(score)
                    yield self._kept(Scored(score=score))

    def _looked(self, event: RoundAnswered) -> Iterator[Event]:
        """Ends the approaches that are clearly worse, and tells the worker, which waits for it."""
        found = self.rule.decide(event.approaches, event.done) if self.rule is not None else []
        self.stopped |= {stopped.approach for stopped in found}
        for stopped in found:
            yield self._kept(stopped)
        if self.worker is not None and self.worker.stdin is not None:
            decided = Decided(stop=tuple(stopped.approach for stopped in found))
            self.worker.stdin.write(decided.model_dump_json().encode() + b"\n")

    def _failure(self, name: str, job: Job, code: int) -> Event:
        if job.action == "measure":  # its answers stand: what is missing is a measurement
            text = f"the latency pass ended before it was done ({_ending(code)})"
            return self._kept(Warned(approach=name, text=text, hint="`advisor resume` measures what is missing"))
        self.failed[name] = None
        return self._kept(
            ApproachFailed(
                approach=name,
                error=f"the worker of {job.id!r} ended before it was done ({_ending(code)})",
                hint="`advisor resume` goes on from the stored answers; artifacts/worker.log has what it printed",
            )
        )

    def _kept(self, event: Event) -> Event:
        self.store.record(event)
        return event

    async def stop(self) -> None:
        """Ends the worker, if one is alive, with everything it started."""
        if self.worker is not None and self.worker.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.worker.pid, signal.SIGKILL)
            await self.worker.wait()


async def _spawn(job: Job, errors: int) -> asyncio.subprocess.Process:
    """A worker in a process group of its own: Ctrl-C reaches the orchestrator alone, which then ends the group."""
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
        env={**os.environ, "TOKENIZERS_PARALLELISM": "false"},
    )
    assert worker.stdin is not None
    worker.stdin.write(job.model_dump_json().encode() + b"\n")
    with contextlib.suppress(ConnectionError):
        await worker.stdin.drain()
    return worker


async def _end_orphans(worker: asyncio.subprocess.Process) -> None:
    """What a killed worker had started would keep its output open, and the GPU taken."""
    await worker.wait()
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(worker.pid, signal.SIGKILL)


def _ending(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    name = signal.Signals(-code).name
    return f"{name}: killed, perhaps for want of memory" if name == "SIGKILL" else name
