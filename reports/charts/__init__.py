"""Summary to SVG figures: each states its finding in its title and carries its numbers as a table. No JavaScript.

for figure in figures(summary, store): print(figure.title)
"""

from __future__ import annotations

from collections.abc import Iterator

from reports.charts.differences import differences
from reports.charts.frame import Figure
from reports.charts.latency import latency
from reports.charts.learning import curves, losses
from reports.charts.quality_cost import quality_cost
from reports.charts.volume import volume
from reports.run.store import RunStore
from reports.summary.model import Summary

__all__ = ["Figure", "figures"]


def figures(summary: Summary, store: RunStore) -> list[Figure]:
    """Every figure that the run has data for, in reading order. The first one costs 0.6 s (the renderer starts)."""
    from altair.utils.schemapi import debug_mode

    with debug_mode(False):  # altair would check every part against its schema: 30 ms a figure
        return [figure for figure in _candidates(summary, store) if figure is not None]


def _candidates(summary: Summary, store: RunStore) -> Iterator[Figure | None]:
    yield quality_cost(summary)
    yield differences(summary)
    yield latency(summary, {a.name: store.latency(a.name) for a in summary.approaches})
    yield volume(summary)
    yield from curves(summary)
    yield from losses(summary)
