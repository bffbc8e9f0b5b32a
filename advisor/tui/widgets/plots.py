"""Charts by plotext in the colours of the theme: losses, quality against cost, total cost against volume.

    Losses().show(points); CostPlot().show(figure); VolumePlot().show(figure)

Plotext is a third of the app's import time, so screens import this module when they are first shown. A line is told
from another by its digit at the end as well as by its colour.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Generic, TypeVar

from textual.color import Color
from textual_plotext import PlotextPlot

from reports.charts.plain import LineFigure, PointFigure
from reports.run.schema import TrainingStep
from reports.text import significant

Figure = TypeVar("Figure", PointFigure, LineFigure)
LINE_COLOURS = ("primary", "accent", "success", "error", "secondary")


class ThemedPlot(PlotextPlot):  # type: ignore[misc]
    """A plot that is drawn anew when its data, the size or the theme changes."""

    def on_mount(self) -> None:
        super().on_mount()
        self.app.theme_changed_signal.subscribe(self, lambda _: self.redraw())

    def colour(self, name: str) -> tuple[int, int, int]:
        """A colour of the theme, as plotext wants it."""
        return Color.parse(self.app.theme_variables.get(name, "#888888")).rgb

    def redraw(self) -> None:
        """Draws the present data."""
        self.plt.clear_data()
        self.plt.clear_figure()
        self.draw()
        self.refresh()

    def draw(self) -> None:
        """The drawing itself, on an empty `self.plt`."""

    def decades(self, axis: str, low: float, high: float) -> None:
        """Labels at powers of ten for data that was put in as logarithms."""
        first, last = math.ceil(low - 1e-9), math.floor(high + 1e-9)
        step = max(1, (last - first) // 6 + 1)
        places = [float(power) for power in range(first, last + 1, step)]
        if len(places) < 2:
            places = [low, high]
        labels = [short(10**place) for place in places]
        (self.plt.xticks if axis == "x" else self.plt.yticks)(places, labels)

    def ticks(self, axis: str, low: float, high: float, unit: str = "") -> None:
        """Labels at round numbers within the ends."""
        places = rounds(low, high)
        labels = [f"{place:,.10g}{unit}" for place in places]
        (self.plt.xticks if axis == "x" else self.plt.yticks)(places, labels)


class Losses(ThemedPlot):
    """Training and validation loss against the step."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._points: tuple[TrainingStep, ...] = ()

    def show(self, points: Sequence[TrainingStep]) -> None:
        """Other points."""
        self._points = tuple(points)
        self.redraw()

    def draw(self) -> None:
        kept = [p for p in self._points if math.isfinite(p.loss)]
        held = [p for p in kept if p.validation_loss is not None and math.isfinite(p.validation_loss)]
        if len(kept) > 1:
            self.plt.plot(
                [p.step for p in kept], [p.loss for p in kept], marker="braille", color=self.colour("primary")
            )
        if held:
            steps, losses = [p.step for p in held], [p.validation_loss for p in held]
            self.plt.plot(steps, losses, marker="braille", color=self.colour("accent"))
            self.plt.scatter(steps, losses, marker="o", color=self.colour("accent"))
        every = [p.loss for p in kept] + [p.validation_loss or 0.0 for p in held]
        if len(kept) > 1:
            self.ticks("x", kept[0].step, kept[-1].step)
            self.ticks("y", min(every), max(every))


class FigurePlot(ThemedPlot, Generic[Figure]):
    """A plot of one figure at a time."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._figure: Figure | None = None

    def show(self, figure: Figure | None) -> None:
        """Another figure; None leaves the plot empty."""
        self._figure = figure
        self.redraw()

    def draw(self) -> None:
        if self._figure is not None:
            self.draw_figure(self._figure)

    def draw_figure(self, figure: Figure) -> None:
        """Draws the figure that there is."""
        raise NotImplementedError


class CostPlot(FigurePlot[PointFigure]):
    """Quality against running cost; each approach is its number in the key beside it."""

    def draw_figure(self, figure: PointFigure) -> None:
        places = [math.log10(p.x) if figure.logarithmic and p.x > 0 else p.x for p in figure.points]
        colours = {"recommended": "accent", "undominated": "primary", "dominated": "foreground"}
        for number, (x, point) in enumerate(zip(places, figure.points, strict=True), start=1):
            colour = self.colour(colours[point.standing])
            self.plt.plot([x, x], [point.low, point.high], marker="│", color=colour)
            self.plt.scatter([x], [point.y], marker=mark(number), color=colour, style="bold")
        self.plt.xlabel(figure.x_title)
        if figure.logarithmic:
            pad = 0.05 * (max(places) - min(places) or 1)
            self.plt.xlim(min(places) - pad, max(places) + pad)
            self.decades("x", min(places), max(places))
        else:
            self.plt.xlim(0, max(places) * 1.08 or 1)
            self.ticks("x", 0, max(places) * 1.08 or 1)
        low, high = min(p.low for p in figure.points), max(p.high for p in figure.points)
        pad = 0.04 * (high - low or 1)
        self.plt.ylim(low - pad, high + pad)
        self.ticks("y", low - pad, high + pad, " %" if figure.percent else "")


class VolumePlot(FigurePlot[LineFigure]):
    """Total cost against volume, the present volume as an upright line."""

    def draw_figure(self, figure: LineFigure) -> None:
        x = [math.log10(q) for q in figure.x]
        every = [math.log10(y) for line in figure.lines for y in line.y]
        self.plt.ylim(min(every), max(every))
        self.plt.xlim(x[0], x[-1])
        here = math.log10(figure.here)
        self.plt.plot([here, here], [min(every), max(every)], marker="┊", color=self.colour("foreground"))
        for number, line in enumerate(figure.lines, start=1):
            colour = self.colour(LINE_COLOURS[(number - 1) % len(LINE_COLOURS)])
            y = [math.log10(value) for value in line.y]
            self.plt.plot(x, y, marker="braille", color=colour)
            place = len(x) * (2 * number - 1) // (2 * len(figure.lines) + 1)
            self.plt.scatter([x[place]], [y[place]], marker=mark(number), color=colour, style="bold")
        self.plt.xlabel(figure.x_title)
        self.decades("x", x[0], x[-1])
        self.decades("y", min(every), max(every))


def mark(number: int) -> str:
    """1 to 9, then letters: one cell for each approach."""
    return str(number) if number < 10 else chr(ord("a") + number - 10) if number < 36 else "•"


def short(value: float) -> str:
    """An axis label of a few cells: 0.001, 10, 5k, 2M."""
    for limit, word in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= limit * 0.9999:
            return f"{value / limit:.3g}{word}"
    return significant(value, 1)


def rounds(low: float, high: float, most: int = 5) -> list[float]:
    """Up to so many round numbers between two ends, on the 1, 2, 5 ladder."""
    span = high - low
    if not span > 0:
        return [low]
    power = math.floor(math.log10(span / most))
    step = next(s for s in (digit * 10.0 ** (power + i) for i in (0, 1) for digit in (1, 2, 5)) if span / s <= most)
    first = math.ceil(low / step - 1e-9)
    return [round((first + i) * step, 12) for i in range(math.floor(high / step + 1e-9) - first + 1)]
