"""Fine-tuning twice gives two models: seed noise beside item noise. Arrays only.

    seed_variation(scores)               # scores of shape (seeds, cases)

Var(mean) = s_seed^2 / S + s_item^2 / n (Dodge et al. 2020, arXiv:2002.06305 for why seeds matter).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike

from reports.statistics.results import Interval

NOT_MEASURED = "Seed noise was not measured: below 1,000 training labels assume plus or minus 2 to 4 points."


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
