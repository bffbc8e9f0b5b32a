"""Learning curves: approaches that are points of another one's curve, and whether more labels would help it.

An approach whose options carry `curve_of: <name>` was trained on a part of the examples for that approach's curve. It
is shown there only: it stands in no table, no comparison and no verdict.

with_curve(approach, points, rivals, unit="share").curve_verdict
"""

from __future__ import annotations

from collections.abc import Sequence

from reports.learning_curve import TrainedAt, judge
from reports.run.schema import ApproachSpec
from reports.summary.model import ApproachSummary, CurvePoint
from reports.text import Unit

TUNED = ("qlora", "lora", "full")


def curve_of(spec: ApproachSpec) -> str | None:
    """Name of the approach whose curve this one is a point of; None for a contender."""
    owner = spec.options.get("curve_of")
    return owner if isinstance(owner, str) else None


def with_curve(
    approach: ApproachSummary, points: Sequence[ApproachSummary], rivals: Sequence[ApproachSummary], unit: Unit
) -> ApproachSummary:
    """The approach with its curve (itself the largest size) and the verdict against the best rival without training."""
    sizes = {p.training.examples: p for p in (*points, approach) if p.training and p.quality.value is not None}
    curve = tuple(
        CurvePoint(examples=n, value=p.quality.value or 0.0, low=p.quality.low, high=p.quality.high)
        for n, p in sorted(sizes.items())
    )
    if len(curve) < 2:
        return approach
    others = [
        r for r in rivals if r.kind.split("+")[0] not in TUNED and r.kind != "floor" and r.quality.value is not None
    ]
    best = max(others, key=lambda r: (r.quality.value or 0.0, r.name), default=None)
    if best is None or unit != "share":
        return approach.model_copy(update={"curve": curve})
    trained = [TrainedAt(p.examples, p.value, _standard_error(p)) for p in curve]
    found = judge(trained, best.quality.value or 0.0, best.name)
    return approach.model_copy(
        update={
            "curve": curve,
            "curve_verdict": found.text,
            "curve_words": found.words,
            "labels_needed": found.labels_needed,
            "curve_warnings": found.warnings,
        }
    )


def _standard_error(point: CurvePoint) -> float:
    if point.low is None or point.high is None:
        return 0.02
    return max((point.high - point.low) / 3.92, 1e-3)
