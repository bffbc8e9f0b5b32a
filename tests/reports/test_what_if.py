"""Another rule, the same measurements: the verdict follows, and the stored run is not touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from reports.errors import UsageError
from reports.run.store import RunStore
from reports.summary import Summary, summarise
from reports.what_if import Dial, Rule, WhatIf, rule_of, shown, stepped, turned, typed


@pytest.fixture(scope="module")
def asked(small_run: Path) -> WhatIf:
    return WhatIf(RunStore.open(small_run))


def test_the_stored_rule_gives_the_stored_summary(asked: WhatIf, summary: Summary) -> None:
    assert asked.under(asked.rule) == summary
    assert asked.changes(asked.rule) == ()


def test_a_limit_that_nobody_meets_leaves_nothing_to_recommend(asked: WhatIf) -> None:
    rule = turned(asked.rule, "min_quality", "99.9 %")
    found = asked.under(rule)
    assert found.verdict.kind == "none good enough"
    assert "99.9 %" in found.verdict.rule
    assert asked.changes(rule) == ("quality at least 99.9 % instead of 80 %",)


def test_traffic_moves_the_costs_in_proportion(asked: WhatIf) -> None:
    tenfold = asked.under(turned(asked.rule, "queries_per_day", "50k"))
    before, after = (found.approach("rag").cost for found in (asked.stored, tenfold))
    assert before.monthly_usd is not None
    assert after.monthly_usd == pytest.approx(10 * before.monthly_usd)
    assert after.per_1000_usd == before.per_1000_usd
    assert tenfold.header.spec.traffic.queries_per_day == 50_000


def test_a_wider_margin_makes_more_approaches_equivalent(asked: WhatIf) -> None:
    wide = asked.under(turned(asked.rule, "margin", "40 points"))
    assert sum(c.words == "equivalent" for c in wide.comparisons) > sum(
        c.words == "equivalent" for c in asked.stored.comparisons
    )
    assert [c.difference for c in wide.comparisons] == [c.difference for c in asked.stored.comparisons]


def test_asking_changes_nothing_of_the_run(asked: WhatIf, small_run: Path, summary: Summary) -> None:
    before = {path: path.stat().st_mtime_ns for path in small_run.rglob("*")}
    asked.under(turned(asked.rule, "monthly_budget_usd", "0"))
    assert {path: path.stat().st_mtime_ns for path in small_run.rglob("*")} == before
    assert summarise(RunStore.open(small_run)) == summary


@pytest.mark.parametrize(
    ("dial", "said", "value"),
    [
        ("min_quality", "85", 0.85),
        ("min_quality", " 85 % ", 0.85),
        ("min_quality", "", None),
        ("max_p95_seconds", "800 ms", 0.8),
        ("max_p95_seconds", "2s", 2.0),
        ("monthly_budget_usd", "$1,200", 1200.0),
        ("monthly_budget_usd", "any", None),
        ("margin", "0", 0.0),
        ("margin", "3 points", 0.03),
        ("queries_per_day", "5k", 5000.0),
        ("queries_per_day", "1.5m", 1_500_000.0),
        ("horizon_months", "24 months", 24.0),
    ],
)
def test_what_is_typed_is_read(asked: WhatIf, dial: Dial, said: str, value: float | None) -> None:
    rule = turned(asked.rule, dial, said)
    assert rule.value(dial) == pytest.approx(value)
    assert turned(asked.rule, dial, typed(dial, rule.value(dial))) == rule
    assert turned(asked.rule, dial, shown(dial, rule.value(dial))) == rule


@pytest.mark.parametrize(
    ("dial", "said"),
    [
        ("min_quality", "often"),
        ("min_quality", "850"),
        ("margin", ""),
        ("margin", "-1"),
        ("queries_per_day", "0"),
        ("queries_per_day", "inf"),
        ("max_p95_seconds", "nan"),
        ("horizon_months", "\x1b[2J"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(asked: WhatIf, dial: Dial, said: str) -> None:
    with pytest.raises(UsageError, match=r"number|possible") as caught:
        turned(asked.rule, dial, said)
    assert "\x1b" not in str(caught.value)


def test_steps_climb_the_ladder_of_round_numbers(summary: Summary) -> None:
    rule = rule_of(summary)
    values = []
    for _ in range(4):
        rule = stepped(rule, "queries_per_day", up=True)
        values.append(rule.queries_per_day)
    assert values == [10_000, 20_000, 50_000, 100_000]
    assert stepped(rule, "queries_per_day", up=False).queries_per_day == 50_000


def test_a_dial_without_a_limit_has_no_step(summary: Summary) -> None:
    rule = Rule(**{**rule_of(summary).__dict__, "min_quality": None})
    assert stepped(rule, "min_quality", up=True) == rule
