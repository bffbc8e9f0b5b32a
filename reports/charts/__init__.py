"""Summary to SVG figures: each states its finding in its title and carries its numbers as a table. No JavaScript.

for figure in finish_all(sketch_all(summary, store)): print(figure.title)

What a figure says is decided here; how it is drawn, in reports.vega.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reports import vega
from reports.charts.differences import differences
from reports.charts.frame import Figure, Sketch, finished
from reports.charts.latency import latency
from reports.charts.learning import curves, losses
from reports.charts.quality_cost import quality_cost
from reports.charts.volume import volume
from reports.run.store import RunStore
from reports.summary.model import Summary

__all__ = ["Figure", "Sketch", "finish_all", "finished", "sketch_all"]


def sketch_all(summary: Summary, store: RunStore) -> list[Sketch]:
    """Every figure that the run has data for, in reading order, before it is drawn."""
    return [sketch for sketch in _candidates(summary, store) if sketch is not None]


def finish_all(sketches: Sequence[Sketch], drawn: Sequence[str] | None = None) -> list[Figure]:
    """The sketches with their SVG; without one it is drawn in this process."""
    svgs = vega.draw([sketch.drawing for sketch in sketches]) if drawn is None else drawn
    return [finished(sketch, svg) for sketch, svg in zip(sketches, svgs, strict=True)]


def _candidates(summary: Summary, store: RunStore) -> Iterator[Sketch | None]:
    yield quality_cost(summary)
    yield differences(summary)
    yield latency(summary, {a.name: store.latency(a.name) for a in summary.approaches})
    yield volume(summary)
    yield from curves(summary)
    yield from losses(summary)
