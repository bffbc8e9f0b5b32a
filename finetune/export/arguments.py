"""The keys of transformers' TrainingArguments that LLaMA-Factory and TRL take alike, from one plan.

    {"max_length": plan.max_length, **batching(plan), "gradient_checkpointing": plan.checkpointing, **watching(plan)}

Knows neither tool; what they spell in their own way stands in `llamafactory.py` and `trl_script.py`.
"""

from __future__ import annotations

from typing import Any

from finetune.export.plan import TrainerPlan


def batching(plan: TrainerPlan) -> dict[str, Any]:
    """How many examples a step takes, and in which order."""
    return {
        "per_device_train_batch_size": plan.per_device,
        "per_device_eval_batch_size": plan.per_device,
        "gradient_accumulation_steps": plan.accumulation,
        "train_sampling_strategy": "group_by_length",
    }


def watching(plan: TrainerPlan) -> dict[str, Any]:
    """Optimizer and seed; when validation is looked at; that the best checkpoint is what remains."""
    return {
        "optim": "adamw_torch",
        "seed": plan.recipe.seed,
        "eval_strategy": "steps",
        "eval_steps": plan.evaluate_every,
        "save_strategy": "steps",
        "save_steps": plan.evaluate_every,
        "save_total_limit": 1,
        "load_best_model_at_end": True,
        "metric_for_best_model": "eval_loss",
        "greater_is_better": False,
        "logging_steps": max(1, plan.evaluate_every // 8),
    }
