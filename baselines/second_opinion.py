"""A fine-tuning through a trainer of the user's: TRL, LLaMA-Factory or Axolotl, by `engine:` on the approach.

    record = train(spec, base, source, recipe, pairs, folder, resources, emit)

Its adapter answers on the same path as ours, so that the difference between two approaches that differ by `engine`
alone is the trainers' difference. Knows events; `finetune.export.outside` knows the tools.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from baselines.contract import Emit, Resources
from finetune.data import Pair
from finetune.recipe import Recipe
from reports.run.events import Progressed, Trained, Warned
from reports.run.schema import ApproachSpec, TrainingRecord, TrainingStep

if TYPE_CHECKING:
    from baselines.models.contract import Model

LINE_SECONDS = 0.5
"""The tool's own lines are told at most this often: its log file has all of them."""


def train(  # noqa: PLR0917 - what an approach has
    spec: ApproachSpec,
    base: Model,
    source: str,
    recipe: Recipe,
    pairs: Sequence[Pair],
    folder: Path,
    resources: Resources,
    emit: Emit,
) -> TrainingRecord:
    """What the tool did. Raises EnvironmentFault where it is missing or fails, UsageError for a Python not there."""
    from finetune.export.outside import ENGINES, Setting, train_outside

    engine = next(name for name in ENGINES if name == spec.options["engine"])
    model, python = spec.model, spec.options.get("engine_python")
    if python:
        python = str(resources.base_folder / Path(python).expanduser())
    emit(Progressed(approach=spec.name, what=f"starting {engine}"))
    record = train_outside(
        engine,
        pairs,
        source,
        recipe,
        folder,
        Setting(
            name=base.name,
            python=python,
            revision=model.revision if model else None,
            precision=model.precision if model else "auto",
            chat_arguments=model.chat_template_arguments if model else {},
            context_length=base.context_length,
            device=base.device,
        ),
        on_step=lambda point, total, left: emit(_trained(spec.name, point, total, left)),
        on_line=_teller(spec.name, engine, emit),
    )
    for text in record.warnings:
        emit(Warned(approach=spec.name, text=text))
    precision = getattr(base, "precision", None)
    answering = {"answers_on": precision} if precision else {}
    return record.model_copy(update={"recipe": {**record.recipe, **answering}})


def _trained(name: str, point: TrainingStep, total: int, left: float | None) -> Trained:
    return Trained(approach=name, point=point, total_steps=total, seconds_left=left)


def _teller(name: str, engine: str, emit: Emit) -> Callable[[str], None]:
    last = 0.0

    def tell(line: str) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= LINE_SECONDS:
            last = now
            emit(Progressed(approach=name, what=f"{engine}: {line}"))

    return tell
