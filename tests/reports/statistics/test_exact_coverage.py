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


@pytest.mark.parametrize(
    ("n", "discordance", "difference"), [(30, 0.1, 0.0), (30, 0.2, 0.0), (30, 0.2, 0.2), (100, 0.05, 0.02)]
)
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


def test_bonett_price_alone_covers_too_much_where_hardly_a_case_differs() -> None:
    # which is why the default leaves it there: 0.991 of these outcomes, 0.969 with the default
    n, discordance = 30, 0.1
    held = {"alone": 0.0, "default": 0.0}
    for b in range(14):
        for c in range(14):
            chance = comb(n, b) * comb(n - b, c) * (discordance / 2) ** (b + c) * (1 - discordance) ** (n - b - c)
            held["alone"] += chance * statistics.bonett_price(n, b, c).covers(0.0)
            held["default"] += chance * statistics.paired_interval(n, b, c).covers(0.0)
    assert held == pytest.approx({"alone": 0.991, "default": 0.969}, abs=5e-4)
