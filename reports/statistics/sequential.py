"""Stopping early without fooling oneself: an e-process on the discordant cases of two approaches. Counts only.

    stop_at(a_scores, b_scores)          # index of the case after which the comparison is settled, or None
    anytime_p(a_scores, b_scores)        # valid whenever one looks

Cases are taken in one seeded order. Under "no difference" each discordant case is a fair coin, so the
Krichevsky-Trofimov mixture E = B(b+1/2, c+1/2) / B(1/2, 1/2) * 2^(b+c) is a bet with fair odds: by Ville's inequality
it ever reaches 1/alpha with probability at most alpha. Right-or-wrong scores only. The estimate at stopping leans
away from zero: report its direction, and the win share's interval, which stays valid.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import log, pi

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reports.statistics.results import PairedResult

Floats = NDArray[np.float64]

BETS = 128
"""Nodes of the mixture: any number is fair, this many are exact up to 255 cases that differ."""


def log_e_value(b: ArrayLike, c: ArrayLike) -> Floats:
    """Natural logarithm of the e-value after b cases that only A got right and c that only B did; any shape."""
    from scipy.special import betaln

    wins_a, wins_b = np.asarray(b, dtype=float), np.asarray(c, dtype=float)
    return np.asarray(betaln(wins_a + 0.5, wins_b + 0.5) - log(pi) + (wins_a + wins_b) * log(2))


def e_value(b: int, c: int) -> float:
    """Evidence against "no difference": 20 settles it at 5 %."""
    return float(np.exp(log_e_value(b, c)))


def is_settled(b: int, c: int, alpha: float = 0.05, comparisons: int = 1) -> bool:
    """True when the difference is shown, whenever one looks. `comparisons`: how many run side by side (Bonferroni)."""
    return bool(log_e_value(b, c) >= log(comparisons / alpha))


def e_path(a_scores: ArrayLike, b_scores: ArrayLike) -> Floats:
    """Log e-value after each case, shape (n,), of 0/1 scores in the order they were answered.

    Means of such scores over several trainings give differences d between -1 and 1: the mixture is then over the bets
    prod(1 + x d) at Chebyshev's nodes x, which for d of -1, 0 and 1 is the same (arcsine weights, Gauss quadrature).
    """
    a, b = np.asarray(a_scores, dtype=float), np.asarray(b_scores, dtype=float)
    gain = b - a
    if np.isin(gain, (-1.0, 0.0, 1.0)).all():
        return log_e_value(np.cumsum(gain < 0), np.cumsum(gain > 0))
    bets = np.cos((2 * np.arange(1, BETS + 1) - 1) * pi / (2 * BETS))
    return np.asarray(np.logaddexp.reduce(np.cumsum(np.log1p(np.outer(gain, bets)), axis=0), axis=1) - log(BETS))


def anytime_p(a_scores: ArrayLike, b_scores: ArrayLike) -> float:
    """min(1, 1 / largest e-value so far)."""
    path = e_path(a_scores, b_scores)
    return float(min(1.0, np.exp(-path.max()))) if len(path) else 1.0


def stop_at(a_scores: ArrayLike, b_scores: ArrayLike, alpha: float = 0.05, comparisons: int = 1) -> int | None:
    """0-based index of the first case after which the comparison is settled; None where it never is."""
    hits = np.flatnonzero(e_path(a_scores, b_scores) >= log(comparisons / alpha))
    return int(hits[0]) if len(hits) else None


def looked_at(result: PairedResult, a_scores: ArrayLike, b_scores: ArrayLike) -> PairedResult:
    """The comparison where one side was stopped by its scores: p holds whenever one looked, equivalence is not said.

    Scores in the order in which they were answered. The interval is that of as many cases without looking: the
    difference at stopping leans away from zero, only its direction is shown.
    """
    return replace(
        result,
        p=anytime_p(a_scores, b_scores),
        p_exact=None,
        probability_better=None,
        low90=float("-inf"),
        high90=float("inf"),
        method="e-process, valid at any look; the interval leans away from zero",
    )


@dataclass(frozen=True)
class WinShare:
    """Share of the discordant cases that B won, with an interval valid at any stopping time."""

    value: float
    low: float
    high: float
    pairs: int


def win_share(b: int, c: int, alpha: float = 0.05) -> WinShare:
    """Confidence sequence: all shares q against which B(b+1/2,c+1/2)/B(1/2,1/2) q^-c (1-q)^-b is below 1/alpha."""
    from scipy.special import betaln, xlogy

    q = np.linspace(0, 1, 4001)
    with np.errstate(divide="ignore"):
        path = betaln(b + 0.5, c + 0.5) - log(pi) - xlogy(c, q) - xlogy(b, 1 - q)
    inside = q[path < log(1 / alpha)]
    value = c / (b + c) if b + c else float("nan")
    return WinShare(value, float(inside[0]), float(inside[-1]), b + c)
