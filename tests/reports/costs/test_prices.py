"""Shipped tables, dated token prices, and what happens when a price is not known."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

import reports
from reports import costs
from reports.costs import CostEstimate, PriceNeeded, Usage
from reports.costs.tables import Price
from reports.run.schema import ModelSpec, Prices

DAY = "2026-11-23"
API = ModelSpec(id="openai:gpt-4.1-mini")
TABLES = Path(reports.__file__).parent / "prices"


def test_every_row_has_an_ordered_range_and_a_source() -> None:
    for name in ("hours", "work"):
        with (TABLES / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        assert len(rows) > 5
        for row in rows:
            assert 0 < float(row["low_usd"]) <= float(row["typical_usd"]) <= float(row["high_usd"]), row
            assert len(row["source"]) > 20, row
            assert not row["date"] or date.fromisoformat(row["date"]) <= date.fromisoformat(DAY), row


@pytest.mark.parametrize(
    ("device", "row"),
    [
        ("cpu", "cpu"),
        ("", "cpu"),
        ("NVIDIA H200", "H200 141GB"),
        ("NVIDIA H100 80GB HBM3", "H100 80GB"),
        ("NVIDIA A100-SXM4-80GB", "A100 80GB"),
        ("NVIDIA A100-SXM4-40GB", "A100 40GB"),
        ("NVIDIA A10G", "A10G"),
        ("NVIDIA L4", "L4"),
        ("NVIDIA L40S", "L40S"),
        ("Tesla T4", "T4"),
        ("NVIDIA GeForce RTX 4090", "RTX 4090"),
        ("L40S", "L40S"),
    ],
)
def test_machines_are_found_by_the_drivers_name(device: str, row: str) -> None:
    found = costs.hour_price(device)
    assert isinstance(found, Price)
    assert found.name == row
    assert found.low <= found.typical <= found.high


@pytest.mark.parametrize("device", ["NVIDIA GeForce GTX 1080", "AMD Instinct MI300X", "NVIDIA L40", "NVIDIA A1000"])
def test_unknown_machines_are_asked_for(device: str) -> None:
    found = costs.hour_price(device)
    assert isinstance(found, PriceNeeded)
    assert device in found.what
    assert "prices.gpu_hour_usd" in found.hint


def test_own_prices_win_and_have_no_range() -> None:
    found = costs.hour_price("NVIDIA GeForce GTX 1080", 0.05)
    assert isinstance(found, Price)
    assert (found.low, found.typical, found.high) == (0.05, 0.05, 0.05)
    assert costs.stale(found, "2030-01-01") == ""


def test_old_and_undated_prices_are_said() -> None:
    dated, undated = costs.hour_price("H100"), costs.hour_price("T4")
    assert isinstance(dated, Price)
    assert isinstance(undated, Price)
    assert costs.stale(dated, "2026-12-01") == ""
    assert "H100" in costs.stale(dated, "2027-06-01T10:00:00Z")
    assert "no date" in costs.stale(undated, DAY)


def test_token_prices_are_listed_offline_and_dated() -> None:
    found = costs.token_price("openai:gpt-4.1-mini", when=DAY)
    assert isinstance(found, costs.TokenPrice)
    assert (found.input, found.output, found.cached_input) == (0.40, 1.60, 0.10)
    assert "genai-prices" in found.source
    assert "2026" <= found.date <= DAY
    claude = costs.token_price("claude-opus-4-1", when=DAY)
    assert isinstance(claude, costs.TokenPrice)
    assert claude.cache_write == 1.25


@pytest.mark.parametrize(
    ("model", "url"), [("openai:house-model-7", None), ("openai:gpt-4.1-mini", "http://localhost:8000/v1")]
)
def test_unknown_models_and_own_servers_are_asked_for(model: str, url: str | None) -> None:
    found = costs.token_price(model, url, DAY)
    assert isinstance(found, PriceNeeded)
    assert "input_usd_per_million" in found.hint


def test_own_token_prices_need_no_list() -> None:
    found = costs.token_price("openai:house-model-7", None, DAY, own_input=1.0, own_output=2.0)
    assert isinstance(found, costs.TokenPrice)
    assert found.of(1_000_000, 500_000) == 2.0


def test_bill_of_an_api_approach() -> None:
    usage = Usage("few-shot", API, prompt_tokens=2000, cached_prompt_tokens=1620, completion_tokens=100, labels=8)
    bill = costs.estimate_cost(usage, Prices(label_usd=2.0, engineer_hour_usd=75), DAY)
    assert isinstance(bill, CostEstimate)
    assert bill.per_1000_usd == pytest.approx(0.474)
    assert bill.one_off_usd == pytest.approx(750 + 16)
    assert (bill.per_query_low_usd or 0) < bill.per_query_usd
    assert any("genai-prices" in source for source in bill.sources)


def test_bill_of_a_tuned_local_model() -> None:
    usage = Usage(
        "qlora",
        ModelSpec(id="some/model"),
        device="NVIDIA L4",
        seconds_per_answer=0.36,
        training_seconds=7200,
        labels=1000,
    )
    prices = Prices(gpu_hour_usd=0.8, utilisation=0.2, label_usd=2.0, engineer_hour_usd=75)
    bill = costs.estimate_cost(usage, prices, DAY)
    assert isinstance(bill, CostEstimate)
    assert bill.per_query_usd == pytest.approx(0.36 / 3600 * 0.8 / 0.2)
    assert bill.one_off_usd == pytest.approx(2 * 0.8 + 2000 + 3000)
    assert bill.one_off_low_usd == pytest.approx(1.6 + 2000 + 1500)
    assert bill.one_off_high_usd == pytest.approx(1.6 + 2000 + 7500)


def test_every_card_that_an_approach_holds_is_paid() -> None:
    usage = Usage(
        "qlora", ModelSpec(id="some/model"), device="NVIDIA L4", seconds_per_answer=0.36, training_seconds=7200
    )
    prices = Prices(gpu_hour_usd=0.8, utilisation=0.2, engineer_hours={"qlora": 0})
    one, two = (costs.estimate_cost(replace(usage, cards=cards), prices, DAY) for cards in (1, 2))
    assert isinstance(one, CostEstimate)
    assert isinstance(two, CostEstimate)
    assert one.one_off_usd == pytest.approx(2 * 0.8)
    assert two.one_off_usd == pytest.approx(2 * one.one_off_usd)
    assert two.per_query_usd == pytest.approx(2 * one.per_query_usd)


def test_bill_on_a_processor_uses_its_hour() -> None:
    bill = costs.estimate_cost(Usage("zero-shot", ModelSpec(id="demo"), seconds_per_answer=0.1), Prices(), DAY)
    assert isinstance(bill, CostEstimate)
    assert bill.per_query_usd == pytest.approx(0.1 / 3600 * 0.0816 / 0.3)
    assert any(source.startswith("cpu:") for source in bill.sources)
    assert any("days old" in warning for warning in bill.warnings)


def test_floor_is_free_and_recorded_is_unknown() -> None:
    floor = costs.estimate_cost(Usage("floor"), Prices(), DAY)
    assert isinstance(floor, CostEstimate)
    assert floor.total(10_000, 12) == 0.0
    assert isinstance(costs.estimate_cost(Usage("recorded"), Prices(), DAY), PriceNeeded)


def test_unknown_prices_stop_the_bill() -> None:
    unknown = Usage("zero-shot", ModelSpec(id="openai:house-model-7"), prompt_tokens=10, completion_tokens=1)
    assert isinstance(costs.estimate_cost(unknown, Prices(), DAY), PriceNeeded)
    unmeasured = Usage("zero-shot", ModelSpec(id="demo"))
    assert isinstance(costs.estimate_cost(unmeasured, Prices(), DAY), PriceNeeded)


def test_preparing_retrieval_on_an_unknown_machine_does_not_hide_the_token_price() -> None:
    usage = Usage("rag", API, device="Strange 9", prompt_tokens=100, completion_tokens=10, preparation_seconds=60)
    bill = costs.estimate_cost(usage, Prices(), DAY)
    assert isinstance(bill, CostEstimate)
    assert any("Strange 9" in warning for warning in bill.warnings)


def test_embedding_and_search_on_our_own_machine_are_a_line_of_an_api_bill() -> None:
    usage = Usage("rag", API, prompt_tokens=100, completion_tokens=10, searches=True, seconds_per_answer=0.018)
    prices = Prices(gpu_hour_usd=0.5, utilisation=0.25, engineer_hours={"rag": 0})
    bill = costs.estimate_cost(usage, prices, DAY)
    assert isinstance(bill, CostEstimate)
    tokens, machine = bill.lines()
    assert machine.what.startswith("embedding and search: 18 ms of cpu at $0.50 an hour, busy 25")
    assert machine.usd == pytest.approx(0.018 / 3600 * 0.5 / 0.25)
    assert bill.per_query_usd == pytest.approx(tokens.usd + machine.usd)
    assert bill.machine_hours(10_000) == pytest.approx(10_000 * costs.DAYS_PER_MONTH * 0.018 / 3600 / 0.25)


def test_what_embedding_and_search_took_is_missed_and_not_guessed() -> None:
    usage = Usage("rag", API, device="Strange 9", prompt_tokens=100, completion_tokens=10, searches=True)
    unmeasured = costs.estimate_cost(usage, Prices(), DAY)
    unpriced = costs.estimate_cost(replace(usage, seconds_per_answer=0.018), Prices(), DAY)
    assert isinstance(unmeasured, CostEstimate)
    assert isinstance(unpriced, CostEstimate)
    assert unmeasured.warnings == (
        "The machine time of embedding and search is not counted: no latency pass measured it.",
    )
    assert unpriced.per_query_usd == unmeasured.per_query_usd
    assert any("own machine is not counted: there is no price for an hour of Strange 9" in w for w in unpriced.warnings)


def test_hours_by_kind_and_own_hours() -> None:
    assert [costs.engineering_hours(kind).typical for kind in ("zero-shot", "rag", "qlora", "recorded")] == [
        10,
        30,
        40,
        0,
    ]
    assert costs.engineering_hours("full").typical == 40
    assert costs.engineering_hours("lora+rag") == costs.engineering_hours("qlora+rag")
    assert costs.engineering_hours("rag", 7).high == 7
    bill = costs.estimate_cost(Usage("rag", API), Prices(engineer_hours={"rag": 2}, engineer_hour_usd=100), DAY)
    assert isinstance(bill, CostEstimate)
    assert bill.one_off_usd == 200


def test_parts_without_ranges_stand_for_totals() -> None:
    lines = CostEstimate(0.001, 100, monthly_fixed_usd=5).lines()
    assert [(p.scope, p.usd, p.low, p.high) for p in lines] == [
        ("query", 0.001, 0.001, 0.001),
        ("month", 5, 5, 5),
        ("once", 100, 100, 100),
    ]
