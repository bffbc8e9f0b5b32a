"""What a number of cases can show: detectable difference, cases needed, before and after a run. Numbers only.

    detectable_difference(200, discordance=0.20)        # 0.088: 200 cases show 9 points, seldom less
    cases_for(0.05, discordance=0.20)                   # 626
    size_for_equivalence(0.03, discordance=0.10)        # 952

Paired binary formulas: Connor 1987 / Miettinen 1968. Discordance is the share of cases on which two approaches
differ; observed on public per-item results: 0.04 to 0.15 between variants of one model, 0.17 to 0.18 between models.
"""

from __future__ import annotations

from math import ceil, sqrt
from statistics import NormalDist

import numpy as np

DISCORDANCE_SAME_MODEL = 0.10
DISCORDANCE_DIFFERENT_MODEL = 0.20
LARGEST_EXACT = 3000
"""Above this many cases the formula and the exact power agree to 0.1 points."""


def _quantiles(power: float, alpha: float) -> tuple[float, float]:
    normal = NormalDist()
    return normal.inv_cdf(1 - alpha / 2), normal.inv_cdf(power)


def cases_for(
    difference: float, discordance: float, power: float = 0.8, alpha: float = 0.05, design_effect: float = 1.0
) -> int:
    """Paired right-or-wrong cases that show this difference: (z_a sqrt(psi) + z_b sqrt(psi - d^2))^2 / d^2.

    Raises ValueError for a difference of 0 or one larger than the discordance allows.
    """
    if not 0 < abs(difference) <= discordance:
        raise ValueError(f"difference {difference} must lie between 0 and the discordance {discordance}")
    za, zb = _quantiles(power, alpha)
    root = za * sqrt(discordance) + zb * sqrt(discordance - difference**2)
    return ceil(design_effect * root**2 / difference**2 - 1e-9)


def detectable_difference(
    n: int, discordance: float, power: float = 0.8, alpha: float = 0.05, design_effect: float = 1.0
) -> float | None:
    """Smallest difference that n paired cases show with this power; None where even full discordance is too little.

    Inverse of `cases_for`: d^2 = psi (za + zb)^2 / n approximately, solved exactly.
    """
    za, zb = _quantiles(power, alpha)
    effective = n / design_effect
    # n d^2 = (za sqrt(psi) + zb sqrt(psi - d^2))^2 has its root below; the left side rises, the right one falls
    low, high = 0.0, discordance
    if effective * high**2 < (za * sqrt(discordance) + zb * sqrt(max(discordance - high**2, 0.0))) ** 2:
        return None
    for _ in range(60):
        middle = (low + high) / 2
        needed = (za * sqrt(discordance) + zb * sqrt(max(discordance - middle**2, 0.0))) ** 2
        low, high = (middle, high) if effective * middle**2 < needed else (low, middle)
    return high


def detectable_one_sided(n: int, power: float = 0.8, alpha: float = 0.05, design_effect: float = 1.0) -> float | None:
    """The least that n paired cases can show at all: every case on which the two differ falls on one side.

    `detectable_difference` at a discordance that equals the difference: about (za + zb)^2 / n. None where that is 1
    or more: so few cases show nothing.
    """
    if detectable_difference(n, 1.0, power, alpha, design_effect) is None:
        return None
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        enough = detectable_difference(n, middle, power, alpha, design_effect) is not None
        low, high = (low, middle) if enough else (middle, high)
    return high


def midp_power(n: int, difference: float, discordance: float, alpha: float = 0.05) -> float:
    """Exact power of the mid-p McNemar test: sum over the number of discordant cases N ~ Binomial(n, psi)."""
    from scipy.special import bdtr, gammaln

    up = (discordance + difference) / (2 * discordance)
    centre, spread = n * discordance, sqrt(n * discordance * (1 - discordance))
    first, last = max(1, int(centre - 7 * spread)), min(n, ceil(centre + 7 * spread))
    total = 0.0
    for pairs in range(first, last + 1):
        k = np.arange(pairs // 2 + 1)
        log_pmf = gammaln(pairs + 1) - gammaln(k + 1) - gammaln(pairs - k + 1) - pairs * np.log(2)
        p = 2 * bdtr(k, pairs, 0.5) - np.exp(log_pmf)
        p[2 * k == pairs] = 1.0
        rejected = np.flatnonzero(p <= alpha)
        if len(rejected) == 0:
            continue
        edge = int(rejected[-1])
        tails = bdtr(edge, pairs, up) + bdtr(edge, pairs, 1 - up)
        weight = np.exp(
            gammaln(n + 1)
            - gammaln(pairs + 1)
            - gammaln(n - pairs + 1)
            + pairs * np.log(discordance)
            + (n - pairs) * np.log1p(-discordance)
        )
        total += float(weight * tails)
    return total


def exact_detectable_difference(n: int, discordance: float, power: float = 0.8, alpha: float = 0.05) -> float | None:
    """Smallest difference at which the mid-p test has this power, exact; the formula above 3,000 cases."""
    if n > LARGEST_EXACT:
        return detectable_difference(n, discordance, power, alpha)
    low, high = 0.0, discordance * (1 - 1e-9)
    if midp_power(n, high, discordance, alpha) < power:
        return None
    for _ in range(20):
        middle = (low + high) / 2
        low, high = (middle, high) if midp_power(n, middle, discordance, alpha) < power else (low, middle)
    return high


def unpaired_detectable(n: int, p: float, power: float = 0.8, alpha: float = 0.05) -> float:
    """Detectable difference of two separate samples of n: (za + zb) sqrt(2 p (1-p) / n). What pairing saves."""
    za, zb = _quantiles(power, alpha)
    return (za + zb) * sqrt(2 * p * (1 - p) / n)


def detectable_mean(n: int, sd: float, power: float = 0.8, alpha: float = 0.05, design_effect: float = 1.0) -> float:
    """Detectable mean difference of paired numbers: (za + zb) sd / sqrt(n); sd is that of the differences."""
    za, zb = _quantiles(power, alpha)
    return (za + zb) * sd * sqrt(design_effect / n)


def cases_for_mean(difference: float, sd: float, power: float = 0.8, alpha: float = 0.05) -> int:
    """Paired cases for a mean difference, by the t test (statsmodels' TTestPower)."""
    from statsmodels.stats.power import TTestPower

    return ceil(float(TTestPower().solve_power(difference / sd, power=power, alpha=alpha)) - 1e-9)


def miller_cases(
    difference: float,
    between: float,
    *,
    within_a: float = 0.0,
    within_b: float = 0.0,
    samples: int = 1,
    power: float = 0.8,
    alpha: float = 0.05,
) -> int:
    """Questions for a difference when each is sampled several times (Miller 2024).

    n = (za+zb)^2 (w^2 + sA^2/K + sB^2/K) / d^2; `between` is w^2, `within_a`, `within_b` the variances of one
    question's repeated answers, `samples` is K.
    """
    za, zb = _quantiles(power, alpha)
    return ceil((za + zb) ** 2 * (between + (within_a + within_b) / samples) / difference**2 - 1e-9)


def miller_detectable(
    n: int,
    between: float,
    *,
    within_a: float = 0.0,
    within_b: float = 0.0,
    samples: int = 1,
    power: float = 0.8,
    alpha: float = 0.05,
) -> float:
    """Inverse of `miller_cases`: the difference that n questions of K samples each can show."""
    za, zb = _quantiles(power, alpha)
    return (za + zb) * sqrt((between + (within_a + within_b) / samples) / n)


def size_for_equivalence(margin: float, discordance: float, power: float = 0.8, alpha: float = 0.05) -> int:
    """Cases that show "equivalent within the margin" when the two truly are: psi (z_a + z_{b/2})^2 / m^2."""
    normal = NormalDist()
    z = normal.inv_cdf(1 - alpha) + normal.inv_cdf(1 - (1 - power) / 2)
    return ceil(discordance * z**2 / margin**2 - 1e-9)


def clustered_design_effect(cases_per_group: float, correlation: float) -> float:
    """1 + (m - 1) ICC: what groups of m cases cost, before the run."""
    return 1 + max(0.0, cases_per_group - 1) * correlation
