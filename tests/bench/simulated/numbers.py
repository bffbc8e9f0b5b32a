"""Graded scores and metrics of a whole set: simulated with the product's code.

for line in graded(scale=1.0): print(line)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray

from reports import statistics
from reports.statistics.sets import set_sample
from tests.bench.simulated.tally import SIZES, Kind, Line, settle

Floats = NDArray[np.float64]


def f1_like(rng: np.random.Generator, n: int) -> Floats:
    """Token F1: many exact hits, many misses, some in between. Mean 0.59."""
    kind = rng.random(n)
    return np.where(kind < 0.45, 1.0, np.where(kind < 0.70, 0.0, rng.beta(2, 2.286, size=n)))


def rouge_like(rng: np.random.Generator, n: int) -> Floats:
    """ROUGE-L: skewed to the low end. Mean 2/8."""
    return rng.beta(2, 6, size=n)


MEANS: dict[str, tuple[Callable[[np.random.Generator, int], Floats], float]] = {
    "token F1": (f1_like, 0.45 + 0.30 * 2 / 4.286),
    "ROUGE-L": (rouge_like, 0.25),
}


def graded(scale: float) -> Iterator[Line]:
    """BCa and t of a mean and of a paired difference, sign flips; then a change in hardly any case."""
    names: dict[str, Kind] = {
        "BCa and t of a mean": "coverage",
        "BCa and t of a paired difference": "coverage",
        "sign flips": "size",
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
    result = statistics.compare(a, b, kind="bounded", seed=seed)
    single = statistics.mean_interval(a, seed=seed).covers(truth)
    return single, result.low <= 0 <= result.high, result.p <= 0.05


def _rare(rng: np.random.Generator, seed: int, *, n: int) -> tuple[bool, ...]:
    a = np.full(n, 0.5)
    b = np.where(rng.random(n) < 0.04, 1.0, a)
    result = statistics.compare(a, b, kind="bounded", seed=seed)
    return (result.low <= 0.02 <= result.high,)


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
    "8 labels": (np.full(8, 1 / 8), np.linspace(0.6, 0.95, 8)),
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
            yield from settle(names, name, n, partial(_set, n=n, name=name, truth=truth), int(1000 * scale))


def _set(rng: np.random.Generator, seed: int, *, n: int, name: str, truth: float) -> tuple[bool, ...]:
    shares, rates = CONFUSIONS[name]
    labels = rng.choice(len(shares), p=shares, size=n)
    expected = labels.astype(str).tolist()
    a, b = (confused(rng, labels, rates).astype(str).tolist() for _ in range(2))
    result = statistics.compare_sets("macro-f1", a, b, expected, seed=seed)
    single = set_sample("macro-f1", a, expected, seed=seed).interval().covers(truth)
    return single, result.low <= 0 <= result.high, result.p <= 0.05
