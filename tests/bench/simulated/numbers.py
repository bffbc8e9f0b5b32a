"""Graded scores and metrics of a whole set: simulated with the product's code.

for line in graded(scale=1.0): print(line)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from reports import statistics
from reports.statistics import bounded
from reports.statistics.resampling import Sample, resample_sums
from reports.statistics.sets import set_sample
from tests.bench.simulated.tally import SIZES, Kind, Line, settle

Floats = NDArray[np.float64]
NORMAL = NormalDist()
RESAMPLES = 1999
"""What the product draws from 2,500 cases on. Below it draws up to five times as many, which only makes its ends
steadier: they would move a coverage by less than the simulation's own error."""


def f1_like(rng: np.random.Generator, n: int) -> Floats:
    """Token F1: many exact hits, many misses, some in between. Mean 0.59."""
    kind = rng.random(n)
    return np.where(kind < 0.45, 1.0, np.where(kind < 0.70, 0.0, rng.beta(2, 2.286, size=n)))


def rouge_like(rng: np.random.Generator, n: int) -> Floats:
    """ROUGE-L: skewed to the low end. Mean 2/8."""
    return rng.beta(2, 6, size=n)


def mostly_full(rng: np.random.Generator, n: int) -> Floats:
    """An easy task: 85 % full marks, the rest in between. Mean 0.925, skewed to the high end."""
    return np.where(rng.random(n) < 0.85, 1.0, rng.beta(2, 2, size=n))


MEANS: dict[str, tuple[Callable[[np.random.Generator, int], Floats], float]] = {
    "token F1": (f1_like, 0.45 + 0.30 * 2 / 4.286),
    "ROUGE-L": (rouge_like, 0.25),
    "85 % full marks": (mostly_full, 0.925),
}


def graded(scale: float) -> Iterator[Line]:
    """BCa and t of a mean and of a paired difference, sign flips, the margin; then a change in hardly any case."""
    names: dict[str, Kind] = {
        "BCa and t of a mean": "coverage",
        "BCa and t of a paired difference": "coverage",
        "sign flips": "size",
        "equivalence of numbers": "size",
    }
    for n in SIZES:
        for name in MEANS:
            yield from settle(names, name, n, partial(_graded, n=n, name=name), int(2000 * scale))
        rare: dict[str, Kind] = {"(one-sided change in 4 % of cases)": "told"}
        yield from settle(rare, "rule of three", n, partial(_rare, n=n), int(2000 * scale))


def _graded(rng: np.random.Generator, seed: int, *, n: int, name: str) -> tuple[bool, ...]:
    draw, truth = MEANS[name]
    a = draw(rng, n)
    b = np.where(rng.random(n) < 0.5, draw(rng, n), a)
    samples = resampled(np.column_stack([a, b]), seed)
    apart = samples[1].minus(samples[0])
    wide, narrow = (bounded.mean_interval(b - a, level, sample=apart) for level in (0.95, 0.90))
    single = bounded.mean_interval(a, sample=samples[0]).covers(truth)
    # "equivalent" at a margin that is the true difference: the interval of b - a + margin lies below the margin
    equivalent = narrow.high < 0
    return single, wide.covers(0.0), bounded.sign_flip(b - a, resamples=RESAMPLES, seed=seed) <= 0.05, equivalent


def resampled(columns: Floats, seed: int) -> list[Sample]:
    """`mean_samples` with fewer resamples."""
    n, totals = len(columns), columns.sum(axis=0)
    draws = resample_sums(columns, None, RESAMPLES, seed) / n
    return [
        Sample(float(totals[i] / n), draws[:, i], (totals[i] - columns[:, i]) / (n - 1), n)
        for i in range(columns.shape[1])
    ]


def _rare(rng: np.random.Generator, seed: int, *, n: int) -> tuple[bool, ...]:
    a = np.full(n, 0.5)
    b = np.where(rng.random(n) < 0.04, 1.0, a)
    result = statistics.compare(a, b, kind="bounded", seed=seed)
    return (result.low <= 0.02 <= result.high,)


SECONDS: dict[str, tuple[Callable[[np.random.Generator, int], Floats], Callable[[float], float]]] = {
    "log-normal": (lambda rng, n: np.exp(0.5 * rng.normal(size=n)), lambda p: float(np.exp(0.5 * NORMAL.inv_cdf(p)))),
    "exponential after 0.3 s": (lambda rng, n: 0.3 + rng.exponential(size=n), lambda p: 0.3 - float(np.log(1 - p))),
    "heavy tail": (lambda rng, n: (1 - rng.random(n)) ** -0.5, lambda p: float((1 - p) ** -0.5)),
    "one in ten 3 s later": (
        lambda rng, n: np.where(rng.random(n) < 0.1, 3, 0) + rng.exponential(0.2, size=n),
        lambda p: 0.2 * _late(p),
    ),
    "log-normal, rounded to 0.02": (
        lambda rng, n: np.round(np.exp(0.5 * rng.normal(size=n)) / 0.02) * 0.02,
        lambda p: round(float(np.exp(0.5 * NORMAL.inv_cdf(p))) / 0.02) * 0.02,
    ),
}


def _late(p: float) -> float:
    """Quantile, in fifths of a second, of an exponential of which one in ten comes 3 s later."""
    low, high = 0.0, 100.0
    for _ in range(60):
        x = (low + high) / 2
        reached = 0.9 * (1 - np.exp(-x)) + 0.1 * (1 - np.exp(-(x - 15)) if x > 15 else 0.0)
        low, high = (x, high) if reached < p else (low, x)
    return low


def latency(scale: float) -> Iterator[Line]:
    """Percentiles of seconds, ends interpolated between two ranks."""
    names: dict[str, Kind] = {"interpolated order statistics": "coverage"}
    for n, p in ((30, 0.5), (100, 0.5), (300, 0.5), (100, 0.95), (300, 0.95)):
        for name in SECONDS:
            trial = partial(_latency, n=n, p=p, name=name)
            yield from settle(names, f"p{100 * p:g}, {name}", n, trial, int(2000 * scale))


def _latency(rng: np.random.Generator, _: int, *, n: int, p: float, name: str) -> tuple[bool, ...]:
    draw, quantile = SECONDS[name]
    found = statistics.interpolated_interval(draw(rng, n), p)
    return ((found.low or 0.0) - 1e-9 <= quantile(p) <= (found.high or np.inf) + 1e-9,)


def graded_in_groups(scale: float) -> Iterator[Line]:
    """The clustered t of a mean and of a difference, and the cluster bootstrap."""
    names: dict[str, Kind] = {
        "clustered t of a mean": "coverage",
        "cluster bootstrap": "coverage",
        "clustered t of numbers": "size",
    }
    for n in (*SIZES, 1000):
        yield from settle(names, f"{n // 5} groups of 5", n, partial(_grouped, n=n), int(2000 * scale))


def _grouped(rng: np.random.Generator, seed: int, *, n: int) -> tuple[bool, ...]:
    groups = np.repeat(np.arange(n // 5), 5)
    shift = rng.normal(0, 0.1, size=n // 5)[groups]
    a = rouge_like(rng, n) + shift
    b = rouge_like(rng, n) + rng.normal(0, 0.1, size=n // 5)[groups] + shift
    return (
        statistics.clustered_mean(a, groups)[0].covers(0.25),
        statistics.cluster_bootstrap(a, groups, resamples=999, seed=seed).covers(0.25),
        statistics.compare(a, b, groups, kind="bounded").p <= 0.05,
    )


def confused(rng: np.random.Generator, expected: NDArray[np.int64], rates: Floats) -> NDArray[np.int64]:
    """Predictions that are right at the label's own rate, else one of the other labels."""
    labels = len(rates)
    wrong = (expected + rng.integers(1, labels, size=len(expected))) % labels
    return np.where(rng.random(len(expected)) < rates[expected], expected, wrong)


CONFUSIONS = {
    "3 balanced labels": (np.full(3, 1 / 3), np.array([0.9, 0.8, 0.7])),
    "yes/no/maybe 55:34:11": (np.array([0.55, 0.34, 0.11]), np.array([0.9, 0.8, 0.5])),
    "8 balanced labels": (np.full(8, 1 / 8), np.linspace(0.6, 0.95, 8)),
    "8 labels, 30 % to 3 %": (
        np.array([0.30, 0.22, 0.15, 0.11, 0.09, 0.06, 0.04, 0.03]),
        np.array([0.95, 0.9, 0.85, 0.9, 0.7, 0.8, 0.6, 0.6]),
    ),
}


def set_metrics(scale: float) -> Iterator[Line]:
    """Macro-F1: joint bootstrap of a value and of a difference, against the value of a very large sample."""
    names: dict[str, Kind] = {"macro-F1": "coverage", "macro-F1 difference": "coverage", "macro-F1 test": "size"}
    for name, (shares, rates) in CONFUSIONS.items():
        rng = np.random.default_rng(8)
        large = rng.choice(len(shares), p=shares, size=400_000)
        predicted, expected = (labels.astype(str).tolist() for labels in (confused(rng, large, rates), large))
        truth = statistics.macro_f1(predicted, expected)
        for n in SIZES:
            yield from settle(names, name, n, partial(_set, n=n, name=name, truth=truth), int(2000 * scale))


def _set(rng: np.random.Generator, seed: int, *, n: int, name: str, truth: float) -> tuple[bool, ...]:
    shares, rates = CONFUSIONS[name]
    labels = rng.choice(len(shares), p=shares, size=n)
    expected = labels.astype(str).tolist()
    a, b = (confused(rng, labels, rates).astype(str).tolist() for _ in range(2))
    samples = set_sample("macro-f1", a, expected, seed=seed), set_sample("macro-f1", b, expected, seed=seed)
    result = statistics.compare_sets("macro-f1", [a], [b], expected, samples=samples, seed=seed)
    return samples[0].interval().covers(truth), result.low <= 0 <= result.high, result.p <= 0.05
