"""More than two approaches: Holm, the could-be-best set, Hsu's intervals, the winner's curse, seeds."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from reports import statistics
from reports.statistics import multiplicity
from reports.statistics.results import ScoreKind
from reports.summary.remembered import Remembered


@pytest.mark.parametrize(
    ("p", "holm", "bh"),
    [
        ((0.01, 0.02, 0.03, 0.04), (0.04, 0.06, 0.06, 0.06), (0.04,) * 4),
        ((0.004, 0.030, 0.049), (0.012, 0.060, 0.060), (0.012, 0.045, 0.049)),
    ],
)
def test_adjustment_fixtures(p: tuple[float, ...], holm: tuple[float, ...], bh: tuple[float, ...]) -> None:
    assert statistics.holm(p) == pytest.approx(holm)
    assert statistics.benjamini_hochberg(p) == pytest.approx(bh)


@pytest.mark.parametrize("size", [1, 2, 5, 12])
def test_adjustments_equal_statsmodels(size: int) -> None:
    p = np.random.default_rng(size).random(size).round(2)  # rounded: ties occur
    assert statistics.holm(list(p)) == pytest.approx(multipletests(p, method="holm")[1])
    assert statistics.benjamini_hochberg(list(p)) == pytest.approx(multipletests(p, method="fdr_bh")[1])


def test_adjusting_changes_the_words() -> None:
    rng = np.random.default_rng(0)
    base = (rng.random(300) < 0.7).astype(float)
    worse_p = []
    for _ in range(5):
        other = base.copy()
        other[np.flatnonzero(base == 0)[:18]] = 1
        other[np.flatnonzero(base == 1)[:7]] = 0
        worse_p.append(statistics.compare(base, other))
    assert {r.words for r in worse_p} == {"better"}
    adjusted = statistics.adjust(worse_p)
    assert {r.words for r in adjusted} == {"not shown"}
    assert all(r.p_adjusted == pytest.approx(5 * r.p) for r in adjusted)


@pytest.mark.parametrize(("comparisons", "critical"), [(2, 1.916), (3, 2.062), (4, 2.160), (5, 2.234)])
def test_dunnett(comparisons: int, critical: float) -> None:
    assert statistics.dunnett_critical(comparisons) == pytest.approx(critical, abs=5.1e-4)


def test_hsu_fixture() -> None:
    intervals = statistics.best_intervals([0.80, 0.83, 0.86], error=0.02)
    expected = [(-0.0983, 0.0), (-0.0683, 0.0083), (-0.0083, 0.0683)]
    assert np.array(intervals) == pytest.approx(np.array(expected), abs=5.1e-5)


def approaches(n: int, rates: dict[str, float], seed: int) -> dict[str, np.ndarray]:
    """Correlated 0/1 scores: one difficulty per case, one draw per approach mixed in."""
    rng = np.random.default_rng(seed)
    difficulty = rng.random(n)
    return {
        name: (np.where(rng.random(n) < 0.7, difficulty, rng.random(n)) < rate).astype(float)
        for name, rate in rates.items()
    }


def test_best_set_keeps_near_ties_and_drops_the_rest() -> None:
    scores = approaches(1000, {"poor": 0.5, "good": 0.80, "twin": 0.80, "fair": 0.70}, seed=1)
    outcomes = statistics.Outcomes("accuracy", "binary", scores)
    assert set(outcomes.could_be_best()) == {"good", "twin"}
    assert outcomes.could_be_best(["poor", "fair"]) == ("fair",)
    assert outcomes.could_be_best(["poor"]) == ("poor",)


def test_best_set_of_identical_approaches_is_all_of_them() -> None:
    same = np.array([1.0, 0.0] * 50)
    outcomes = statistics.Outcomes("accuracy", "binary", {"a": same, "b": same, "c": same})
    assert outcomes.could_be_best() == ("a", "b", "c")


def test_constant_gain_rules_the_other_out() -> None:
    base = np.linspace(0.1, 0.8, 60)
    outcomes = statistics.Outcomes("rougeL", "bounded", {"a": base, "b": base + 0.1})
    assert outcomes.could_be_best() == ("b",)


def test_groups_enlarge_the_best_set() -> None:
    rng = np.random.default_rng(5)
    groups = np.repeat(np.arange(20), 50)
    a = (rng.random(1000) < 0.7).astype(float)
    gain = (rng.random(20) < 0.25)[groups] & (rng.random(1000) < 0.5)
    loss = (rng.random(20) < 0.10)[groups] & (rng.random(1000) < 0.2)
    b = np.where(gain, 1.0, np.where(loss, 0.0, a))
    plain = statistics.Outcomes("accuracy", "binary", {"a": a, "b": b})
    clustered = statistics.Outcomes("accuracy", "binary", {"a": a, "b": b}, groups=[str(g) for g in groups])
    assert plain.could_be_best() == ("b",)
    assert set(plain.could_be_best()) <= set(clustered.could_be_best())


@pytest.mark.parametrize("kind", ["binary", "bounded"])
def test_a_single_group_rules_nobody_out(kind: ScoreKind) -> None:
    scores = {"none": np.zeros(60), "all": np.ones(60)}
    assert statistics.Outcomes("m", kind, scores, groups=["one"] * 60).could_be_best() == ("none", "all")


def test_few_groups_widen_the_set_alike_where_results_are_remembered() -> None:
    """The truly best of six equal approaches is lost no more often than 5 % allow in 40 runs of 8 groups."""
    lost = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        groups = np.repeat(np.arange(8), 10)
        hard = rng.normal(size=8)[groups]
        scores = {
            f"a{k}": (hard + rng.normal(size=8)[groups] / 2 + rng.normal(size=80) < 0.8).astype(float) for k in range(6)
        }
        plain, remembered = (
            table("accuracy", "binary", scores, groups=groups, seed=seed) for table in (statistics.Outcomes, Remembered)
        )
        assert plain.could_be_best() == remembered.could_be_best()
        lost += "a0" not in plain.could_be_best()
    assert lost <= 5  # of 40: binomial(40, .05) is above in 0.3 %


@pytest.mark.parametrize(("k", "gain"), [(2, 0.564), (3, 0.846), (4, 1.029), (5, 1.163), (10, 1.5388), (20, 1.867)])
def test_expected_maximum(k: int, gain: float) -> None:
    assert statistics.expected_maximum(k) == pytest.approx(gain, abs=5.1e-4)


def test_james_stein_fixture() -> None:
    se = statistics.paired_sigma(0.8, 200, 0.6)
    assert se == pytest.approx(0.017889, abs=5e-7)
    found = statistics.shrink([0.86, 0.84, 0.83, 0.81, 0.80, 0.79], se)
    assert found.kept == pytest.approx(0.7244, abs=5e-5)
    assert found.values == pytest.approx([0.8494, 0.8349, 0.8277, 0.8132, 0.8060, 0.7987], abs=5.1e-5)


@pytest.mark.parametrize("units", [6, 20, 100])
def test_one_difference_with_a_guessed_error_is_students(units: int) -> None:
    from scipy.stats import norm, t

    students = t.ppf(0.95, units - 1) / norm.ppf(0.95)
    assert multiplicity.guessed_errors(1, units) == pytest.approx(students, rel=0.02)
    assert multiplicity.guessed_errors(5, units) > students
