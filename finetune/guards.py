"""Watches a training for the failures that otherwise pass in silence, and says what to change first.

Refuses to decide the recipe. Each check either says nothing, gives a sentence, or raises.

    watch = Watch(recipe)
    alarm = watch.step(step, loss, grad_norm)       # "" while all is well, else why training must end
"""

from __future__ import annotations

import math
import statistics
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from finetune.recipe import Recipe
from reports.errors import DataError, EnvironmentFault

TOO_LARGE = 0.3
"""Size of an adapter relative to its weights, early in a training."""

KEPT, LARGEST_KEPT = 4, 2**25
"""Matrices of a whole model whose first values are kept for comparison, and weights of the largest of them."""

WINDOW = 5
"""Steps whose mean loss is compared: single batches jump."""


def prepare_quantised(model: Any) -> int:
    """Keep NF4 layers trainable on CPUs with AVX512-BF16; returns how many there are.

    bitsandbytes 0.50 repacks such a layer at its first evaluation forward and then has no backward for it: gradients
    stop there and nothing warns. Raises EnvironmentFault where a layer has already been repacked.
    """
    layers = quantised_layers(model)
    for layer in layers:
        layer.support_avx512bf16_for_cpu = False
    check_quantised(model)
    return len(layers)


def check_quantised(model: Any) -> None:
    """Raise EnvironmentFault when a quantised layer has been repacked for evaluation and has lost its gradient."""
    for layer in quantised_layers(model):
        if getattr(getattr(layer.weight, "quant_state", None), "packing_format_for_cpu", False):
            raise EnvironmentFault(
                "A 4-bit layer was repacked for evaluation, so no gradient would pass through it.",
                "This is a fault of the installed bitsandbytes: use `lora` instead of `qlora`.",
            )


def quantised_layers(model: Any) -> list[Any]:
    """The bitsandbytes 4-bit layers of a model."""
    return [module for module in model.modules() if type(module).__name__ in {"Linear4bit", "LinearNF4", "LinearFP4"}]


def check_gradients(named: Any) -> None:
    """After the first backward: every trained tensor got a gradient, and not all of them are zero.

    Raises EnvironmentFault otherwise. In a fresh adapter the A half has a zero gradient (B is zero), so zeros are
    judged over all tensors together.
    """
    parameters = list(named)
    if not parameters:
        raise EnvironmentFault("No weights are trainable.", "Check `targets` in the recipe.")
    missing = [name for name, parameter in parameters if parameter.grad is None]
    if missing:
        raise EnvironmentFault(
            f"{len(missing)} of {len(parameters)} trained tensors receive no gradient, first {missing[0]}.",
            "Try `gradient_checkpointing: no`, or `lora` instead of `qlora`.",
        )
    if all(float(parameter.grad.abs().sum()) == 0 for _, parameter in parameters):
        raise EnvironmentFault(
            "All gradients of the first step are zero: nothing would be learnt.",
            "Try `gradient_checkpointing: no`, or `lora` instead of `qlora`.",
        )


def check_base(loss: float) -> float:
    """The untrained model's validation loss. Raises DataError where it is not a number: nothing can be learnt."""
    if not math.isfinite(loss):
        raise DataError(
            "The untrained model's loss on the validation examples is not a number.",
            "Its weights are broken or overflow in this precision: try `precision: float32`, or download it again.",
        )
    return loss


@dataclass
class Watch:
    """The course of the loss. Its fields are part of a checkpoint."""

    recipe: Recipe
    base: float = float("inf")
    """Validation loss before training: what a training that helps stays below."""
    recent: deque[float] = field(default_factory=lambda: deque(maxlen=WINDOW))
    lowest: float = float("inf")
    """Of `level`, over whole windows."""

    def step(self, step: int, loss: float, grad_norm: float) -> str:
        """Why training must end now, or an empty string.

        Raises DataError for a loss of exactly zero, which means that nothing carried it.
        """
        if loss == 0.0:
            raise DataError(
                f"The training loss is exactly 0 at step {step}: no token carries loss.",
                "Look at the outputs of the training data: they may all be empty or one token.",
            )
        if not math.isfinite(loss) or not math.isfinite(grad_norm):
            return self.not_a_number(step)
        self.recent.append(loss)
        if len(self.recent) < WINDOW:
            return ""
        lowest, now = self.lowest, self.level
        self.lowest = min(lowest, now)
        # What was learnt is lost: twice the loss is far beyond what batches differ by.
        if now > 2 * lowest + 0.5:
            return f"diverged: loss fell to {lowest:.2f} and rose to {now:.2f} by step {step}. {self._lower()}"
        return self.far_above(step, now)

    def far_above(self, step: int, loss: float) -> str:
        """Why training must end where it left the untrained model's loss behind upwards, or an empty string.

        With room: the batches of a few steps differ from the validation side without any fault.
        """
        if loss <= 1.25 * self.base + 0.25:
            return ""
        return f"diverged: loss rose from {self.base:.2f} to {loss:.2f} by step {step}. {self._lower()}"

    def not_a_number(self, step: int) -> str:
        """Why training must end where a loss or gradient cannot be used."""
        return f"diverged: loss or gradient is not a number at step {step}. {self._lower()}"

    @property
    def level(self) -> float:
        """Mean loss of the last steps that had one; the untrained model's before the first."""
        return sum(self.recent) / len(self.recent) if self.recent else self.base

    def _lower(self) -> str:
        return lower_rate(self.recipe)


class Growth:
    """How far a training has moved weights, relative to their size: an adapter's product, or whole matrices themselves.

    A correction has a small fraction of their size. Measured on a model of 2.6 million weights after 30 steps: 0.08 at
    a rate that learns well (5e-3) and 0.55 at one that does not (2e-2), where the loss alone shows nothing yet.
    """

    def __init__(self, model: Any) -> None:
        self.told = False
        self._layers = [module for module in model.modules() if len(getattr(module, "lora_A", ())) > 0]
        self._sizes: list[float] = []
        self._before = [] if self._layers else _some_matrices(model)

    def check(self, recipe: Recipe) -> str:
        """A sentence, once, when the median layer moved by more than `TOO_LARGE`; else an empty string."""
        if self.told or not (self._layers or self._before):
            return ""
        median = statistics.median(self.relative())
        if median < TOO_LARGE:
            return ""
        self.told = True
        what = (
            f"the adapter has {median:.0%} of the size of the weights that it should correct"
            if self._layers
            else f"the weights have moved by {median:.0%} of their size"
        )
        rate = f"learning_rate {recipe.learning_rate:g}"
        return f"{rate} looks too high: after few steps {what}. {lower_rate(recipe)}"

    def relative(self) -> list[float]:
        """Frobenius norm of each layer's B·A with its scale, or of each matrix' change, over that of its weights."""
        import torch

        with torch.no_grad():
            if self._before:
                return [float((now - then).norm()) / max(float(then.norm()), 1e-12) for now, then in self._before]
            self._sizes = self._sizes or [_weight_norm(layer.get_base_layer()) for layer in self._layers]
            return [_product_norm(layer) / size for layer, size in zip(self._layers, self._sizes, strict=True)]


def _some_matrices(model: Any) -> list[tuple[Any, Any]]:
    """(matrix, its values now) of a few trained ones, spread over the depth: all of them would double the memory."""
    found = [p for p in model.parameters() if p.requires_grad and p.dim() == 2 and p.numel() <= LARGEST_KEPT]
    inner = found[1:] or found  # the first is the word table, of which most rows never move
    return [(p, p.detach().clone()) for p in inner[:: max(1, len(inner) // KEPT)][:KEPT]]


def _product_norm(layer: Any) -> float:
    (name,) = layer.active_adapters[:1]
    first, second = layer.lora_A[name].weight, layer.lora_B[name].weight
    # |BA|² = tr(BᵀB·AAᵀ): rank by rank, never the whole product.
    square = float(((second.T @ second) * (first @ first.T)).sum())
    return float(layer.scaling[name] * max(square, 0.0) ** 0.5)


def lower_rate(recipe: Recipe) -> str:
    """What to change first."""
    now = recipe.learning_rate
    return f"Lower learning_rate first: try {now / 10:g} instead of {now:g}."


def _weight_norm(layer: Any) -> float:
    weight = layer.weight
    if getattr(weight, "quant_state", None) is not None:
        import bitsandbytes.functional as kernels

        weight = kernels.dequantize_4bit(weight.data, weight.quant_state)
    return max(float(weight.detach().float().norm()), 1e-12)
