"""Coverage and size of the defaults for right-or-wrong scores by enumeration: no simulation, no tolerance.

The wider table is `python -m tests.bench.statistics_simulation`.
"""

from __future__ import annotations

from math import comb

import numpy as np
import pytest

from reports import statistics


@pytest.mark.parametrize("p", [0.5, 0.8, 0.95])
@pytest.mark.parametrize("n", [30, 100, 300])
def test_wilson_covers(n: int, p: float) -> None:
    held = sum(comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1) if statistics.wilson(k, n).covers(p))
    assert 0.93 <= held <= 0.98


@pytest.mark.parametrize(("n", "discordance", "difference"), [(30, 0.2, 0.0), (30, 0.4, 0.1), (100, 0.1, 0.0)])
def test_the_default_pair_covers_and_keeps_its_size(n: int, discordance: float, difference: float) -> None:
    a_wins, b_wins, rest = (discordance - difference) / 2, (discordance + difference) / 2, 1 - discordance
    held = rejected = seen = 0.0
    for b in range(n + 1):
        for c in range(n + 1 - b):
            chance = comb(n, b) * comb(n - b, c) * a_wins**b * b_wins**c * rest ** (n - b - c)
            if chance < 1e-7:
                continue
            scores = np.zeros((2, n))
            scores[0, :b], scores[1, b : b + c] = 1, 1
            result = statistics.compare(*scores)
            seen += chance
            held += chance * (result.low <= difference <= result.high)
            rejected += chance * (result.p <= 0.05)
    assert seen > 0.999
    assert 0.93 <= held <= 0.98
    assert difference or rejected <= 0.06


def test_few_discordant_cases_are_no_evidence_whatever_the_interval() -> None:
    # why Bonett-Price covers 0.991 at n = 30 with 3 discordant cases expected: 4 to 0 must leave 0 inside
    assert statistics.mcnemar_exact(0, 4) == 0.125
    interval = statistics.bonett_price(30, 0, 4)
    assert interval.low < 0 < interval.high
