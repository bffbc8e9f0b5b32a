"""Scores that are numbers (ROUGE-L, token F1, a judge's 1 to 5): intervals of means, sign-flip tests. Arrays only.

    mean_interval(scores)                           # bootstrap interval of a mean
    sign_flip(differences)                          # p of "no difference", exact up to 13 non-zero differences

`bca` agrees with scipy.stats.bootstrap. `sign_flip` agrees with whole-number arithmetic, and with
scipy.stats.permutation_test where no two sums tie: scipy loses ties to rounding (its tolerance is relative to the
observed mean, which may be nearly 0). The tests hold them to it.
"""

from __future__ import annotations

from math import sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reports.statistics.proportions import t_value
from reports.statistics.resampling import (
    CHUNK,
    Sample,
    bca_ends,
    default_resamples,
    mean_samples,
    resample_sums,
    sum_by_group,
)
from reports.statistics.results import Interval

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

BCA_FROM = 15
"""Fewer cases than this have too few distinct resamples for BCa: Student's t is used, and said."""
EXACT_UP_TO = 13
"""All 2^13 sign patterns are tried; above, random ones: 9,999 up to 500 cases, fewer above."""
TIE, TIE_SINGLE = 1e-11, 1e-6
"""Two sums of flipped differences closer than this share of the sum of absolute differences are a tie, and a tie
counts as reached: far above the rounding of double (single) precision, far below any gap that scores can have."""


def bca(values: ArrayLike, level: float = 0.95, resamples: int = 9999, seed: int = 0) -> Interval:
    """Plain BCa interval of a mean through scipy.stats.bootstrap. Values all equal: a degenerate interval, not NaN."""
    x = np.asarray(values, dtype=float)
    if len(x) < 2 or np.ptp(x) == 0.0:
        return Interval(float(x.mean()), float(x.mean()), float(x.mean()), len(x), level, "degenerate")
    from scipy.stats import bootstrap

    result = bootstrap(
        (x,), np.mean, confidence_level=level, method="BCa", n_resamples=resamples, rng=np.random.default_rng(seed)
    )
    ends = result.confidence_interval
    return Interval(float(x.mean()), float(ends.low), float(ends.high), len(x), level, "bca")


def t_interval(values: ArrayLike, level: float = 0.95) -> Interval:
    """Student's t interval of a mean: for fewer than 15 cases."""
    x = np.asarray(values, dtype=float)
    n = len(x)
    if n < 2:
        value = float(x.mean()) if n else float("nan")
        return Interval(value, float("-inf"), float("inf"), n, level, "too few cases")
    half = t_value(level, n - 1) * float(x.std(ddof=1)) / sqrt(n)
    return Interval(float(x.mean()), float(x.mean()) - half, float(x.mean()) + half, n, level, "t")


def mean_interval(values: ArrayLike, level: float = 0.95, sample: Sample | None = None, seed: int = 0) -> Interval:
    """The default interval of a mean of independent numbers: BCa and t, or t alone below 15 cases.

    Degenerate where all values agree.

    `sample`: its resamples, where the caller resampled several approaches together.
    """
    x = np.asarray(values, dtype=float)
    n = len(x)
    if n < BCA_FROM:
        return t_interval(x, level)
    if np.ptp(x) == 0.0:
        return Interval(float(x[0]), float(x[0]), float(x[0]), n, level, "degenerate")
    return (sample or mean_samples(x[:, None], seed)[0]).interval(level)


def ratio_interval(a: ArrayLike, b: ArrayLike, level: float = 0.95, widen: bool = True, seed: int = 0) -> Interval:
    """Ratio of means B over A on the same cases (cost, output tokens), by a paired BCa bootstrap."""
    x, y = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    n = len(x)
    if n < 2 or x.sum() == 0.0:
        return Interval(float("nan"), float("nan"), float("nan"), n, level, "no ratio: too few cases or A is zero")
    sums = resample_sums(np.column_stack([x, y]), None, default_resamples(n), seed)
    usable = sums[:, 0] != 0
    draws = sums[usable, 1] / sums[usable, 0]
    jackknife = (y.sum() - y) / (x.sum() - x)
    value = float(y.sum() / x.sum())
    low, high = bca_ends(draws, value, jackknife, level, widen)
    return Interval(value, low, high, n, level, "bca ratio")


def sign_flip(differences: ArrayLike, codes: Ints | None = None, resamples: int | None = None, seed: int = 0) -> float:
    """Two-sided p: under no difference every sign (of a case, or of a whole group) could as well be the other.

    Exact up to 13 cases or groups that are not zero, else random flips with the observed one counted in, so p is
    never 0. Sums that tie with the observed one count as reached (see `TIE`).
    """
    d = np.asarray(differences, dtype=float)
    units = d if codes is None else sum_by_group(d[:, None], codes)[:, 0]
    units = units[np.abs(units) > TIE * float(np.abs(d).sum())]  # a group that cancels is 0 but for rounding
    m = len(units)
    if m == 0:
        return 1.0
    observed, scale = abs(float(units.sum())), float(np.abs(units).sum())
    if m <= EXACT_UP_TO:
        patterns = (np.arange(2**m)[:, None] >> np.arange(m)) & 1
        return float(np.mean(np.abs((2.0 * patterns - 1.0) @ units) >= observed - TIE * scale))
    resamples = resamples or default_resamples(m)
    rng = np.random.default_rng(seed)
    single = units.astype(np.float32)
    whole = float(single.sum())
    rows, hits, done = max(1, CHUNK // m), 0, 0
    while done < resamples:
        size = min(rows, resamples - done)
        raw = np.frombuffer(rng.bytes(size * ((m + 7) // 8)), dtype=np.uint8).reshape(size, -1)
        bits = np.unpackbits(raw, axis=1, count=m).astype(np.float32)
        hits += int(np.count_nonzero(np.abs(2 * (bits @ single) - whole) >= observed - TIE_SINGLE * scale))
        done += size
    return (hits + 1) / (resamples + 1)
