"""Stopping early, and percentiles of seconds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, norm, quantile_test

from reports import statistics


@pytest.mark.parametrize(
    ("b", "c", "e"),
    [
        (0, 6, 14.437),
        (0, 7, 26.812),
        (2, 12, 10.882),
        (3, 17, 39.044),
        (5, 20, 19.485),
        (10, 30, 23.444),
        (60, 91, 1.598),
    ],
)
def test_e_values(b: int, c: int, e: float) -> None:
    assert statistics.e_value(b, c) == pytest.approx(e, abs=5.1e-4)
    assert statistics.e_value(c, b) == pytest.approx(statistics.e_value(b, c))
    assert statistics.is_settled(b, c) == (e >= 20)


def test_means_over_trainings_are_bet_on_like_right_and_wrong() -> None:
    rng = np.random.default_rng(0)
    a, b = (rng.random(150) < 0.6).astype(float), (rng.random(150) < 0.7).astype(float)
    exact = statistics.e_path(a, b)
    gain = np.append(b - a, 0.5)  # one case in between takes the other road
    path = statistics.e_path(np.zeros(151), gain)
    assert path[:-1] == pytest.approx(exact)
    thirds = rng.integers(0, 4, size=(2000, 100)) / 3 - rng.integers(0, 4, size=(2000, 100)) / 3
    assert np.mean([statistics.anytime_p(np.zeros(100), row) <= 0.05 for row in thirds]) <= 0.05


def test_stops_at_the_seventh_win_in_a_row() -> None:
    a, b = np.zeros(30), np.ones(30)
    assert statistics.stop_at(a, b) == 6
    assert statistics.anytime_p(a[:6], b[:6]) == pytest.approx(1 / 14.437, rel=1e-4)
    assert statistics.stop_at(a, b, comparisons=5) == 9


def test_agreement_never_stops() -> None:
    x = np.ones(500)
    assert statistics.stop_at(x, x) is None
    assert statistics.anytime_p(x, x) == 1.0


def test_the_past_counts_for_the_anytime_p() -> None:
    a, b = np.zeros(40), np.r_[np.ones(8), np.zeros(32)]
    a[8:] = np.r_[np.ones(8), np.zeros(24)]
    assert statistics.anytime_p(a, b) == statistics.anytime_p(a[:8], b[:8]) < 0.05


def test_win_share_excludes_a_coin_when_settled() -> None:
    settled, open_ = statistics.win_share(3, 17), statistics.win_share(5, 20)
    assert settled.low > 0.5 > open_.low
    assert settled.value == 0.85
    assert (statistics.win_share(0, 0).low, statistics.win_share(0, 0).high) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("n", "p", "ranks"),
    [
        (100, 0.5, (40, 61)),
        (100, 0.9, (84, 96)),
        (100, 0.95, (90, 100)),
        (500, 0.95, (465, 485)),
        (500, 0.99, (490, 500)),
    ],
)
def test_quantile_ranks(n: int, p: float, ranks: tuple[int, int]) -> None:
    assert statistics.quantile_ranks(n, p) == ranks
    values = np.arange(1, n + 1, dtype=float)
    found = statistics.quantile_interval(values, p)
    assert (found.low, found.high) == ranks


@pytest.mark.parametrize("n", [40, 73, 150, 401])
@pytest.mark.parametrize("p", [0.5, 0.9, 0.95])
def test_quantile_interval_equals_scipy(n: int, p: float) -> None:
    values = np.random.default_rng(n).lognormal(size=n)
    theirs = quantile_test(values, q=float(np.quantile(values, p)), p=p).confidence_interval(0.95)
    ours = statistics.quantile_interval(values, p)
    for mine, other in ((ours.low, theirs.low), (ours.high, theirs.high)):
        assert mine == other if mine is not None else np.isnan(other)


@pytest.mark.parametrize("n", [6, 20, 31, 100, 301])
def test_interpolated_median_is_that_of_hettmansperger_and_sheather(n: int) -> None:
    # between the r-th smallest and the r-th largest: weight (n - r) I / (r + (n - 2 r) I) from the outer value inwards
    values = np.sort(np.random.default_rng(n).lognormal(size=n))
    coverage = [float(binom.cdf(n - r, n, 0.5) - binom.cdf(r - 1, n, 0.5)) for r in range(1, n // 2 + 1)]
    r = sum(level >= 0.95 for level in coverage)
    share = (coverage[r - 1] - 0.95) / (coverage[r - 1] - coverage[r])
    weight = (n - r) * share / (r + (n - 2 * r) * share)
    found = statistics.interpolated_interval(values, 0.5)
    assert found.low == pytest.approx((1 - weight) * values[r - 1] + weight * values[r])
    assert found.high == pytest.approx((1 - weight) * values[n - r] + weight * values[n - r - 1])


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(0.001, 1e3), min_size=1, max_size=400), st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_interpolated_ends_lie_inside_the_ranks(seconds: list[float], p: float) -> None:
    wide, found = statistics.quantile_interval(seconds, p), statistics.interpolated_interval(seconds, p)
    assert (found.value, found.n, found.refused) == (wide.value, wide.n, wide.refused)
    assert (found.low is None, found.high is None) == (wide.low is None, wide.high is None)
    slack = 1e-9 * max(seconds)
    assert found.low is None or wide.low is None or wide.low - slack <= found.low
    assert found.high is None or wide.high is None or found.high <= wide.high + slack


def test_p95_of_100_requests_covers_95_in_100() -> None:
    rng, truth = np.random.default_rng(95), float(np.exp(0.5 * norm.ppf(0.95)))
    inside = []
    for _ in range(1500):
        found = statistics.interpolated_interval(np.exp(0.5 * rng.normal(size=100)), 0.95)
        inside.append((found.low or 0.0) <= truth <= (found.high or 0.0))
    assert 0.93 <= np.mean(inside) <= 0.98


@pytest.mark.parametrize(("p", "n"), [(0.5, 6), (0.9, 36), (0.95, 72), (0.99, 368)])
def test_percentiles_are_refused_below_their_minimum(p: float, n: int) -> None:
    assert statistics.minimum_n(p) == n
    enough, short = (statistics.quantile_interval(np.arange(m, dtype=float), p) for m in (n, n - 1))
    assert not enough.refused
    assert enough.high is not None
    assert str(n) in short.refused
    assert short.high is None


def test_nothing_measured() -> None:
    assert statistics.quantile_interval([], 0.5).refused == "nothing was measured"


def test_difference_of_medians_keeps_its_pairs() -> None:
    rng = np.random.default_rng(0)
    load = rng.lognormal(0, 1, size=200)
    found = statistics.quantile_difference(load, load + 0.3, 0.5)
    assert found.value == pytest.approx(0.3)
    assert (found.low, found.high) == pytest.approx((0.3, 0.3))
