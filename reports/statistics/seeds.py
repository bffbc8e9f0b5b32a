"""Fine-tuning twice gives two models: seed noise beside item noise. Arrays only.

    seed_variation(scores)               # scores of shape (seeds, cases)
    widened(interval, known(sd, 3))      # an interval of one training, for all trainings with other seeds

Var(mean) = s_seed^2 / S + s_item^2 / n (Dodge et al. 2020, arXiv:2002.06305 for why seeds matter).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import hypot, sqrt

import numpy as np
from numpy.typing import ArrayLike

from reports.statistics.proportions import z_value
from reports.statistics.results import Interval, PairedResult

NOT_MEASURED = "Seed noise was not measured: below 1,000 training labels assume plus or minus 2 to 4 points."


FEW_SEEDS = {2: 1.75, 3: 1.25}
"""Factor on a standard deviation that so few trainings gave: without it the opened interval covers 0.89 (2 seeds) or
0.93 (3) where seeds vary twice as much as cases do, with it 0.93 to 0.98 up to there; from 4 on none is needed."""


def known(seed_sd: float, seeds: int) -> float:
    """The standard deviation between trainings to reckon with, where this many gave `seed_sd`."""
    return seed_sd * FEW_SEEDS.get(seeds, 1.0)


def widened(interval: Interval, seed_sd: float) -> Interval:
    """An interval of one training opened to hold for the mean of all: half-widths add in squares, 1.96 sd for the seed.

    It is no forecast of one other training: that strays by another sd of its own.
    """
    low, high = _opened(interval.value, interval.low, interval.high, z_value(interval.level) * seed_sd)
    return replace(interval, low=low, high=high, method=f"{interval.method}, opened by the sd between seeds")


def widened_difference(result: PairedResult, seed_sd: float) -> PairedResult:
    """The same for a paired difference: its p is that of the z value with the seeds' share in the standard error."""
    from scipy.stats import norm

    if seed_sd == 0:
        return result
    item_se = (result.high - result.low) / (2 * z_value(0.95))
    z = float(norm.isf(max(result.p, 1e-300) / 2))
    low, high = _opened(result.difference, result.low, result.high, z_value(0.95) * seed_sd)
    low90, high90 = _opened(result.difference, *result.ends90, z_value(0.90) * seed_sd)
    return replace(
        result,
        low=low,
        high=high,
        low90=low90,
        high90=high90,
        score90=None,
        p=float(2 * norm.sf(z * item_se / hypot(item_se, seed_sd))),
        p_exact=None,
        probability_better=None,
        method=f"{result.method}, opened by the sd between seeds",
    )


def _opened(value: float, low: float, high: float, by: float) -> tuple[float, float]:
    return value - hypot(value - low, by), value + hypot(high - value, by)


@dataclass(frozen=True)
class SeedVariation:
    """Quality over several training seeds."""

    interval: Interval
    """Mean over seeds and cases; both are resampled."""
    seed_sd: float
    """Standard deviation of a run's mean between seeds, 0 for a single seed."""
    seeds: int
    per_seed: tuple[float, ...]


def combined_se(seed_sd: float, item_variance: float, n: int, seeds: int) -> float:
    """Standard error of a mean over S seeds and n cases: sqrt(s_seed^2/S + s_item^2/n)."""
    return sqrt(seed_sd**2 / seeds + item_variance / n)


def seed_variation(scores: ArrayLike, level: float = 0.95, resamples: int = 1999, seed: int = 0) -> SeedVariation:
    """Bootstrap over seeds and cases both, percentile ends around the mean of all; `scores` has shape (S, n)."""
    x = np.atleast_2d(np.asarray(scores, dtype=float))
    s, n = x.shape
    per_seed = x.mean(axis=1)
    rng = np.random.default_rng(seed)
    which = rng.integers(0, s, size=(resamples, s))
    weights = rng.multinomial(n, np.full(n, 1 / n), size=resamples) / n
    seed_weights = np.stack([np.bincount(row, minlength=s) for row in which]) / s
    draws = np.einsum("bs,sn,bn->b", seed_weights, x, weights, optimize=True)
    tail = (1 - level) / 2
    low, high = np.quantile(draws, [tail, 1 - tail])
    interval = Interval(float(x.mean()), float(low), float(high), n, level, "bootstrap of seeds and cases")
    return SeedVariation(interval, float(per_seed.std(ddof=1)) if s > 1 else 0.0, s, tuple(map(float, per_seed)))
