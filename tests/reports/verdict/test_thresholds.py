"""What would change the verdict: every threshold is exact, nothing turns before it, and what it becomes is true."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reports.costs import CostEstimate, PriceNeeded
from reports.run.schema import Decision, Traffic
from reports.summary.remembered import Remembered
from reports.verdict import ApproachFacts, Evidence, Threshold, Verdict, decide
from reports.verdict.turning import nearness, outward

TRAFFIC = Traffic(queries_per_day=1000, horizon_months=12)
KINDS = ("floor", "zero-shot", "few-shot", "rag", "classifier", "recorded", "qlora")
LIMITS = {"quality floor": "min_quality", "latency": "max_p95_seconds", "budget": "monthly_budget_usd"}
STEP = 1e-4
"""Relative: two totals that differ by less than a cent are one price, and an edge may lie that far off."""


@st.composite
def situations(draw: st.DrawFn) -> tuple[Evidence, Decision]:
    """Two to six approaches on shared cases, with prices, latencies and limits that lie among them."""
    kinds = draw(st.lists(st.sampled_from(KINDS), min_size=2, max_size=6, unique=True))
    cases, rng = draw(st.sampled_from([40, 120, 400])), np.random.default_rng(draw(st.integers(0, 2**16)))
    difficulty = rng.random(cases)
    scores = {
        kind: (np.where(rng.random(cases) < 0.8, difficulty, rng.random(cases)) < rng.uniform(0.5, 0.95)).astype(float)
        for kind in kinds
    }
    facts = tuple(
        ApproachFacts(
            name=kind,
            kind=kind,
            cost=PriceNeeded("it", "ask")
            if kind == "recorded" or rng.random() < 0.1
            else CostEstimate(round(rng.uniform(0.0001, 0.01), 6), round(rng.uniform(0, 8000), 2)),
            p95_seconds=None if rng.random() < 0.2 else round(rng.uniform(0.05, 4), 3),
        )
        for kind in kinds
    )
    limit = {
        "min_quality": draw(st.none() | st.floats(0.5, 0.98)),
        "max_p95_seconds": draw(st.none() | st.floats(0.1, 4)),
        "monthly_budget_usd": draw(st.none() | st.floats(5, 300)),
    }
    outcomes = Remembered(metric="accuracy", kind="binary", scores=scores)
    return Evidence(facts, outcomes), Decision(margin=draw(st.sampled_from([0.0, 0.02, 0.1])), **limit)


def turned(evidence: Evidence, rule: Decision, found: Threshold, value: float) -> Verdict:
    """The verdict with the dial of this threshold at another value."""
    if found.kind in LIMITS:
        return decide(evidence, rule.model_copy(update={LIMITS[found.kind]: value}), TRAFFIC)
    if found.kind == "margin":
        return decide(evidence, rule.model_copy(update={"margin": value}), TRAFFIC)
    if found.kind == "volume":
        return decide(evidence, rule, TRAFFIC.model_copy(update={"queries_per_day": value}))
    name = next(f.name for f in evidence.approaches if f" {f.name} cost" in found.text)
    cost = next(f.cost for f in evidence.approaches if f.name == name)
    if found.unit == "usd per month":
        changed = CostEstimate(0.0, monthly_fixed_usd=value)
    else:
        assert isinstance(cost, CostEstimate)
        building = found.kind == "building"
        changed = replace(cost, one_off_usd=value) if building else replace(cost, per_query_usd=value / 1000)
    facts = tuple(replace(f, cost=changed) if f.name == name else f for f in evidence.approaches)
    return decide(replace(evidence, approaches=facts), rule, TRAFFIC)


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(situations(), st.floats(0.01, 0.99))
def test_the_verdict_turns_at_every_threshold_and_nowhere_before(
    situation: tuple[Evidence, Decision], between: float
) -> None:
    evidence, rule = situation
    verdict = decide(evidence, rule, TRAFFIC)
    assert [nearness(t.now, t.value) for t in verdict.would_change_if] == sorted(
        nearness(t.now, t.value) for t in verdict.would_change_if
    )
    for found in verdict.would_change_if:
        if found.kind == "cases" or "all of it at once" in found.text:
            continue
        up = any(f" {word} " in f" {found.text} " for word in ("or more", "From", "did not matter"))
        beyond, before = (found.value * (1 + sign * STEP) for sign in ((1, -1) if up else (-1, 1)))
        then = turned(evidence, rule, found, beyond)
        assert (then.kind, then.approach) == (found.becomes, found.approach), found
        now = found.now if found.now is not None else before
        for value in (before, now + between * (before - now)):
            if (value < found.value) == up:  # a limit may lie within a step of its threshold
                still = turned(evidence, rule, found, value)
                assert (still.kind, still.approach) == (verdict.kind, verdict.approach), found


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(situations())
def test_no_dial_turns_it_where_none_is_named(situation: tuple[Evidence, Decision]) -> None:
    evidence, rule = situation
    verdict = decide(evidence, rule, TRAFFIC)
    said = {t.kind for t in verdict.would_change_if}
    for kind, key in LIMITS.items():
        now = getattr(rule, key)
        if verdict.kind != "pilot only" and kind not in said and now is not None:
            for factor in (0.2, 0.7, 0.9, 0.99, 1.01, 1.1, 1.5, 5):
                other = decide(evidence, rule.model_copy(update={key: now * factor}), TRAFFIC)
                assert (other.kind, other.approach) == (verdict.kind, verdict.approach)


def stated(evidence: Evidence, rule: Decision) -> list[str]:
    return [t.text for t in decide(evidence, rule, TRAFFIC).would_change_if]


@pytest.fixture
def pair() -> Evidence:
    """zero-shot is cheap and right in 70 of 100, qlora is dear and right in 90; 300 cases."""
    zero, tuned = np.zeros(300), np.zeros(300)
    zero[:210], tuned[30:] = 1, 1
    facts = (
        ApproachFacts("zero-shot", "zero-shot", CostEstimate(0.0005, 750), p95_seconds=0.5),
        ApproachFacts("qlora", "qlora", CostEstimate(0.0001, 5000), p95_seconds=1.8),
    )
    return Evidence(facts, Remembered(metric="accuracy", kind="binary", scores={"zero-shot": zero, "qlora": tuned}))


def test_a_lower_limit_is_named_where_only_one_meets_it(pair: Evidence) -> None:
    said = stated(pair, Decision(min_quality=0.8, max_p95_seconds=1.0))
    assert said[0] == "With a limit on quality of 70 % or less (now 80 %): use zero-shot."
    assert "With 1.8 s or more for 95 % of the answers (now 1 s): use qlora." in said


def test_limits_that_stand_in_the_way_together_are_named_together(pair: Evidence) -> None:
    rule = Decision(min_quality=0.95, max_p95_seconds=0.3)
    verdict = decide(pair, rule, TRAFFIC)
    assert verdict.kind == "none good enough"
    (found,) = [t for t in verdict.would_change_if if t.kind in LIMITS]
    assert "all of it at once: use zero-shot." in found.text
    softer = rule.model_copy(update={"min_quality": 0.7, "max_p95_seconds": 0.5})
    assert decide(pair, softer, TRAFFIC).approach == "zero-shot"


def test_an_unset_limit_is_named_only_where_another_approach_would_win(pair: Evidence) -> None:
    said = stated(pair, Decision())
    assert any(
        text.startswith("With 1.7 s or less for 95 % of the answers (none is set): use zero-shot") for text in said
    )
    assert not any("nothing is good enough" in text for text in said)


def test_an_unknown_price_that_would_decide_is_computed(pair: Evidence) -> None:
    today = ApproachFacts("today", "recorded", PriceNeeded("it", "ask"))
    scores = {**pair.outcomes.scores, "today": pair.outcomes.scores["qlora"]}
    run = Evidence((*pair.approaches, today), Remembered(metric="accuracy", kind="binary", scores=scores))
    (found,) = [t for t in decide(run, Decision(), TRAFFIC).would_change_if if t.kind == "price" and t.now is None]
    assert found.text == "If today costs $419 or less a month in all (not known here): keep today."
    assert found.value == pytest.approx(CostEstimate(0.0001, 5000).total(1000, 12) / 12)


def test_a_pilot_says_how_many_cases_a_verdict_takes(pair: Evidence) -> None:
    few = replace(pair, outcomes=pair.outcomes.subset(np.arange(300) % 10 == 0))
    said = stated(few, Decision())
    assert said[0] == "With 50 cases or more (now 30): a verdict, instead of none."


def test_more_cases_that_are_named_do_settle_it() -> None:
    rng = np.random.default_rng(2)
    difficulty = rng.random(240)
    rates = {"floor": 0.2, "zero-shot": 0.78, "qlora": 0.85}
    scores = {
        name: (np.where(rng.random(240) < 0.8, difficulty, rng.random(240)) < rate).astype(float)
        for name, rate in rates.items()
    }
    costs = {"floor": CostEstimate(0.0), "zero-shot": CostEstimate(0.0005, 750), "qlora": CostEstimate(0.0001, 5000)}
    facts = tuple(ApproachFacts(name, name, costs[name]) for name in rates)
    run = Evidence(facts, Remembered(metric="accuracy", kind="binary", scores=scores))
    verdict = decide(run, Decision(), TRAFFIC)
    (found,) = [t for t in verdict.would_change_if if t.kind == "cases"]
    assert (verdict.approach, found.approach) == ("zero-shot", "qlora")
    times = int(np.ceil(found.value / 240))
    more = {name: np.tile(values, times) for name, values in scores.items()}
    again = decide(
        replace(run, outcomes=Remembered(metric="accuracy", kind="binary", scores=more)), Decision(), TRAFFIC
    )
    assert again.approach == "qlora"


def test_a_lead_inside_the_margin_asks_for_no_cases() -> None:
    cheap, lead = np.ones(130), np.ones(130)
    cheap[:13], lead[:10] = 0, 0
    facts = (
        ApproachFacts("zero-shot", "zero-shot", CostEstimate(0.001, 0)),
        ApproachFacts("qlora", "qlora", CostEstimate(0.001, 3000)),
    )
    run = Evidence(facts, Remembered(metric="accuracy", kind="binary", scores={"zero-shot": cheap, "qlora": lead}))
    assert not any(t.kind == "cases" for t in decide(run, Decision(margin=0.05), TRAFFIC).would_change_if)
    assert any(t.kind == "cases" for t in decide(run, Decision(margin=0.01), TRAFFIC).would_change_if)


@pytest.mark.parametrize(
    ("value", "digits", "up", "said"),
    [
        (3412.7, 2, True, 3500),
        (3412.7, 2, False, 3400),
        (0.79667, 3, False, 0.796),
        (0.98, 3, True, 0.981),
        (0, 2, True, 0),
    ],
)
def test_values_are_rounded_to_the_side_on_which_they_hold(value: float, digits: int, up: bool, said: float) -> None:
    assert outward(value, digits, up) == said
