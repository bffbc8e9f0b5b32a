"""What the verdict says: the rule, the thresholds (each one is true), the warnings, and foreign names."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from reports.costs import CostEstimate, PriceNeeded
from reports.costs.estimate import MACHINE_HOURS, CostPart, from_parts
from reports.run.schema import Decision, Traffic
from reports.statistics import Outcomes, cases_for
from reports.verdict import ApproachFacts, Evidence, Threshold, Verdict, decide

TRAFFIC = Traffic(queries_per_day=1000, horizon_months=12)
COSTS = {
    "floor": CostEstimate(0.0),
    "zero-shot": CostEstimate(0.0005, 750),
    "rag": CostEstimate(0.0009, 2250),
    "qlora": CostEstimate(0.0001, 5000),
}


@pytest.fixture
def run() -> Evidence:
    """rag and qlora close together, zero-shot well below; 600 cases."""
    rng = np.random.default_rng(0)
    difficulty = rng.random(600)
    rates = {"floor": 0.2, "zero-shot": 0.65, "rag": 0.82, "qlora": 0.84}
    scores = {
        name: (np.where(rng.random(600) < 0.8, difficulty, rng.random(600)) < rate).astype(float)
        for name, rate in rates.items()
    }
    return Evidence(tuple(ApproachFacts(n, n, COSTS[n]) for n in rates), Outcomes("accuracy", "binary", scores))


def threshold(verdict: Verdict, kind: str) -> Threshold:
    """The one of this kind."""
    return next(t for t in verdict.would_change_if if t.kind == kind)


def test_the_rule_is_said_as_it_was_set(run: Evidence) -> None:
    rule = Decision(margin=0.03, min_quality=0.8, max_p95_seconds=2, monthly_budget_usd=500)
    said = decide(run, rule, TRAFFIC).rule
    for part in ("Accuracy of at least 80", "within 2.0 s", "$500 a month", "12 months at 1,000", "3 points"):
        assert part in said


def test_volume_threshold_is_where_the_choice_turns(run: Evidence) -> None:
    verdict = decide(run, Decision(), TRAFFIC)
    found = threshold(verdict, "volume")
    assert (verdict.approach, found.approach) == ("rag", "qlora")
    for factor, chosen in ((0.99, "rag"), (1.01, "qlora")):
        traffic = Traffic(queries_per_day=factor * found.value, horizon_months=12)
        assert decide(run, Decision(), traffic).approach == chosen


def test_price_threshold_is_where_the_choice_turns(run: Evidence) -> None:
    found = threshold(decide(run, Decision(), TRAFFIC), "price")
    for factor, chosen in ((0.99, "rag"), (1.01, "qlora")):
        dearer = CostEstimate(factor * found.value / 1000, 2250)
        facts = tuple(replace(f, cost=dearer) if f.name == "rag" else f for f in run.approaches)
        assert decide(replace(run, approaches=facts), Decision(), TRAFFIC).approach == chosen


def test_margin_threshold_is_where_the_choice_turns(run: Evidence) -> None:
    found = threshold(decide(run, Decision(), TRAFFIC), "margin")
    assert found.approach == "zero-shot"
    for factor, chosen in ((0.99, "rag"), (1.01, "zero-shot")):
        assert decide(run, Decision(margin=factor * found.value), TRAFFIC).approach == chosen
    wide = decide(run, Decision(margin=1.2 * found.value), TRAFFIC)
    assert threshold(wide, "margin").value == pytest.approx(found.value)


def test_case_threshold_scales_with_the_root(run: Evidence) -> None:
    verdict = decide(run, Decision(), TRAFFIC)
    found = threshold(verdict, "cases")
    assert found.approach == "qlora"
    result = run.outcomes.compare("qlora", "rag")
    assert result.detectable is not None
    assert result.detectable * np.sqrt(600 / found.value) == pytest.approx(abs(result.difference), rel=0.01)


def test_softer_constraints_are_tried(run: Evidence) -> None:
    verdict = decide(run, Decision(monthly_budget_usd=5), TRAFFIC)
    found = next(t for t in verdict.would_change_if if t.kind == "budget" and t.value > 5)
    softer = decide(run, Decision(monthly_budget_usd=found.value), TRAFFIC)
    assert verdict.approach == "qlora"
    assert softer.approach == found.approach == "rag"


def test_demo_model_and_leaks_come_first(run: Evidence) -> None:
    warnings = decide(replace(run, demo_model=True, leaked=3, notes=("Own note.",)), Decision(), TRAFFIC).warnings
    assert "demo model" in warnings[0]
    assert warnings[1].startswith("3 eval cases also stand in the training data")
    assert "Own note." in warnings


def test_seed_noise_that_was_not_measured_is_said(run: Evidence) -> None:
    said = "Seed noise was not measured"
    assert any(w.startswith(said) for w in decide(run, Decision(), TRAFFIC).warnings)
    facts = tuple(replace(f, seeds=3, seed_sd=0.012) if f.name == "qlora" else f for f in run.approaches)
    measured = decide(replace(run, approaches=facts), Decision(), TRAFFIC).warnings
    assert not any(w.startswith(said) for w in measured)
    assert any("3 training seeds qlora varied by 1.2 points" in w for w in measured)


def test_failures_that_change_the_verdict_are_said(run: Evidence) -> None:
    failed = np.zeros(600, dtype=bool)
    failed[:120] = True
    scores = dict(run.outcomes.scores)
    scores["rag"] = np.where(failed, 0.0, scores["rag"])
    broken = replace(run, outcomes=replace(run.outcomes, scores=scores, failed={"rag": failed}))
    verdict = decide(broken, Decision(), TRAFFIC)
    assert verdict.approach == "qlora"
    assert any("120 answers failed and count as wrong" in w for w in verdict.warnings)
    assert any("the verdict would be rag" in w for w in verdict.warnings)


def test_failures_without_effect_are_only_counted(run: Evidence) -> None:
    failed = np.zeros(600, dtype=bool)
    failed[np.flatnonzero(run.outcomes.scores["zero-shot"] == 0)[:20]] = True
    verdict = decide(replace(run, outcomes=replace(run.outcomes, failed={"zero-shot": failed})), Decision(), TRAFFIC)
    assert any("failed and count as wrong" in w for w in verdict.warnings)
    assert not any("left out" in w for w in verdict.warnings)


def test_of_failures_in_equal_parts_none_is_called_the_largest(run: Evidence) -> None:
    failed = np.zeros(600, dtype=bool)
    failed[np.flatnonzero((run.outcomes.scores["zero-shot"] == 0) & (run.outcomes.scores["rag"] == 0))[:2]] = True
    tied = replace(run.outcomes, failed={"zero-shot": failed, "rag": failed})
    (said,) = (w for w in decide(replace(run, outcomes=tied), Decision(), TRAFFIC).warnings if "count as wrong" in w)
    assert said.startswith("4 answers failed and count as wrong; 2 of them (2 of 600) from ")


def test_format_failures_that_flatter_tuning_are_said() -> None:
    rng = np.random.default_rng(1)
    able = (rng.random(500) < 0.85).astype(float)
    unreadable = rng.random(500) < 0.3
    prompted = np.where(unreadable, 0.0, able)
    scores = {"floor": (rng.random(500) < 0.1).astype(float), "zero-shot": prompted, "qlora": able}
    outcomes = Outcomes("accuracy", "binary", scores, format_failed={"zero-shot": unreadable})
    facts = tuple(ApproachFacts(name, name, COSTS[name]) for name in scores)
    verdict = decide(Evidence(facts, outcomes), Decision(), TRAFFIC)
    assert verdict.approach == "qlora"
    told = next(w for w in verdict.warnings if "could not be read" in w)
    assert "repair the format" in told
    assert "not shown" in told


def test_lead_that_would_pay_for_itself(run: Evidence) -> None:
    warnings = decide(run, Decision(error_cost_usd=1.0), TRAFFIC).warnings
    assert any("If the lead of qlora is real" in w for w in warnings)
    assert not any("If the lead" in w for w in decide(run, Decision(), TRAFFIC).warnings)


def test_limits_met_by_the_estimate_only(run: Evidence) -> None:
    facts = tuple(replace(f, p95_seconds=1.5, p95_high_seconds=2.5) for f in run.approaches)
    rule = Decision(min_quality=0.8, max_p95_seconds=2.0)
    warnings = decide(replace(run, approaches=facts), rule, TRAFFIC).warnings
    assert any("reaches below the quality" in w for w in warnings)
    assert any("reaches beyond 2.0 s" in w for w in warnings)
    unmeasured = decide(run, Decision(max_p95_seconds=2.0), TRAFFIC).warnings
    assert any("that takes 72 requests" in w for w in unmeasured)


def test_small_samples_and_few_groups_are_said(run: Evidence) -> None:
    small = decide(replace(run, outcomes=run.outcomes.subset(np.arange(600) < 100)), Decision(), TRAFFIC)
    assert any(w.startswith("Only 100 cases") for w in small.warnings)
    groups = [str(i % 6) for i in range(600)]
    grouped = decide(replace(run, outcomes=replace(run.outcomes, groups=groups)), Decision(), TRAFFIC)
    assert any("only 6 groups" in w for w in grouped.warnings)


def test_numbers_that_are_no_shares_keep_their_unit() -> None:
    rng = np.random.default_rng(3)
    base = rng.integers(1, 5, size=200).astype(float)
    scores = {"zero-shot": base, "rag": base + (rng.random(200) < 0.6)}
    facts = tuple(ApproachFacts(name, name, COSTS[name]) for name in scores)
    verdict = decide(Evidence(facts, Outcomes("judge", "bounded", scores)), Decision(margin=0.1), TRAFFIC)
    assert verdict.approach == "rag"
    assert "points" not in " ".join(verdict.because)
    assert "%" not in verdict.because[0]


def test_foreign_names_are_made_harmless(run: Evidence) -> None:
    name = "rag\x1b[31m</script>\n" + "x" * 300
    scores = {name if key == "rag" else key: value for key, value in run.outcomes.scores.items()}
    facts = tuple(replace(f, name=name) if f.name == "rag" else f for f in run.approaches)
    verdict = decide(Evidence(facts, Outcomes("accuracy", "binary", scores)), Decision(), TRAFFIC)
    said = [verdict.headline, verdict.rule, *verdict.because, *verdict.warnings]
    said += [t.text for t in verdict.would_change_if]
    assert verdict.approach == name
    assert not any("\x1b" in sentence or "\n" in sentence or "x" * 80 in sentence for sentence in said)


def graded(values: dict[str, np.ndarray]) -> Evidence:
    """Approaches with a judge's scores of 1 to 5."""
    facts = tuple(ApproachFacts(n, n, CostEstimate(0.001, 0)) for n in values)
    return Evidence(facts, Outcomes("judge", "bounded", values))


def test_small_samples_name_what_they_can_show_in_the_metric_s_own_unit() -> None:
    rng = np.random.default_rng(1)
    a = rng.integers(1, 6, size=100).astype(float)
    b = np.clip(a + rng.normal(0.1, 1.0, size=100).round(), 1, 5)
    verdict = decide(graded({"zero-shot": a, "rag": b}), Decision(margin=0.1), TRAFFIC)
    [said] = [warning for warning in verdict.warnings if warning.startswith("Only 100 cases")]
    detectable = Outcomes("judge", "bounded", {"zero-shot": a, "rag": b}).compare("zero-shot", "rag").detectable
    assert detectable is not None
    assert 0.1 < detectable < 0.5
    assert f"{detectable:.2f}" in said
    assert "point" not in said + verdict.because[1]


def test_a_lead_of_hardly_any_case_still_says_how_many_cases_would_show_it() -> None:
    cheap, lead = np.ones(130), np.ones(130)
    cheap[:13], lead[:10] = 0, 0  # 3 cases differ, all on one side: fewer than 130 cases can show
    facts = (ApproachFacts("zero-shot", "zero-shot", CostEstimate(0.001, 0)),
             ApproachFacts("qlora", "qlora", CostEstimate(0.001, 3000)))  # fmt: skip
    outcomes = Outcomes("accuracy", "binary", {"zero-shot": cheap, "qlora": lead})
    verdict = decide(Evidence(facts, outcomes), Decision(), TRAFFIC)
    assert verdict.approach == "zero-shot"
    assert threshold(verdict, "cases").value == cases_for(3 / 130, 3 / 130)
    assert "Only 130 cases: less than about 5.9 points between the two best can hardly be shown." in verdict.warnings


def test_a_run_of_the_floor_alone_says_so() -> None:
    facts = (ApproachFacts("floor", "floor", CostEstimate(0.0, 0)),)
    verdict = decide(Evidence(facts, Outcomes("accuracy", "binary", {"floor": np.ones(80)})), Decision(), TRAFFIC)
    assert verdict.headline == "Nothing can be said yet: only the trivial answer was scored, and it is no contender."


def test_without_a_price_nothing_is_called_the_cheapest(run: Evidence) -> None:
    unpriced = tuple(replace(f, cost=PriceNeeded("a GPU hour", "set prices.gpu_hour_usd")) for f in run.approaches)
    verdict = decide(replace(run, approaches=unpriced), Decision(), TRAFFIC)
    assert verdict.approach == "rag"
    assert "the simplest to build of those that may be the best" in verdict.headline
    assert "cheap" not in verdict.headline


def test_a_machine_that_waits_is_paid_too() -> None:
    """At 1,000 answers a day a GPU works a few hours a month: who keeps one on pays for 730."""
    part = CostPart(MACHINE_HOURS, "query", 4.45 * 0.26 / 3600 / 0.3, 0.0, 0.0)
    cost = replace(from_parts([part]), hour_usd=4.45)
    outcomes = Outcomes("accuracy", "binary", {"qlora": np.tile([1.0, 1.0, 0.0], 100)})
    data = Evidence((ApproachFacts("qlora", "qlora", cost),), outcomes)
    said = [w for w in decide(data, Decision(), Traffic(queries_per_day=1000)).warnings if "kept on" in w]
    assert said == [
        "The machine is reckoned as shared: 7.3 hours a month answer for qlora. One that is kept on for it alone costs "
        "$3,248 a month."
    ]
    busy = decide(data, Decision(), Traffic(queries_per_day=100_000))
    assert not [w for w in busy.warnings if "kept on" in w]
