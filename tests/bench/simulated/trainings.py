"""Approaches that are trained several times: do the intervals and tests of their means hold for other seeds?

for line in several_trainings(scale=1.0): print(line)

Each training draws a rate of its own around the approach's; trainings share the difficulty of the cases, so that they
are right on much the same ones. The truth is the approach's rate, over seeds and cases.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from tests.bench.simulated.binary import alike
from tests.bench.simulated.tally import SIZES, Kind, Line, settle

RATE = 0.75
SHARED = 0.7
"""Share of the cases whose outcome their difficulty decides, for all trainings alike."""


def several_trainings(scale: float) -> Iterator[Line]:
    """Two to five trainings whose rates spread by nothing up to twice what the cases' own noise is at n = 300."""
    names: dict[str, Kind] = {
        "several trainings": "coverage",
        "several trainings, difference": "coverage",
        "several trainings, test": "size",
        "several trainings, equivalence": "size",
    }
    for n in SIZES:
        for trainings, sd in ((2, 0.01), (2, 0.03), (3, 0.0), (3, 0.02), (3, 0.05), (5, 0.05)):
            setting, trial = f"{trainings} trainings, sd {sd}", partial(_trained, n=n, trainings=trainings, sd=sd)
            yield from settle(names, setting, n, trial, int(2000 * scale))


def _trained(rng: np.random.Generator, seed: int, *, n: int, trainings: int, sd: float) -> tuple[bool, ...]:
    rates = [RATE, RATE - 0.05, *rng.normal(RATE, sd, size=trainings)]
    table = alike(rng, seed, n, rates, SHARED).averaged({"a2": [f"a{i}" for i in range(3, 2 + trainings)]})
    equal, margin = table.compare("a0", "a2"), table.compare("a1", "a2", margin=0.05)
    return (
        table.quality("a2").covers(RATE),
        equal.low <= 0 <= equal.high,
        equal.p <= 0.05,
        margin.words == "equivalent",
    )
