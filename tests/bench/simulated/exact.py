"""Coverage and size of the defaults for right-or-wrong scores and percentiles, by enumeration instead of simulation.

    for line in pairs(): print(line)

One proportion has n + 1 outcomes; a pair of approaches has two discordant counts, and all pairs of them that are not
vanishingly rare are walked through the product's own functions. So these figures have no Monte Carlo error.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import product
from math import exp, lgamma, log, sqrt

import numpy as np

from reports import statistics
from tests.bench.simulated.tally import SIZES, Line

NEGLIGIBLE = 1e-9
WHOLE_RANKS = "at least 0.95 for any distribution, and ranks are whole numbers"
DISCRETE = "fewer than 5 discordant cases expected: counts are coarse there, see simulated/exact.py"
FEW = 5
"""With fewer discordant cases expected than this, no interval both covers at most 0.98 and is honest: 3 to 0 has
p = 0.25 and is no evidence, so that nearly every outcome must leave 0 inside."""
DISCORDANCES = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4)
LEADS = (0.0, 0.125, 0.25, 0.5, 0.75, 1.0)
"""Difference as a share of the discordance: at 1 one side wins every discordant case."""
MARGINS = (0.02, 0.05, 0.1)


def proportions(_: float = 1.0) -> Iterator[Line]:
    """Wilson."""
    for n in SIZES:
        for p in (0.5, 0.8, 0.95):
            held = sum(_binomial(n, k, p) for k in range(n + 1) if statistics.wilson(k, n).covers(p))
            yield Line("Wilson", f"p {p}", n, held, 0.0, "coverage")


def pairs(_: float = 1.0) -> Iterator[Line]:
    """The interval of a paired difference, mid-p McNemar, and how often the two contradict each other."""
    for n in SIZES:
        for share, lead in product(DISCORDANCES, LEADS):
            if (difference := share * lead) > 0.2 + 1e-9:
                continue
            held, rejected, _, torn = _pair(n, share, difference)
            setting = f"discordance {share}, difference {difference:.3g}"
            note = DISCRETE if share * n < FEW - 1e-9 else ""
            yield Line("Bonett-Price, with Tango if rare", setting, n, held, 0.0, "coverage", note)
            yield Line("(p and interval contradict)", setting, n, torn, 0.0, "told")
            if difference == 0.0:
                yield Line("mid-p McNemar", setting, n, rejected, 0.0, "size")


def equivalence(_: float = 1.0) -> Iterator[Line]:
    """The word "equivalent" where the true difference is the margin."""
    for n in SIZES:
        for margin, lead in product(MARGINS, LEADS[1:]):
            if margin / lead <= 0.4:
                setting = f"margin = difference {margin}, discordance {margin / lead:.3g}"
                yield Line("equivalence", setting, n, _pair(n, margin / lead, margin, margin)[2], 0.0, "size")


def percentiles(_: float = 1.0) -> Iterator[Line]:
    """Order statistics: the interval holds the percentile where a binomial count lies between its two ranks."""
    for n, p in ((30, 0.5), (100, 0.5), (300, 0.5), (100, 0.95), (300, 0.95)):
        lower, upper = statistics.quantile_ranks(n, p)
        held = sum(_binomial(n, k, p) for k in range(lower or 0, upper or n + 1))
        yield Line("(order statistics)", f"p{100 * p:g}", n, held, 0.0, "told", WHOLE_RANKS)


def _pair(n: int, share: float, difference: float, margin: float = 0.05) -> tuple[float, float, float, float]:
    """Chance that the interval holds the difference, that p is at most 0.05, that the word is "equivalent", and that
    p and the interval do not say the same of 0.
    """
    a_wins, b_wins = (share - difference) / 2, (share + difference) / 2
    found = np.zeros(5)
    for b in _likely(n, a_wins):
        for c in _likely(n, b_wins):
            chance = _multinomial(n, (b, c), (a_wins, b_wins)) if b + c <= n else 0.0
            if chance < NEGLIGIBLE:
                continue
            result = binary_result(n, b, c)
            held, shown = result.low <= difference + 1e-12 and difference - 1e-12 <= result.high, result.p <= 0.05
            same = statistics.is_equivalent(*result.ends90, margin)
            found += chance * np.array([1.0, held, shown, same, shown == (result.low <= 0 <= result.high)])
    assert found[0] > 1 - 1e-4, f"only {found[0]} of all outcomes were walked through"
    return float(found[1]), float(found[2]), float(found[3]), float(found[4])


@lru_cache(maxsize=200_000)
def binary_result(n: int, b: int, c: int) -> statistics.PairedResult:
    """The default comparison of two right-or-wrong approaches with these discordant counts."""
    a_scores, b_scores = np.zeros(n), np.zeros(n)
    a_scores[:b] = 1
    b_scores[b : b + c] = 1
    return statistics.compare(a_scores, b_scores)


def _likely(n: int, p: float) -> range:
    """Counts within seven standard deviations."""
    reach = 7 * sqrt(n * p * (1 - p) + 1)
    return range(max(0, int(n * p - reach)), min(n, int(n * p + reach) + 1) + 1)


def _binomial(n: int, k: int, p: float) -> float:
    return exp(lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) + k * log(p) + (n - k) * log(1 - p))


def _multinomial(n: int, counts: tuple[int, int], shares: tuple[float, float]) -> float:
    (b, c), (p, q) = counts, shares
    rest = n - b - c
    if (p <= 0 and b) or (q <= 0 and c):
        return 0.0
    ways = lgamma(n + 1) - lgamma(b + 1) - lgamma(c + 1) - lgamma(rest + 1)
    wins = (b * log(p) if b else 0.0) + (c * log(q) if c else 0.0)
    return exp(ways + wins + rest * log(1 - p - q))
