"""Learning: loss over a training's steps, and quality after training on parts of the examples.

for figure in losses(summary): print(figure.title)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from reports import text
from reports.charts.frame import Sketch, label, padded
from reports.run.schema import TrainingRecord
from reports.summary.model import ApproachSummary, Summary
from reports.tables import Cell, Table

POINTS = 160
LEVEL = 0.98
"""A last validation loss above this share of the one before has levelled off."""
SHOWN = 12
"""Trainings of one size that are drawn and listed one by one."""


def losses(summary: Summary) -> Iterator[Sketch]:
    """One figure for each approach that was trained and logged at least two steps."""
    for i, approach in enumerate(summary.approaches):
        if approach.training and len(approach.training.history) > 1:
            yield _loss(f"loss-{i}", approach, approach.training)


def curves(summary: Summary) -> Iterator[Sketch]:
    """One figure for each approach whose quality is known at two or more training sizes."""
    for i, approach in enumerate(summary.approaches):
        if len(approach.curve) > 1:
            yield _curve(f"curve-{i}", summary, approach)


def _loss(name: str, approach: ApproachSummary, training: TrainingRecord) -> Sketch:
    steps = training.history
    stride = max(1, len(steps) // POINTS)
    train = [{"step": s.step, "loss": s.loss} for s in steps[::stride]]
    held = [{"step": step, "loss": loss} for step, loss in training.validated]
    kept = [p | {"text": "kept"} for p in held if p["step"] == training.best_step][:1]
    title = _loss_title(approach, training, held)
    return Sketch(
        id=name,
        title=title,
        caption="Solid: training. Dashed with dots: held-out examples. Ring: the step that was kept.",
        description=f"Loss of {label(approach.name)} over {training.steps:,} training steps.",
        table=_loss_table(training),
        drawing=("loss", {"train": train, "held": held, "kept": kept}),
    )


def _loss_title(approach: ApproachSummary, training: TrainingRecord, held: list[dict[str, Any]]) -> str:
    name = label(approach.name)
    if not held:
        return f"{name}: training loss fell to {text.number(training.history[-1].loss, 2)}; nothing was held out"
    last = held[-1]
    trained = [point for point in held if point["step"] > 0]  # the untrained model's is nobody's best step
    lowest = min(trained, key=lambda point: point["loss"], default=last)
    if training.best_step < last["step"]:
        return f"{name} was best at step {training.best_step:,}; later steps only fitted the training examples"
    if lowest["loss"] < last["loss"]:
        return (
            f"{name} had its lowest loss at step {lowest['step']:,}; the last weights are right as often and are kept"
        )
    if len(held) > 1 and last["loss"] > LEVEL * held[-2]["loss"]:
        return f"{name} had levelled off when training ended"
    return f"{name} was still improving when training ended: more epochs may help"


def _loss_table(training: TrainingRecord) -> Table:
    held = [s for s in training.history if s.validation_loss is not None] or list(training.history)
    stride = max(1, len(held) // 15)
    return Table(
        caption="Loss at some of the steps",
        head=("Step", "Epoch", "Training loss", "Held-out loss"),
        rows=tuple(
            (
                Cell(f"{s.step:,}"),
                Cell(text.number(s.epoch, 2)),
                Cell(text.number(s.loss, 3)),
                Cell(text.number(s.validation_loss, 3)),
            )
            for s in held[::stride]
        ),
    )


def _curve(name: str, summary: Summary, approach: ApproachSummary) -> Sketch:
    share = summary.primary.unit == "share"
    rows = [
        {"examples": p.examples, "value": p.value, "low": p.low if p.low is not None else p.value,
         "high": p.high if p.high is not None else p.value}
        for p in approach.curve
    ]  # fmt: skip
    rivals = [a for a in summary.approaches if a.training is None and a.kind != "floor" and a.quality.value is not None]
    rival = max(rivals, key=lambda a: (a.quality.value or 0.0, a.name), default=None)
    values = [v for row in rows for v in (row["low"], row["high"])] + [v for p in approach.curve for v in p.trainings]
    values += [rival.quality.value or 0.0] if rival else []
    domain = padded(min(values), max(values), 0.06, 0.0 if share else None, 1.0 if share else None)
    again = [{"examples": p.examples, "value": value} for p in approach.curve for value in p.trainings[:SHOWN]]
    title = approach.curve_verdict or f"{label(approach.name)} by number of training examples"
    return Sketch(
        id=name,
        title=title,
        caption=" ".join([f"{label(approach.name)}, 95 % intervals. {_trained(approach)}", *approach.curve_warnings])
        + (" Dashed: the best approach without training." if rival else ""),
        description=f"{summary.primary.title} of {label(approach.name)} after training on parts of the data.",
        drawing=(
            "curve",
            {
                "rows": rows,
                "again": again if len(again) > len(rows) else [],
                "rival": [{"value": rival.quality.value, "text": label(rival.name)}] if rival else [],
                "domain": domain,
                "share": share,
                "title": summary.primary.title,
            },
        ),
        table=_curve_table(summary, approach),
    )


def _curve_table(summary: Summary, approach: ApproachSummary) -> Table:
    unit = summary.primary.unit
    return Table(
        caption=f"{summary.primary.title} by training examples",
        head=("Examples", summary.primary.title, "95 % interval", "Each training"),
        rows=tuple(
            (
                Cell(f"{p.examples:,}"),
                Cell(text.quality(p.value, p.low, p.high, unit)),
                Cell(text.interval(p.low, p.high, unit)),
                Cell(", ".join(text.quality(v, p.low, p.high, unit) for v in p.trainings[:SHOWN]) or "–"),
            )
            for p in approach.curve
        ),
    )


def _trained(approach: ApproachSummary) -> str:
    """How many trainings stand behind a point, and what its interval therefore holds."""
    counts = sorted({len(p.trainings) for p in approach.curve if p.trainings})
    if not counts or counts == [1]:
        return "One training a size: the intervals hold the noise of the cases, not that of the seed."
    times = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    return f"{times} trainings a size on the same examples, each a short line: their mean and both noises."
