"""The results of this package as frozen values: intervals, paired differences, resamples. Knows no files, no runs.

Interval(value=0.9, low=0.786, high=0.957, n=50).half_width
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Words = Literal["better", "worse", "equivalent", "not shown"]
ScoreKind = Literal["binary", "bounded", "set"]
"""How one case scores: right or wrong; a number; or only as part of a metric of the whole set (macro-F1)."""


@dataclass(frozen=True)
class Interval:
    """An estimate and its interval, in the unit of what was measured. `n` is the number of cases behind it."""

    value: float
    low: float
    high: float
    n: int
    level: float = 0.95
    method: str = ""
    n_clusters: int | None = None
    """Number of groups where cases share one; None where every case stands alone."""

    @property
    def half_width(self) -> float:
        """Half of the interval's width."""
        return (self.high - self.low) / 2

    def covers(self, value: float) -> bool:
        """True where the value lies inside the interval, its ends included."""
        return self.low <= value <= self.high


@dataclass(frozen=True)
class PairedResult:
    """Approach B against approach A on the same cases: difference = B minus A, in the metric's unit.

    `words` say how B does against A: "better" or "worse" where the difference is shown, "equivalent" where the
    90 % interval (`ends90`) lies inside the margin, else "not shown". They follow `p_adjusted` once `adjust()` has run.
    """

    difference: float
    low: float
    high: float
    p: float
    """Two-sided p of the default test, before any adjustment."""
    n: int
    a_only: int | None = None
    """Cases that only A got right; for numbers, cases where A scored higher; None for metrics of a whole set."""
    b_only: int | None = None
    discordance: float | None = None
    """Share of cases on which the two differ."""
    n_clusters: int | None = None
    method: str = ""
    low90: float = float("-inf")
    """90 % interval: what equivalence (TOST at alpha .05) is read from."""
    high90: float = float("inf")
    margin90: tuple[float, float] | None = None
    """Score interval of right-or-wrong scores: a margin is held against it beside the 90 % interval."""
    margin: float = 0.0
    p_exact: float | None = None
    """Exact McNemar p for right-or-wrong scores without groups: what most papers print, a little larger than mid-p."""
    p_adjusted: float | None = None
    """After Holm over the comparisons of one family; None before, and for a reference outside of it."""
    family: int = 0
    """Number of comparisons that `p_adjusted` was adjusted over; 0 where p was not adjusted."""
    probability_better: float | None = None
    """Bayesian companion for right-or-wrong scores: P(B better) under Dirichlet(1,1,1,1), never instead of p."""
    detectable: float | None = None
    """Smallest difference that these cases could have shown with 80 % power at the observed spread; where hardly any
    case differs, the smallest that so many cases can show at all."""
    words: Words = "not shown"
    a: str = ""
    b: str = ""

    @property
    def ends90(self) -> tuple[float, float]:
        """What a margin is held against: the 90 % interval, opened to the score interval where that reaches further.

        Bonett-Price alone would call two approaches equivalent at a true difference of the margin in up to 7 % of
        runs where one side wins nearly all discordant cases; together it is at most 5 %.
        """
        low, high = self.margin90 or (self.low90, self.high90)
        return min(low, self.low90), max(high, self.high90)

    @property
    def margin_needed(self) -> float:
        """Smallest margin at which the two would count as equivalent."""
        return max(map(abs, self.ends90))
