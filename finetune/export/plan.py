"""What every other trainer must be told, once: base model, method, dials in steps and devices, files, template.

    plan = plan_for(parts, recipe, base="models/qwen", layout=layout, device="cpu")
    plan.per_device, plan.accumulation, plan.warmup_steps, plan.evaluate_every

Knows no tool's spelling; `llamafactory.py`, `axolotl.py` and `trl_script.py` do.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from finetune.chat import Layout
from finetune.export.formats import Parts
from finetune.recipe import Recipe

OUTPUT = "output"
"""Folder, beside the configuration, that the tool writes its adapter to."""


@dataclass(frozen=True)
class TrainerPlan:
    """One training in numbers that all trainers share."""

    base: str
    """Folder or hub id."""
    revision: str | None
    recipe: Recipe
    layout: Layout
    device: str
    """`cpu`, or `cuda:0` and the like."""
    bf16: bool
    """Whether to compute in bfloat16: on GPUs that have it."""
    per_device: int
    accumulation: int
    steps_per_epoch: int
    warmup_steps: int
    evaluate_every: int
    max_length: int
    checkpointing: bool

    @property
    def targets(self) -> str | list[str]:
        """`all-linear`, or names."""
        said = self.recipe.targets
        return said if said == "all-linear" else [name.strip() for name in said.split(",") if name.strip()]


def plan_for(
    parts: Parts,
    recipe: Recipe,
    *,
    base: str,
    layout: Layout,
    device: str,
    revision: str | None = None,
    bf16: bool = False,
) -> TrainerPlan:
    """The plan of a split training set. The batch is divided so that its longest examples fit the recipe's tokens."""
    tokens = recipe.batch_tokens or (16384 if device.startswith("cuda") else 2048)
    longest = parts.prepared.longest
    fitting = [n for n in range(1, recipe.batch + 1) if recipe.batch % n == 0 and (n == 1 or n * longest <= tokens)]
    per_device = max(fitting)
    steps = math.ceil(len(parts.train) / recipe.batch)
    return TrainerPlan(
        base=base,
        revision=revision,
        recipe=recipe,
        layout=layout,
        device=device,
        bf16=bf16,
        per_device=per_device,
        accumulation=recipe.batch // per_device,
        steps_per_epoch=steps,
        warmup_steps=max(1, round(recipe.warmup * steps * recipe.epochs)),
        evaluate_every=max(1, round(steps / recipe.evaluations)),
        max_length=longest + 8,  # none of them may cut: some count an end token of their own
        checkpointing=recipe.gradient_checkpointing is True,
    )
