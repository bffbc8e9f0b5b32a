"""Makes a loaded model trainable: adapters or all weights, noise on the embeddings, checkpointing where memory asks.

Refuses to know the data, and to decide what memory asks for (`fit.beginning`).

    model = adapt(weights, recipe, checkpointing=False)  # a PEFT model, or the model itself for `full`
"""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Sequence
from typing import Any

import torch

from finetune import guards
from finetune.fused import fuse
from finetune.loading import Precision, Weights
from finetune.model_files import first_line
from finetune.recipe import Recipe
from reports.errors import UsageError


def adapt(weights: Weights, recipe: Recipe, *, checkpointing: bool) -> Any:
    """The model with what is to be trained marked. Raises UsageError for `targets` that it does not have."""
    guards.prepare_quantised(weights.model)
    if checkpointing:
        weights.model.activation_checkpointing_enable({"use_reentrant": False})
    if recipe.neftune:
        _add_noise(weights.model, recipe.neftune)
    if recipe.method == "full":
        return weights.model.requires_grad_(True)
    return _with_adapter(weights.model, recipe)


def training_precision(recipe: Recipe, precision: Precision) -> Precision:
    """Of the base model while it trains."""
    if recipe.method == "qlora":
        return "nf4"
    return "float32" if recipe.method == "full" else arithmetic_precision(precision)


def arithmetic_precision(precision: Precision) -> Precision:
    """Of a training for a model that is said to have `precision`: none of those that gradients do not survive."""
    return "auto" if precision in {"nf4", "int8", "float16"} else precision


def _with_adapter(model: Any, recipe: Recipe) -> Any:
    from peft import LoraConfig, get_peft_model

    targets: Any = recipe.targets
    if targets != "all-linear":
        targets = [target.strip() for target in targets.split(",") if target.strip()]
    model.requires_grad_(False)
    config = LoraConfig(
        r=recipe.rank,
        lora_alpha=recipe.alpha,
        lora_dropout=recipe.dropout,
        target_modules=targets,
        use_rslora=recipe.use_rslora,
        use_dora=recipe.use_dora,
        bias="none",
        task_type="CAUSAL_LM",
    )
    names = sorted({name.rsplit(".", 1)[-1] for name, m in model.named_modules() if "Linear" in type(m).__name__})
    _check_targets(recipe, targets, [name for name, _ in model.named_modules()], names)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # of PEFT's own call into transformers
            adapted = get_peft_model(model, config)
    except ValueError as error:
        raise _bad_targets(recipe, targets, names, first_line(error)) from error
    fuse(adapted)
    return adapted


def _check_targets(recipe: Recipe, targets: Any, modules: Sequence[str], names: Sequence[str]) -> None:
    """Raise UsageError where one of several targets is no layer: PEFT trains the others and says nothing."""
    if targets == "all-linear":
        return
    ends = {module[at:] for module in modules for at in _starts(module)}
    unknown = [target for target in targets if target not in ends]
    if unknown:
        raise _bad_targets(recipe, unknown, names, f"there is no layer {' or '.join(map(repr, unknown))}.")


def _starts(module: str) -> list[int]:
    """Where a dotted name's trailing parts begin: PEFT matches 'q_proj' and 'self_attn.q_proj'."""
    return [0, *(at + 1 for at, letter in enumerate(module) if letter == ".")]


def _bad_targets(recipe: Recipe, targets: Sequence[str], names: Sequence[str], why: str) -> UsageError:
    near = {close: None for target in targets for close in difflib.get_close_matches(target, names, n=2)}
    meant = f"Did you mean {' or '.join(near)}? " if near else ""
    return UsageError(
        f"{recipe.method}: `targets` {recipe.targets!r} does not fit the model: {why}",
        f"{meant}Use all-linear, or some of: {', '.join(names)}.",
    )


def _add_noise(model: Any, alpha: float) -> None:
    """NEFTune (2310.05914): uniform noise of alpha / sqrt(length · width) on the embeddings while training."""

    def noisy(module: Any, _: Any, output: torch.Tensor) -> torch.Tensor:
        if not module.training:
            return output
        scale = alpha / (output.shape[1] * output.shape[2]) ** 0.5
        return output + torch.empty_like(output).uniform_(-scale, scale)

    model.get_input_embeddings().register_forward_hook(noisy)
