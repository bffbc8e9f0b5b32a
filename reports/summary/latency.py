"""Latency samples to percentiles with exact intervals. Knows samples only, no run.

latency_summary(store.latency("rag")).p95_seconds
"""

from __future__ import annotations

from collections.abc import Sequence

from reports.run.schema import LatencySample
from reports.statistics.latency import quantile_interval
from reports.summary.model import LatencySummary

FEWEST_FOR_P95 = 20
"""With fewer requests the 95th percentile lies beyond the slowest one that was seen."""


def latency_summary(samples: Sequence[LatencySample]) -> LatencySummary:
    """Percentiles of the warm requests made one at a time.

    p95 has no upper end below 72 of them and is not given below 20. `n` counts those requests. Cold
    starts and several requests at a time are given beside them.
    """
    warm = [s for s in samples if s.phase == "warm" and s.concurrency == 1]
    cold = [s.seconds for s in samples if s.phase == "cold"]
    cold_p50 = quantile_interval(cold, 0.5).value if cold else None
    if not warm:
        return LatencySummary(cold_p50_seconds=cold_p50)
    half, tail = (quantile_interval([s.seconds for s in warm], p) for p in (0.5, 0.95))
    first = [s.ttft_seconds for s in warm if s.ttft_seconds is not None]
    return LatencySummary(
        n=len(warm),
        p50_seconds=half.value,
        p50_low=half.low,
        p50_high=half.high,
        p95_seconds=tail.value if len(warm) >= FEWEST_FOR_P95 else None,
        p95_low=tail.low,
        p95_high=tail.high,
        p95_refused=tail.refused,
        ttft_p50_seconds=quantile_interval(first, 0.5).value if first else None,
        concurrency=_concurrent(samples),
        cold_p50_seconds=cold_p50,
        merged=warm[0].merged,
    )


def _concurrent(samples: Sequence[LatencySample]) -> tuple[tuple[int, int, float], ...]:
    levels = sorted({s.concurrency for s in samples if s.concurrency > 1})
    found = []
    for level in levels:
        seconds = [s.seconds for s in samples if s.concurrency == level and s.phase == "warm"]
        if seconds:
            found.append((level, len(seconds), quantile_interval(seconds, 0.5).value))
    return tuple(found)
