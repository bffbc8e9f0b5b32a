"""The rule: constraints, the floor, who may be best, the cheapest of them; what each kind of verdict takes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.costs import CostEstimate, PriceNeeded
from reports.run.schema import Decision, Traffic
from reports.statistics import Outcomes
from reports.verdict import ApproachFacts, Evidence, Verdict, decide, family
from tests.reports.study import study_rows

FREE = CostEstimate(0.0)
CHEAP = CostEstimate(0.0005, 750)
MIDDLE = CostEstimate(0.0009, 2250)
DEAR = CostEstimate(0.0001, 5000)
UNKNOWN = PriceNeeded("tokens of house-model", "set prices.input_usd_per_million")
RULE, TRAFFIC = Decision(), Traffic(queries_per_day=1000, horizon_months=12)


def scored(n: int, rates: dict[str, float], seed: int = 0) -> dict[str, np.ndarray]:
    """Right-or-wrong scores that share the difficulty of the cases; `floor` does not."""
    rng = np.random.default_rng(seed)
    difficulty = rng.random(n)
    scores = {}
    for name, rate in rates.items():
        own = rng.random(n) if name == "floor" else np.where(rng.random(n) < 0.8, difficulty, rng.random(n))
        scores[name] = (own < rate).astype(float)
    return scores


def evidence(n: int, rates: dict[str, float], costs: dict[str, CostEstimate | PriceNeeded], seed: int = 0) -> Evidence:
    """Approaches whose names are their kinds."""
    outcomes = Outcomes("accuracy", "binary", scored(n, rates, seed))
    return Evidence(tuple(ApproachFacts(name, name, costs.get(name, CHEAP)) for name in rates), outcomes)


RATES = {"floor": 0.2, "zero-shot": 0.65, "rag": 0.82, "qlora": 0.84}
COSTS: dict[str, CostEstimate | PriceNeeded] = {"floor": FREE, "zero-shot": CHEAP, "rag": MIDDLE, "qlora": DEAR}


def test_cheapest_of_those_that_may_be_best() -> None:
    verdict = decide(evidence(600, RATES, COSTS), RULE, TRAFFIC)
    assert (verdict.kind, verdict.approach) == ("retrieval", "rag")
    assert set(verdict.could_be_best) == set(verdict.acceptable) == {"rag", "qlora"}
    assert len(verdict.because) == 3
    assert verdict.headline.startswith("Use rag (retrieval)")


def test_traffic_decides_between_them() -> None:
    found = decide(evidence(600, RATES, COSTS), RULE, Traffic(queries_per_day=100_000, horizon_months=12))
    assert (found.kind, found.approach) == ("fine-tuning", "qlora")


def test_as_good_within_the_margin_and_cheaper() -> None:
    rates = {"zero-shot": 0.80, "qlora": 0.83}
    strict, wide = (decide(evidence(6000, rates, COSTS), Decision(margin=margin), TRAFFIC) for margin in (0.005, 0.06))
    assert strict.approach == "qlora"
    assert wide.approach == "zero-shot"
    assert wide.could_be_best == ("qlora",)
    assert "as good as qlora within 6 points" in wide.headline


def test_floor_is_never_recommended_even_when_it_is_free_and_as_good() -> None:
    rates = {"floor": 0.70, "zero-shot": 0.70, "qlora": 0.72}
    verdict = decide(evidence(400, rates, COSTS), RULE, TRAFFIC)
    assert (verdict.kind, verdict.approach) == ("not shown", None)
    assert "trivial answer" in verdict.headline


def test_shown_to_be_no_better_than_the_floor() -> None:
    rates = {"floor": 0.80, "zero-shot": 0.50, "qlora": 0.55}
    verdict = decide(evidence(400, rates, COSTS), RULE, TRAFFIC)
    assert (verdict.kind, verdict.approach) == ("none good enough", None)


def test_what_does_not_beat_the_floor_is_left_out() -> None:
    rates = {"floor": 0.50, "zero-shot": 0.50, "qlora": 0.80}
    verdict = decide(evidence(400, rates, COSTS), RULE, TRAFFIC)
    assert verdict.approach == "qlora"
    assert dict(verdict.excluded)["zero-shot"] == "not shown to beat the trivial answer"


def test_constraints_come_first() -> None:
    base = evidence(600, RATES, COSTS)
    slow = replace(
        base, approaches=tuple(replace(f, p95_seconds=3.0 if f.name == "rag" else 0.2) for f in base.approaches)
    )
    quality = decide(base, Decision(min_quality=0.99), TRAFFIC)
    assert (quality.kind, quality.approach) == ("none good enough", None)
    assert {name for name, _ in quality.excluded} == {"zero-shot", "rag", "qlora"}
    latency = decide(slow, Decision(max_p95_seconds=2.0), TRAFFIC)
    assert latency.approach == "qlora"
    assert dict(latency.excluded) == {"rag": "p95 of 3.0 s is above 2.0 s"}
    budget = decide(base, Decision(monthly_budget_usd=10), TRAFFIC)
    assert budget.approach == "qlora"
    assert set(dict(budget.excluded)) == {"zero-shot", "rag"}


def test_lower_bound_of_p95_is_enough_to_exclude() -> None:
    base = evidence(600, RATES, COSTS)
    facts = tuple(replace(f, p95_low_seconds=5.0) if f.name == "rag" else f for f in base.approaches)
    assert "rag" in dict(decide(replace(base, approaches=facts), Decision(max_p95_seconds=2.0), TRAFFIC).excluded)


def test_pilot_gives_no_verdict() -> None:
    small, enough = (decide(evidence(n, RATES, COSTS), RULE, TRAFFIC) for n in (49, 50))
    assert (small.kind, small.approach) == ("pilot only", None)
    assert small.headline.startswith("Pilot only: 49 cases")
    assert enough.kind != "pilot only"


def test_nothing_scored() -> None:
    empty = Evidence(
        (ApproachFacts("rag", "rag", CHEAP),), Outcomes("accuracy", "binary", {"rag": np.full(80, np.nan)})
    )
    assert decide(empty, RULE, TRAFFIC).kind == "not shown"
    nobody = Evidence((), Outcomes("accuracy", "binary", {}))
    assert decide(nobody, RULE, TRAFFIC).headline == "Nothing can be said: no approach has a scored answer."


def test_unknown_price_is_not_cheap() -> None:
    costs = {**COSTS, "rag": UNKNOWN}
    verdict = decide(evidence(600, RATES, costs), RULE, TRAFFIC)
    assert verdict.approach == "qlora"
    assert any("what it costs is not known" in warning for warning in verdict.warnings)
    blind = decide(evidence(600, RATES, {"rag": UNKNOWN, "qlora": UNKNOWN}), RULE, TRAFFIC)
    assert blind.approach == "rag"
    assert any("simplest to build" in warning for warning in blind.warnings)
    assert "house-model" in blind.because[2]


def test_existing_system_is_kept_when_nothing_beats_it() -> None:
    rates = {"floor": 0.2, "zero-shot": 0.6, "recorded": 0.9}
    costs: dict[str, CostEstimate | PriceNeeded] = {"recorded": PriceNeeded("the recorded system", "compare")}
    verdict = decide(evidence(500, rates, costs), RULE, TRAFFIC)
    assert (verdict.kind, verdict.approach) == ("existing system", "recorded")
    assert verdict.headline.startswith("Keep recorded")


def test_stopped_early_cannot_be_the_best() -> None:
    base = evidence(600, RATES, COSTS)
    facts = tuple(replace(f, stopped_early=f.name == "qlora") for f in base.approaches)
    verdict = decide(replace(base, approaches=facts), RULE, Traffic(queries_per_day=100_000))
    assert verdict.could_be_best == ("rag",)
    assert any(warning.startswith("Stopped early: qlora") for warning in verdict.warnings)


def xquad() -> Outcomes:
    """BERT against r-net+ on 1,190 questions: 99 and 74 answered by one alone, p = 0.068."""
    right = np.ones(1190)
    worse, better = right.copy(), right.copy()
    worse[:99], better[99:173] = 0, 0
    return Outcomes("exact-match", "binary", {"zero-shot": worse, "qlora": better})


def study() -> Outcomes:
    """Base against QLoRA in 20 databases: shown only where the databases are ignored."""
    a, b, groups = study_rows(60, 91, 0.0154)
    return Outcomes("accuracy", "binary", {"zero-shot": a, "qlora": b}, groups=groups)


@pytest.mark.parametrize("outcomes", [xquad(), study()], ids=["XQuAD", "text-to-SQL"])
def test_where_a_difference_is_not_shown_nobody_is_shown_to_be_the_best(outcomes: Outcomes) -> None:
    assert outcomes.compare("zero-shot", "qlora").words == "not shown"
    facts = tuple(ApproachFacts(name, name, COSTS[name]) for name in outcomes.names)
    verdict = decide(Evidence(facts, outcomes), RULE, TRAFFIC)
    assert set(verdict.could_be_best) == {"zero-shot", "qlora"}
    assert verdict.approach == "zero-shot"  # the cheaper one
    assert "shown to be the best" not in verdict.headline


def test_the_word_and_the_set_agree_over_all_pairs() -> None:
    """The set looks at one side, the word at two: p from .05 to .10 contradicted each other."""
    said = set()
    for lead in range(0, 40, 2):
        right = np.ones(400)
        a, b = right.copy(), right.copy()
        a[: 40 + lead], b[40 + lead : 80 + lead] = 0, 0
        outcomes = Outcomes("accuracy", "binary", {"zero-shot": a, "qlora": b})
        facts = tuple(ApproachFacts(name, name, COSTS[name]) for name in outcomes.names)
        verdict = decide(Evidence(facts, outcomes), Decision(margin=0.001), TRAFFIC)
        word = outcomes.compare("zero-shot", "qlora").words
        said.add(word)
        assert (verdict.could_be_best == ("qlora",)) == (word == "better")
    assert said == {"better", "not shown"}


def test_where_nothing_is_ever_right_nothing_is_recommended() -> None:
    for names in (("zero-shot",), ("zero-shot", "qlora")):
        outcomes = Outcomes("accuracy", "binary", {name: np.zeros(80) for name in names})
        facts = tuple(ApproachFacts(name, name, COSTS[name]) for name in names)
        verdict = decide(Evidence(facts, outcomes), RULE, TRAFFIC)
        assert (verdict.kind, verdict.approach) == ("none good enough", None)
        assert "a single right answer" in verdict.headline


def test_the_best_within_the_limits_is_not_called_the_best_of_all() -> None:
    base = evidence(600, {"zero-shot": 0.4, "rag": 0.7, "qlora": 0.9}, COSTS)
    facts = tuple(
        replace(f, p95_seconds=9.0 if f.name == "qlora" else 0.1, p95_high_seconds=9.0) for f in base.approaches
    )
    verdict = decide(replace(base, approaches=facts), Decision(max_p95_seconds=2.0), TRAFFIC)
    assert verdict.approach == "rag"
    assert verdict.headline.endswith("shown to be the best of those that meet the rule.")


def test_a_pilot_forecasts_nobody_who_breaks_a_limit() -> None:
    base = evidence(40, {"zero-shot": 0.3, "qlora": 0.62}, COSTS, seed=3)
    verdict = decide(base, Decision(min_quality=0.9), TRAFFIC)
    assert verdict.kind == "pilot only"
    assert not [threshold for threshold in verdict.would_change_if if threshold.approach]


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        ("zero-shot", "prompting"),
        ("few-shot", "prompting"),
        ("knn-few-shot", "retrieval"),
        ("rag", "retrieval"),
        ("rag+few-shot", "retrieval"),
        ("classifier", "classical"),
        ("recorded", "existing system"),
        ("qlora", "fine-tuning"),
        ("lora", "fine-tuning"),
        ("full", "fine-tuning"),
        ("qlora+rag", "fine-tuning with retrieval"),
        ("own-prompt", "prompting"),
    ],
)
def test_families(kind: str, word: str) -> None:
    assert family(kind) == word


@settings(max_examples=40, deadline=None)
@given(
    rates=st.lists(st.floats(0.05, 0.95), min_size=3, max_size=3),
    margin=st.floats(0, 0.2),
    per_day=st.floats(1, 1e6),
    min_quality=st.none() | st.floats(0, 1),
    seed=st.integers(0, 1000),
)
def test_any_run_gets_a_verdict_that_keeps_the_rule(
    rates: list[float], margin: float, per_day: float, min_quality: float | None, seed: int
) -> None:
    given_rates = {"floor": 0.4, **dict(zip(("zero-shot", "rag", "qlora"), rates, strict=True))}
    data = evidence(120, given_rates, COSTS, seed)
    rule, traffic = Decision(margin=margin, min_quality=min_quality), Traffic(queries_per_day=per_day)
    verdict = decide(data, rule, traffic)
    assert verdict == decide(data, rule, traffic)
    assert verdict.approach != "floor"
    check_kept(verdict, data, rule, traffic)


def check_kept(verdict: Verdict, data: Evidence, rule: Decision, traffic: Traffic) -> None:
    """The recommended approach is acceptable, meets the floor of quality, and no acceptable one is cheaper."""
    if verdict.approach is None:
        assert verdict.kind in ("not shown", "none good enough")
        return
    assert verdict.approach in verdict.acceptable
    assert set(verdict.could_be_best) <= set(verdict.acceptable)
    if rule.min_quality is not None:
        assert data.outcomes.quality(verdict.approach).value >= rule.min_quality
    totals = {
        f.name: f.cost.total(traffic.queries_per_day, traffic.horizon_months)
        for f in data.approaches
        if isinstance(f.cost, CostEstimate) and f.name in verdict.acceptable
    }
    assert totals[verdict.approach] <= min(totals.values()) + 0.01
