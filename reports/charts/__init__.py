"""Summary to SVG figures: each states its finding in its title and carries its numbers as a table. No JavaScript.

sketches = sketch_all(summary, store, drawer)
figures = [finished(sketch, svg) for sketch, svg in zip(sketches, drawer.drawn())]
"""

from __future__ import annotations

from collections.abc import Iterator

from reports.charts.differences import differences
from reports.charts.frame import Figure, Sketch, finished
from reports.charts.latency import latency
from reports.charts.learning import curves, losses
from reports.charts.quality_cost import quality_cost
from reports.charts.volume import volume
from reports.drawing import Drawer
from reports.run.store import RunStore
from reports.summary.model import Summary

__all__ = ["Figure", "Sketch", "finished", "sketch_all"]


def sketch_all(summary: Summary, store: RunStore, drawer: Drawer) -> list[Sketch]:
    """Every figure that the run has data for, in reading order, each handed to the drawer as soon as it is made."""
    from altair.utils.schemapi import debug_mode

    sketches = []
    with debug_mode(False):  # altair would check every part against its schema: 30 ms a figure
        for sketch in _candidates(summary, store):
            if sketch is not None:
                drawer.add(sketch.spec)
                sketches.append(sketch)
    return sketches


def _candidates(summary: Summary, store: RunStore) -> Iterator[Sketch | None]:
    yield quality_cost(summary)
    yield differences(summary)
    yield latency(summary, {a.name: store.latency(a.name) for a in summary.approaches})
    yield volume(summary)
    yield from curves(summary)
    yield from losses(summary)
