"""Seed noise: the mean over trainings, its interval, its tests, and the set of the best."""

from __future__ import annotations

from math import inf, sqrt

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from reports.statistics import SeedNoise, mean_interval
from reports.statistics.outcomes import Outcomes
from reports.statistics.seeds import widened_difference

Z = 1.959964


def right(count: int, of: int = 100) -> NDArray[np.float64]:
    return (np.arange(of) < count).astype(np.float64)


def table(*shares: int) -> Outcomes:
    """A prompt that is right on 60 of 100 cases, and a tuned approach with one training a share."""
    names = ["qlora", *(f"qlora@{i}" for i in range(2, len(shares) + 1))]
    scores = {"zero-shot": right(60)} | dict(zip(names, map(right, shares), strict=True))
    return Outcomes("accuracy", "binary", scores).averaged({"qlora": names[1:]}).only(["zero-shot", "qlora"])


@pytest.mark.parametrize(
    ("n", "seeds", "se"),
    [(250, 1, 0.0374), (250, 3, 0.0336), (250, 5, 0.0328), (1000, 1, 0.0255), (1000, 3, 0.0196), (1000, 5, 0.0181)],
)
def test_seed_and_item_noise_add_up(n: int, seeds: int, se: float) -> None:
    """Evidence: sqrt(.02^2 / S + .533 * .467 / n)."""
    noise = SeedNoise(0.02**2 / seeds, inf)
    assert noise.half(Z * sqrt(0.533 * 0.467 / n), 0.95) / Z == pytest.approx(se, abs=6e-5)


def test_noise_is_that_of_the_mean() -> None:
    noise = SeedNoise.of([0.8, 0.7, 0.75])
    assert noise.variance == pytest.approx(0.05**2 / 3)
    assert noise.df == 2
    assert SeedNoise.of([0.8]) == SeedNoise() == SeedNoise.of([])
    assert SeedNoise.of([0.8]).half(0.1, 0.95) == 0.1


def test_seeds_alone_give_students_interval_and_welch_that_of_two() -> None:
    one, other = [0.8, 0.7, 0.75, 0.77], [0.6, 0.66]
    alone = SeedNoise.of(one)
    assert alone.half(0.0, 0.95) == pytest.approx(stats.ttest_1samp(one, 0).confidence_interval().high - np.mean(one))
    both = alone.plus(SeedNoise.of(other))
    welch = stats.ttest_ind(one, other, equal_var=False)
    assert both.df == pytest.approx(welch.df)
    assert both.half(0.0, 0.95) == pytest.approx(welch.confidence_interval().high - (np.mean(one) - np.mean(other)))
    assert alone.plus(SeedNoise()) == SeedNoise().plus(alone) == alone


def test_the_quality_is_the_mean_over_trainings_case_by_case() -> None:
    found, plain = table(80, 70, 75), table(75)
    assert plain.quality("qlora").value == found.quality("qlora").value == 0.75
    assert found.trainings == {"qlora": (0.8, 0.7, 0.75)}
    assert found.scores["qlora"][[0, 72, 77, 99]].tolist() == pytest.approx([1, 2 / 3, 1 / 3, 0])
    over_cases = mean_interval(found.scores["qlora"]).half_width
    expected = SeedNoise.of((0.8, 0.7, 0.75)).half(over_cases, 0.95)
    assert found.quality("qlora").half_width == pytest.approx(expected, rel=0.05)
    assert found.quality("zero-shot") == plain.quality("zero-shot")


def test_trainings_that_answer_alike_are_one_training() -> None:
    assert table(75, 75, 75).quality("qlora") == table(75).quality("qlora")
    found, plain = (t.compare("zero-shot", "qlora") for t in (table(75, 75), table(75)))
    assert (found.p, found.low, found.high) == (plain.p, plain.low, plain.high)


def test_a_difference_within_seed_noise_is_not_shown() -> None:
    calm, noisy = (table(*shares).compare("zero-shot", "qlora") for shares in ((76, 74, 75), (90, 60, 75)))
    assert noisy.difference == pytest.approx(calm.difference) == pytest.approx(0.15)
    assert (calm.words, noisy.words) == ("better", "not shown")
    assert noisy.low < 0 < calm.low
    assert noisy.p > 0.05 > calm.p


def test_p_is_students_with_the_degrees_of_freedom_of_the_sum() -> None:
    plain = table(75).compare("zero-shot", "qlora")
    item = (plain.high - plain.low) / (2 * Z)
    doubled = widened_difference(plain, SeedNoise(3 * item**2, 2))
    z = stats.norm.isf(plain.p / 2) / 2
    assert doubled.p == pytest.approx(2 * stats.t.sf(z, 2 * (4 / 3) ** 2))
    assert doubled.high - doubled.low == pytest.approx(4 * item * stats.t.ppf(0.975, 2 * (4 / 3) ** 2), rel=0.02)
    assert widened_difference(plain, SeedNoise()) == plain


def test_seed_noise_keeps_a_rival_in_the_set_of_the_best() -> None:
    assert table(75).could_be_best() == table(76, 74, 75).could_be_best() == ("qlora",)
    assert table(90, 60, 75).could_be_best() == ("zero-shot", "qlora")


def test_groups_are_kept_with_several_trainings() -> None:
    groups = [f"g{i // 5}" for i in range(100)]
    rng = np.random.default_rng(0)
    scores = {name: (rng.random(100) < 0.7).astype(float) for name in ("zero-shot", "qlora", "again")}
    plain = Outcomes("accuracy", "binary", scores, groups=groups)
    found = plain.averaged({"qlora": ["again"]})
    assert found.quality("qlora").n_clusters == 20
    assert found.compare("zero-shot", "qlora").n_clusters == 20
    assert found.quality("qlora").value == pytest.approx((scores["qlora"].mean() + scores["again"].mean()) / 2)


def test_a_metric_of_the_whole_set_is_averaged_as_a_whole() -> None:
    rng = np.random.default_rng(1)
    expected = [str(i % 3) for i in range(150)]
    predicted = {
        name: [e if rng.random() < share else str(rng.integers(3)) for e in expected]
        for name, share in (("zero-shot", 0.4), ("qlora", 0.7), ("again", 0.8))
    }
    scores = {name: np.ones(150) for name in predicted}
    plain = Outcomes("macro-f1", "set", scores, predicted=predicted, expected=expected)
    found = plain.averaged({"qlora": ["again"]})
    each = plain.quality("qlora").value, plain.quality("again").value
    assert found.trainings["qlora"] == each
    assert found.quality("qlora").value == pytest.approx(sum(each) / 2)
    both = found.compare("zero-shot", "qlora")
    apart = [plain.compare("zero-shot", name).difference for name in ("qlora", "again")]
    assert both.difference == pytest.approx(sum(apart) / 2)
    assert both.p < 0.05
    half = found.subset(np.arange(150) < 60)
    assert [len(each) for each in half.repeated["qlora"]] == [60]
    assert half.quality("qlora").n == 60


def test_scores_beyond_one_are_not_cut_at_one() -> None:
    marks = np.array([1.0, 5.0, 4.0, 3.0] * 20)
    scores = {"qlora": marks, "again": np.minimum(marks + 1, 5)}
    plain = Outcomes("judge", "bounded", scores)
    found = plain.averaged({"qlora": ["again"]}).quality("qlora")
    assert found.value == pytest.approx((3.25 + scores["again"].mean()) / 2)
    assert found.high > plain.quality("again").high > 3.25


def test_a_rival_that_was_stopped_is_compared_by_a_p_that_holds_at_any_look() -> None:
    names = ("zero-shot", "qlora", "again")
    scores = {name: right(count) for name, count in zip(names, (30, 75, 85), strict=True)}
    scores["zero-shot"][60:] = np.nan
    plain = Outcomes("accuracy", "binary", scores, stopped=frozenset({"zero-shot"}), ranks=range(100))
    found = plain.averaged({"qlora": ["again"]}).compare("zero-shot", "qlora")
    assert (found.n, found.words) == (60, "better")
    assert "any look" in found.method
    assert found.p >= plain.compare("zero-shot", "qlora").p
