"""How sure a cost comparison is: 20,000 seeded draws over traffic, prices, hours and quality. Numbers only.

found = simulate(prompt, tuned, queries_per_day=10_000, months=12)
found.probability_b_cheaper; found.days; found.drivers

Drawn: traffic log-normal around the user's figure (sd 0.5 of its logarithm), every part of a bill triangular between
its low and high end, its measured amount (mean tokens or seconds of an answer) normal by its standard error, the
quality difference normal with its interval. Parts with one driver ("price of labels") move together in both bills.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from reports.costs.estimate import DAYS_PER_MONTH, CostEstimate, CostPart, Scope

Floats = NDArray[np.float64]
Totals = dict[Scope, Floats]
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
    scene = _Scene(a, b, queries_per_day, months, quality)
    traffic, gap = (_deviation(name, draws, seed) for name in (TRAFFIC, QUALITY))
    totals = _drawn_totals(a, draws, seed), _drawn_totals(b, draws, seed)
    saving, fixed_gap, slope, volume = _outcome(scene, totals, traffic, gap)
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
        drivers=_drivers(scene),
    )


@lru_cache(maxsize=64)
def _share(name: str, draws: int, seed: int) -> Floats:
    """Quantiles of one input, shape (draws,), by its name: a price falls alike in every pair that it is part of."""
    return np.random.default_rng([seed, crc32(name.encode())]).random(draws)


@lru_cache(maxsize=8)
def _deviation(name: str, draws: int, seed: int) -> Floats:
    """The same quantiles as deviations of a standard normal variable."""
    return _normal(_share(name, draws, seed))


@lru_cache(maxsize=32)  # each approach is set against all others; its arrays are never changed
def _drawn_totals(x: CostEstimate, draws: int, seed: int) -> Totals:
    return _totals(x, {name: _share(name, draws, seed) for name in _inputs(x)}, draws)


def _inputs(x: CostEstimate) -> set[str]:
    """Everything that is drawn for a bill: prices and hours, and measured amounts that are not certain."""
    return {part.driver for part in x.lines()} | {part.measured for part in x.lines() if part.error}


def _totals(x: CostEstimate, shares: Mapping[str, Floats], draws: int) -> Totals:
    """Dollars a query, a month and once, shape (draws,) each; `shares` are quantiles in 0..1 by input."""
    sums: Totals = {scope: np.zeros(draws) for scope in ("query", "month", "once")}
    for part in x.lines():
        drawn = triangular(part, shares[part.driver])
        if part.error:
            drawn = drawn * np.maximum(0.0, 1.0 + part.error * _normal(shares[part.measured]))
        sums[part.scope] = sums[part.scope] + drawn
    return sums


def _outcome(
    scene: _Scene, totals: tuple[Totals, Totals], traffic: Floats, quality_gap: Floats
) -> tuple[Floats, Floats, Floats, Floats]:
    """Saving of B, fixed cost B minus A, running cost per query A minus B, traffic; the last two arguments are
    standard normal deviations."""
    (a, b), months, quality = totals, scene.months, scene.quality
    volume = scene.queries_per_day * np.exp(VOLUME_SPREAD * traffic)
    fixed_gap = (b["once"] - a["once"]) + months * (b["month"] - a["month"])
    slope = a["query"] - b["query"]
    if quality is not None:
        sd = (quality.high - quality.low) / (2 * 1.959964)
        gap = quality.difference + sd * quality_gap
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


def _drivers(scene: _Scene) -> tuple[Driver, ...]:
    """Tornado: each input alone at 5 % and 95 %, the others at their medians; the three widest."""
    names = sorted({TRAFFIC, QUALITY} | _inputs(scene.a) | _inputs(scene.b))
    columns = 2 * len(names)
    shares = {name: np.full(columns, 0.5) for name in names}
    for i, name in enumerate(names):
        shares[name][2 * i : 2 * i + 2] = 0.05, 0.95
    totals = _totals(scene.a, shares, columns), _totals(scene.b, shares, columns)
    low, high = _outcome(scene, totals, _normal(shares[TRAFFIC]), _normal(shares[QUALITY]))[0].reshape(-1, 2).T
    swings = [Driver(name, float(swing)) for name, swing in zip(names, abs(high - low), strict=True)]
    widest = sorted(swings, key=lambda driver: (-driver.swing_usd, driver.name))
    return tuple(driver for driver in widest[:3] if driver.swing_usd > 0)


def _range(values: Floats) -> Range:
    low, median, high = np.quantile(values, [0.05, 0.5, 0.95])
    return Range(float(median), float(low), float(high))
