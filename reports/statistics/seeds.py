"""Fine-tuning twice gives two models: seed noise beside item noise. Numbers only.

    noise = SeedNoise.of([0.91, 0.93, 0.90])      # the metric after each training
    widened(interval, noise)                      # an interval of their mean over cases, for trainings with other seeds

Var(mean) = s_seed^2 / S + s_item^2 / n (Dodge et al. 2020, arXiv:2002.06305 for why seeds matter). S is 2 to 5, so
s_seed is itself a guess: the quantile is t's, with the degrees of freedom of the sum (Satterthwaite 1946).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf, sqrt
from statistics import stdev

from reports.statistics.proportions import t_value, z_value
from reports.statistics.results import Interval, PairedResult

NOT_MEASURED = "Seed noise was not measured: below 1,000 training labels assume plus or minus 2 to 4 points."


@dataclass(frozen=True)
class SeedNoise:
    """What the mean over a few trainings owes to their seeds."""

    variance: float = 0.0
    """Of the mean: s_seed^2 / S."""
    df: float = inf
    """Degrees of freedom behind it: S - 1."""

    @classmethod
    def of(cls, values: Sequence[float]) -> SeedNoise:
        """From the metric after each training; none for a single one."""
        if len(values) < 2:
            return cls()
        return cls(stdev(values) ** 2 / len(values), len(values) - 1)

    def plus(self, other: SeedNoise) -> SeedNoise:
        """Of the difference between two approaches: variances add, degrees of freedom by Satterthwaite."""
        if not other.variance or not self.variance:
            return self if self.variance else other
        both = self.variance + other.variance
        return SeedNoise(both, both**2 / (self.variance**2 / self.df + other.variance**2 / other.df))

    def df_with(self, item_variance: float) -> float:
        """Degrees of freedom of seeds and cases together, the cases' own share taken as known."""
        return self.df * ((item_variance + self.variance) / self.variance) ** 2 if self.variance else inf

    def half(self, item_half: float, level: float) -> float:
        """A half-width over cases opened by the seeds."""
        if not self.variance:
            return item_half
        item_variance = (item_half / z_value(level)) ** 2
        return t_value(level, self.df_with(item_variance)) * sqrt(item_variance + self.variance)


def widened(interval: Interval, noise: SeedNoise) -> Interval:
    """An interval over cases opened to hold for the mean of all trainings.

    It is no forecast of one other training: that strays by an sd of its own.
    """
    value, level = interval.value, interval.level
    low, high = value - noise.half(value - interval.low, level), value + noise.half(interval.high - value, level)
    return replace(interval, low=low, high=high, method=f"{interval.method}, opened by the sd between seeds")


def widened_difference(result: PairedResult, noise: SeedNoise) -> PairedResult:
    """The same for a paired difference: its p is that of the statistic with the seeds' share in the standard error."""
    from scipy.stats import norm, t

    if not noise.variance:
        return result
    d, (low90, high90) = result.difference, result.ends90
    item_variance = ((result.high - result.low) / (2 * z_value(0.95))) ** 2
    z = float(norm.isf(max(result.p, 1e-300) / 2))
    statistic = z * sqrt(item_variance / (item_variance + noise.variance))
    return replace(
        result,
        low=d - noise.half(d - result.low, 0.95),
        high=d + noise.half(result.high - d, 0.95),
        low90=d - noise.half(d - low90, 0.90),
        high90=d + noise.half(high90 - d, 0.90),
        margin90=None,
        p=float(2 * t.sf(statistic, noise.df_with(item_variance))),
        p_exact=None,
        probability_better=None,
        method=f"{result.method}, opened by the sd between seeds",
    )
