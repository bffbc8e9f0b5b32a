"""Budgets in dollars: kept to the cent by one model, by all models of a run, and over kills and resumes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from baselines.models.contract import Decoding, Generation
from baselines.models.ledger import FILE, Ledger, spent_of
from baselines.models.limits import BudgetReached, Limits, limits_of
from baselines.models.remote import RemoteModel, account, load
from baselines.prompts import Prompt
from reports.costs.tokens import TokenPrice
from reports.errors import EnvironmentFault
from reports.run.schema import DataFacts, ModelSpec, Prices, RunSpec, Task
from tests.misbehaving_server import OWN_PROMPT, Server

PRICE = TokenPrice("test", input=1000.0, output=5000.0, cached_input=500.0)
ANSWER_USD = PRICE.of(2, 1, 1)
STORM = ["ok", "busy", "busy-hint", "error", "slow", "no-usage"]

Open = Callable[..., RemoteModel]


@pytest.fixture
def server() -> Iterator[Any]:
    seen: set[str] = set()

    def script(number: int, body: dict[str, Any]) -> str:
        prompt = body["messages"][0]["content"]
        if prompt in seen:
            return "ok"
        seen.add(prompt)
        return STORM[hash_of(prompt) % len(STORM)]

    found = Server(script).start()
    yield found
    found.stop()


def hash_of(text: str) -> int:
    return sum(text.encode())


@pytest.fixture
def opened(server: Any) -> Iterator[Open]:
    models: list[RemoteModel] = []

    def open_one(ledger: Ledger, name: str = "test", **limits: Any) -> RemoteModel:
        spec = ModelSpec(id=f"openai:{name}", base_url=server.url)
        models.append(load(spec, limits=Limits(price=PRICE, first_wait_seconds=0.01, **limits), ledger=ledger))
        return models[-1]

    yield open_one
    for model in models:
        model.close()


def ask(model: RemoteModel, count: int, start: int = 0) -> list[Generation]:
    """What came before the budget, if it stopped."""
    found: list[Generation] = []
    prompts = [Prompt(f"say word{i}") for i in range(start, start + count)]
    try:
        for batch in model.generate(prompts, Decoding(max_new_tokens=8)):
            found.extend(batch)
    except BudgetReached:
        found.append(Generation(-1))
    return found


def billed(server: Any) -> float:
    """What the server would write on its invoice."""
    return float(sum(server.answered.values()) * ANSWER_USD)


def test_a_run_of_a_thousand_requests_keeps_its_budget_to_the_cent(server: Any, opened: Open, tmp_path: Path) -> None:
    budget = 1.5
    model = opened(Ledger(tmp_path / FILE), budget_usd=budget)
    found = ask(model, 1_000)
    assert found[-1].index == -1
    answered = [g for g in found if g.index >= 0]
    assert len({g.index for g in answered}) == len(answered) == len(server.answered)
    assert billed(server) <= budget
    assert model.spent_usd <= budget
    assert model.spent_usd > budget - 0.12  # the next request could have cost 0.115
    assert spent_of(tmp_path / FILE) == {account(model.spec): pytest.approx(model.spent_usd)}
    estimated = sum(g.usage_estimated for g in answered)
    assert model.spent_usd == pytest.approx(billed(server) + estimated * (PRICE.of(3, 2) - ANSWER_USD))


def test_the_budget_counts_over_a_resume(server: Any, opened: Open, tmp_path: Path) -> None:
    path = tmp_path / FILE
    first = Ledger(path)
    ask(opened(first, budget_usd=1.0), 40)
    first.close()
    before = first.spent()
    assert 0 < before < 1
    again = Ledger(path)
    model = opened(again, budget_usd=1.0)
    assert model.spent_usd == pytest.approx(before)
    ask(model, 1_000, start=40)
    assert billed(server) <= 1.0
    assert 0.88 < again.spent() <= 1.0


def test_what_was_on_its_way_at_a_kill_counts_in_full_and_a_torn_line_not(tmp_path: Path) -> None:
    path = tmp_path / FILE
    ledger = Ledger(path)
    done, flying = ledger.reserve("a", 0.5), ledger.reserve("a", 0.25)
    assert done is not None
    assert flying is not None
    ledger.settle(done, 0.1)
    ledger.close()
    with path.open("a", encoding="utf-8") as stream:
        stream.write('{"request": 3, "account": "a", "res')
    assert spent_of(path) == {"a": pytest.approx(0.35)}
    after = Ledger(path)
    assert after.reserve("a", 0.66, most=1.0) is None
    assert after.reserve("b", 0.7, most=1.0, most_of_all=1.0) is None
    assert after.reserve("b", 0.65, most_of_all=1.0) is not None
    after.close()
    numbers = [json.loads(line)["request"] for line in path.read_text(encoding="utf-8").splitlines()]
    assert numbers == [1, 2, 1, 3]


FAT_USD = PRICE.of(2 + OWN_PROMPT, 1, 1)
"""An answer behind a gateway whose own prompt is billed too: 3.0065, where the worst case in sight is 0.115."""


def test_tokens_beyond_the_worst_case_are_learnt_from_the_first_bill_and_over_a_resume(tmp_path: Path) -> None:
    server = Server(lambda number, body: "own-prompt").start()
    spec = ModelSpec(id="openai:fat", base_url=server.url)
    try:
        for budget in (20.0, 40.0):
            ledger = Ledger(tmp_path / FILE)
            model = load(spec, limits=Limits(price=PRICE, budget_usd=budget), ledger=ledger)
            assert ask(model, 200)[-1].index == -1
            assert sum(server.answered.values()) * FAT_USD == pytest.approx(model.spent_usd)
            assert budget - FAT_USD - 0.2 < model.spent_usd <= budget
            model.close()
            ledger.close()
    finally:
        server.stop()


def test_under_a_ceiling_the_first_bill_of_a_model_is_waited_for() -> None:
    ledger = Ledger()
    first = ledger.reserve("a", 0.1, most=9.0)
    assert first is not None
    assert ledger.reserve("a", 0.1, most=9.0) is None
    assert ledger.reserve("b", 0.1, most=9.0) is not None, "another model's first request"
    assert ledger.reserve("a", 0.1) is not None, "without a ceiling nobody waits"
    ledger.settle(first, 0.3)
    again = ledger.reserve("a", 0.1, most=9.0)
    assert again is not None
    assert [again.usd, again.margin] == pytest.approx([0.3, 0.2])
    ledger.settle(again, 0.35)
    assert ledger.margin("a") == pytest.approx(0.25)
    assert ledger.reserve("a", 0.0, most=9.0) is not None


def test_requests_that_are_cancelled_on_their_way_are_billed(tmp_path: Path) -> None:
    def script(number: int, body: dict[str, Any]) -> str:
        if number <= 5:
            return "ok"
        return "unauthorized" if number == 8 else "slow"

    server = Server(script).start()
    ledger = Ledger(tmp_path / FILE)
    spec = ModelSpec(id="openai:a", base_url=server.url)
    model = load(spec, limits=Limits(price=PRICE, budget_usd=5.0), ledger=ledger)
    try:
        with pytest.raises(EnvironmentFault, match="401"):
            ask(model, 40)
        asked = len(server.requests)
        while server.at_once:  # what was cancelled here is answered, and billed, all the same
            time.sleep(0.01)
    finally:
        model.close()
        server.stop()
        ledger.close()
    assert sum(server.answered.values()) == asked - 1 > 5
    assert billed(server) <= model.spent_usd == pytest.approx(spent_of(tmp_path / FILE)[account(spec)])


def test_two_models_share_the_budget_of_the_run(server: Any, opened: Open) -> None:
    ledger = Ledger()
    first, second = (opened(ledger, name, run_budget_usd=0.5) for name in ("test", "other"))
    ask(first, 40)
    assert ask(second, 200, start=40)[-1].index == -1
    assert first.spent_usd > 0 < second.spent_usd
    assert billed(server) <= first.spent_usd + second.spent_usd <= 0.5
    with pytest.raises(BudgetReached, match=r"budget of the run, \$0.50"):
        first.generate_one(Prompt("say more"), Decoding(max_new_tokens=8))


def test_limits_come_from_the_model_its_prices_before_those_of_the_project() -> None:
    run = RunSpec(
        name="x",
        task=Task(type="qa"),
        metrics=("token-f1",),
        approaches=(),
        data=DataFacts(eval_cases=1, train_examples=0, dev_examples=0, documents=0),
        budget_usd=3,
        prices=Prices(input_usd_per_million=1, output_usd_per_million=2),
    )
    own = ModelSpec(id="openai:mine", base_url="http://127.0.0.1:1/v1", requests_per_minute=60, input_usd_per_million=7)
    found = limits_of(own, run)
    assert (found.requests_per_minute, found.run_budget_usd, found.budget_usd) == (60, 3, None)
    assert found.price is not None
    assert (found.price.input, found.price.output) == (7, 2)
    assert limits_of(ModelSpec(id="openai:mine", base_url="http://127.0.0.1:1/v1"), run.model_copy(update={
        "prices": Prices()})).price is None  # fmt: skip
