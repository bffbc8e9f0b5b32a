"""How sure a cost comparison is: 20,000 seeded draws over traffic, prices, hours and quality. Numbers only.

found = simulate(prompt, tuned, queries_per_day=10_000, months=12)
found.probability_b_cheaper; found.days; found.drivers

Drawn: traffic log-normal around the user's figure (sd 0.5 of its logarithm), every part of a bill triangular between
its low and high end, its measured amount (mean tokens or seconds of an answer) normal by its standard error, the
quality difference normal with its interval. Parts with one driver ("price of labels") move together in both bills.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from reports.costs.estimate import DAYS_PER_MONTH, CostEstimate, CostPart

Floats = NDArray[np.float64]
DRAWS = 20_000
VOLUME_SPREAD = 0.5
TRAFFIC = "queries per day"
QUALITY = "difference in quality"


@dataclass(frozen=True)
class QualityGap:
    """B minus A in share of right answers with its 95 % interval, and what one wrong answer costs."""

    difference: float
    low: float
    high: float
    error_usd: float


@dataclass(frozen=True)
class Range:
    """Median and 5 to 95 % range of the draws in which it exists."""

    median: float
    low: float
    high: float


@dataclass(frozen=True)
class Driver:
    """One input and how far it alone moves the answer between its 5 % and 95 % values, in dollars."""

    name: str
    swing_usd: float


@dataclass(frozen=True)
class Simulation:
    """B against A over the horizon."""

    probability_b_cheaper: float
    saving: Range
    """Dollars that B saves over the horizon, negative where it costs more; errors counted where a gap was given."""
    queries: Range | None
    """Break-even in queries; None where fewer than half of the draws have one: "no break-even"."""
    days: Range | None
    """The same in days at the drawn traffic."""
    no_break_even: float
    """Share of the draws in which one of them is cheaper whatever the traffic."""
    drivers: tuple[Driver, ...]
    """The three inputs that decide most."""


@dataclass(frozen=True)
class _Scene:
    """The comparison whose inputs are drawn."""

    a: CostEstimate
    b: CostEstimate
    queries_per_day: float
    months: float
    quality: QualityGap | None


def simulate(
    a: CostEstimate,
    b: CostEstimate,
    queries_per_day: float,
    months: float,
    quality: QualityGap | None = None,
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> Simulation:
    """Draws every uncertain input and compares the totals; the same seed gives the same figures."""
    parts = [*a.lines(), *b.lines()]
    names = sorted({part.driver for part in parts} | {part.measured for part in parts if part.error})
    shares = _shares((TRAFFIC, *names, QUALITY), draws, seed)
    scene = _Scene(a, b, queries_per_day, months, quality)
    saving, fixed_gap, slope, volume = _outcome(scene, shares)
    with np.errstate(divide="ignore", invalid="ignore"):
        queries = fixed_gap / slope
    exists = np.isfinite(queries) & (queries > 0)
    found = exists.mean() >= 0.5
    return Simulation(
        probability_b_cheaper=float(np.mean(saving > 0)),
        saving=_range(saving),
        queries=_range(queries[exists]) if found else None,
        days=_range((queries / volume)[exists]) if found else None,
        no_break_even=float(1 - exists.mean()),
        drivers=_drivers(scene, list(shares)),
    )


@lru_cache(maxsize=1)  # a pair is drawn twice in a row, without and with what errors cost
def _shares(names: tuple[str, ...], draws: int, seed: int) -> dict[str, Floats]:
    """Quantiles of every input, shape (draws,) each; never changed afterwards."""
    rng = np.random.default_rng(seed)
    return {name: rng.random(draws) for name in names}


def _outcome(scene: _Scene, shares: dict[str, Floats]) -> tuple[Floats, Floats, Floats, Floats]:
    """Saving of B, fixed cost B minus A, running cost per query A minus B, traffic; `shares` are quantiles in 0..1."""
    months, quality = scene.months, scene.quality
    volume = scene.queries_per_day * np.exp(VOLUME_SPREAD * _normal(shares[TRAFFIC]))
    zero = np.zeros_like(volume)
    totals = []
    for x in (scene.a, scene.b):
        sums = {"query": zero, "month": zero, "once": zero}
        for part in x.lines():
            drawn = triangular(part, shares[part.driver])
            if part.error:
                drawn = drawn * np.maximum(0.0, 1.0 + part.error * _normal(shares[part.measured]))
            sums[part.scope] = sums[part.scope] + drawn
        totals.append(sums)
    fixed_gap = (totals[1]["once"] - totals[0]["once"]) + months * (totals[1]["month"] - totals[0]["month"])
    slope = totals[0]["query"] - totals[1]["query"]
    if quality is not None:
        sd = (quality.high - quality.low) / (2 * 1.959964)
        gap = quality.difference + sd * _normal(shares[QUALITY])
        slope = slope + gap * quality.error_usd
    return volume * months * DAYS_PER_MONTH * slope - fixed_gap, fixed_gap, slope, volume


def _normal(share: Floats) -> Floats:
    """Quantiles of the standard normal distribution."""
    from scipy.special import ndtri

    return np.asarray(ndtri(np.clip(share, 1e-9, 1 - 1e-9)))


def triangular(part: CostPart, share: Floats) -> Floats:
    """Quantiles of the triangular distribution between a part's ends with its mode at the typical value."""
    low, mode, high = part.low, part.usd, part.high
    width = high - low
    if width <= 0:
        return np.full_like(share, mode)
    split = (mode - low) / width
    rising = low + np.sqrt(share * width * (mode - low))
    falling = high - np.sqrt((1 - share) * width * (high - mode))
    return np.where(share < split, rising, falling)


def _drivers(scene: _Scene, names: list[str]) -> tuple[Driver, ...]:
    """Tornado: each input alone at 5 % and 95 %, the others at their medians; the three widest."""
    swings = []
    for name in names:
        shares = {other: np.full(2, 0.5) for other in names}
        shares[name] = np.array([0.05, 0.95])
        saving = _outcome(scene, shares)[0]
        swings.append(Driver(name, float(abs(saving[1] - saving[0]))))
    widest = sorted(swings, key=lambda driver: (-driver.swing_usd, driver.name))
    return tuple(driver for driver in widest[:3] if driver.swing_usd > 0)


def _range(values: Floats) -> Range:
    low, median, high = np.quantile(values, [0.05, 0.5, 0.95])
    return Range(float(median), float(low), float(high))
