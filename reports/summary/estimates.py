"""Results of statistics as the summary stores them. Computes nothing.

estimate(outcomes.quality("rag"), failed=3).value
"""

from __future__ import annotations

import math

from reports.statistics.results import Interval
from reports.summary.model import Estimate


def estimate(interval: Interval, failed: int = 0, format_failures: int = 0) -> Estimate:
    """An interval as the summary stores it; NaN becomes None."""
    if math.isnan(interval.value):
        return Estimate(value=None, n=interval.n, failed=failed, format_failures=format_failures)
    return Estimate(
        value=interval.value,
        low=interval.low,
        high=interval.high,
        n=interval.n,
        failed=failed,
        format_failures=format_failures,
        clusters=interval.n_clusters,
        method=interval.method,
    )
