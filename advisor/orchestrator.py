"""Runs a prepared project: jobs in child processes, one stream of events, everything stored as it comes.

    async for event in run(prepared, folder):
        ...

Alone writes the run directory. Jobs that answer run side by side where `placement` has room for them; the latency pass
has the machine alone. A killed run resumes from what is on disk; cancelling kills the workers.
Command line, app and tests all consume this one iterator.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from advisor import estimates, hardware, workers
from advisor.machines import machines_of
from advisor.placement import Place, Room, spread_over
from advisor.plan import Prepared, check_models
from advisor.prior import prior
from advisor.questions import read_interview
from advisor.side_by_side import side_by_side
from advisor.stopping import StoppingRule
from baselines import scoring
from baselines.jobs import Decided, Job, answering_jobs
from baselines.latency import levels_of, wanted
from baselines.models import ledger
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
    machine = machines_of(prepared.spec).machine
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
    """Every event of the run, each stored before it is handed on. Closing the iterator kills the workers.

    `models`: model id to folder, for bundled and relative ones. The store stays open; whoever opened it closes it.
    """
    started = asyncio.get_running_loop().time()
    work = _Run(store, models, cache, resumed)
    try:
        for event in work.opening():
            yield event
        async with aclosing(work.jobs()) as events:
            async for event in events:
                yield event
        async for event in work.closing(started):
            yield event
    finally:
        await work.stop()


class _Run:
    """The state of one run: which workers are alive, which approaches failed."""

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
        self.machines = machines_of(self.spec)
        self.workers: list[workers.Worker] = []
        self.tools = scoring.Tools(folder=Path(self.spec.project_folder))
        self.spending = store.folder / "artifacts" / ledger.FILE
        self.light = tuple(metric for metric in self.spec.metrics if scoring.is_light(metric))
        self.rule = StoppingRule.of(self.spec, self.cases.values())
        self.stopped: set[str] = set()
        self.settled: set[str] = set()
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
        for remark in self.machines.remarks:
            yield self._kept(Warned(text=remark))

    def _recall(self, rule: StoppingRule) -> None:
        """What an earlier session answered and ended: a look comes to the same decision again."""
        ended = [event for event in self.store.events() if isinstance(event, StoppedEarly)]
        self.stopped, self.settled = {e.approach for e in ended}, {e.approach for e in ended if e.settled}
        rule.out |= self.stopped
        rule.beaten |= self.stopped - self.settled
        for name in self.store.approaches:
            answers = self.store.answers(name).values()
            pairs = [(self.cases[answer.case], answer) for answer in answers if answer.case in self.cases]
            for score in scoring.score_many(rule.metric, pairs, self.spec.task, self.tools):
                rule.saw(score)

    async def jobs(self) -> AsyncGenerator[Event]:
        ledger.close_open(self.spending)  # left by a session that was killed
        wanted = [item for item in self.spec.approaches if item.name not in self.stopped]
        machines = self.machines
        cards = machines.slots
        expected = {one.approach: one for one in self.store.header.expected}
        over = {item.name: spread_over(item, expected.get(item.name), cards) for item in wanted}
        spread = {name: count for name, count in over.items() if count > 1}
        self.template = self.template.model_copy(update={"spread": spread})
        template = self.template.model_copy(update={"looks": self.rule.looks if self.rule else ()})
        room = Room(cards, most=1 if self.rule else self.spec.parallel or 0)  # a look must find what it found before
        answering = side_by_side(
            answering_jobs(template, wanted),
            lambda job: machines.needs(job.approaches, self.spec, expected),
            room,
            self._job,
        )
        async with aclosing(answering) as events:
            async for event in events:
                yield event
        latency, scored = self._latency(), self._scoring()
        last = machines.parted(latency, self.spec, expected) if latency else []
        for job, place in (*last, *([(scored, Place())] if scored else [])):
            async with aclosing(self._job(job, place)) as events:
                async for event in events:
                    yield event

    async def closing(self, started: float) -> AsyncGenerator[Event]:
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
            and spec.name not in self.failed.keys() | self.skipped | (self.stopped - self.settled)
        )

    def _latency(self) -> Job | None:
        names = self._timed()
        if not self.spec.latency_samples or not any(self._unmeasured(name) for name in names):
            return None
        return self.template.model_copy(update={"id": "latency", "action": "measure", "approaches": names})

    def _scoring(self) -> Job | None:
        heavy = [metric for metric in self.spec.metrics if not scoring.is_light(metric)]
        gold = any(case.gold_passages for case in self.cases.values())
        if not (heavy or gold or self.resumed):
            return None
        names = tuple(name for name in self.store.approaches if name not in self.skipped)
        return self.template.model_copy(update={"id": "scoring", "action": "score", "approaches": names})

    def _unmeasured(self, name: str) -> bool:
        warm = [sample for sample in self.store.latency(name) if sample.phase == "warm"]
        taken = Counter((bool(sample.merged), sample.concurrency) for sample in warm)
        levels = levels_of(self.spec.latency_concurrency) if self.spec.latency_samples else ()
        options = next(item.options for item in self.spec.approaches if item.name == name)
        forms = (False, True) if options.get("merged_latency") else (False,)
        return any(
            taken[form, level] < wanted(len(self.cases), self.spec.latency_samples, level)
            for form in forms
            for level in levels
        )

    # --- one worker -------------------------------------------------------------------------------------

    async def _job(self, job: Job, place: Place) -> AsyncGenerator[Event]:
        log = self.store.folder / "artifacts" / "worker.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        ended: set[str] = set()
        with log.open("ab") as errors:
            worker = await self.machines.start(job, errors.fileno(), place, self.store.folder)
        self.workers.append(worker)
        yield self._kept(JobStarted(job=job.id, approaches=job.approaches, pid=worker.pid, cards=place.names))
        async for line in worker.lines():
            for event in self._read(line, worker):
                if isinstance(event, (ApproachFinished, ApproachFailed, ApproachSkipped, StoppedEarly)):
                    ended.add(event.approach)
                yield event
        code = await worker.ended()
        self.workers.remove(worker)
        ledger.close_open(self.spending, str(worker.pid))
        if code not in (0, 1) or (job.action == "answer" and ended != set(job.approaches)):
            for name in job.approaches:
                if name not in ended and (job.action == "answer" or code not in (0, 1)):
                    yield self._failure(name, job, code)
        yield self._kept(JobFinished(job=job.id, exit_code=code))

    def _read(self, line: bytes, worker: workers.Worker) -> Iterator[Event]:
        """The worker's event, stored, and the scores that it allows."""
        try:
            event = parse_event(line)
        except ValidationError:
            yield self._kept(Warned(text=f"a worker wrote a line that is no event: {line[:200]!r}"))
            return
        if isinstance(event, RoundAnswered):  # a question to the orchestrator, which no reader needs
            yield from self._looked(event, worker)
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

    def _looked(self, event: RoundAnswered, worker: workers.Worker) -> Iterator[Event]:
        """Ends the approaches that are clearly worse, and tells the worker, which waits for it."""
        found = self.rule.decide(event.approaches, event.done) if self.rule is not None else []
        self.stopped |= {stopped.approach for stopped in found}
        self.settled |= {stopped.approach for stopped in found if stopped.settled}
        for stopped in found:
            yield self._kept(stopped)
        decided = Decided(stop=tuple(stopped.approach for stopped in found))
        worker.tell(decided.model_dump_json().encode() + b"\n")

    def _failure(self, name: str, job: Job, code: int) -> Event:
        if job.action == "measure":  # its answers stand: what is missing is a measurement
            text = f"the latency pass ended before it was done ({workers.ending(code)})"
            return self._kept(Warned(approach=name, text=text, hint="`advisor resume` measures what is missing"))
        self.failed[name] = None
        return self._kept(
            ApproachFailed(
                approach=name,
                error=f"the worker of {job.id!r} ended before it was done ({workers.ending(code)})",
                hint="`advisor resume` goes on from the stored answers; artifacts/worker.log has what it printed",
            )
        )

    def _kept(self, event: Event) -> Event:
        self.store.record(event)
        return event

    async def stop(self) -> None:
        """Ends the workers that are alive, with everything they started."""
        await asyncio.gather(*(worker.kill() for worker in self.workers))
