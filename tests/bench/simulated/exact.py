"""Coverage and size of the defaults for right-or-wrong scores and percentiles, by enumeration instead of simulation.

    for line in pairs(): print(line)

One proportion has n + 1 outcomes; a pair of approaches has two discordant counts, and all pairs of them that are not
vanishingly rare are walked through the product's own functions. So these figures have no Monte Carlo error.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from math import exp, lgamma, log, sqrt

import numpy as np

from reports import statistics
from tests.bench.simulated.tally import SIZES, Line

NEGLIGIBLE = 1e-9
WHOLE_RANKS = "at least 0.95 for any distribution, and ranks are whole numbers"
DISCRETE = "few discordant cases: counts are coarse there, see simulated/exact.py"
FEW = 10
"""With fewer discordant cases expected than this, an interval of counts covers more than 0.98, and must: all of 4
discordant cases on one side have p = 0.125 and are no evidence, so nearly every outcome leaves 0 inside. Tango's score
interval stays below 0.98 there (0.969 at n = 30) by calling 4 to 0 a difference; Bonett-Price never covers less than
0.95 in the cells below, Tango down to 0.938."""


def proportions(_: float = 1.0) -> Iterator[Line]:
    """Wilson."""
    for n in SIZES:
        for p in (0.5, 0.8, 0.95):
            held = sum(_binomial(n, k, p) for k in range(n + 1) if statistics.wilson(k, n).covers(p))
            yield Line("Wilson", f"p {p}", n, held, 0.0, "coverage")


def pairs(_: float = 1.0) -> Iterator[Line]:
    """Bonett-Price, mid-p McNemar, and the word "equivalent" at the margin."""
    for n in SIZES:
        for share, difference in ((0.1, 0.0), (0.2, 0.0), (0.2, 0.1), (0.4, 0.0), (0.4, 0.1)):
            held, rejected, _ = _pair(n, share, difference)
            setting = f"discordance {share}, difference {difference}"
            note = DISCRETE if share * n < FEW else ""
            yield Line("Bonett-Price", setting, n, held, 0.0, "coverage", note)
            if difference == 0.0:
                yield Line("mid-p McNemar", setting, n, rejected, 0.0, "size")
        setting = "discordance 0.15, difference = margin 0.05"
        yield Line("equivalence at the margin", setting, n, _pair(n, 0.15, 0.05)[2], 0.0, "size")


def percentiles(_: float = 1.0) -> Iterator[Line]:
    """Order statistics: the interval holds the percentile where a binomial count lies between its two ranks."""
    for n, p in ((30, 0.5), (100, 0.5), (300, 0.5), (100, 0.95), (300, 0.95)):
        lower, upper = statistics.quantile_ranks(n, p)
        held = sum(_binomial(n, k, p) for k in range(lower or 0, upper or n + 1))
        yield Line("order statistics", f"p{100 * p:g}", n, held, 0.0, "coverage", WHOLE_RANKS)


def _pair(n: int, share: float, difference: float) -> tuple[float, float, float]:
    """Chance that the interval holds the difference, that p is at most 0.05, that the word is "equivalent"."""
    a_wins, b_wins = (share - difference) / 2, (share + difference) / 2
    found = np.zeros(4)
    for b in _likely(n, a_wins):
        for c in _likely(n, b_wins):
            chance = _multinomial(n, (b, c), (a_wins, b_wins)) if b + c <= n else 0.0
            if chance < NEGLIGIBLE:
                continue
            result = binary_result(n, b, c)
            held = result.low <= difference <= result.high
            found += chance * np.array([1.0, held, result.p <= 0.05, result.words == "equivalent"])
    assert found[0] > 1 - 1e-4, f"only {found[0]} of all outcomes were walked through"
    return float(found[1]), float(found[2]), float(found[3])


@lru_cache(maxsize=200_000)
def binary_result(n: int, b: int, c: int) -> statistics.PairedResult:
    """The default comparison of two right-or-wrong approaches with these discordant counts."""
    a_scores, b_scores = np.zeros(n), np.zeros(n)
    a_scores[:b] = 1
    b_scores[b : b + c] = 1
    return statistics.compare(a_scores, b_scores, margin=0.05)


def _likely(n: int, p: float) -> range:
    """Counts within seven standard deviations."""
    reach = 7 * sqrt(n * p * (1 - p) + 1)
    return range(max(0, int(n * p - reach)), min(n, int(n * p + reach) + 1) + 1)


def _binomial(n: int, k: int, p: float) -> float:
    return exp(lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) + k * log(p) + (n - k) * log(1 - p))


def _multinomial(n: int, counts: tuple[int, int], shares: tuple[float, float]) -> float:
    (b, c), (p, q) = counts, shares
    rest = n - b - c
    ways = lgamma(n + 1) - lgamma(b + 1) - lgamma(c + 1) - lgamma(rest + 1)
    return exp(ways + b * log(p) + c * log(q) + rest * log(1 - p - q))
