"""Leaked cases and the verdict: the rule is asked again without them, from a stored run to its warnings."""

from __future__ import annotations

from pathlib import Path

import pytest

from reports.run.schema import DataFacts, Prices
from reports.statistics import Outcomes
from reports.summary import Summary, summarise
from reports.verdict.choice import choose
from reports.verdict.unleaked import leak_cautions
from tests.reports.test_summary import run
from tests.reports.verdict.test_rule import COSTS, RATES, RULE, TRAFFIC, evidence

PRICES = Prices(gpu_hour_usd=1.0, label_usd=1.0, engineer_hour_usd=75)


def leaky(folder: Path, zero: list[float], tuned: list[float], *, leaked: int, near: int = 0) -> Summary:
    """A run without training against a classifier that saw the first cases when it was trained."""
    n = len(zero)
    facts = DataFacts(
        eval_cases=n,
        train_examples=100,
        dev_examples=0,
        documents=0,
        leaked=tuple(map(str, range(leaked))),
        leaked_near=tuple(map(str, range(leaked, leaked + near))),
    )
    return summarise(run(folder, {"zero-shot": zero, "classifier": tuned}, data=facts, prices=PRICES))


def about_leaks(summary: Summary) -> list[str]:
    return [said for said in summary.verdict.warnings if "training data" in said]


def test_a_lead_that_only_the_leaked_cases_make_is_said(tmp_path: Path) -> None:
    """Alike on 200 cases; of the 40 leaked ones the trained approach knows all, the other none."""
    found = leaky(tmp_path / "r", [0.0] * 40 + [1.0, 0.0] * 100, [1.0] * 40 + [1.0, 0.0] * 100, leaked=40)
    assert found.verdict.approach == "classifier"
    assert about_leaks(found) == [
        "40 eval cases also stand in the training data: whatever learns from it looks better than it is. Without the "
        "40 leaked cases the choice would be another: zero-shot (prompting) instead of classifier (classical)."
    ]


def test_a_lead_that_stands_without_them_is_said_to_stand(tmp_path: Path) -> None:
    found = leaky(tmp_path / "r", [0.0] * 12 + [1.0, 0.0] * 100, [1.0] * 12 + [1.0] * 200, leaked=12)
    assert found.verdict.approach == "classifier"
    assert about_leaks(found)[0].endswith("Without the 12 leaked cases the choice stays the same.")


def test_near_copies_can_turn_what_the_leaks_alone_do_not(tmp_path: Path) -> None:
    rest = [1.0, 0.0] * 100
    found = leaky(tmp_path / "r", [0.0] * 41 + rest, [1.0] * 41 + rest, leaked=1, near=40)
    first, second = about_leaks(found)
    assert first.endswith("Without the leaked case the choice stays the same.")
    assert "Without the leaked case and the 40 near copies the choice would be another: zero-shot" in second


@pytest.mark.parametrize(
    ("leaked", "end"),
    [
        (30, "the choice would be another: “pilot only” instead of classifier (classical)."),
        (60, "No case is left without them."),
    ],
)
def test_where_too_few_cases_are_left_that_is_the_answer(tmp_path: Path, leaked: int, end: str) -> None:
    found = leaky(tmp_path / "r", [0.0] * 60, [1.0] * 60, leaked=leaked)
    assert found.verdict.approach == "classifier"
    assert about_leaks(found)[0].endswith(end)


def test_the_rule_is_asked_again_only_where_something_leaked(monkeypatch: pytest.MonkeyPatch) -> None:
    data = evidence(200, RATES, COSTS)
    choice = choose(data, RULE, TRAFFIC)
    monkeypatch.setattr(Outcomes, "quality", lambda *_: pytest.fail("asked again"))
    assert list(leak_cautions(data, choice, RULE, TRAFFIC)) == []
