"""Paired right-or-wrong approaches: McNemar, Bonett-Price, probabilities, equivalence, groups."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.contingency_tables import mcnemar

from reports import statistics

CELLS = [
    # n11, n10, n01, n00, exact, mid-p, Bonett-Price of A minus B
    (1, 1, 7, 12, 0.0703, 0.0391, (-0.5084, -0.0134)),
    (70, 8, 18, 4, 0.0755, 0.0522, (-0.1979, 0.0018)),
    (120, 12, 28, 40, 0.0166, 0.0115, (-0.1411, -0.0173)),
]


def rows(n: int, a_only: int, b_only: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores of A and B with these discordant cases; the others both right."""
    a, b = np.ones(n), np.ones(n)
    a[a_only : a_only + b_only] = 0
    b[:a_only] = 0
    return a, b


@pytest.mark.parametrize(("n11", "n10", "n01", "n00", "exact", "midp", "interval"), CELLS)
def test_published_tables(
    n11: int, n10: int, n01: int, n00: int, exact: float, midp: float, interval: tuple[float, float]
) -> None:
    assert statistics.mcnemar_exact(n10, n01) == pytest.approx(exact, abs=5.1e-5)
    assert statistics.mcnemar_midp(n10, n01) == pytest.approx(midp, abs=5.1e-5)
    found = statistics.bonett_price(n11 + n10 + n01 + n00, n10, n01)
    assert (-found.high, -found.low) == pytest.approx(interval, abs=5.1e-5)


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
    assert result.margin_needed == pytest.approx(max(map(abs, ends)), abs=5.1e-5)


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
