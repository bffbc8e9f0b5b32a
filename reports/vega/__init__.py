"""Figures as SVG with altair and vl-convert, from plain numbers. Knows no run and no summary: names, sizes, values.

draw([("differences", {"rows": …, "domain": …})])             # one SVG each

`python -m reports.vega` is the drawing process of reports.drawing: it imports nothing else of the product, so that it
is ready to draw while the run is still read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Drawing = tuple[str, dict[str, Any]]
"""Name of a chart (`reports.vega.charts.CHARTS`) and its arguments, all of them JSON."""


def draw(drawings: Sequence[Drawing]) -> list[str]:
    """SVG of each drawing; the same drawing gives the same bytes."""
    import vl_convert

    return [str(vl_convert.vegalite_to_svg(spec)) for spec in specs(drawings)]


def specs(drawings: Sequence[Drawing]) -> list[dict[str, Any]]:
    """The drawings as Vega-Lite."""
    from altair.utils.schemapi import debug_mode

    from reports.vega.charts import CHARTS
    from reports.vega.look import spec_of

    with debug_mode(False):  # altair would check every part against its schema: 30 ms a figure
        return [spec_of(CHARTS[name](**data)) for name, data in drawings]
