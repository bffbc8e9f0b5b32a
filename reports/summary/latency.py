"""Latency samples to percentiles with their intervals, and how they were taken. Knows samples only, no run.

latency_summary(store.latency("rag")).p95_seconds
"""

from __future__ import annotations

from collections.abc import Sequence

from reports.run.schema import LatencySample, Load
from reports.statistics.latency import interpolated_interval, minimum_n
from reports.summary.model import LatencyLevel, LatencySummary
from reports.text import count

LOADS: dict[Load, str] = {
    "closed-loop": "each caller sends its next request when its last one has ended, in blocks at whose end fewer are "
    "under way",
    "rounds": "they leave together, the next ones when the last answer has come",
}


def latency_summary(samples: Sequence[LatencySample]) -> LatencySummary:
    """Percentiles of the warm requests made one at a time.

    p95 is not given below 72 of them and p99 not below 368: nothing bounds them. `n` counts those requests. Cold
    starts, several requests at a time and merged weights are given beside them.
    """
    warm = [s for s in samples if s.phase == "warm" and not s.merged]
    merged = _levels([s for s in samples if s.phase == "warm" and s.merged])
    cold = [s.seconds for s in samples if s.phase == "cold"]
    cold_p50 = interpolated_interval(cold, 0.5).value if cold else None
    levels = _levels(warm)
    several = tuple((level.concurrency, level.n, level.p50_seconds) for level in levels if level.concurrency > 1)
    alone = next((level for level in levels if level.concurrency == 1), None)
    if alone is None:
        return LatencySummary(
            cold_p50_seconds=cold_p50,
            levels=levels,
            concurrency=several,
            merged_levels=merged,
            how=_how(warm, levels),
        )
    return LatencySummary(
        n=alone.n,
        p50_seconds=alone.p50_seconds,
        p50_low=alone.p50_low,
        p50_high=alone.p50_high,
        p95_seconds=alone.p95_seconds,
        p95_low=alone.p95_low,
        p95_high=alone.p95_high,
        p95_refused=alone.p95_refused,
        ttft_p50_seconds=alone.ttft_p50_seconds,
        concurrency=several,
        levels=levels,
        cold_p50_seconds=cold_p50,
        merged_levels=merged,
        how=_how(warm, levels),
    )


def _levels(samples: Sequence[LatencySample]) -> tuple[LatencyLevel, ...]:
    every = sorted({s.concurrency for s in samples})
    return tuple(_level(c, [s for s in samples if s.concurrency == c]) for c in every)


def _level(concurrency: int, samples: Sequence[LatencySample]) -> LatencyLevel:
    seconds = [s.seconds for s in samples]
    half, tail, end = (interpolated_interval(seconds, p) for p in (0.5, 0.95, 0.99))
    first = [s.ttft_seconds for s in samples if s.ttft_seconds is not None]
    starts = interpolated_interval(first, 0.5) if first else None
    speeds = [s.completion_tokens / s.seconds for s in samples if s.completion_tokens and s.seconds > 0]
    speed = interpolated_interval(speeds, 0.5) if speeds else None
    return LatencyLevel(
        concurrency=concurrency,
        loads=tuple(sorted({s.load for s in samples})),
        n=len(samples),
        p50_seconds=half.value,
        p50_low=half.low,
        p50_high=half.high,
        p95_seconds=None if tail.refused else tail.value,
        p95_low=tail.low,
        p95_high=tail.high,
        p95_refused=tail.refused,
        p99_seconds=None if end.refused else end.value,
        p99_low=None if end.refused else end.low,
        p99_high=end.high,
        ttft_p50_seconds=starts.value if starts else None,
        ttft_p50_low=starts.low if starts else None,
        ttft_p50_high=starts.high if starts else None,
        ttft_p95_seconds=interpolated_interval(first, 0.95).value if len(first) >= minimum_n(0.95) else None,
        tokens_per_second=speed.value if speed else None,
        tokens_per_second_low=speed.low if speed else None,
        tokens_per_second_high=speed.high if speed else None,
    )


def _how(warm: Sequence[LatencySample], levels: Sequence[LatencyLevel]) -> str:
    """One sentence; empty where nothing was measured."""
    if not warm:
        return ""
    parts = [
        f"{count(level.n, 'request')} {'one' if level.concurrency == 1 else f'{level.concurrency:,}'} at a time"
        for level in levels
    ]
    whole = all(s.scope == "request" for s in warm)
    inside = "from the question to the last token, embedding and search included" if whole else "the model's part alone"
    loads = sorted({load for level in levels if level.concurrency > 1 for load in level.loads})
    several = f"; several at a time: {', or '.join(LOADS[load] for load in loads)}" if loads else ""
    return (
        f"{', then '.join(parts)}, in turns with the other approaches, after a warm-up, never from a cache; {inside}"
        f"{several}; waits for a rate limit and failed attempts left out."
    )
