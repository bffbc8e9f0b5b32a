"""The latency pass: what a caller would wait for, one request at a time and so many at a time, approaches in turns.

    measure_interleaved(approaches, questions, taken=set(), emit=emit, levels=(1, 4))

A request starts with the question and ends with the last token: embedding and search are in it, our own waits for a
rate limit and failed attempts are not. Nothing comes from a cache. One unmeasured request (at a higher level: as many
as leave at a time) warms each approach up; where it is the first request that the fresh process sends to a model, it is
kept as the cold start, which includes reading the weights.

At level c, an endpoint has c callers, each of which sends its next request when its last one has ended (a closed loop),
in blocks of at least `BLOCK` times c requests; as a block runs out, fewer are under way. A local model takes no request
while others run: c leave together as one batch of its engine, and the next c follow when the last answer has come.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Literal

from baselines.contract import AnswersAlone, AnswersCallers, AnswersTogether, Approach, Emit, Reply
from baselines.evaluate import keep_trace, only_reply, sentence
from reports.run.events import Event, Measured, Progressed, Warned
from reports.run.schema import LatencySample, Load, Question

Clock = Callable[[], float]
Key = tuple[str, str, int]
"""What is measured (`label_of`), case, concurrency."""


def label_of(name: str, merged: bool | None) -> str:
    """An approach, or its form with the adapter merged into the base weights, which is measured beside it."""
    return f"{name} with merged weights" if merged else name


BLOCK = 4
"""Requests of each caller, at least, before another approach has its turn: the more, the fewer of them run as the block
ends and fewer are under way; the fewer, the better a drifting machine drifts for all."""


@dataclass(frozen=True)
class Block:
    """Requests of one approach between two of others."""

    approach: Approach
    questions: tuple[Question, ...]
    callers: int
    """Requests at a time; without a closed loop as many as there are questions."""
    load: Load = "rounds"

    @property
    def name(self) -> str:
        """Of the approach."""
        return self.approach.spec.name

    @property
    def merged(self) -> bool | None:
        """For adapters: merged into the base weights (True) or beside them (False)."""
        found: bool | None = getattr(self.approach, "merged", None)
        return found

    @property
    def label(self) -> str:
        """What is measured, and given up, by itself."""
        return label_of(self.name, self.merged)


def wanted(cases: int, samples: int, level: int) -> int:
    """Requests of each approach at this level: as many as asked for in whole rounds, at least one."""
    most = min(cases, samples)
    return max(level, most - most % level) if most and level <= cases else 0


def levels_of(named: Sequence[int]) -> tuple[int, ...]:
    """One at a time always, then what the user names."""
    return tuple(sorted({1, *named}))


def measure_interleaved(
    approaches: Sequence[Approach],
    questions: Sequence[Question],
    taken: Collection[Key],
    emit: Emit,
    *,
    levels: Sequence[int] = (1,),
    samples: int | None = None,
    cold: Collection[str] = (),
    clock: Clock = time.perf_counter,
) -> None:
    """Question by question, each approach in turn, so that a drifting machine drifts for all of them.

    `taken` holds what an earlier session measured, `cold` the approaches whose cold start it did. `questions` in the
    order of the run; `samples` of them are measured (None: all).
    """
    given_up: set[str] = set()
    touched: set[str] = set()
    samples = len(questions) if samples is None else samples
    counts = {level: wanted(len(questions), samples, level) for level in levels}
    plan = [(level, _blocks(approaches, questions[: counts[level]], taken, level)) for level in levels]
    total, done = sum(len(each.questions) for _, blocks in plan for each in blocks), 0
    for level, blocks in plan:
        for approach in {each.label: each.approach for each in blocks}.values():
            first = Block(approach, tuple(questions[-min(level, len(questions)) :]), level, _load(approach, level))
            model = _model_of(approach)
            fresh = level == 1 and model not in touched and approach.spec.name not in cold and not first.merged
            kept = emit if fresh else _nobody
            _measured_or_given_up(first, kept, emit, given_up, lambda sent, to: measure(sent, to, clock, "cold"))
            touched.add(model)
        for each in blocks:
            done += len(each.questions)
            if each.label not in given_up:
                emit(Progressed(approach=each.name, what="measuring latency", done=done, total=total))
                _measured_or_given_up(each, emit, emit, given_up, lambda sent, to: measure(sent, to, clock))


def measure(each: Block, emit: Emit, clock: Clock, phase: Literal["warm", "cold"] = "warm") -> None:
    """The samples of one block. A failed answer gives none."""
    for reply, taken in _in_loop(each, clock) if each.load == "closed-loop" else _in_round(each, clock):
        waited = taken - reply.waited_seconds
        if reply.status not in ("ok", "truncated") or reply.from_cache:
            continue
        # What stands before the model's own part: building the prompt, embedding, search.
        before = None if reply.seconds is None else max(0.0, waited - reply.seconds)
        emit(
            Measured(
                sample=LatencySample(
                    case=reply.case,
                    approach=each.name,
                    seconds=waited,
                    ttft_seconds=None if reply.ttft_seconds is None else (before or 0.0) + reply.ttft_seconds,
                    prompt_tokens=reply.prompt_tokens,
                    completion_tokens=reply.completion_tokens,
                    concurrency=each.callers,
                    load=each.load,
                    phase=phase,
                    merged=each.merged,
                    scope="request",
                    before_seconds=before,
                )
            )
        )


def _in_loop(each: Block, clock: Clock) -> Iterator[tuple[Reply, float]]:
    """Replies as they come, each with the seconds from the end of its caller's last request to its own end.

    An error ends the loop: nothing more is sent, and what is under way then is waited for, because it is paid for.
    """
    approach = each.approach
    assert isinstance(approach, AnswersCallers)
    stopped = threading.Event()

    def ask(question: Question) -> tuple[Reply, float] | None:
        started = clock()
        if stopped.is_set():
            return None
        try:
            return approach.answer_one(question), clock() - started
        except BaseException:
            stopped.set()  # here, not where it is heard of: the next caller is faster
            raise

    with approach.open_to(each.callers), ThreadPoolExecutor(each.callers, "caller") as callers:
        asked = [callers.submit(ask, question) for question in each.questions]
        faults: list[BaseException] = []
        try:
            for one in as_completed(asked):
                if (fault := one.exception()) is not None:
                    faults.append(fault)
                elif (found := one.result()) is not None:
                    yield found
        finally:
            stopped.set()
    if faults:
        raise faults[0]


def _in_round(each: Block, clock: Clock) -> Iterator[tuple[Reply, float]]:
    """Replies as they come, each with the seconds since all of them left."""
    approach, questions = each.approach, each.questions
    started = clock()
    if len(questions) == 1:
        answer_one = approach.answer_one if isinstance(approach, AnswersAlone) else partial(only_reply, approach)
        yield answer_one(questions[0]), clock() - started
        return
    together = approach.answer_together if isinstance(approach, AnswersTogether) else approach.answer
    for replies in together(questions):
        for reply in replies:
            yield reply, clock() - started


def _blocks(
    approaches: Sequence[Approach], questions: Sequence[Question], taken: Collection[Key], level: int
) -> list[Block]:
    """What is missing, approaches in turns; where that is less than leaves at a time, it is measured with others."""
    found: list[tuple[int, Block]] = []
    for approach in approaches:
        load, label = _load(approach, level), Block(approach, (), level).label
        rounds = len(questions) // level
        turns = max(1, rounds // BLOCK) if load == "closed-loop" else rounds
        starts = [level * (turn * rounds // turns) for turn in range(turns)] if rounds else []
        for start, end in pairwise((*starts, level * rounds)):
            part = questions[start:end]
            missing = [q for q in part if (label, q.id, level) not in taken]
            if missing:
                beside = [q for q in part if q not in missing][: max(0, level - len(missing))]
                sent = tuple(q for q in part if q in missing or q in beside)
                found.append((start, Block(approach, sent, level, load)))
    return [block for _, block in sorted(found, key=lambda each: each[0])]


def _load(approach: Approach, level: int) -> Load:
    """How this many requests at a time follow each other."""
    return "closed-loop" if level > 1 and isinstance(approach, AnswersCallers) and approach.takes_callers else "rounds"


def _model_of(approach: Approach) -> str:
    """What a first request wakes up: the model, or the approach itself where it has none."""
    model = approach.spec.model
    return model.model_dump_json() if model is not None else approach.spec.name


def _nobody(event: Event) -> None:
    """A warm-up that is not kept."""


def _measured_or_given_up(
    each: Block, samples: Emit, emit: Emit, given_up: set[str], work: Callable[[Block, Emit], None]
) -> None:
    """The answers of the approach stand already: what fails here costs it the rest of its samples and nothing else."""
    if each.label in given_up:
        return
    try:
        work(each, samples)
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001 - the boundary of one approach: engines and drivers raise anything
        keep_trace(error)
        given_up.add(each.label)
        what = "its merged weights" if each.merged else "it"
        emit(
            Warned(
                approach=each.name,
                text=f"the latency pass left {what} at case {each.questions[0].id}: {sentence(error)}",
                hint="`advisor resume` measures what is missing",
            )
        )
