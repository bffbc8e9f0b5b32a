"""Summary to SVG figures: each states its finding in its title and carries its numbers as a table. No JavaScript.

for figure in draw_all(summary, store): print(figure.title)

`python -m reports.charts` is the drawing process of reports.drawing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from reports.charts.differences import differences
from reports.charts.frame import Figure, Sketch, finished
from reports.charts.latency import latency
from reports.charts.learning import curves, losses
from reports.charts.quality_cost import quality_cost
from reports.charts.volume import volume
from reports.run.store import RunStore
from reports.summary.model import Summary
from reports.tables import Cell, Table

__all__ = ["Figure", "Sketch", "draw", "draw_all", "figures_from", "finished", "sketch_all", "to_json"]


def draw_all(summary: Summary, store: RunStore) -> list[Figure]:
    """Every figure that the run has data for, in reading order."""
    sketches = sketch_all(summary, store)
    return [finished(sketch, svg) for sketch, svg in zip(sketches, draw(sketches), strict=True)]


def sketch_all(summary: Summary, store: RunStore) -> list[Sketch]:
    """The figures before they are drawn."""
    from altair.utils.schemapi import debug_mode

    with debug_mode(False):  # altair would check every part against its schema: 30 ms a figure
        return [sketch for sketch in _candidates(summary, store) if sketch is not None]


def draw(sketches: Sequence[Sketch]) -> list[str]:
    """SVG of each sketch; the same sketch gives the same bytes."""
    import vl_convert

    return [str(vl_convert.vegalite_to_svg(sketch.spec)) for sketch in sketches]


def to_json(figures: Sequence[Figure]) -> str:
    """The figures on one line, for `figures_from`."""
    return json.dumps([asdict(figure) for figure in figures])


def figures_from(line: str) -> list[Figure]:
    """The figures that `to_json` wrote."""
    from markupsafe import Markup

    return [
        Figure(**(plain | {"svg": Markup(plain["svg"]), "table": _table(plain["table"])})) for plain in json.loads(line)
    ]


def _table(plain: dict[str, Any]) -> Table:
    return Table(
        caption=plain["caption"],
        head=tuple(plain["head"]),
        rows=tuple(tuple(Cell(**cell) for cell in row) for row in plain["rows"]),
        marked=tuple(plain["marked"]),
        names=tuple(plain["names"]),
    )


def _candidates(summary: Summary, store: RunStore) -> Iterator[Sketch | None]:
    yield quality_cost(summary)
    yield differences(summary)
    yield latency(summary, {a.name: store.latency(a.name) for a in summary.approaches})
    yield volume(summary)
    yield from curves(summary)
    yield from losses(summary)
