"""Scores that are numbers: bootstrap intervals and sign flips against fixtures and scipy."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.stats import permutation_test

from reports import statistics
from reports.statistics.resampling import bca_ends, mean_samples

A = np.array([0.42, 0.55, 0.61, 0.30, 0.72, 0.48, 0.66, 0.51, 0.39, 0.58, 0.70, 0.45])
B = np.array([0.50, 0.57, 0.69, 0.28, 0.80, 0.55, 0.71, 0.60, 0.47, 0.57, 0.78, 0.52])


def test_fixture() -> None:
    d = B - A
    assert d.mean() == pytest.approx(0.055833, abs=5e-7)
    assert d.std(ddof=1) == pytest.approx(0.038009, abs=5e-7)
    t, boot = statistics.t_interval(d), statistics.bca(d)
    assert (t.low, t.high) == pytest.approx((0.0317, 0.0800), abs=5.1e-5)
    assert (boot.low, boot.high) == pytest.approx((0.0292, 0.0725), abs=5.1e-5)
    assert statistics.sign_flip(d) == pytest.approx(12 / 4096)


def test_ratio_fixture() -> None:
    found = statistics.ratio_interval(A, B, widen=False)
    assert found.value == pytest.approx(1.10518, abs=5e-6)
    assert (found.low, found.high) == pytest.approx((1.0604, 1.1378), abs=3e-3)


def test_own_bca_equals_scipys_on_the_same_terms() -> None:
    x = np.random.default_rng(5).gamma(1.0, size=400)
    sample = mean_samples(x[:, None], seed=1)[0]
    ours, scipys = bca_ends(sample.draws, sample.value, sample.jackknife, widen=False), statistics.bca(x, seed=2)
    assert ours == pytest.approx((scipys.low, scipys.high), abs=0.006)


def exact_p(thousandths: list[int]) -> float:
    """The definition in whole numbers: the share of sign patterns whose sum is as far from 0 as the observed one."""
    sums = [
        abs(sum(sign * value for sign, value in zip(signs, thousandths, strict=True)))
        for signs in product((1, -1), repeat=len(thousandths))
    ]
    return sum(s >= abs(sum(thousandths)) for s in sums) / len(sums)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(-1000, 1000), min_size=2, max_size=10))
@example([750, 906, 891, -906, -703, -859, -31, -47])  # sum 1 of 5093: scipy's ties are lost to rounding (.96875)
@example([300, -100, -200, 700, -700])  # sum exactly 0: every pattern reaches it
def test_sign_flips_equal_whole_number_arithmetic(thousandths: list[int]) -> None:
    assert statistics.sign_flip(np.array(thousandths) / 1000) == pytest.approx(exact_p(thousandths), abs=1e-12)


def test_random_sign_flips_count_ties_as_whole_numbers_do() -> None:
    tied = np.array([0.1, -0.2, 0.3, -0.3, 0.7, -0.6] * 10)  # 60 differences whose sum is exactly 0
    assert statistics.sign_flip(tied) == 1.0


@pytest.mark.parametrize("seed", range(4))
def test_sign_flips_equal_scipys_where_no_sums_tie(seed: int) -> None:
    d = np.random.default_rng(seed).normal(0.3, 1.0, size=9)
    expected = permutation_test((d,), np.mean, permutation_type="samples", n_resamples=np.inf).pvalue
    assert statistics.sign_flip(d) == pytest.approx(expected, abs=1e-12)


def test_random_sign_flips_come_near_the_exact_p() -> None:
    d = np.random.default_rng(7).normal(0.25, 1.0, size=60)
    z = d.sum() / np.sqrt((d**2).sum())
    expected = permutation_test((d,), np.mean, permutation_type="samples", n_resamples=20_000, rng=1).pvalue
    assert statistics.sign_flip(d) == pytest.approx(expected, abs=0.01)
    assert 0 < statistics.sign_flip(np.ones(200)) < 0.001 < abs(z)


def test_values_all_equal_give_a_degenerate_interval() -> None:
    for function in (statistics.bca, statistics.mean_interval):
        found = function(np.full(40, 0.3))
        assert (found.value, found.low, found.high) == pytest.approx((0.3, 0.3, 0.3))


def test_equal_answers_are_not_proof_of_equality() -> None:
    same = np.full(60, 0.5)
    few, many = (statistics.compare(np.full(n, 0.5), np.full(n, 0.5), kind="bounded", margin=0.02) for n in (60, 1000))
    assert few.words == "not shown"
    assert many.words == "equivalent"
    assert statistics.compare(same, same, kind="bounded").p == 1.0


def test_default_comparison_of_numbers() -> None:
    rng = np.random.default_rng(2)
    a = rng.beta(2, 2, size=200)
    b = np.clip(a + rng.normal(0.05, 0.1, size=200), 0, 1)
    result = statistics.compare(a, b, kind="bounded", margin=0.01)
    assert result.words == "better"
    assert result.low < result.difference < result.high
    assert result.low < result.low90 < result.high90 < result.high
    assert result.detectable == pytest.approx(2.80 * (b - a).std(ddof=1) / np.sqrt(200), rel=0.001)


def test_groups_use_the_clustered_error() -> None:
    rng = np.random.default_rng(4)
    groups = np.repeat(np.arange(30), 10)
    a = rng.random(300)
    b = a + rng.normal(0.05, 0.2, size=30)[groups]
    plain = statistics.compare(a, b, kind="bounded")
    clustered = statistics.compare(a, b, groups, kind="bounded")
    assert clustered.n_clusters == 30
    assert clustered.high - clustered.low > 2.5 * (plain.high - plain.low)
    assert clustered.p > plain.p


def test_groups_that_cancel_but_for_rounding_are_no_evidence() -> None:
    d = np.tile([0.1, 0.2, -0.3], 20)  # each group of three sums to 5.6e-17, always on the same side
    assert statistics.sign_flip(d, np.repeat(np.arange(20), 3)) == 1.0
