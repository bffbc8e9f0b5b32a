"""The charts, each from plain rows: which marks, on which scales. What they say is decided in reports.charts.

chart, rows = CHARTS["differences"](rows=[…], domain=[-5, 12], margin=2, x_title="points above zero-shot")
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from reports.vega.look import BLUE, GREY, HEIGHT, ORANGE, WIDTH, Rows, over

if TYPE_CHECKING:
    import altair

Drawn = tuple["altair.LayerChart", Mapping[str, Rows]]
Ends = list[float]


def quality_cost(
    *, rows: Rows, left: Rows, right: Rows, x_domain: Ends, y_domain: Ends, logarithmic: bool, share: bool, title: str
) -> Drawn:
    """Bars with points at their cost; the names of `left` and `right` stand at pixels, aligned to that side."""
    import altair

    kind = "log" if logarithmic else "linear"
    x = altair.X("cost:Q", title="US dollars per 1,000 answers").scale(type=kind, domain=x_domain, nice=False)
    x = x.axis(format="$,~g", tickCount=5, grid=True)
    y = altair.Y("low:Q", title=title).scale(domain=y_domain, nice=False, zero=False)
    y = y.axis(format=".0%" if share else "~g", tickCount=6)
    base = over("rows")
    colour = altair.Color("colour:N", scale=None)
    layers = [
        base.mark_rule(strokeWidth=1.5, opacity=0.75).encode(x=x, y=y, y2=altair.Y2("high:Q"), color=colour),
        base.mark_point(size=120, strokeWidth=2, opacity=1).encode(
            x=x,
            y=altair.Y("value:Q"),
            color=colour,
            fill=altair.Fill("fill:N", scale=None),
            shape=altair.Shape("shape:N", scale=None),
        ),
    ]
    sides = {"left": left, "right": right}
    layers += [
        over(align)
        .mark_text(align=align, baseline="middle")
        .encode(x=altair.X("x:Q", scale=None), y=altair.Y("y:Q", scale=None), text=altair.Text("name:N"))
        for align, names in sides.items()
        if names
    ]
    return altair.layer(*layers).properties(width=WIDTH, height=HEIGHT), {"rows": rows, **sides}


def differences(*, rows: Rows, domain: Ends, margin: float, height: float, title: str) -> Drawn:
    """Bars with points around zero, one row a name, over the band of what is too small to matter."""
    import altair

    x = altair.X("low:Q", title=title).scale(domain=domain, nice=False, zero=False)
    y = altair.Y("name:N", sort=[row["name"] for row in rows], title=None)
    base, colour = over("rows"), altair.Color("colour:N", scale=None)
    layers = altair.layer(
        over("band").mark_rect(color=GREY, opacity=0.22).encode(x=x, x2=altair.X2("high:Q")),
        over("zero").mark_rule(color=GREY, strokeWidth=1.5).encode(x=x),
        base.mark_rule(strokeWidth=2.5).encode(x=x, x2=altair.X2("high:Q"), y=y, color=colour),
        base.mark_point(filled=True, size=110, opacity=1).encode(
            x=altair.X("value:Q"), y=y, color=colour, shape=altair.Shape("shape:N", scale=None)
        ),
        base.mark_text(align="left", baseline="middle", dx=8).encode(
            x=altair.XDatum(domain[1]), y=y, text=altair.Text("words:N")
        ),
    ).properties(width=WIDTH - 90, height=height)
    return layers, {"rows": rows, "band": [{"low": -margin, "high": margin}], "zero": [{"low": 0}]}


def latency(
    *, requests: Rows, marks: Rows, domain: Ends, logarithmic: bool, limit: float | None, height: float
) -> Drawn:
    """A tick a request, one row a name, with its median, its 95th percentile and the user's limit."""
    import altair

    x = altair.X("seconds:Q", title="seconds for one answer").scale(
        type="log" if logarithmic else "linear", domain=domain, nice=False
    )
    x = x.axis(format="~g", tickCount=5)
    y = altair.Y("name:N", sort=[mark["name"] for mark in marks], title=None)
    lines = over("marks")
    layers: list[Any] = [
        over("requests").mark_tick(color=GREY, opacity=0.5, height=14, thickness=1).encode(x=x, y=y),
        lines.mark_tick(color=BLUE, height=24, thickness=3.5).encode(x=altair.X("p50:Q").scale(domain=domain), y=y),
        lines.transform_filter("isValid(datum.p95)")
        .mark_point(color=BLUE, size=90, strokeWidth=2, opacity=1)
        .encode(x=altair.X("p95:Q"), y=y),
    ]
    rows = {"requests": requests, "marks": marks}
    if limit:
        rows["limit"] = [{"seconds": limit, "text": "your limit"}]
        rule = over("limit")
        layers.append(rule.mark_rule(color=ORANGE, strokeDash=[5, 4], strokeWidth=2).encode(x=x))
        layers.append(
            rule.mark_text(align="right", dx=-5, dy=-8, baseline="bottom").encode(
                x=x, y=altair.YValue(0), text=altair.Text("text:N")
            )
        )
    return altair.layer(*layers).properties(width=WIDTH - 20, height=height), rows


def volume(
    *,
    lines: Rows,
    key: Rows,
    flips: Rows,
    here: float,
    x_domain: Ends,
    y_domain: Ends,
    title: str,
    styles: list[tuple[str, list[int]]],
) -> Drawn:
    """A line a name ("0", "1", … with the colour and the dashes of that position), their crossings and the key."""
    import altair

    x = altair.X("queries:Q", title="answers a day").scale(type="log", domain=x_domain, nice=False)
    x = x.axis(format="~s", tickCount=6)
    y = altair.Y("usd:Q", title=title)
    y = y.scale(type="log", domain=y_domain, nice=False).axis(format="$,~s", tickCount=5)
    names = [str(i) for i in range(len(styles))]
    looks: dict[str, Any] = {
        "color": altair.Color("name:N", legend=None).scale(domain=names, range=[colour for colour, _ in styles]),
        "strokeDash": altair.StrokeDash("name:N", legend=None).scale(domain=names, range=[dash for _, dash in styles]),
    }
    layers: list[Any] = [
        over("lines").mark_line(strokeWidth=2.5).encode(x=x, y=y, **looks),
        over("here").mark_rule(color=GREY, strokeDash=[5, 4], strokeWidth=1.5).encode(x=x),
    ]
    if flips:
        layers.append(over("flips").mark_point(filled=True, size=90, opacity=1, color="#8a949e").encode(x=x, y=y))
    named = over("key").encode(y=altair.Y("y:Q", scale=None))
    layers.append(named.mark_rule(strokeWidth=2.5).encode(x=altair.X("x:Q", scale=None), x2=altair.X2("x2:Q"), **looks))
    layers.append(
        named.mark_text(align="left", baseline="middle").encode(
            x=altair.X("text_x:Q", scale=None), text=altair.Text("text:N")
        )
    )
    rows = {"lines": lines, "here": [{"queries": here}], "flips": flips, "key": key}
    return altair.layer(*layers).properties(width=WIDTH, height=HEIGHT), rows


def loss(*, train: Rows, held: Rows, kept: Rows) -> Drawn:
    """Training loss as a line, validation loss as a dashed one with points, a ring at the step that was kept."""
    import altair

    x = altair.X("step:Q", title="step").axis(tickCount=6)
    y = altair.Y("loss:Q", title="loss of an answer token").scale(zero=False)
    layers: list[Any] = [over("train").mark_line(color=GREY, strokeWidth=1.5).encode(x=x, y=y)]
    if held:
        base = over("held")
        layers.append(base.mark_line(color=BLUE, strokeWidth=2.5, strokeDash=[7, 3]).encode(x=x, y=y))
        layers.append(base.mark_point(color=BLUE, filled=True, size=45, opacity=1).encode(x=x, y=y))
    if kept:
        mark = over("kept")
        layers.append(mark.mark_point(color=ORANGE, size=170, strokeWidth=2.5, opacity=1).encode(x=x, y=y))
        layers.append(mark.mark_text(dy=-15).encode(x=x, y=y, text=altair.Text("text:N")))
    chart = altair.layer(*layers).properties(width=WIDTH, height=HEIGHT - 50)
    return chart, {"train": train, "held": held, "kept": kept}


def curve(*, rows: Rows, again: Rows, rival: Rows, domain: Ends, share: bool, title: str) -> Drawn:
    """Quality by training examples with its intervals, each training as a short line, a rival as a dashed one."""
    import altair

    x = altair.X("examples:Q", title="training examples").scale(type="log", nice=False, padding=12)
    x = x.axis(values=[row["examples"] for row in rows], format=",")
    y = altair.Y("low:Q", title=title).scale(domain=domain, zero=False)
    y = y.axis(format=".0%" if share else "~g")
    value, base = altair.Y("value:Q"), over("rows")
    layers: list[Any] = [
        base.mark_rule(color=BLUE, strokeWidth=1.5).encode(x=x, y=y, y2=altair.Y2("high:Q")),
        base.mark_line(color=BLUE, strokeWidth=2.5).encode(x=x, y=value),
        base.mark_point(color=BLUE, filled=True, size=80, opacity=1).encode(x=x, y=value),
    ]
    if again:
        layers.append(
            over("again").mark_point(color=GREY, shape="stroke", size=70, strokeWidth=1.5).encode(x=x, y=value)
        )
    if rival:
        line = over("rival")
        layers.append(line.mark_rule(color=ORANGE, strokeDash=[6, 4], strokeWidth=2).encode(y=value))
        layers.append(
            line.mark_text(align="left", baseline="bottom", dy=-4, dx=4).encode(
                x=altair.value(0), y=value, text=altair.Text("text:N")
            )
        )
    chart = altair.layer(*layers).properties(width=WIDTH, height=HEIGHT - 30)
    return chart, {"rows": rows, "again": again, "rival": rival}


CHARTS: dict[str, Callable[..., Drawn]] = {
    each.__name__.replace("_", "-"): each for each in (quality_cost, differences, latency, volume, loss, curve)
}
"""By name."""
