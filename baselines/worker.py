"""Runs one job in a process of its own: the job as one JSON line on stdin, events as JSON lines on stdout.

    echo '{"id": "a", "action": "answer", "run": "/runs/1", "approaches": ["floor"]}' | python -m baselines.worker

Nothing else reaches stdout: libraries that print are sent to stderr. Standard input stays open; when it closes, the
parent is gone and the worker ends at once, so a killed run leaves nothing behind that holds the GPU. A job with looks
answers in rounds, its approaches taking turns, and after each round reads there which of them are ended.
Reads the run directory and never writes to it, apart from `artifacts/`.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import Callable, Generator
from functools import cache, partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from baselines import peak, registry, scoring
from baselines.contract import Approach, Emit, HasMergedForm, NotApplicable, Resources
from baselines.evaluate import evaluate_in_rounds, in_order, warm_up
from baselines.jobs import Decided, Job
from baselines.latency import label_of, levels_of, measure_interleaved
from baselines.scoring.gold import retrieval_scores
from baselines.scoring.missing import missing_scores
from reports.errors import AdvisorError
from reports.run.events import (
    ApproachFailed,
    ApproachFinished,
    ApproachSkipped,
    Event,
    Prepared,
    Progressed,
    RoundAnswered,
    Scored,
    Warned,
)
from reports.run.journal import to_line
from reports.run.schema import ApproachSpec, ModelSpec, RunSpec, is_endpoint
from reports.run.store import RunStore

if TYPE_CHECKING:
    from baselines.models.cache import ResponseCache
    from baselines.models.contract import Embedder, Model
    from baselines.models.ledger import Ledger
    from baselines.scoring.judge import Judge


RESUME = "`advisor resume` measures what is missing"

Ask = Callable[[RoundAnswered], tuple[str, ...]]
"""Tells that a round is answered; returns the names of the approaches that are ended."""


def run_job(job: Job, emit: Emit, ask: Ask = lambda event: ()) -> bool:
    """Does the job and says whether every approach of it went through. Raises AdvisorError for an unusable run."""
    with RunStore.open(Path(job.run)) as store:
        resources = _resources(store, job)
        match job.action:
            case "answer":
                return _in_rounds(job, emit, ask, lambda name: _answering(store, resources, job, name, emit))
            case "measure":
                return _measure(store, resources, job, emit)
            case "score":
                scored = _each(job, emit, lambda name: _score(store, job, name, emit))
                return _guarded(job.approaches[0], emit, lambda: _check_judge(store, job, emit)) and scored


def _each(job: Job, emit: Emit, work: Callable[[str], None]) -> bool:
    """Every approach has its turn, whatever becomes of the others."""
    went_well = [_guarded(name, emit, partial(work, name)) for name in job.approaches]
    return all(went_well)


def _in_rounds(job: Job, emit: Emit, ask: Ask, answering: Callable[[str], Generator[int, None, None]]) -> bool:
    """Every approach answers up to the next look, then whoever may goes on; without looks one after the other."""
    live = {name: answering(name) for name in job.approaches}
    went_well = True
    for look in (*job.looks, None):
        for name, work in list(live.items()):
            reached: list[int] = []
            went_well &= _guarded(name, emit, partial(_one_round, work, reached))
            if not reached:
                del live[name]
        if look is not None and live:
            for name in ask(RoundAnswered(approaches=tuple(live), done=look)):
                live.pop(name).close()
    return went_well


def _one_round(work: Generator[int, None, None], reached: list[int]) -> None:
    """Goes on to the next look, which it appends; appends nothing where all questions are answered."""
    reached.extend(islice(work, 1))


def _guarded(name: str, emit: Emit, work: Callable[[], None]) -> bool:
    """The boundary of one approach: what goes wrong in it is an event, and the next one has its turn."""
    try:
        work()
    except NotApplicable as reason:
        emit(ApproachSkipped(approach=name, reason=str(reason)))
    except AdvisorError as error:
        emit(ApproachFailed(approach=name, error=str(error), hint=error.hint, cause=error.cause))
        return False
    except MemoryError:
        emit(ApproachFailed(approach=name, error="out of memory", hint="a smaller model, or fewer things beside it"))
        return False
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001 - the boundary of one worker
        traceback.print_exc()
        text = f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else 'no message'}"
        emit(
            ApproachFailed(approach=name, error=text, hint="the log of the run has the details (artifacts/worker.log)")
        )
        return False
    return True


def _answering(store: RunStore, resources: Resources, job: Job, name: str, emit: Emit) -> Generator[int, None, None]:
    """All answers of an approach; yields at each look of the job."""
    emit(Progressed(approach=name, what="preparing"))
    approach = _create(store, resources, name)
    fingerprint = approach.fingerprint()
    done = store.answered(name, fingerprint, retry_failed=job.retry_failed)
    questions = in_order(resources.questions, store.header.spec.seed)
    failed_before = 0
    started = time.perf_counter()
    told: list[Prepared] = []
    peak.forget()  # of an approach before it: a training tells its own peak
    approach.prepare(lambda event: _relay(event, told, emit))
    if len(done) < len(questions):
        warm_up(approach, questions[0])
    if not told:
        emit(Prepared(approach=name, seconds=time.perf_counter() - started, facts=getattr(approach, "facts", {})))
    looks = [look for look in job.looks if look < len(questions)]
    held: list[int] = []
    rounds = evaluate_in_rounds(approach, questions, fingerprint, emit, looks, done=done)
    outcome = yield from peak.watched(rounds, held)
    if done:
        failed_before = sum(
            answer.status not in ("ok", "truncated") and answer.case in done for answer in store.answers(name).values()
        )
    model = approach.spec.model
    computed = model is not None and not is_endpoint(model) and len(done) < len(questions)
    most = max(held, default=None) if computed else None
    failed = outcome.failed + failed_before
    emit(ApproachFinished(approach=name, answered=outcome.answered, failed=failed, peak_memory_bytes=most))


def _relay(event: Event, told: list[Prepared], emit: Emit) -> None:
    if isinstance(event, Prepared):
        told.append(event)
    emit(event)


def _measure(store: RunStore, resources: Resources, job: Job, emit: Emit) -> bool:
    """The latency pass over approaches that answered; one that cannot be prepared again is left out."""
    ready: list[Approach] = []

    def prepare(name: str) -> None:
        approach = _create(store, resources, name)
        approach.prepare(lambda event: None)
        ready.append(approach)
        if (merged := _merged(approach)) is not None:
            merged.prepare(
                lambda event: None
            )  # after the adapter's own, which is measured even where this does not fit
            ready.append(merged)

    _each(job, partial(_warned, emit), prepare)
    spec = store.header.spec
    before = [sample for name in job.approaches for sample in store.latency(name)]
    measure_interleaved(
        ready,
        in_order(resources.questions, spec.seed),
        {(label_of(s.approach, s.merged), s.case, s.concurrency) for s in before if s.phase == "warm"},
        emit,
        levels=levels_of(spec.latency_concurrency),
        samples=spec.latency_samples,
        cold={s.approach for s in before if s.phase == "cold"},
    )
    return True


def _merged(approach: Approach) -> Approach | None:
    """The form with merged weights of a fine-tuning whose user wants it timed too."""
    form: Approach | None = approach.as_merged() if isinstance(approach, HasMergedForm) else None
    return form


def _warned(emit: Emit, event: Event) -> None:
    """An approach that answered has not failed where its latency cannot be measured."""
    if isinstance(event, (ApproachFailed, ApproachSkipped)):
        why = event.error if isinstance(event, ApproachFailed) else event.reason
        event = Warned(approach=event.approach, text=f"its latency could not be measured: {why}", hint=RESUME)
    emit(event)


def _score(store: RunStore, job: Job, name: str, emit: Emit) -> None:
    """Every metric of the run on every answer that has no score by the metric's present version, and retrieval."""
    try:
        for score in missing_scores(store, name, store.header.spec.metrics, _tools(store, job)):
            emit(score)
    finally:
        for judge in _judges.values():
            if judge.used.calls:
                emit(judge.told(name))
    for recall in retrieval_scores(store, name):
        emit(Scored(score=recall))


def _tools(store: RunStore, job: Job) -> scoring.Tools:
    spec = store.header.spec
    return scoring.Tools(
        folder=Path(spec.project_folder),
        embedder=lambda: _embedder(spec.embedder),
        judge=(lambda: _judge(store, job)) if spec.judge else None,
        judged_by=spec.judge,
    )


def _judge(store: RunStore, job: Job) -> Judge:
    """One judge for all approaches of the job."""
    from baselines.judging import open_judge

    spec = store.header.spec.judge
    assert spec is not None
    if job.run not in _judges:
        _judges[job.run] = open_judge(store, spec, _opened(spec.model, job, store.header.spec))
    return _judges[job.run]


def _check_judge(store: RunStore, job: Job, emit: Emit) -> None:
    """The answers that people graded, graded by the judge too: once for each judge."""
    from baselines.judging import graded_labels

    if store.header.spec.judge is not None and store.header.spec.judge.labels is not None:
        told = graded_labels(store, _judge(store, job))
        if told is not None:
            emit(told)


# --- what a job shares ----------------------------------------------------------------------------------


def _resources(store: RunStore, job: Job) -> Resources:
    spec = store.header.spec
    return Resources(
        spec=spec,
        train=tuple(store.train()),
        dev=tuple(store.dev()),
        documents=tuple(store.documents()),
        artifacts=store.folder / "artifacts",
        model=lambda approach: _model(approach, job, spec),
        embedder=lambda: _embedder(spec.embedder),
        questions=tuple(case.question for case in store.cases()),
        base_folder=Path(spec.project_folder),
    )


def _create(store: RunStore, resources: Resources, name: str) -> Approach:
    spec = next(spec for spec in store.header.spec.approaches if spec.name == name)
    return registry.create(spec, resources)


_models: dict[str, Model] = {}
_judges: dict[str, Judge] = {}


def _model(approach: ApproachSpec, job: Job, run: RunSpec) -> Model:
    """The model of an approach, with a cache in front of it where the user wants one."""
    if approach.model is None:
        raise AdvisorError(f"the approach {approach.name} names no model")
    found = _opened(approach.model, job, run, job.spread.get(approach.name, 1))
    if job.cache is None or job.action != "answer":
        return found
    from baselines.models.cache import CachedModel

    return CachedModel(found, _response_cache(job.cache))


def _opened(spec: ModelSpec, job: Job, run: RunSpec, cards: int = 1) -> Model:
    """One load per distinct model, spread over so many GPUs."""
    key = f"{cards} {spec.model_dump_json()}"
    if key not in _models:
        if is_endpoint(spec):
            from baselines.models import remote
            from baselines.models.limits import limits_of

            loaded: Model = remote.load(
                spec,
                limits=limits_of(spec, run),
                ledger=_ledger(job.run),
                on_warning=lambda text: _tell(Warned(text=text)),
            )
        else:
            from baselines.models import local

            folder = job.models.get(spec.id)
            loaded = local.load(spec, model_path=Path(folder) if folder else None, cards=cards)
        _models[key] = loaded
    return _models[key]


@cache
def _response_cache(path: str) -> ResponseCache:
    from baselines.models.cache import ResponseCache

    return ResponseCache(Path(path), lambda text: _tell(Warned(text=text)))


@cache
def _ledger(run: str) -> Ledger:
    from baselines.models import ledger

    return ledger.Ledger(Path(run) / "artifacts" / ledger.FILE, owner=str(os.getpid()))


@cache
def _embedder(name: str) -> Embedder:
    from baselines.embedding import load_embedder

    return load_embedder(name)


# --- the process ----------------------------------------------------------------------------------------

_lock = threading.Lock()
_out: TextIO = sys.stdout


def _tell(event: Event) -> None:
    line = to_line(event) + "\n"
    with _lock:
        _out.write(line)
        _out.flush()


def _listen(decisions: queue.SimpleQueue[Decided]) -> None:
    """Hands on what the parent says, a line at a time. When standard input closes, the process ends at once."""
    held = b""
    while said := os.read(0, 4096):  # not sys.stdin: its lock, held by this thread, would break the interpreter's exit
        *lines, held = (held + said).split(b"\n")
        for line in lines:
            decisions.put(Decided.model_validate_json(line))
    os._exit(1)


def main() -> int:
    """Entry point of the process. Exit code 0: done, 1: an approach failed (said in an event)."""
    global _out  # noqa: PLW0603 - stdout is the process's one channel, moved before anything can print to it
    _out = os.fdopen(os.dup(1), "w", encoding="utf-8", errors="backslashreplace")
    os.dup2(2, 1)
    job = Job.model_validate_json(sys.stdin.buffer.readline())
    decisions: queue.SimpleQueue[Decided] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=[decisions], name="parent-watch", daemon=True).start()

    def ask(event: RoundAnswered) -> tuple[str, ...]:
        _tell(event)
        return decisions.get().stop

    try:
        return 0 if run_job(job, _tell, ask) else 1
    except AdvisorError as error:
        for name in job.approaches:
            _tell(ApproachFailed(approach=name, error=str(error), hint=error.hint))
        return error.exit_code
    except BrokenPipeError:
        return 1


if __name__ == "__main__":
    sys.exit(main())
