"""A run under way in numbers: they end where the summary's begin."""

from __future__ import annotations

import math

import pytest

from reports.progress import Progress
from reports.run.events import Answered, Measured, Prepared, Scored, Trained, TrainingFinished, Warned
from reports.run.schema import Answer, LatencySample, Score, TrainingStep
from reports.run.store import RunStore
from reports.summary import Summary


def progress_of(store: RunStore, name: str) -> Progress:
    spec = next(spec for spec in store.header.spec.approaches if spec.name == name)
    return Progress(spec, store.header)


def replay(store: RunStore, name: str) -> Progress:
    found = progress_of(store, name)
    found.remember(store.answers(name).stream(), store.every_score(name), store.latency(name))
    return found


@pytest.mark.parametrize("name", ["zero-shot", "rag", "classifier", "floor"])
def test_at_the_end_the_value_is_the_summary_s(store: RunStore, summary: Summary, name: str) -> None:
    found, final = replay(store, name), summary.approach(name)
    assert found.quality is not None
    assert found.quality.value == pytest.approx(final.quality.value)
    assert found.quality.n == final.quality.n
    assert found.failed == final.quality.failed
    assert found.p50_seconds == pytest.approx(final.latency.p50_seconds)


def answer(case: str, status: str = "ok", **more: object) -> Answered:
    return Answered(
        answer=Answer.model_validate({"case": case, "approach": "zero-shot", "status": status, **more}), done=1, total=9
    )


def score(case: str, value: float | None) -> Scored:
    return Scored(score=Score(case=case, approach="zero-shot", metric="accuracy", version=1, value=value))


def test_failures_count_as_wrong_and_a_second_answer_replaces_the_first(store: RunStore) -> None:
    found = progress_of(store, "zero-shot")
    for event in (answer("1"), score("1", 1.0), answer("2", "timeout"), score("2", None)):
        found.feed(event)
    assert found.quality is not None
    assert (found.quality.value, found.quality.n, found.failed) == (0.5, 2, 1)
    for event in (answer("2"), score("2", 1.0)):
        found.feed(event)
    assert (found.quality.value, found.quality.n, found.failed) == (1.0, 2, 0)


def test_numbers_get_an_interval_and_whole_set_metrics_a_value_alone(store: RunStore) -> None:
    header = store.header.model_copy(update={"spec": store.header.spec.model_copy(update={"metrics": ("token-f1",)})})
    found = Progress(store.header.spec.approaches[1], header)
    assert found.quality is None
    for i, value in enumerate((0.2, 0.4, 0.9)):
        found.scored(Score(case=str(i), approach="zero-shot", metric="token-f1", version=1, value=value))
    assert found.quality is not None
    assert found.quality.low < 0.5 < found.quality.high
    whole = Progress(
        store.header.spec.approaches[1],
        header.model_copy(update={"spec": header.spec.model_copy(update={"metrics": ("macro-f1",)})}),
    )
    for i, said in enumerate(("a", "a", "b")):
        whole.scored(
            Score(case=str(i), approach="x", metric="macro-f1", version=1, value=1.0, predicted=said, expected="a")
        )
    assert whole.quality is not None
    assert whole.quality.value == pytest.approx(0.8)
    assert math.isnan(whole.quality.low)


def test_money_counts_machine_seconds_and_nothing_from_the_cache(store: RunStore) -> None:
    found = progress_of(store, "zero-shot")
    found.feed(Prepared(approach="zero-shot", seconds=1800.0))
    found.feed(answer("1", seconds=1800.0))
    found.feed(answer("2", seconds=9e9, from_cache=True))
    assert found.spent_usd == pytest.approx(2.5)  # one hour at the run's price
    found.feed(Measured(sample=LatencySample(case="1", approach="zero-shot", seconds=3600.0)))
    assert found.spent_usd == pytest.approx(5.0)


def test_an_endpoint_costs_its_tokens(store: RunStore) -> None:
    spec = store.header.spec.approaches[1]
    assert spec.model is not None
    remote = spec.model_copy(update={"model": spec.model.model_copy(update={"id": "openai:gpt-4.1-mini"})})
    found = Progress(remote, store.header)
    found.feed(answer("1", prompt_tokens=1_000_000, completion_tokens=0))
    assert found.spent_usd == pytest.approx(0.4)


def test_a_training_keeps_its_points_through_a_resume(store: RunStore) -> None:
    found = progress_of(store, "qlora")
    for step in (1, 0, 2, 3, 2, 3, 4):  # the untrained model is measured on the way
        point = TrainingStep(step=step, epoch=0.1, loss=1 / (step + 1), tokens_per_second=10.0 if step == 1 else None)
        found.feed(Trained(approach="qlora", point=point, total_steps=9, seconds_left=3.0))
    assert found.training is not None
    assert [point.step for point in found.training.points] == [0, 1, 2, 3, 4]
    assert found.training.last("tokens_per_second") == 10.0
    record = store.training("qlora")
    assert record is not None
    found.feed(TrainingFinished(approach="qlora", training=record))
    assert found.training.points == list(record.history)
    found.feed(Warned(approach="qlora", text="overfitting", hint="stop earlier"))
    assert found.warnings == ["overfitting (stop earlier)"]
