"""The winner's curse: how much the best of several looks better than it is, and shrinkage for a table. Arrays only.

expected_maximum(10)             # 1.5388 standard errors: what the best of ten equal variants gains by luck
shrink([.86, .84, .83], se=.018)
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray


def expected_maximum(k: int) -> float:
    """Expected largest of k independent standard normals: integral of x k phi(x) Phi(x)^(k-1) dx (trapezoid)."""
    from scipy.special import ndtr

    x = np.linspace(-9, 9, 20_001)
    density = np.exp(-(x**2) / 2) / sqrt(2 * np.pi)
    return float(np.trapezoid(x * k * density * ndtr(x) ** (k - 1), x))


def paired_sigma(p: float, n: int, correlation: float = 0.6) -> float:
    """Standard error that does not cancel between approaches on the same cases: sqrt(p(1-p)(1-rho)/n)."""
    return sqrt(p * (1 - p) * (1 - correlation) / n)


@dataclass(frozen=True)
class Shrunk:
    """James-Stein estimates: each value pulled towards the mean by the factor 1 - kept."""

    values: NDArray[np.float64]
    kept: float


def shrink(values: ArrayLike, se: float) -> Shrunk:
    """James-Stein towards the mean: B = max(0, 1 - (k-3) s^2 / S). Fewer than 4 values are left as they are."""
    y = np.asarray(values, dtype=float)
    spread = float(np.sum((y - y.mean()) ** 2))
    kept = max(0.0, 1 - (len(y) - 3) * se**2 / spread) if len(y) > 3 and spread > 0 else 1.0
    return Shrunk(y.mean() + kept * (y - y.mean()), kept)
