"""Learning curves: approaches that are points of another one's curve, and whether more labels would help it.

An approach whose options carry `curve_of: <name>` was trained on a part of the examples for that approach's curve. It
is shown there only: it stands in no table, no comparison and no verdict.

with_curve(approach, points, rivals, unit="share").curve_verdict
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from reports.learning_curve import TrainedAt, judge
from reports.run.schema import ApproachSpec
from reports.statistics.proportions import z_value
from reports.statistics.seeds import SeedNoise
from reports.summary.model import ApproachSummary, CurvePoint, Estimate
from reports.text import Unit

TUNED = ("qlora", "lora", "full")


def curve_of(spec: ApproachSpec) -> str | None:
    """Name of the approach whose curve this one is a point of; None for a contender."""
    owner = spec.options.get("curve_of")
    return owner if isinstance(owner, str) else None


def with_curve(
    approach: ApproachSummary,
    points: Sequence[ApproachSummary],
    rivals: Sequence[ApproachSummary],
    unit: Unit,
    obtainable: int | None = None,
) -> ApproachSummary:
    """The approach with its curve and the verdict against the best rival without training.

    `obtainable`: labelled examples that could be had at most, as the interview says.

    `points`: its trainings on parts of the examples and, where it was repeated, on all of them with other seeds.
    """
    sizes: dict[int, list[ApproachSummary]] = {}
    for each in (approach, *points):
        if each.training and each.quality.value is not None:
            sizes.setdefault(each.training.examples, []).append(each)
    curve = tuple(_point(n, trained, unit) for n, trained in sorted(sizes.items()))
    if len(curve) < 2:
        return approach
    others = [
        r for r in rivals if r.kind.split("+")[0] not in TUNED and r.kind != "floor" and r.quality.value is not None
    ]
    best = max(others, key=lambda r: (r.quality.value or 0.0, r.name), default=None)
    if best is None or unit != "share":
        return approach.model_copy(update={"curve": curve})
    tried = [TrainedAt(p.examples, p.value, _standard_error(p), len(p.trainings)) for p in curve]
    found = judge(tried, best.quality.value or 0.0, best.name, obtainable)
    return approach.model_copy(
        update={
            "curve": curve,
            "curve_verdict": found.text,
            "curve_words": found.words,
            "labels_needed": found.labels_needed,
            "curve_warnings": found.warnings,
        }
    )


def _point(examples: int, trained: Sequence[ApproachSummary], unit: Unit) -> CurvePoint:
    """One size: the mean of its trainings, Var = s_seed^2 / S + s_item^2 / n (evidence 1.10)."""
    values = tuple(t.quality.value for t in trained if t.quality.value is not None)
    first, seeds = trained[0].quality, trained[0].seeds
    if seeds or len(values) < 2:  # the approach itself is the mean of its trainings already
        values, mean = (seeds.values, seeds.mean) if seeds else (values, values[0])
        return CurvePoint(examples=examples, value=mean, low=first.low, high=first.high, trainings=values)
    mean, items = fmean(values), min(z_value(0.95) * _standard_error(t.quality) for t in trained)
    half = SeedNoise.of(values).half(items, 0.95)
    low, high = (max(0.0, mean - half), min(1.0, mean + half)) if unit == "share" else (mean - half, mean + half)
    return CurvePoint(examples=examples, value=mean, low=low, high=high, trainings=values)


def _standard_error(point: CurvePoint | Estimate) -> float:
    if point.low is None or point.high is None:
        return 0.02
    return max((point.high - point.low) / 3.92, 1e-3)
