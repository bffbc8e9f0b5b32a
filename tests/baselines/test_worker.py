"""A worker's jobs in this process: rounds with looks, and the latency pass of what cannot be prepared again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from baselines import peak, registry, worker
from baselines.contract import Approach, Emit, Reply, Resources
from baselines.jobs import Job
from reports.errors import DataError
from reports.run.events import Answered, ApproachFailed, ApproachFinished, Event, Measured, RoundAnswered, Warned
from reports.run.schema import ApproachSpec, Case, DataFacts, Environment, ModelSpec, Question, RunHeader, RunSpec, Task
from reports.run.store import RunStore

NAMES = ("one", "two")


@dataclass
class Echo:
    """Answers with the input; cannot be prepared where its name is in `broken`."""

    spec: ApproachSpec
    broken: tuple[str, ...] = ()
    asked: list[str] = field(default_factory=list)

    def prepare(self, emit: Emit) -> None:
        if self.spec.name in self.broken:
            raise DataError("its file is gone")

    def fingerprint(self) -> str:
        return "echo"

    def answer(self, questions: Sequence[Question]) -> Iterator[list[Reply]]:
        yield [Reply(question.id, text=question.input) for question in questions]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A stored run of two approaches over ten cases, nothing answered."""
    cases = [Case(question=Question(id=f"q{n}", input=f"text {n}"), references=("x",)) for n in range(10)]
    spec = RunSpec(
        name="r",
        task=Task(type="qa"),
        metrics=("exact-match",),
        approaches=tuple(ApproachSpec(name=name, kind="floor") for name in NAMES),
        data=DataFacts(eval_cases=10, train_examples=0, dev_examples=0, documents=0),
        latency_samples=3,
    )
    where = Environment(python="3", platform="x", packages={}, device="cpu")
    header = RunHeader(run="r", started="2026-01-02T03:04:05Z", spec=spec, environment=where)
    RunStore.create(tmp_path / "r", header, cases).close()
    return tmp_path / "r"


def made(monkeypatch: pytest.MonkeyPatch, *broken: str) -> None:
    def create(spec: ApproachSpec, resources: Resources) -> Approach:
        return Echo(spec, broken)

    monkeypatch.setattr(registry, "create", create)


def test_approaches_take_turns_and_a_stopped_one_is_asked_no_more(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made(monkeypatch)
    events: list[Event] = []
    asked: list[RoundAnswered] = []

    def ask(event: RoundAnswered) -> tuple[str, ...]:
        asked.append(event)
        return ("one",) if event.done == 6 else ()

    job = Job(id="j", action="answer", run=str(run), approaches=NAMES, looks=(4, 6, 8))
    assert worker.run_job(job, events.append, ask)
    assert [(event.approaches, event.done) for event in asked] == [(NAMES, 4), (NAMES, 6), (("two",), 8)]
    order = [event.answer.approach for event in events if isinstance(event, Answered)]
    assert order == ["one"] * 4 + ["two"] * 4 + ["one"] * 2 + ["two"] * 2 + ["two"] * 4
    assert [event.approach for event in events if isinstance(event, ApproachFinished)] == ["two"]


def test_what_this_machine_answers_tells_its_peak_of_memory_turn_by_turn(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    local = ModelSpec(id="acme/small")
    monkeypatch.setattr(registry, "create", lambda spec, _: Echo(spec.model_copy(update={"model": local})))
    peaks = iter([5, 100, 7, 200])  # two turns of each
    monkeypatch.setattr(peak, "peak_bytes", lambda: next(peaks))
    events: list[Event] = []
    assert worker.run_job(Job(id="j", action="answer", run=str(run), approaches=NAMES, looks=(4,)), events.append)
    told = {event.approach: event.peak_memory_bytes for event in events if isinstance(event, ApproachFinished)}
    assert told == {"one": 7, "two": 200}


def test_the_peak_is_that_of_the_time_since_it_was_forgotten() -> None:
    bytearray(300 * 2**20)
    before = peak.peak_bytes()
    if before is None:
        pytest.skip("this platform tells no peak")
    peak.forget()
    after = peak.peak_bytes()
    block = bytearray(100 * 2**20)
    grown = peak.peak_bytes()
    assert len(block) == 100 * 2**20
    assert after is not None
    assert grown is not None
    assert after < before - 200 * 2**20
    assert grown > after + 90 * 2**20


def test_one_that_fails_in_its_first_round_leaves_the_others_their_turns(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(monkeypatch, "one")
    events: list[Event] = []
    job = Job(id="j", action="answer", run=str(run), approaches=NAMES, looks=(4,))
    assert not worker.run_job(job, events.append)
    assert [event.approach for event in events if isinstance(event, ApproachFailed)] == ["one"]
    assert sum(isinstance(event, Answered) for event in events) == 10


def test_what_cannot_be_prepared_again_for_its_latency_is_warned_of_and_has_not_failed(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(monkeypatch, "one")
    events: list[Event] = []
    assert worker.run_job(Job(id="j", action="measure", run=str(run), approaches=NAMES), events.append)
    assert not [event for event in events if isinstance(event, ApproachFailed)]
    (warned,) = [event for event in events if isinstance(event, Warned)]
    assert (warned.approach, "its file is gone" in warned.text) == ("one", True)
    assert {event.sample.approach for event in events if isinstance(event, Measured)} == {"two"}
