"""Totals over a horizon, break-even between two approaches, what quality is worth. Numbers only.

break_even(prompt, tuned, months=12).queries        # 12.02 million; None: no break-even
value_of_quality(0.05, error_usd=0.5, queries_per_day=10_000, months=12)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from reports.costs.estimate import DAYS_PER_MONTH, CostEstimate

Always = Literal["a", "b", "equal", ""]


@dataclass(frozen=True)
class BreakEven:
    """Where two approaches cost the same over the horizon."""

    queries: float | None
    """Total number of queries; None: no break-even, see `always`."""
    queries_per_day: float | None
    """Traffic at which the totals over the horizon are equal."""
    cheaper_above: Literal["a", "b", ""]
    """Which one is cheaper beyond it."""
    always: Always
    """Which one is cheaper whatever the traffic; empty where there is a break-even."""

    def days(self, queries_per_day: float) -> float | None:
        """Days until the dearer start is earned back at this traffic (monthly fixed costs counted over the horizon)."""
        return None if self.queries is None else self.queries / queries_per_day


def break_even(a: CostEstimate, b: CostEstimate, months: float) -> BreakEven:
    """N* = (F_B - F_A) / (c_A - c_B), with monthly fixed costs over the horizon counted to F (evidence 2.1)."""
    fixed_a, fixed_b = (x.one_off_usd + months * x.monthly_fixed_usd for x in (a, b))
    slope, gap = a.per_query_usd - b.per_query_usd, fixed_b - fixed_a
    if slope == 0 or gap == 0 or (gap > 0) != (slope > 0):
        return BreakEven(None, None, "", _always(gap, slope))
    queries = gap / slope
    return BreakEven(queries, queries / (months * DAYS_PER_MONTH), "b" if slope > 0 else "a", "")


def _always(gap: float, slope: float) -> Always:
    """Who wins at any traffic when the one with the cheaper start is also not dearer per query."""
    if gap == 0 and slope == 0:
        return "equal"
    return "a" if gap >= 0 and slope <= 0 else "b"


def value_of_quality(difference: float, error_usd: float, queries_per_day: float, months: float) -> float:
    """Dollars that a higher share of right answers saves over the horizon: V * H * dq * cost of an error."""
    return difference * error_usd * queries_per_day * months * DAYS_PER_MONTH


def cost_with_errors(
    cost: CostEstimate, quality: float, error_usd: float, queries_per_day: float, months: float
) -> float:
    """Running cost over the horizon with what wrong answers cost, without the one-off part."""
    return months * cost.monthly(queries_per_day) + value_of_quality(1 - quality, error_usd, queries_per_day, months)


def cost_of_pass(per_query_usd: float, quality: float) -> float:
    """Dollars per 1,000 right answers: mean cost over quality (Erol et al., arXiv:2504.13359); infinite at 0."""
    return 1000 * per_query_usd / quality if quality > 0 else float("inf")
