"""The latency pass, driven by approaches on a clock that is moved by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import pytest

from baselines.contract import Emit, Reply
from baselines.latency import levels_of, measure_interleaved, wanted
from reports.errors import EnvironmentFault
from reports.run.events import Event, Measured, Progressed, Warned
from reports.run.schema import ApproachSpec, LatencySample, ModelSpec, Question

QUESTIONS = [Question(id=f"q{n}", input=f"text {n}") for n in range(4)]


@dataclass
class Clock:
    """Seconds that pass only when a test says so."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


CLOCK = Clock()


def echo(question: Question) -> Reply:
    return Reply(question.id, text=question.input.upper())


@dataclass
class Local:
    """Searches for a second, then takes two seconds for a batch and hands it over one by one, one second apart."""

    name: str = "local"
    reply: Callable[[Question], Reply] = echo
    model: ModelSpec | None = None
    asked: list[list[str]] = field(default_factory=list)

    @property
    def spec(self) -> ApproachSpec:
        return ApproachSpec(name=self.name, kind="floor", model=self.model)

    def prepare(self, emit: Emit) -> None: ...

    def fingerprint(self) -> str:
        return "print"

    def answer(self, questions: Sequence[Question]) -> Iterator[list[Reply]]:
        self.asked.append([question.id for question in questions])
        CLOCK.now += 1
        for question in questions:
            CLOCK.now += 2 if question is questions[0] else 1
            yield [self.reply(question)]


@dataclass
class Remote(Local):
    """Searches for a second, waits five for its rate limit, and its model says what its own part took."""

    def answer_one(self, question: Question) -> Reply:
        (reply,) = next(self.answer_together([question]))
        return reply

    def answer_together(self, questions: Sequence[Question]) -> Iterator[list[Reply]]:
        self.asked.append([question.id for question in questions])
        CLOCK.now += 1 + 5 + 3
        yield [
            replace(self.reply(q), seconds=3.0, waited_seconds=5.0, ttft_seconds=0.5, completion_tokens=6)
            for q in questions
        ]


def measured(
    approaches: Sequence[Local], taken: Sequence[tuple[str, str, int]] = (), levels: Sequence[int] = (1,)
) -> tuple[list[Event], list[LatencySample]]:
    events: list[Event] = []
    measure_interleaved(approaches, QUESTIONS, taken, events.append, levels=levels, samples=3, clock=CLOCK)
    return events, [event.sample for event in events if isinstance(event, Measured)]


def warm(samples: Sequence[LatencySample]) -> list[tuple[str, str]]:
    return [(s.approach, s.case) for s in samples if s.phase == "warm"]


def test_approaches_take_turns_question_by_question_after_a_request_that_is_not_counted() -> None:
    a, b = Remote(name="a"), Local(name="b")
    events, samples = measured([a, b], [("b", "q1", 1)])
    assert warm(samples) == [("a", "q0"), ("b", "q0"), ("a", "q1"), ("a", "q2"), ("b", "q2")]
    assert a.asked[0] == b.asked[0] == ["q3"], "each is warmed up first, with a question that is not measured"
    progress = [(event.done, event.total) for event in events if isinstance(event, Progressed)]
    assert progress == [(n, 5) for n in range(1, 6)]


def test_a_request_holds_the_search_and_no_wait_of_our_own() -> None:
    _, samples = measured([Remote(), Local()])
    assert {(s.approach, s.seconds, s.ttft_seconds, s.before_seconds, s.scope) for s in samples} == {
        ("local", 4.0, 1.5, 1.0, "request"),
        ("local", 3.0, None, None, "request"),  # a model that does not say what its own part took
    }


def test_merged_weights_are_measured_beside_the_adapter_and_each_by_itself() -> None:
    @dataclass
    class Adapter(Local):
        merged: bool = False

    both = [Adapter("lora"), Adapter("lora", merged=True)]
    _, samples = measured(both, [("lora", "q1", 1), ("lora with merged weights", "q0", 1)])
    assert [(s.case, s.merged) for s in samples if s.phase == "warm"] == [
        ("q0", False), ("q1", True), ("q2", False), ("q2", True),
    ]  # fmt: skip
    assert [s.merged for s in samples if s.phase == "cold"] == [False]


def test_the_first_request_to_a_model_is_its_cold_start() -> None:
    shared = ModelSpec(id="m")
    _, samples = measured([Local("a", model=shared), Local("b", model=shared), Local("c", model=ModelSpec(id="n"))])
    assert [s.approach for s in samples if s.phase == "cold"] == ["a", "c"]
    events: list[Event] = []
    measure_interleaved([Local("a")], QUESTIONS, [], events.append, cold={"a"}, clock=CLOCK)
    assert not [event for event in events if isinstance(event, Measured) and event.sample.phase == "cold"]


def test_requests_that_leave_together_end_one_after_the_other() -> None:
    local, remote = Local(), Remote(name="remote")
    _, samples = measured([local, remote], levels=(1, 2))
    pairs = [s for s in samples if s.concurrency == 2 and s.phase == "warm"]
    assert [(s.approach, s.case, s.seconds) for s in pairs] == [
        ("local", "q0", 3.0),
        ("local", "q1", 4.0),
        ("remote", "q0", 4.0),
        ("remote", "q1", 4.0),
    ]
    assert local.asked[-2:] == [["q2", "q3"], ["q0", "q1"]], "a round warms each level up"
    assert len([s for s in samples if s.concurrency == 1 and s.phase == "warm"]) == 6


def test_a_round_that_was_cut_off_is_measured_again_as_a_whole() -> None:
    _, samples = measured([Local()], [("local", f"q{n}", 1) for n in range(3)] + [("local", "q0", 2)], levels=(1, 2))
    assert [(s.case, s.concurrency) for s in samples] == [("q0", 2), ("q1", 2)]


def test_one_that_is_measured_already_is_not_even_warmed_up() -> None:
    approach = Local()
    measured([approach], [("local", f"q{n}", 1) for n in range(3)])
    assert approach.asked == []


def test_a_failed_or_cached_answer_gives_no_sample() -> None:
    def reply(question: Question) -> Reply:
        cached = question.id == "q2"
        return Reply(question.id, status="timeout" if question.id == "q1" else "ok", from_cache=cached)

    _, samples = measured([Local(reply=reply)])
    assert warm(samples) == [("local", "q0")]


@pytest.mark.parametrize("error", [ValueError("odd"), EnvironmentFault("no memory")])
def test_one_that_breaks_loses_its_samples_and_the_others_keep_theirs(error: Exception) -> None:
    def fails(question: Question) -> Reply:
        if question.id == "q1":
            raise error
        return echo(question)

    events, samples = measured([Local("a", fails), Local("b")])
    assert warm(samples) == [("a", "q0"), ("b", "q0"), ("b", "q1"), ("b", "q2")]
    [warning] = [event for event in events if isinstance(event, Warned)]
    assert warning.approach == "a"
    assert "q1" in warning.text


@pytest.mark.parametrize(
    ("cases", "samples", "level", "expected"),
    [(100, 30, 1, 30), (100, 30, 4, 28), (100, 2, 4, 4), (3, 30, 4, 0), (20, 30, 1, 20), (100, 0, 1, 0)],
)
def test_how_many_requests_a_level_gets(cases: int, samples: int, level: int, expected: int) -> None:
    assert wanted(cases, samples, level) == expected


def test_one_at_a_time_is_always_measured() -> None:
    assert levels_of((8, 4, 8)) == (1, 4, 8)
