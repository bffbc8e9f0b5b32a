"""The one path on which every contender is evaluated: seeded order, warm-up, clock, retry, answers as events.

    outcome = evaluate(approach, in_order(questions, seed), fingerprint, emit, done=finished_ids)

Knows approaches only by their contract; refuses to see references and to score. Quality is measured in batches,
latency in a pass of its own (`baselines.latency`).
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from dataclasses import dataclass

from baselines.contract import AnswersAlone, Approach, Emit, Reply
from reports.errors import AdvisorError, EnvironmentFault
from reports.run.events import Answered, Warned
from reports.run.fingerprint import in_seeded_order
from reports.run.schema import Answer, Question

GIVE_UP_AFTER = 5
"""Cases in a row that may fail with an exception before the approach is given up: it is broken, not unlucky."""

Clock = Callable[[], float]


@dataclass(frozen=True)
class Outcome:
    """What an evaluation left behind, earlier sessions' answers included in `answered`."""

    answered: int
    failed: int


def in_order(questions: Sequence[Question], seed: int) -> list[Question]:
    """The one order of a run, the same for every approach and after every resume."""
    known = {question.id: question for question in questions}
    return [known[case] for case in in_seeded_order(known, seed)]


def evaluate(
    approach: Approach,
    questions: Sequence[Question],
    fingerprint: str,
    emit: Emit,
    *,
    done: Collection[str] = (),
    clock: Clock = time.perf_counter,
) -> Outcome:
    """Asks the approach every question that is not in `done` and emits each answer as it becomes ready.

    An exception in a batch is retried case by case; a case that fails again is an answer with status `error`.
    Raises EnvironmentFault as it comes (no memory, no key), and the last exception where case after case fails.
    """
    rounds = evaluate_in_rounds(approach, questions, fingerprint, emit, (), done=done, clock=clock)
    while True:
        try:
            next(rounds)
        except StopIteration as end:
            outcome: Outcome = end.value
            return outcome


def evaluate_in_rounds(
    approach: Approach,
    questions: Sequence[Question],
    fingerprint: str,
    emit: Emit,
    looks: Sequence[int],
    *,
    done: Collection[str] = (),
    clock: Clock = time.perf_counter,
) -> Generator[int, None, Outcome]:
    """The same in rounds: yields each number of `looks` once that many of the first questions are answered.

    Whoever looks may close the generator there: nothing beyond that question has been asked.
    """
    missing = sum(question.id not in done for question in questions)
    tally = _Tally(approach.spec.name, fingerprint, emit, len(questions) - missing, len(questions))
    start = 0
    for end in (*looks, len(questions)):
        left = {question.id: question for question in questions[start:end] if question.id not in done}
        error = _answer_batches(approach, left, tally, clock) if left else None
        if error is not None:
            _tell_of(error, approach, len(left), emit)
            _answer_singly(approach, left, tally, clock, error)
        if end < len(questions):
            yield end
        start = end
    return Outcome(tally.done, tally.failed)


def warm_up(approach: Approach, question: Question) -> None:
    """One answer that nobody counts: weights are read and caches filled before the clock starts.

    Where this one question fails, it fails again as a case of its own in `evaluate`, and not the whole approach.
    """
    if isinstance(approach, AnswersAlone):
        try:
            approach.answer_one(question)
        except EnvironmentFault:
            raise
        except Exception as error:  # noqa: BLE001 - the boundary of one case: engines and drivers raise anything
            traceback.print_exception(error)


class _Tally:
    """Turns replies into answers and counts them."""

    def __init__(self, approach: str, fingerprint: str, emit: Emit, done: int, total: int) -> None:
        self.approach, self.fingerprint, self.emit = approach, fingerprint, emit
        self.done, self.total, self.failed = done, total, 0

    def add(self, reply: Reply, seconds: float | None, attempts: int = 1) -> None:
        self.done += 1
        self.failed += reply.status not in ("ok", "truncated")
        answer = Answer(
            case=reply.case,
            approach=self.approach,
            text=reply.text,
            status=reply.status,
            error=reply.error,
            prompt_tokens=reply.prompt_tokens,
            completion_tokens=reply.completion_tokens,
            cached_prompt_tokens=reply.cached_prompt_tokens,
            usage_estimated=reply.usage_estimated,
            seconds=None if reply.from_cache else seconds if reply.seconds is None else reply.seconds,
            attempts=max(attempts, reply.attempts),
            from_cache=reply.from_cache,
            passages=reply.passages,
            prompt=reply.prompt,
            fingerprint=self.fingerprint,
        )
        self.emit(Answered(answer=answer, done=self.done, total=self.total))


def _answer_batches(approach: Approach, left: dict[str, Question], tally: _Tally, clock: Clock) -> Exception | None:
    """Takes answered questions out of `left`. Returns the exception that ended the batches, if one did."""
    batches: Iterator[list[Reply]] | None = None
    while True:
        started = clock()
        try:  # around the approach alone: what goes wrong in counting or telling is no failure of a case
            batches = approach.answer(list(left.values())) if batches is None else batches
            replies = next(batches, None)
        except (EnvironmentFault, BrokenPipeError):  # no memory or no key; nobody reads the events any more
            raise
        except Exception as error:  # noqa: BLE001 - the boundary of one case: each is asked again alone
            return error
        if replies is None:
            return RuntimeError(f"{tally.approach} gave no reply for {len(left)} questions") if left else None
        share = (clock() - started) / max(1, sum(not reply.from_cache for reply in replies))
        for reply in replies:
            if left.pop(reply.case, None) is not None:
                tally.add(reply, share)


def keep_trace(error: Exception) -> None:
    """Where an error came from, into the worker's log, unless it is one that tells the user itself."""
    if not isinstance(error, AdvisorError):
        traceback.print_exception(error)


def _tell_of(error: Exception, approach: Approach, left: int, emit: Emit) -> None:
    """The end of the batches, which the answers would not show where each question goes through alone."""
    keep_trace(error)
    emit(
        Warned(
            approach=approach.spec.name,
            text=f"answering many questions at once ended with: {sentence(error)}; {left:,} are asked one by one",
        )
    )


def _answer_singly(
    approach: Approach, left: dict[str, Question], tally: _Tally, clock: Clock, error: Exception
) -> None:
    failures = 0
    for question in list(left.values()):
        started = clock()
        try:
            reply = only_reply(approach, question)
            failures = 0
        except (EnvironmentFault, BrokenPipeError):
            raise
        except Exception as again:  # the same boundary: the answer's error is told with its case
            failures += 1
            if failures >= GIVE_UP_AFTER:
                raise again from error
            reply = Reply(question.id, status="error", error=sentence(again))
        tally.add(reply, clock() - started, attempts=2)


def only_reply(approach: Approach, question: Question) -> Reply:
    """The reply to one question asked alone. Raises RuntimeError where there is none."""
    for replies in approach.answer([question]):
        for reply in replies:
            if reply.case == question.id:
                return reply
    raise RuntimeError(f"{approach.spec.name} gave no reply")


def sentence(error: Exception) -> str:
    """What went wrong, for a reader: our own messages as they are, others with the name of their class."""
    text = str(error).strip() or type(error).__name__
    return text if isinstance(error, AdvisorError) else f"{type(error).__name__}: {text}"
