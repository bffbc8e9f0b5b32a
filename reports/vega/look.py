"""What all figures share: colours with a second channel, size, fonts, and the way from a chart to Vega-Lite.

spec = spec_of((altair.layer(over("rows").mark_line()), {"rows": rows}))
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import altair

BLUE, ORANGE, GREEN, PINK, GREY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#6E7781"
"""Each has a contrast of at least 3:1 on white and on the dark page; none is ever the only sign."""
WIDTH, HEIGHT = 400, 270
"""Pixels of the plot, without axes."""
FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
FONT_SIZE = 13

Rows = Sequence[Mapping[str, Any]]


def over(name: str) -> altair.Chart:
    """A chart of the rows that `spec_of` puts in under that name: altair would copy them with every layer."""
    import altair

    return altair.Chart(altair.NamedData(name=name))


def spec_of(drawn: tuple[altair.LayerChart, Mapping[str, Rows]]) -> dict[str, Any]:
    """A chart and its rows by name as Vega-Lite, with the look that all figures share."""
    chart, rows = drawn
    found: dict[str, Any] = _rounded(chart.to_dict(validate=False) | {"config": _look(), "datasets": rows})
    return found


def _rounded(value: Any) -> Any:
    """Numbers to six digits: a drawing shows no more, and the last bits differ between processors."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(item) for item in value]
    return value


def _look() -> dict[str, Any]:
    axis = {
        "labelFontSize": FONT_SIZE,
        "titleFontSize": FONT_SIZE,
        "titleFontWeight": "normal",
        "gridColor": "#d0d7de",
        "domainColor": "#57606a",
        "tickColor": "#57606a",
        "labelLimit": 190,
    }
    return {
        "background": None,
        "font": FONT,
        "axis": axis,
        "view": {"stroke": None},
        "text": {"fontSize": FONT_SIZE},
        "padding": 4,
        "legend": {"labelFontSize": FONT_SIZE, "titleFontSize": FONT_SIZE, "orient": "top", "title": None},
    }
