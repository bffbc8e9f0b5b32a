"""Would more data make fine-tuning win? Three fits, a band, and yes, no or uncertain. Numbers only, knows no runs.

judge([TrainedAt(100, 0.61), TrainedAt(200, 0.70), TrainedAt(400, 0.77), TrainedAt(800, 0.82)], rival=0.86).words

Fits of quality against the number of training examples: logit(q) = a + b ln n (the best guess), q = 1 - A n^-b, and,
with five sizes or more, q = E - A n^-b. Their lowest and highest value at the target size, opened by the 3 points that
the best fit missed by on average in real extrapolations, make the band; the whole band decides, or nobody does.
Without those 3 points the rule was right 12 times, uncertain 3 times and never wrong on the 15 extrapolations of one
study, but wrong once in 8 others on its data (Banking77, 2,048 to 8,192 examples: "no" against a rival that it passed
by 3 points). So it is a verdict and not a forecast. Nothing is said beyond four times the largest size tried.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, exp, log
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from reports import text

Floats = NDArray[np.float64]
Words = Literal["yes", "no", "uncertain"]

FARTHEST = 4
"""Times the largest size that was tried: no curve is followed further."""
MISSED_BY = 0.03
"""Mean absolute error of the logit fit at 8 to 32 times its largest size, five classification sets (evidence 5.1)."""
BUDGET = 1.5
"""Multiplies the labels needed: collect that many, then fit again."""
SIZES_FOR_FREE_CEILING = 5
FEWEST_SIZES = 3
CAVEAT = "The rule was tried on the learning curves of one classification study only."


@dataclass(frozen=True)
class TrainedAt:
    """Quality after training on so many examples."""

    examples: int
    value: float
    """In 0 to 1, mean over its seeds."""
    se: float = 0.02
    """Standard error of the value; weights are its inverse square."""
    seeds: int = 1


@dataclass(frozen=True)
class Fit:
    """One fitted curve."""

    name: str
    predict: Callable[[float], float]


@dataclass(frozen=True)
class CurveVerdict:
    """The answer, with what it rests on."""

    words: Words
    text: str
    target: int
    """Number of examples that the band is read at."""
    low: float | None = None
    high: float | None = None
    """The band: the fits at the target, opened by their usual error."""
    guess: float | None = None
    """The logit fit at the target."""
    fits: tuple[Fit, ...] = ()
    labels_needed: int | None = None
    """Examples at which the logit fit meets the rival; None beyond four times the largest size."""
    label_budget: int | None = None
    """The same times 1.5: what to plan for."""
    warnings: tuple[str, ...] = ()


def judge(
    points: Sequence[TrainedAt],
    rival: float,
    rival_name: str = "the best other approach",
    obtainable: int | None = None,
) -> CurveVerdict:
    """Whether training on more examples would bring fine-tuning above `rival` (quality in 0 to 1).

    `obtainable`: examples that could be had at most; the target is that, or four times the largest size.
    Raises ValueError for values outside 0 to 1 or repeated sizes.
    """
    ordered = sorted(points, key=lambda point: point.examples)
    _check(ordered, rival)
    largest = ordered[-1].examples if ordered else 0
    target = min(FARTHEST * largest, obtainable) if obtainable else FARTHEST * largest
    target = max(target, largest)
    if len(ordered) < FEWEST_SIZES:
        return CurveVerdict("uncertain", f"Uncertain: a curve needs {FEWEST_SIZES} training sizes.", target)
    fits = fit_all(ordered)
    ends = [fit.predict(target) for fit in fits]
    low, high = max(0.0, min(ends) - MISSED_BY), min(1.0, max(ends) + MISSED_BY)
    words: Words = "yes" if low > rival else "no" if high < rival else "uncertain"
    needed = _labels_needed(fits[0], rival, largest)
    return CurveVerdict(
        words=words,
        text=_sentence(words, ordered[-1], (rival, rival_name), (target, low, high), needed),
        target=target,
        low=low,
        high=high,
        guess=ends[0],
        fits=fits,
        labels_needed=needed,
        label_budget=None if needed is None else ceil(BUDGET * needed),
        warnings=_warnings(ordered),
    )


def _check(points: Sequence[TrainedAt], rival: float) -> None:
    if len({point.examples for point in points}) < len(points):
        raise ValueError("two points have the same number of examples: give one, the mean over its seeds")
    values = [rival, *(point.value for point in points)]
    if not all(0 <= value <= 1 for value in values):
        raise ValueError("qualities must lie between 0 and 1: rescale the metric first")


def fit_all(points: Sequence[TrainedAt]) -> tuple[Fit, ...]:
    """The fits that this many sizes allow; the logit fit, the best guess, is the first."""
    fits = [logit_fit(points), power_fit(points)]
    if len(points) >= SIZES_FOR_FREE_CEILING:
        fits.append(ceiling_fit(points))
    return tuple(fits)


def _arrays(points: Sequence[TrainedAt]) -> tuple[Floats, Floats, Floats]:
    """ln n, quality kept away from 0 and 1, standard errors."""
    n = np.array([point.examples for point in points], dtype=float)
    q = np.clip([point.value for point in points], 0.005, 0.995)
    return np.log(n), q, np.maximum([point.se for point in points], 1e-3)


def _line(x: Floats, y: Floats, se: Floats) -> tuple[float, float]:
    """Weighted least squares of y = a + b x."""
    b, a = np.polyfit(x, y, 1, w=1 / se)
    return float(a), float(b)


def logit_fit(points: Sequence[TrainedAt]) -> Fit:
    """logit(q) = a + b ln n; errors carried over by the slope 1 / (q (1-q))."""
    x, q, se = _arrays(points)
    a, b = _line(x, np.log(q / (1 - q)), se / (q * (1 - q)))
    return Fit("logit", lambda n: 1 / (1 + exp(-(a + b * log(n)))))


def power_fit(points: Sequence[TrainedAt]) -> Fit:
    """q = 1 - A n^-b, fitted as ln(1 - q) = ln A - b ln n."""
    x, q, se = _arrays(points)
    a, b = _line(x, np.log(1 - q), se / (1 - q))
    return Fit("power", lambda n: float(np.clip(1 - exp(a + b * log(n)), 0, 1)))


def ceiling_fit(points: Sequence[TrainedAt]) -> Fit:
    """q = E - A n^-b with E at most 1 and A at least 0: for each b on a grid a linear fit, the best b kept."""
    x, q, se = _arrays(points)
    best = (float("inf"), float(q.mean()), 0.0, 1.0)
    for b in np.linspace(0.02, 2.0, 199):
        basis = np.column_stack([np.ones_like(x), -np.exp(-b * x)])
        (e, a), *_ = np.linalg.lstsq(basis / se[:, None], q / se, rcond=None)
        if e > 1:
            e, a = 1.0, float(np.sum((1 - q) * -basis[:, 1] / se**2) / np.sum(basis[:, 1] ** 2 / se**2))
        if a < 0:
            continue
        error = float(np.sum(((q - e + a * np.exp(-b * x)) / se) ** 2))
        best = min(best, (error, float(e), float(a), float(b)))
    _, e, a, b = best
    return Fit("ceiling", lambda n: float(np.clip(e - a * n**-b, 0, 1)))


def _labels_needed(fit: Fit, rival: float, largest: int) -> int | None:
    """Smallest number of examples at which the fit exceeds the rival, by bisection; None beyond the farthest."""
    low, high = 1, FARTHEST * largest
    if fit.predict(high) <= rival:
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if fit.predict(middle) > rival else (middle + 1, high)
    return high


def _sentence(
    words: Words,
    last: TrainedAt,
    rival: tuple[float, str],
    band: tuple[int, float, float],
    needed: int | None,
) -> str:
    """The verdict for a reader."""
    target, low, high = band
    value, name = rival[0], text.one_line(rival[1], 60)
    ends = text.interval(low, high).replace("to", "and")
    reach = f"between {ends} at {target:,} examples, against {text.share(value)} of {name}"
    if last.value > value and words == "yes":
        return f"Yes: with {last.examples:,} examples it is above {name} already, and stays so ({reach})."
    if words == "yes":
        plan = f"; plan for about {text.significant(BUDGET * needed)} labels" if needed else ""
        return f"Yes, more data would make it win: {reach}{plan}."
    if words == "no":
        return f"No, more data would not make it win: {reach}."
    return f"Uncertain: the fits disagree, {reach}. Label a batch, train, and look again."


def _warnings(points: Sequence[TrainedAt]) -> tuple[str, ...]:
    """What makes the curve doubtful."""
    found = [CAVEAT]
    drops = [(a, b) for a, b in pairwise(points) if b.value < a.value - 2 * (a.se**2 + b.se**2) ** 0.5]
    if drops:
        a, b = drops[0]
        found.append(
            f"Quality falls from {a.examples:,} to {b.examples:,} examples by more than its noise: a training that "
            "collapsed, or batches of different kinds. Repeat that size with another seed."
        )
    if all(point.seeds < 2 for point in points[:2]):
        found.append("The two smallest sizes ran with one seed each: small trainings scatter most.")
    return tuple(found)
