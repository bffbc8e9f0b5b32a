"""Paired right-or-wrong approaches: McNemar, Bonett-Price and Tango, probabilities, equivalence, groups."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.special import xlogy
from statsmodels.stats.contingency_tables import mcnemar

from reports import statistics

CELLS = [
    # n11, n10, n01, n00, exact, mid-p, Bonett-Price of A minus B, Tango of A minus B
    (1, 1, 7, 12, 0.0703, 0.0391, (-0.5084, -0.0134), (-0.5172, -0.0260)),
    (70, 8, 18, 4, 0.0755, 0.0522, (-0.1979, 0.0018), (-0.2021, -0.0001)),
    (120, 12, 28, 40, 0.0166, 0.0115, (-0.1411, -0.0173), (-0.1439, -0.0188)),
]


def rows(n: int, a_only: int, b_only: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores of A and B with these discordant cases; the others both right."""
    a, b = np.ones(n), np.ones(n)
    a[a_only : a_only + b_only] = 0
    b[:a_only] = 0
    return a, b


@pytest.mark.parametrize(("n11", "n10", "n01", "n00", "exact", "midp", "interval", "score"), CELLS)
def test_published_tables(
    n11: int,
    n10: int,
    n01: int,
    n00: int,
    exact: float,
    midp: float,
    interval: tuple[float, float],
    score: tuple[float, float],
) -> None:
    assert statistics.mcnemar_exact(n10, n01) == pytest.approx(exact, abs=5.1e-5)
    assert statistics.mcnemar_midp(n10, n01) == pytest.approx(midp, abs=5.1e-5)
    n = n11 + n10 + n01 + n00
    for found, ends in ((statistics.bonett_price(n, n10, n01), interval), (statistics.tango(n, n10, n01), score)):
        assert (-found.high, -found.low) == pytest.approx(ends, abs=5.1e-5)
    assert statistics.paired_interval(n, n10, n01) == statistics.bonett_price(n, n10, n01)


@pytest.mark.parametrize(("n", "b", "c"), [(30, 0, 4), (60, 3, 2), (100, 8, 18), (40, 1, 0)])
def test_the_score_interval_ends_where_the_likelihood_says(n: int, b: int, c: int) -> None:
    # the same without Tango's closed form: the trinomial likelihood under a fixed difference, maximised by search
    found = statistics.tango(n, b, c)
    for end in (found.low, found.high):

        def loss(a_wins: float, end: float = end) -> float:
            cells = np.array([a_wins, a_wins + end, 1 - 2 * a_wins - end])
            return float(-xlogy([b, c, n - b - c], cells).sum())

        fitted = minimize_scalar(
            loss, bounds=(max(0.0, -end), (1 - end) / 2), method="bounded", options={"xatol": 1e-10}
        )
        spread = np.sqrt(n * (2 * fitted.x + end - end**2))
        assert abs((c - b - n * end) / spread) == pytest.approx(1.959964, abs=1e-4)


@pytest.mark.parametrize("n", [30, 100, 1000])
def test_one_more_win_never_lowers_an_end(n: int) -> None:
    for b in range(8):
        found = [statistics.paired_interval(n, b, c) for c in range(14)]
        assert all(x.low < y.low and x.high < y.high for x, y in pairwise(found))
    assert statistics.paired_interval(n, 0, 8) == statistics.bonett_price(n, 0, 8)


def test_the_90_percent_interval_lies_inside_the_other() -> None:
    for b, c in product(range(10), range(10)):
        result = statistics.compare(*rows(120, b, c))
        assert result.low < result.low90 < result.high90 < result.high


def test_a_loser_without_wins_is_held_to_the_score_interval_too() -> None:
    # 300 cases, 8 of 8 discordant ones lost: Bonett-Price alone would call 5 points of loss excluded too often
    result = statistics.compare(*rows(300, 8, 0), margin=0.05)
    assert result.ends90[0] < result.low90
    assert result.margin_needed == -result.ends90[0]


def test_no_wins_at_all_are_held_to_the_exact_bound() -> None:
    # a true loss of 2 % loses at most 2 of 300 in 6.02 % of runs: equivalent at that margin is not to be said of it
    assert statistics.tango(300, 2, 0, 0.90).low > -0.02
    assert statistics.compare(*rows(300, 2, 0), margin=0.02).words == "not shown"
    assert statistics.compare(*rows(300, 0, 2), margin=0.02).words == "not shown"
    assert statistics.compare(*rows(300, 1, 0), margin=0.02).words == "equivalent"


@pytest.mark.parametrize(("b", "c", "midp"), [(1, 7, 0.03906), (8, 18, 0.05224), (12, 28, 0.01151)])
def test_midp_fixtures(b: int, c: int, midp: float) -> None:
    assert statistics.mcnemar_midp(b, c) == pytest.approx(midp, abs=5.1e-6)


@pytest.mark.parametrize(
    ("b", "c", "p"), [(63, 61, 0.93), (60, 91, 0.01436), (16, 26, 0.164), (56, 122, 8.37e-7), (209, 152, 0.00315)]
)
def test_exact_fixtures(b: int, c: int, p: float) -> None:
    assert statistics.mcnemar_exact(b, c) == pytest.approx(p, rel=5e-3)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 120), st.integers(0, 120))
def test_exact_equals_statsmodels_and_midp_is_smaller(b: int, c: int) -> None:
    exact = statistics.mcnemar_exact(b, c)
    assert exact == pytest.approx(mcnemar([[0, b], [c, 0]], exact=True).pvalue, abs=1e-12)
    assert 0 <= statistics.mcnemar_midp(b, c) <= exact + 1e-12


@pytest.mark.parametrize(("b", "c", "probability"), [(8, 18, 0.9739), (12, 28, 0.9942), (1, 7, 0.9805)])
def test_probability_of_being_better(b: int, c: int, probability: float) -> None:
    assert statistics.probability_better(b, c) == pytest.approx(probability, abs=5.1e-5)


def test_credible_difference() -> None:
    found = statistics.credible_difference(70, 8, 18, 4)
    assert found.value == pytest.approx(0.0963, abs=5e-4)
    assert (found.low, found.high) == pytest.approx((-0.0011, 0.1948), abs=2e-3)


@pytest.mark.parametrize(
    ("n", "b", "c", "ends", "margin", "word"),
    [
        (500, 20, 22, (-0.0177, 0.0257), 0.03, "equivalent"),
        (500, 20, 22, (-0.0177, 0.0257), 0.02, "not shown"),
        (200, 16, 18, (-0.0389, 0.0587), 0.05, "not shown"),
        (1000, 40, 44, (-0.0112, 0.0192), 0.02, "equivalent"),
    ],
)
def test_equivalence_at_the_margin(n: int, b: int, c: int, ends: tuple[float, float], margin: float, word: str) -> None:
    result = statistics.compare(*rows(n, b, c), margin=margin)
    assert (result.low90, result.high90) == pytest.approx(ends, abs=5.1e-5)
    assert result.words == word
    assert max(map(abs, ends)) - 5.1e-5 <= result.margin_needed <= max(map(abs, ends)) + 7e-4


def test_no_discordance_is_not_equality() -> None:
    result = statistics.compare(np.ones(60), np.ones(60), margin=0.02)
    assert result.p == 1.0
    assert result.words == "not shown"
    assert result.low < -0.02 < 0.02 < result.high


def test_margin_zero_is_never_equivalent() -> None:
    assert statistics.compare(*rows(10_000, 5, 5), margin=0.0).words == "not shown"


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 200))
def test_swapping_the_two_mirrors_everything(b: int, c: int, same: int) -> None:
    a_scores, b_scores = rows(b + c + same + 1, b, c)
    there, back = statistics.compare(a_scores, b_scores), statistics.compare(b_scores, a_scores)
    assert there.difference == -back.difference
    assert (there.low, there.high) == pytest.approx((-back.high, -back.low))
    assert there.p == back.p
    assert {there.words, back.words} in ({"better", "worse"}, {"not shown"})


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        ([1, 0], [1], "do not pair"),
        ([1.0, np.nan], [1.0, 0.0], "finite"),
        ([0.5, 1.0], [1.0, 0.0], "0 or 1"),
    ],
)
def test_bad_scores_are_refused(a: list[float], b: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        statistics.compare(a, b)


def test_set_metrics_go_elsewhere() -> None:
    with pytest.raises(ValueError, match="compare_sets"):
        statistics.compare([1, 0], [1, 0], kind="set")
