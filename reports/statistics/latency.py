"""Percentiles of seconds with exact, distribution-free intervals, and the refusal where too few were measured.

    quantile_interval(seconds, 0.95)     # refused below 72 requests: no order statistic bounds it from above
    minimum_n(0.99)                      # 368

Equal to scipy.stats.quantile_test(...).confidence_interval(); written on binomial tails for the import time.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log

import numpy as np
from numpy.typing import ArrayLike

from reports.statistics.results import Interval


@dataclass(frozen=True)
class QuantileInterval:
    """A percentile in the unit of the sample. With `refused` set, print that sentence and no value."""

    p: float
    value: float
    low: float | None
    high: float | None
    """None where too few values exist to bound it on that side."""
    n: int
    refused: str = ""


def minimum_n(p: float, level: float = 0.95) -> int:
    """Fewest values for a finite two-sided interval of the p-quantile: both p^n and (1-p)^n at most (1-level)/2."""
    tail = (1 - level) / 2
    return max(ceil(log(tail) / log(p)), ceil(log(tail) / log(1 - p)))


def quantile_ranks(n: int, p: float, level: float = 0.95) -> tuple[int | None, int | None]:
    """1-based ranks of the order statistics that enclose the p-quantile; None where none does.

    Lower: the largest r with P(Binomial(n, p) <= r - 1) <= (1-level)/2. Upper: the smallest r with
    P(Binomial(n, p) >= r) <= (1-level)/2.
    """
    from scipy.special import bdtr

    tail = (1 - level) / 2
    cumulative = np.asarray(bdtr(np.arange(n + 1), n, p))  # P(X <= k), k = 0..n
    under = np.flatnonzero(cumulative <= tail)
    lower = int(under[-1]) + 1 if len(under) else None
    survival = 1 - np.concatenate([[0.0], cumulative[:-1]])  # P(X >= k)
    over = np.flatnonzero(survival <= tail)
    upper = int(over[0]) if len(over) else None
    return lower, upper


def quantile_interval(values: ArrayLike, p: float, level: float = 0.95) -> QuantileInterval:
    """The p-quantile (linear interpolation) with its interval; refused below `minimum_n(p)` values."""
    x = np.sort(np.asarray(values, dtype=float))
    n = len(x)
    if n == 0:
        return QuantileInterval(p, float("nan"), None, None, 0, "nothing was measured")
    lower, upper = quantile_ranks(n, p, level)
    low = float(x[lower - 1]) if lower is not None else None
    high = float(x[upper - 1]) if upper is not None else None
    needed = minimum_n(p, level)
    refused = f"p{100 * p:g} needs {needed} requests, {n} were measured" if n < needed else ""
    return QuantileInterval(p, float(np.quantile(x, p)), low, high, n, refused)


def quantile_difference(
    a: ArrayLike, b: ArrayLike, p: float = 0.5, *, level: float = 0.95, resamples: int = 1999, seed: int = 0
) -> Interval:
    """B minus A of a percentile, requests of the same cases resampled together (interleaved runs: drift cancels)."""
    x, y = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    n = len(x)
    value = float(np.quantile(y, p) - np.quantile(x, p))
    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, n, size=(resamples, n))
    draws = np.quantile(y[drawn], p, axis=1) - np.quantile(x[drawn], p, axis=1)
    tail = (1 - level) / 2
    low, high = np.quantile(draws, [tail, 1 - tail])
    return Interval(value, float(low), float(high), n, level, "paired bootstrap")
