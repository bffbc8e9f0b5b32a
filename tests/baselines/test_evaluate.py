"""The one evaluation path, driven by approaches that fail on purpose and a clock that is moved by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import pytest

from baselines.contract import Emit, Reply
from baselines.evaluate import (
    GIVE_UP_AFTER,
    Outcome,
    evaluate,
    evaluate_in_rounds,
    in_order,
    warm_up,
)
from reports.errors import DataError, EnvironmentFault
from reports.run.events import Answered, Event, Warned
from reports.run.schema import Answer, ApproachSpec, Question

QUESTIONS = [Question(id=f"q{n}", input=f"text {n}") for n in range(8)]


@dataclass
class Clock:
    """Seconds that pass only when a test says so."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def echo(question: Question) -> Reply:
    return Reply(question.id, text=question.input.upper())


@dataclass
class Scripted:
    """An approach whose replies and exceptions a test writes; keeps what it was asked."""

    reply: Callable[[Question], Reply] = echo
    clock: Clock = field(default_factory=Clock)
    name: str = "scripted"
    batch: int = 4
    seconds: float = 2.0
    asked: list[list[str]] = field(default_factory=list)
    spec: ApproachSpec = field(init=False)

    def __post_init__(self) -> None:
        self.spec = ApproachSpec(name=self.name, kind="floor")

    def prepare(self, emit: Emit) -> None: ...

    def fingerprint(self) -> str:
        return "print"

    def answer(self, questions: Sequence[Question]) -> Iterator[list[Reply]]:
        self.asked.append([question.id for question in questions])
        for start in range(0, len(questions), self.batch):
            replies = [self.reply(question) for question in questions[start : start + self.batch]]
            self.clock.now += self.seconds
            yield replies


@dataclass
class Alone(Scripted):
    """The same with a path of its own for one request."""

    def answer_one(self, question: Question) -> Reply:
        self.asked.append([question.id])
        return self.reply(question)


def failing(*ids: str, error: Exception | None = None) -> Callable[[Question], Reply]:
    def reply(question: Question) -> Reply:
        if question.id in ids:
            raise error or ValueError(f"cannot say {question.id}")
        return echo(question)

    return reply


def evaluated(approach: Scripted, done: Sequence[str] = ()) -> tuple[Outcome, dict[str, Answer], list[Answered]]:
    events: list[Event] = []
    outcome = evaluate(approach, QUESTIONS, "print", events.append, done=done, clock=approach.clock)
    answered = [event for event in events if isinstance(event, Answered)]
    assert all(isinstance(event, (Answered, Warned)) for event in events)
    answers = {event.answer.case: event.answer for event in answered}
    assert len(answers) == len(answered), "a case was answered twice"
    return outcome, answers, answered


def test_every_question_is_answered_once_and_counted() -> None:
    outcome, answers, events = evaluated(Scripted())
    assert outcome == Outcome(answered=8, failed=0)
    assert {case: answer.text for case, answer in answers.items()} == {q.id: q.input.upper() for q in QUESTIONS}
    assert [(event.done, event.total) for event in events] == [(n, 8) for n in range(1, 9)]
    assert {(answer.approach, answer.fingerprint) for answer in answers.values()} == {("scripted", "print")}


def test_a_batch_shares_its_seconds() -> None:
    _, answers, _ = evaluated(Scripted(batch=4, seconds=2.0))
    assert {answer.seconds for answer in answers.values()} == {0.5}


def test_cached_replies_carry_no_seconds_and_take_none_from_the_others() -> None:
    def reply(question: Question) -> Reply:
        return Reply(question.id, text="x", from_cache=question.id in ("q0", "q1", "q2"))

    _, answers, _ = evaluated(Scripted(reply, batch=4, seconds=2.0))
    assert [answers[q].seconds for q in ("q0", "q1", "q2", "q3")] == [None, None, None, 2.0]
    assert answers["q0"].from_cache
    assert answers["q4"].seconds == 0.5


def test_the_service_time_of_a_remote_reply_stands() -> None:
    _, answers, _ = evaluated(Scripted(lambda question: Reply(question.id, text="x", seconds=7.0, attempts=3)))
    assert {(answer.seconds, answer.attempts) for answer in answers.values()} == {(7.0, 3)}


def test_a_failing_batch_is_asked_again_case_by_case() -> None:
    approach = Scripted(failing("q5"))
    outcome, answers, _ = evaluated(approach)
    assert outcome == Outcome(answered=8, failed=1)
    assert approach.asked == [[q.id for q in QUESTIONS], ["q4"], ["q5"], ["q6"], ["q7"]]
    assert (answers["q5"].status, answers["q5"].error) == ("error", "ValueError: cannot say q5")
    assert (answers["q4"].status, answers["q4"].attempts, answers["q4"].seconds) == ("ok", 2, 2.0)
    assert answers["q0"].attempts == 1


def test_a_batch_that_fails_where_single_questions_do_not_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    class Batches(Scripted):
        def answer(self, questions: Sequence[Question]) -> Iterator[list[Reply]]:
            if len(questions) > 1:
                raise KeyError("rows")
            return super().answer(questions)

    approach = Batches()
    events: list[Event] = []
    assert evaluate(approach, QUESTIONS, "print", events.append, clock=approach.clock) == Outcome(8, 0)
    assert [event.text for event in events if isinstance(event, Warned)] == [
        "answering many questions at once ended with: KeyError: 'rows'; 8 are asked one by one"
    ]
    assert "in answer" in capsys.readouterr().err, "the log says where"


def test_what_fails_in_telling_is_no_failure_of_a_case() -> None:
    def emit(event: Event) -> None:
        raise ValueError("the telling is broken")

    approach = Scripted()
    with pytest.raises(ValueError, match="the telling is broken"):
        evaluate(approach, QUESTIONS, "print", emit, clock=approach.clock)
    assert len(approach.asked) == 1


def test_a_message_of_ours_is_told_without_the_name_of_its_class() -> None:
    _, answers, _ = evaluated(Scripted(failing("q5", error=DataError("row 7 has no text"))))
    assert answers["q5"].error == "row 7 has no text"


def test_case_after_case_the_approach_is_given_up_with_its_last_error() -> None:
    approach = Scripted(failing(*(q.id for q in QUESTIONS)))
    events: list[Event] = []
    with pytest.raises(ValueError, match="cannot say q4"):
        evaluate(approach, QUESTIONS, "print", events.append, clock=approach.clock)
    assert len([event for event in events if isinstance(event, Answered)]) == GIVE_UP_AFTER - 1
    assert len(approach.asked) == 1 + GIVE_UP_AFTER


def test_failures_with_answers_between_them_give_nothing_up() -> None:
    outcome, _, _ = evaluated(Scripted(failing("q0", "q1", "q2", "q3", "q5", "q6", "q7")))
    assert outcome == Outcome(answered=8, failed=7)


@pytest.mark.parametrize("error", [EnvironmentFault("no memory", "buy some"), BrokenPipeError()])
@pytest.mark.parametrize("alone", [False, True])
def test_a_fault_of_the_machine_passes_through(error: Exception, alone: bool) -> None:
    seen: list[str] = []

    def reply(question: Question) -> Reply:
        seen.append(question.id)
        if alone and len(seen) == 1:
            raise ValueError("the batch fails first")
        raise error

    with pytest.raises(type(error)):
        evaluated(Scripted(reply))
    assert len(seen) == (2 if alone else 1)


def test_questions_without_a_reply_are_asked_again_and_then_failed() -> None:
    @dataclass
    class Forgetful(Scripted):
        def answer(self, questions: Sequence[Question]) -> Iterator[list[Reply]]:
            for replies in super().answer(questions):
                yield [reply for reply in replies if reply.case != "q3"]

    outcome, answers, _ = evaluated(Forgetful())
    assert outcome == Outcome(answered=8, failed=1)
    assert answers["q3"].status == "error"
    assert answers["q3"].error == "RuntimeError: scripted gave no reply"


def test_a_reply_for_a_question_that_was_not_asked_is_not_counted() -> None:
    def reply(question: Question) -> Reply:
        return Reply("other" if question.id == "q2" else question.id, text="x")

    outcome, answers, _ = evaluated(Scripted(reply))
    assert outcome.answered == 8
    assert answers["q2"].status == "error"
    assert "other" not in answers


def test_what_is_done_is_not_asked_again() -> None:
    approach = Scripted()
    outcome, answers, events = evaluated(approach, done=["q0", "q2", "q7"])
    assert outcome == Outcome(answered=8, failed=0)
    assert approach.asked == [["q1", "q3", "q4", "q5", "q6"]]
    assert sorted(answers) == ["q1", "q3", "q4", "q5", "q6"]
    assert (events[0].done, events[0].total) == (4, 8)


def test_with_everything_done_the_approach_is_left_alone() -> None:
    approach = Scripted(failing(*(q.id for q in QUESTIONS)))
    assert evaluated(approach, done=[q.id for q in QUESTIONS])[0] == Outcome(answered=8, failed=0)
    assert approach.asked == []


def test_truncated_counts_as_answered_and_refused_as_failed() -> None:
    def reply(question: Question) -> Reply:
        return Reply(question.id, status="truncated" if question.id == "q0" else "refused")

    assert evaluated(Scripted(reply))[0] == Outcome(answered=8, failed=7)


def test_the_order_depends_on_the_seed_and_not_on_the_file() -> None:
    first = in_order(QUESTIONS, 1)
    assert in_order(QUESTIONS[::-1], 1) == first
    assert first != QUESTIONS
    assert in_order(QUESTIONS, 2) != first
    assert [q for q in first if q.id != "q3"] == in_order([q for q in QUESTIONS if q.id != "q3"], 1)


def test_warm_up_asks_once_and_one_bad_question_does_not_end_the_approach() -> None:
    approach = Alone(failing("q0"))
    warm_up(approach, QUESTIONS[0])
    assert approach.asked == [["q0"]]
    with pytest.raises(EnvironmentFault):
        warm_up(Alone(failing("q0", error=EnvironmentFault("no memory"))), QUESTIONS[0])


def test_rounds_ask_the_first_questions_first_and_nothing_beyond_where_they_are_closed() -> None:
    approach = Scripted(batch=3)
    events: list[Event] = []
    rounds = evaluate_in_rounds(approach, QUESTIONS, "print", events.append, (3, 6), done=["q1"], clock=approach.clock)
    assert next(rounds) == 3
    assert approach.asked == [["q0", "q2"]]
    assert next(rounds) == 6
    rounds.close()
    assert approach.asked == [["q0", "q2"], ["q3", "q4", "q5"]]
    assert [event.done for event in events if isinstance(event, Answered)] == [2, 3, 4, 5, 6]
