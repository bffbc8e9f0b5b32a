"""Simulated and exact figures against their targets, with the simulation's own error beside each. Knows no statistics.

    settle({"clustered t": "size"}, "20 groups of 5", 100, trial, first=2000)

A simulated figure is repeated until it lies two of its own standard errors from the nearest limit, or up to five
times as often: a cell is never called a miss, or a pass, on too few repetitions without that being visible.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

SIZES = (30, 100, 300)
COVERAGE = (0.93, 0.98)
LARGEST_SIZE = 0.06
MOST_TIMES = 5
Kind = Literal["coverage", "size", "told"]
"""`told`: no target, shown beside the others."""
Trial = Callable[[np.random.Generator, int], Sequence[bool]]
"""Draws from the generator, hands the seed to what resamples, returns one outcome a figure."""


@dataclass(frozen=True)
class Line:
    """One figure."""

    what: str
    setting: str
    n: int
    figure: float
    error: float
    """Monte Carlo standard error; 0 where the figure is exact."""
    kind: Kind
    note: str = ""
    """Why a figure outside its target is right: it is then no miss, and is printed with it."""

    @property
    def inside(self) -> bool:
        """True where the target is met, or where twice the simulation's error reaches it."""
        slack = 2 * self.error
        if self.kind == "coverage":
            return COVERAGE[0] - slack <= self.figure <= COVERAGE[1] + slack
        return self.kind == "told" or self.figure <= LARGEST_SIZE + slack

    @property
    def ok(self) -> bool:
        """True where it is inside, or explained."""
        return self.inside or bool(self.note)

    @property
    def settled(self) -> bool:
        """True where more repetitions would not move it across a limit."""
        limits = {"coverage": COVERAGE, "size": (LARGEST_SIZE,), "told": ()}[self.kind]
        return all(abs(self.figure - limit) > 2 * self.error for limit in limits)


def settle(names: Mapping[str, Kind], setting: str, n: int, trial: Trial, first: int) -> Iterator[Line]:
    """Repeats `trial(rng, seed)`, one outcome a name, until every figure is settled or 5 x `first` are done."""
    rng = np.random.default_rng([n, *f"{setting} {next(iter(names))}".encode()])
    sums, done = np.zeros(len(names)), 0
    while True:
        for seed in range(done, done + first):
            sums += trial(rng, seed)
        done += first
        found = [
            Line(
                what, setting, n, rate := float(total / done), max((rate * (1 - rate)), 1 / done) ** 0.5 / done**0.5, k
            )
            for (what, k), total in zip(names.items(), sums, strict=True)
        ]
        if done >= MOST_TIMES * first or all(line.settled for line in found):
            break
    yield from found


def repeated(what: str, setting: str, n: int, outcomes: Sequence[float] | Sequence[bool], kind: Kind = "told") -> Line:
    """A mean over a fixed number of repetitions."""
    values = np.asarray(outcomes, dtype=float)
    return Line(what, setting, n, float(values.mean()), float(values.std()) / len(values) ** 0.5, kind)


def shown(line: Line) -> str:
    """One line of the long table: '!' marks a miss, '*' a figure outside its target with its reason."""
    mark = " " if line.inside else "*" if line.note else "!"
    error = " exact" if line.error == 0 else f"{line.error:6.4f}"
    note = f"   {line.note}" if line.note and not line.inside else ""
    return f"{mark} {line.what:36} {line.setting:46} {line.n:5d} {line.figure:7.3f} ± {error}{note}"


def table(lines: Iterable[Line]) -> Iterator[str]:
    """Markdown for the README: one row a default, its range over all settings at each number of cases.

    A star: settings that lie outside for a reason that the long table gives are not in the range.
    """
    rows: dict[tuple[str, Kind], dict[int, list[Line]]] = {}
    for line in lines:
        if line.kind != "told" and line.n in SIZES:
            rows.setdefault((line.what, line.kind), {}).setdefault(line.n, []).append(line)
    yield "| default | figure | " + " | ".join(f"n = {n}" for n in SIZES) + " |"
    yield "|" + "---|" * (len(SIZES) + 2)
    for (what, kind), cells in rows.items():
        figure = "coverage" if kind == "coverage" else "size, largest"
        yield f"| {what} | {figure} | " + " | ".join(_cell(cells.get(n, []), kind) for n in SIZES) + " |"


def _cell(lines: list[Line], kind: Kind) -> str:
    if not lines:
        return "–"
    shown = [line for line in lines if line.inside or not line.note] or lines
    worst = max(line.error for line in shown)
    error = ("" if worst == 0 else f" ± {worst:.3f}") + ("" if len(shown) == len(lines) else " *")
    figures = [f"{line.figure:.3f}" for line in sorted(shown, key=lambda line: line.figure)]
    if kind == "size" or figures[0] == figures[-1]:
        return figures[-1] + error
    return f"{figures[0]} to {figures[-1]}{error}"
