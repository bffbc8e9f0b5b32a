"""From stored answers to the bill: mean amounts with their standard errors, drawn with the prices."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from reports import costs
from reports.costs import CostEstimate, PriceNeeded, Usage
from reports.costs.estimate import MACHINE_HOURS
from reports.run.schema import (
    Answer,
    ApproachSpec,
    Case,
    DataFacts,
    Environment,
    Finished,
    LatencySample,
    ModelSpec,
    Prices,
    Question,
    RunHeader,
    RunSpec,
    Score,
    Task,
)
from reports.run.store import RunStore
from reports.summary import summarise
from reports.summary.money import bills_of
from reports.summary.table import read_table

DAY = "2026-05-04"
MODEL = ModelSpec(id="openai:house", input_usd_per_million=1.0, output_usd_per_million=4.0)


def part(bill: CostEstimate | PriceNeeded, driver: str) -> costs.CostPart:
    assert isinstance(bill, CostEstimate)
    return next(line for line in bill.lines() if line.scope == "query" and line.driver == driver)


def test_the_error_of_measured_seconds_comes_from_the_answers(store: RunStore) -> None:
    bills = bills_of(store.header, read_table(store), {})
    seconds = np.array([a.seconds for a in store.answers("rag").stream() if a.seconds is not None])
    found = part(bills["rag"], MACHINE_HOURS)
    assert found.measured == "seconds an answer of rag"
    assert found.error == pytest.approx(seconds.std(ddof=1) / len(seconds) ** 0.5 / seconds.mean())
    assert 0 < found.error < 0.05


def test_the_error_of_tokens_weighs_prompt_and_answer_by_their_prices() -> None:
    usage = Usage(
        "few-shot",
        MODEL,
        prompt_tokens=1000,
        completion_tokens=100,
        prompt_tokens_error=30,
        completion_tokens_error=10,
        name="three shots",
    )
    found = part(costs.estimate_cost(usage, Prices(), DAY), "price of tokens")
    assert found.measured == "tokens an answer of three shots"
    assert found.usd == pytest.approx((1000 + 4 * 100) / 1e6)
    assert found.error == pytest.approx(np.hypot(30 * 1.0, 10 * 4.0) / 1400)


def test_two_approaches_of_one_kind_have_their_own_amounts() -> None:
    short, long = (
        costs.estimate_cost(Usage("rag", MODEL, prompt_tokens=1000, prompt_tokens_error=300, name=name), Prices(), DAY)
        for name in ("rag", "rag-long")
    )
    assert isinstance(short, CostEstimate)
    assert isinstance(long, CostEstimate)
    found = costs.simulate(short, long, 5000, 12)
    assert found.probability_b_cheaper == pytest.approx(0.5, abs=0.02)
    assert {driver.name for driver in found.drivers[:2]} == {"tokens an answer of rag", "tokens an answer of rag-long"}


def asked_remotely(folder: Path, before: dict[str, list[float]]) -> RunStore:
    """Sixty cases by an endpoint: a second of every request is the endpoint's, what stands before it is ours."""
    n = 60
    spec = RunSpec(
        name="remote",
        task=Task(type="qa"),
        metrics=("accuracy",),
        approaches=tuple(ApproachSpec(name=name, kind=name, model=MODEL) for name in before),
        prices=Prices(gpu_hour_usd=0.9, utilisation=0.5, engineer_hours=dict.fromkeys(before, 0)),
        data=DataFacts(eval_cases=n, train_examples=0, dev_examples=0, documents=1),
    )
    environment = Environment(python="3.11", platform="linux", packages={}, device="cpu")
    header = RunHeader(run="r", started=f"{DAY}T00:00:00Z", spec=spec, environment=environment)
    cases = [Case(question=Question(id=str(i), input=f"question {i}"), references=("yes",)) for i in range(n)]
    store = RunStore.create(folder, header, cases)
    for name, seconds in before.items():
        for i in range(n):
            key = {"case": str(i), "approach": name}
            store.append_answer(Answer(**key, text="yes", prompt_tokens=1000, completion_tokens=10, seconds=1.0))
            store.append_score(Score(**key, metric="accuracy", version=1, value=float(i % 3 > 0)))
        for i, own in enumerate(seconds):
            key = {"case": str(i), "approach": name}
            store.append_latency(LatencySample(**key, seconds=1 + own, before_seconds=own, scope="request"))
        old = {"case": "59", "approach": name, "seconds": 9.0}
        for sample in (
            LatencySample(**old, before_seconds=8.0, phase="cold"),
            LatencySample(**old, before_seconds=8.0, concurrency=4),
            LatencySample(**old),
        ):
            store.append_latency(sample)
    store.finish(Finished(finished="x", seconds=1))
    return store


def test_embedding_and_search_before_an_endpoint_are_billed_as_the_latency_pass_measured_them(tmp_path: Path) -> None:
    own = [0.02, 0.04] * 10
    found = summarise(asked_remotely(tmp_path / "r", {"zero-shot": [0.001] * 20, "rag": own, "knn-few-shot": own}))
    tokens = (1000 * 1.0 + 10 * 4.0) / 1e6
    search = 0.03 / 3600 * 0.9 / 0.5
    assert found.approach("zero-shot").cost.per_1000_usd == pytest.approx(1000 * tokens)
    for name in ("rag", "knn-few-shot"):
        cost = found.approach(name).cost
        assert cost.per_1000_usd == pytest.approx(1000 * (tokens + search))
        (line,) = [line for line in cost.lines if line.what.startswith("embedding and search: 30 ms of cpu")]
        assert line.usd == pytest.approx(1000 * search)
        assert not any("embedding and search" in warning for warning in cost.warnings)


def test_a_run_whose_latency_pass_did_not_tell_them_apart_says_so(tmp_path: Path) -> None:
    found = summarise(asked_remotely(tmp_path / "r", {"zero-shot": [], "rag": []}))
    assert found.approach("rag").cost.per_1000_usd == found.approach("zero-shot").cost.per_1000_usd
    assert any("embedding and search is not counted" in said for said in found.approach("rag").cost.warnings)
    assert found.approach("zero-shot").cost.warnings == ()
