"""Where the rule turns: the nearest value of one dial beyond which it comes to something else. Knows no sentences.

    turn = nearest(rule, choice, at=1000, edges=[300, 4200], up=True)     # rule: value of the dial -> Choice
    turn.value; turn.then.approach

A verdict is constant between the edges of a dial (an approach's own quality for the limit on quality, the volume at
which two cost the same, …): so it is asked once between every two of them, outward from today's value, and the first
edge behind which it differs is the exact threshold. Nothing is searched by steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import zip_longest
from math import ceil, floor, inf, isfinite, log10

from reports.verdict.choice import Choice

Rule = Callable[[float], Choice]
SAME = 1e-12
"""Relative distance below which two edges are one."""
MOST_DIGITS = 7


@dataclass(frozen=True)
class Turn:
    """A value of a dial beyond which the verdict is another one."""

    value: float
    """The edge itself: just beyond it the verdict is `then`, just before it today's."""
    up: bool
    then: Choice
    shown: float
    """The value rounded outward to few digits, where the verdict is `then`: what a reader may write into the rule."""
    digits: int
    """Significant digits of `shown`."""


def outcome(choice: Choice) -> tuple[str, str | None]:
    """What a reader calls the verdict: its kind and whom it names."""
    return choice.kind, choice.approach


def nearest(rule: Rule, now: Choice, at: float, edges: Iterable[float], *, up: bool, digits: int = 2) -> Turn | None:
    """The first edge beyond `at` (infinite: no limit so far) behind which the verdict differs from `now`.

    `digits`: the fewest significant digits that `shown` may have.
    """
    ahead = sorted({e for e in edges if isfinite(e) and (e >= at if up else e <= at)}, reverse=not up)
    ahead = [e for i, e in enumerate(ahead) if i == 0 or abs(e - ahead[i - 1]) > SAME * abs(e)]
    for edge, following in zip_longest(ahead, ahead[1:]):
        beyond = _beyond(edge, following, up)
        then = rule(beyond)
        if outcome(then) != outcome(now):
            return turn_at(rule, edge, then, up=up, digits=digits)
    return None


def turn_at(rule: Rule, edge: float, then: Choice, *, up: bool, digits: int = 2) -> Turn:
    """The edge as a turn: with the fewest digits at which the rule itself comes to what is said of it."""
    for count in range(digits, MOST_DIGITS):
        for value in (_rounded(edge, count), outward(edge, count, up)):
            if outcome(rule(value)) == outcome(then):
                return Turn(edge, up, then, value, count)
    return Turn(edge, up, then, outward(edge, MOST_DIGITS, up), MOST_DIGITS)


def _beyond(edge: float, following: float | None, up: bool) -> float:
    if following is not None:
        return (edge + following) / 2
    step = 0.5 * abs(edge) or 0.5
    return edge + step if up else edge - step


def _rounded(value: float, digits: int) -> float:
    return float(f"{value:.{digits}g}")


def outward(value: float, digits: int, up: bool) -> float:
    """To so many significant digits, away from where one comes from, and never exactly where it was."""
    if value == 0 or not isfinite(value):
        return value
    step = 10.0 ** (floor(log10(abs(value))) - digits + 1)
    steps = ceil(value / step * (1 + SAME)) if up else floor(value / step * (1 - SAME))
    return _rounded(steps * step, digits + 1)


def nearness(now: float | None, value: float) -> float:
    """How far a dial must be turned, as a ratio of at least 1; infinite where there is no value today."""
    if now is None or now <= 0 or value <= 0:
        return inf
    return max(now / value, value / now)
