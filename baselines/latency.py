"""The latency pass: what a caller would wait for, one request at a time and so many at a time, approaches in turns.

    measure_interleaved(approaches, questions, taken=set(), emit=emit, levels=(1, 4))

A request starts with the question and ends with the last token: embedding and search are in it, our own waits for a
rate limit and failed attempts are not. Nothing comes from a cache. One unmeasured request (at a higher level: one
round) warms each approach up; where it is the first request that the fresh process sends to a model, it is kept as
the cold start, which includes reading the weights. At level c, c requests leave together and the next c follow when the
last answer has come: an endpoint gets them as c streams, a local model as one batch of its engine.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from baselines.contract import AnswersAlone, AnswersTogether, Approach, Emit, Reply
from baselines.evaluate import only_reply, sentence
from reports.run.events import Event, Measured, Progressed, Warned
from reports.run.schema import LatencySample, Question

Clock = Callable[[], float]
Key = tuple[str, str, int]
"""What is measured (`label_of`), case, concurrency."""


def label_of(name: str, merged: bool | None) -> str:
    """An approach, or its form with the adapter merged into the base weights, which is measured beside it."""
    return f"{name} with merged weights" if merged else name


@dataclass(frozen=True)
class Round:
    """Requests of one approach that leave together."""

    approach: Approach
    questions: tuple[Question, ...]

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
    plan = [(level, list(_rounds(approaches, questions, taken, level, counts[level]))) for level in levels]
    total, done = sum(len(rounds) for _, rounds in plan), 0
    for level, rounds in plan:
        for approach in {each.label: each.approach for each in rounds}.values():
            first = Round(approach, tuple(questions[-min(level, len(questions)) :]))
            model = _model_of(approach)
            fresh = level == 1 and model not in touched and approach.spec.name not in cold and not first.merged
            kept = emit if fresh else _nobody
            _measured_or_given_up(first, kept, emit, given_up, lambda sent, to: measure(sent, to, clock, "cold"))
            touched.add(model)
        for each in rounds:
            done += 1
            if each.label not in given_up:
                emit(Progressed(approach=each.name, what="measuring latency", done=done, total=total))
                _measured_or_given_up(each, emit, emit, given_up, lambda sent, to: measure(sent, to, clock))


def measure(each: Round, emit: Emit, clock: Clock, phase: Literal["warm", "cold"] = "warm") -> None:
    """The samples of one round. A failed answer gives none."""
    started = clock()
    for reply in _replies(each):
        waited = clock() - started - reply.waited_seconds
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
                    concurrency=len(each.questions),
                    phase=phase,
                    merged=each.merged,
                    scope="request",
                    before_seconds=before,
                )
            )
        )


def _replies(each: Round) -> Iterator[Reply]:
    approach, questions = each.approach, each.questions
    if len(questions) > 1:
        together = approach.answer_together if isinstance(approach, AnswersTogether) else approach.answer
        for replies in together(questions):
            yield from replies
    elif isinstance(approach, AnswersAlone):
        yield approach.answer_one(questions[0])
    else:
        yield only_reply(approach, questions[0])


def _rounds(
    approaches: Sequence[Approach], questions: Sequence[Question], taken: Collection[Key], level: int, count: int
) -> Iterator[Round]:
    """What is missing: a round of which a part was measured is measured again as a whole."""
    for start in range(0, count, level):
        part = tuple(questions[start : start + level])
        for approach in approaches:
            each = Round(approach, part)
            if any((each.label, question.id, level) not in taken for question in part):
                yield each


def _model_of(approach: Approach) -> str:
    """What a first request wakes up: the model, or the approach itself where it has none."""
    model = approach.spec.model
    return model.model_dump_json() if model is not None else approach.spec.name


def _nobody(event: Event) -> None:
    """A warm-up that is not kept."""


def _measured_or_given_up(
    each: Round, samples: Emit, emit: Emit, given_up: set[str], work: Callable[[Round, Emit], None]
) -> None:
    """The answers of the approach stand already: what fails here costs it the rest of its samples and nothing else."""
    if each.label in given_up:
        return
    try:
        work(each, samples)
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001 - the boundary of one case
        given_up.add(each.label)
        what = "its merged weights" if each.merged else "it"
        emit(
            Warned(
                approach=each.name,
                text=f"the latency pass left {what} at case {each.questions[0].id}: {sentence(error)}",
                hint="`advisor resume` measures what is missing",
            )
        )
