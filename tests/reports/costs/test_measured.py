"""From stored answers to the bill: mean amounts with their standard errors, drawn with the prices."""

from __future__ import annotations

import numpy as np
import pytest

from reports import costs
from reports.costs import CostEstimate, PriceNeeded, Usage
from reports.costs.estimate import MACHINE_HOURS
from reports.run.schema import ModelSpec, Prices
from reports.run.store import RunStore
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
