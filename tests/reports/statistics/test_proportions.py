"""Intervals of one proportion against published tables and statsmodels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from reports import statistics

TABLE = [
    # k, n, Wilson, Clopper-Pearson, Jeffreys, uniform prior
    (45, 50, (0.7864, 0.9565), (0.7819, 0.9667), (0.7946, 0.9608), (0.7859, 0.9556)),
    (83, 100, (0.7445, 0.8911), (0.7418, 0.8977), (0.7475, 0.8937), (0.7442, 0.8908)),
    (0, 30, (0.0, 0.1135), (0.0, 0.1157), (0.0, 0.0797), (0.0008, 0.1122)),
    (170, 200, (0.7939, 0.8929), (0.7928, 0.8965), (0.7956, 0.8943), (0.7938, 0.8927)),
]


@pytest.mark.parametrize(("k", "n", "wilson", "exact", "jeffreys", "uniform"), TABLE)
def test_published_intervals(
    k: int,
    n: int,
    wilson: tuple[float, float],
    exact: tuple[float, float],
    jeffreys: tuple[float, float],
    uniform: tuple[float, float],
) -> None:
    for function, expected in (
        (statistics.wilson, wilson),
        (statistics.clopper_pearson, exact),
        (statistics.jeffreys, jeffreys),
        (statistics.uniform_bayes, uniform),
    ):
        found = function(k, n)
        assert (found.low, found.high) == pytest.approx(expected, abs=5.1e-5)
        assert found.value == k / n


@settings(deadline=None, max_examples=50)
@given(
    st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.sampled_from([0.8, 0.9, 0.95])
)
def test_closed_forms_equal_statsmodels(counts: tuple[int, int], level: float) -> None:
    k, n = counts
    for function, method in ((statistics.wilson, "wilson"), (statistics.clopper_pearson, "beta")):
        found = function(k, n, level)
        assert (found.low, found.high) == pytest.approx(
            proportion_confint(k, n, alpha=1 - level, method=method), abs=1e-9
        )


def test_no_cases_know_nothing() -> None:
    found = statistics.wilson(0, 0)
    assert np.isnan(found.value)
    assert (found.low, found.high, found.n) == (0.0, 1.0, 0)


def test_pilot_ends_at_fifty() -> None:
    assert [statistics.is_pilot(n) for n in (0, 49, 50, 1000)] == [True, True, False, False]


def test_groups_widen_the_interval() -> None:
    hits = np.repeat([1, 1, 1, 0, 1, 0, 1, 1, 1, 1], 10)
    together = np.repeat(np.arange(10), 10)
    plain, clustered = statistics.wilson(80, 100), statistics.clustered_wilson(hits, together)
    assert clustered.value == plain.value == 0.8
    assert clustered.half_width > 2 * plain.half_width
    assert clustered.n_clusters == 10


def test_groups_of_one_change_nothing() -> None:
    hits = np.array([1] * 45 + [0] * 5)
    assert statistics.clustered_wilson(hits, np.arange(50)) == statistics.wilson(45, 50)


def test_a_single_group_knows_nothing() -> None:
    found = statistics.clustered_wilson([1, 1, 0, 1], ["a"] * 4)
    assert (found.low, found.high) == (0.0, 1.0)


def test_all_right_in_groups_keeps_a_width() -> None:
    found = statistics.clustered_wilson(np.ones(100), np.repeat(np.arange(10), 10))
    assert 0.9 < found.low < 1.0
    assert found.high == 1.0
