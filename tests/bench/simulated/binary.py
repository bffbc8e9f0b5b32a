"""Right-or-wrong scores that share groups, several approaches, and early stopping: simulated with the product's code.

for line in pairs_in_groups(scale=1.0): print(line)

What needs no simulation (one proportion, one pair without groups) is in `exact`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from reports import statistics
from reports.statistics.resampling import resample_sums
from tests.bench.simulated.tally import SIZES, Kind, Line, repeated, settle

RESAMPLES = 1999
"""Fewer than the product draws, see `numbers`."""


def proportions_in_groups(scale: float) -> Iterator[Line]:
    """Wilson with groups of 5: each group has a rate of its own."""
    for n in (*SIZES, 1000):
        for p, icc in ((0.8, 0.1), (0.8, 0.4), (0.95, 0.2)):
            setting, trial = f"p {p}, correlation {icc}", partial(_proportion, n=n, p=p, icc=icc)
            yield from settle({"Wilson, groups of 5": "coverage"}, setting, n, trial, int(4000 * scale))


def _proportion(rng: np.random.Generator, _: int, *, n: int, p: float, icc: float) -> tuple[bool, ...]:
    groups = np.repeat(np.arange(n // 5), 5)
    rates = rng.beta(p * (1 / icc - 1), (1 - p) * (1 / icc - 1), size=n // 5)
    return (statistics.clustered_wilson(rng.random(n) < rates[groups], groups).covers(p),)


def pairs_in_groups(scale: float) -> Iterator[Line]:
    """The clustered comparison: each group leans to one of the two approaches."""
    names: dict[str, Kind] = {
        "Bonett-Price, groups": "coverage",
        "clustered t": "size",
        "(mid-p that ignores the groups)": "told",
    }
    for n, per_group in ((30, 3), (100, 5), (300, 5), (300, 15), (1034, 52)):
        setting = f"{-(-n // per_group)} groups of {per_group}"
        yield from settle(names, setting, n, partial(_pair, n=n, per_group=per_group), int(4000 * scale))


def _pair(rng: np.random.Generator, _: int, *, n: int, per_group: int) -> tuple[bool, ...]:
    groups = np.arange(n) // per_group
    lean, draw = rng.normal(0, 0.12, size=int(groups[-1]) + 1)[groups], rng.random(n)
    low, high = np.clip(0.1 + lean, 0, 1), 1 - np.clip(0.1 - lean, 0, 1)
    a, b = (draw > high).astype(float), (draw < low).astype(float)
    result = statistics.compare(a, b, groups)
    plain = statistics.mcnemar_midp(int(np.sum(a > b)), int(np.sum(b > a)))
    return result.low <= 0 <= result.high, result.p <= 0.05, plain <= 0.05


def several(scale: float) -> Iterator[Line]:
    """Holm over five comparisons without any difference; the best set, wrongly without the best."""
    names: dict[str, Kind] = {"Holm, any false word": "size", "best set loses the best": "size"}
    for n in SIZES:
        yield from settle(names, "6 equal approaches", n, partial(_equal, n=n), int(2000 * scale))
        rng, rates = np.random.default_rng(n), (0.8, 0.8, 0.7, 0.6, 0.5, 0.5)
        sizes = [len(alike(rng, seed, n, rates).could_be_best()) for seed in range(int(300 * scale))]
        yield repeated("(mean size of the best set)", "2 at 0.8, others 0.7 to 0.5", n, sizes)


def _equal(rng: np.random.Generator, seed: int, *, n: int) -> tuple[bool, ...]:
    equal = alike(rng, seed, n, (0.8,) * 6)
    wrong = any(result.words in ("better", "worse") for result in equal.against("a0"))
    columns = np.column_stack([*equal.scores.values()])
    draws = resample_sums(columns, None, RESAMPLES, seed, together=True) / n
    return wrong, "a0" not in statistics.could_be_best(equal.names, columns.mean(axis=0), draws, units=n)


def several_in_groups(scale: float) -> Iterator[Line]:
    """The best set where cases share groups: six equal approaches, each of which a group may suit or not."""
    for n, per_group in ((60, 10), (100, 10), (100, 5), (300, 10), (300, 5)):
        setting = f"6 equal approaches, {n // per_group} groups of {per_group}"
        trial = partial(_equal_in_groups, n=n, per_group=per_group)
        yield from settle({"best set in groups loses the best": "size"}, setting, n, trial, int(1000 * scale))


def _equal_in_groups(rng: np.random.Generator, seed: int, *, n: int, per_group: int) -> tuple[bool, ...]:
    groups = np.arange(n) // per_group
    rates = np.clip(0.75 + rng.normal(0, 0.12, size=(6, int(groups[-1]) + 1)), 0, 1)[:, groups]
    columns = (rng.random((6, n)) < rates).astype(float).T
    sums = resample_sums(np.column_stack([columns, np.ones(n)]), groups, RESAMPLES, seed)
    names, units = [f"a{i}" for i in range(6)], int(groups[-1]) + 1
    draws = sums[:, :-1] / sums[:, -1:]
    return ("a0" not in statistics.could_be_best(names, columns.mean(axis=0), draws, units=units),)


def alike(
    rng: np.random.Generator, seed: int, n: int, rates: Sequence[float], shared: float = 0.6
) -> statistics.Outcomes:
    """Approaches `a0`, `a1`, … right at these rates. `shared`: of the cases whose outcome their difficulty decides."""
    difficulty, size = rng.random(n), (len(rates), n)
    draws = np.where(rng.random(size) < shared, difficulty, rng.random(size))
    scores = {f"a{i}": (draws[i] < rate).astype(float) for i, rate in enumerate(rates)}
    return statistics.Outcomes("accuracy", "binary", scores, seed=seed)


def stopping(scale: float) -> Iterator[Line]:
    """The e-process: false alarms, power, and the share of generations that it saves."""
    settings = ((0.05, 0.0, 1000), (0.2, 0.0, 1000), (0.2, 0.1, 500), (0.2, 0.06, 1000), (0.3, 0.2, 500))
    for share, difference, cap in settings:
        rng = np.random.default_rng([4, cap, int(100 * share), int(100 * difference)])
        setting = f"discordance {share}, difference {difference}"
        pairs = []
        for _ in range(int(4000 * scale)):
            draw = rng.random(cap)
            low, high = (share - difference) / 2, 1 - (share + difference) / 2
            pairs.append(((draw < low).astype(float), (draw > high).astype(float)))
        stops = [statistics.stop_at(a, b) for a, b in pairs]
        stopped = [stop is not None for stop in stops]
        if difference:
            yield repeated("(stopping: power)", setting, cap, stopped)
            saved = [0.0 if stop is None else 1 - (stop + 1) / cap for stop in stops]
            yield repeated("(stopping: generations saved)", setting, cap, saved)
        else:
            yield repeated("stopping, false alarm", setting, cap, stopped, "size")
            peeks = [
                any(
                    statistics.mcnemar_midp(int(x), int(y)) <= 0.05
                    for x, y in zip(np.cumsum(a)[24::25], np.cumsum(b)[24::25], strict=True)
                )
                for a, b in pairs
            ]
            yield repeated("(mid-p, looked at every 25)", setting, cap, peeks)
