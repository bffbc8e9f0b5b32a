"""What a number of cases can show, against the tables of evidence 1.9 and 1.13."""

from __future__ import annotations

import pytest

from reports import statistics

DISCORDANCES = (0.05, 0.10, 0.20, 0.30)
# n: (formula, exact mid-p) in points for each discordance; None where it cannot be reached; unpaired at p = .8
DETECTABLE = {
    50: ((None, None), (None, None), (17.3, 16.4), (21.2, 20.5), 22.4),
    100: ((None, None), (8.8, 8.2), (12.4, 12.1), (15.2, 15.1), 15.8),
    200: ((4.4, 4.1), (6.2, 6.0), (8.8, 8.7), (10.8, 10.7), 11.2),
    500: ((2.8, 2.7), (4.0, 3.9), (5.6, 5.6), (6.8, 6.8), 7.1),
    1000: ((2.0, 2.0), (2.8, 2.8), (4.0, 3.9), (4.8, 4.8), 5.0),
}


@pytest.mark.parametrize("n", DETECTABLE)
def test_detectable_difference_by_the_formula(n: int) -> None:
    *cells, unpaired = DETECTABLE[n]
    for discordance, (formula, _) in zip(DISCORDANCES, cells, strict=True):
        found = statistics.detectable_difference(n, discordance)
        assert found is None if formula is None else 100 * (found or 0) == pytest.approx(formula, abs=0.06)
    assert 100 * statistics.unpaired_detectable(n, 0.8) == pytest.approx(unpaired, abs=0.06)


@pytest.mark.parametrize("n", [50, 100, 200])
def test_detectable_difference_exactly(n: int) -> None:
    for discordance, (_, exact) in zip(DISCORDANCES, DETECTABLE[n][:4], strict=True):
        found = statistics.exact_detectable_difference(n, discordance)
        assert found is None if exact is None else 100 * (found or 0) == pytest.approx(exact, abs=0.06)


@pytest.mark.parametrize(("n", "discordance", "exact"), [(500, 0.2, 5.6), (1000, 0.1, 2.8)])
def test_detectable_difference_exactly_for_many_cases(n: int, discordance: float, exact: float) -> None:
    assert 100 * (statistics.exact_detectable_difference(n, discordance) or 0) == pytest.approx(exact, abs=0.06)


@pytest.mark.parametrize(
    ("difference", "cases"), [(0.03, (870, 1742, 2614)), (0.05, (312, 626, 940)), (0.10, (77, 155, 234))]
)
def test_cases_for_a_difference(difference: float, cases: tuple[int, int, int]) -> None:
    assert tuple(statistics.cases_for(difference, psi) for psi in (0.1, 0.2, 0.3)) == cases


@pytest.mark.parametrize("n", [30, 130, 1000])
def test_the_least_that_can_be_shown_at_all(n: int) -> None:
    least = statistics.detectable_one_sided(n)
    assert least is not None
    assert statistics.detectable_one_sided(n, design_effect=n) is None
    assert statistics.cases_for(least, least) == n
    assert statistics.detectable_difference(n, 0.9 * least) is None


def test_detectable_difference_inverts_cases_for() -> None:
    n = statistics.cases_for(0.04, 0.15, design_effect=1.6)
    assert statistics.detectable_difference(n, 0.15, design_effect=1.6) == pytest.approx(0.04, rel=1e-3)


def test_impossible_difference_is_refused() -> None:
    with pytest.raises(ValueError, match="discordance"):
        statistics.cases_for(0.3, 0.2)


@pytest.mark.parametrize(("n", "difference"), [(100, 0.070), (200, 0.050), (500, 0.031), (1000, 0.022)])
def test_detectable_mean(n: int, difference: float) -> None:
    assert statistics.detectable_mean(n, 0.25) == pytest.approx(difference, abs=6e-4)


def test_cases_for_a_mean_equal_statsmodels() -> None:
    assert statistics.cases_for_mean(0.2, 1.0) == 199  # 198.15, rounded up


def test_miller_form() -> None:
    assert statistics.miller_cases(0.03, 1 / 9) == 969
    once = statistics.miller_detectable(198, 1 / 9, within_a=1 / 6, within_b=1 / 6)
    tenfold = statistics.miller_detectable(198, 1 / 9, within_a=1 / 6, within_b=1 / 6, samples=10)
    assert (once, tenfold) == pytest.approx((0.133, 0.076), abs=6e-4)


@pytest.mark.parametrize(
    ("discordance", "three", "five", "two"), [(0.05, 476, 172, 1071), (0.10, 952, 343, 2141), (0.20, 1904, 686, 4283)]
)
def test_size_for_equivalence(discordance: float, three: int, five: int, two: int) -> None:
    sizes = [statistics.size_for_equivalence(m, discordance) for m in (0.03, 0.05, 0.02)]
    assert sizes == pytest.approx([three, five, two], abs=1)  # the table rounds z: 4,283 for 4,282


def test_groups_cost_cases() -> None:
    assert statistics.clustered_design_effect(51.7, 0.0147) == pytest.approx(1.745, abs=0.001)
    assert statistics.clustered_design_effect(1, 0.5) == 1.0
