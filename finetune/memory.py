"""Memory that a fine-tuning and its answers will need, from the configuration and the recipe alone. No torch.

    estimate = estimate_memory(config, recipe, micro_batch=1, length=1024)
    estimate.total, estimate.plan_for               # bytes; plan_for adds a fifth for fragmentation
    Answering(config, weight_bytes=2.0, prompt=900, room=100, gpu=True).estimate(rows=8).total

The formula was checked against published measurements (median error 7 %, see tests/finetune/test_memory.py):

    lin = L (2 h² + 2 h kv + 3 h I), emb = V h (twice when untied)     weights per kind; experts are counted apart
    weights   LoRA, full 2 (lin + emb) bytes; QLoRA lin (1/2 + 1/64 + 4/16384) + 2 emb
    adapters  rank L (2·2h + 2 (h + kv) + 3 (h + I)) weights on all layers; DoRA one more for each output
    trained   4 bytes for a weight, as many for its gradient, 8 for Adam's two moments
    activations of one layer  T (8 h + 2 kv + 4 I) 2 bytes; checkpointed: T L h 2 bytes and one layer
    LoRA      T (rank + with dropout inputs 3/2) 2 bytes for each adapted matrix
    DoRA      T two more states as wide as each output, and once PEFT's identity, product and sum for the widest matrix
    logits    10 bytes per token and vocabulary entry; 1 with logits on answer positions only

rsLoRA scales differently and takes nothing more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from finetune.recipe import Recipe
from finetune.shape import Shape, shape_of
from reports.text import count

OVERHEAD_BYTES = 0.8e9
"""CUDA context, kernels and buffers."""

TRAINED_BYTES, MOMENT_BYTES = 4.0, 8.0
"""Of an adapter's weight and of its gradient, float32 whatever the base; of the two moments of any trained weight."""

QUANTISED_BYTES = {True: 0.5 + 1 / 64 + 4 / 16384, False: 0.5 + 4 / 64}
"""Per linear weight in NF4, with and without double quantisation of the scales."""

MARGIN = 1.2

ROWS_AT_ONCE = {True: 512, False: 128}
"""Prompts that are answered together at most, by whether on a GPU."""
PREFILL_TOKENS = {True: 16384, False: 2048}
"""Padded tokens of prompts that are read at once."""
TABLE_SHARE = {True: 0.6, False: 0.25}
"""Of the memory that is free beside the weights, for the keys and values of all answers under way."""


@dataclass(frozen=True)
class MemoryEstimate:
    """Bytes by part of a training. All of it must fit on one device."""

    weights: float
    adapters: float
    """0 for full fine-tuning, which trains the weights."""
    gradients: float
    optimizer: float
    activations: float
    logits: float
    overhead: float
    checkpointing: bool

    @property
    def total(self) -> float:
        trained = self.adapters + self.gradients + self.optimizer
        return self.weights + trained + self.activations + self.logits + self.overhead

    @property
    def margin(self) -> float:
        """For fragmentation."""
        return self.total * (MARGIN - 1)

    @property
    def plan_for(self) -> float:
        """With a margin for fragmentation."""
        return self.total * MARGIN

    def words(self) -> str:
        """One line for a plan or an error."""
        weights = {"weights": self.weights, "adapters": self.adapters}
        parts = {
            **(weights if self.adapters else {"trained weights": self.weights}),
            "gradients": self.gradients,
            "optimizer": self.optimizer,
            "activations": self.activations,
            "logits": self.logits,
            "overhead": self.overhead,
        }
        return f"{_gb(self.total)} GB, plan for {_gb(self.plan_for)} ({_listed(parts)}; margin {_gb(self.margin)})"


@dataclass(frozen=True)
class AnsweringEstimate:
    """Bytes by part of answering `rows` prompts at once."""

    rows: int
    weights: float
    adapters: float
    cache: float
    """Keys and values of all prompts and answers under way."""
    activations: float
    logits: float
    overhead: float

    @property
    def total(self) -> float:
        return self.weights + self.adapters + self.cache + self.activations + self.logits + self.overhead

    def words(self) -> str:
        """One line for a plan."""
        parts = {
            "weights": self.weights,
            **({"adapters": self.adapters} if self.adapters else {}),
            "KV cache": self.cache,
            "activations": self.activations,
            "logits": self.logits,
            "overhead": self.overhead,
        }
        return f"{_gb(self.total)} GB for {count(self.rows, 'prompt')} at once ({_listed(parts)})"


def _gb(value: float) -> str:
    return f"{value / 1e9:.{1 if value >= 1e8 else 2}f}"


def _listed(parts: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {_gb(value)}" for name, value in parts.items())


def estimate_memory(
    config: Mapping[str, Any],
    recipe: Recipe,
    *,
    length: int,
    micro_batch: int = 1,
    checkpointing: bool | None = None,
    weight_bytes: float = 2.0,
    value_bytes: float | None = None,
    double_quantised: bool = True,
    logit_bytes: float = 1.0,
    overhead: float = OVERHEAD_BYTES,
) -> MemoryEstimate:
    """Bytes to train `micro_batch` examples of `length` tokens at once.

    `weight_bytes` is 2 for bf16 and 4 for float32 (CPU), `value_bytes` of an activation; None: as the weights.
    `logit_bytes` per token and vocabulary entry: 1 with logits on answer positions only, 10 with a full fp32 copy and
    its gradient. `checkpointing` None reads the recipe.
    """
    shape = shape_of(config)
    tokens = micro_batch * length
    value = weight_bytes if value_bytes is None else value_bytes
    checkpointed = bool(recipe.gradient_checkpointing) if checkpointing is None else checkpointing
    layer = tokens * (4 * shape.hidden + 4 * shape.query + 2 * shape.kv + 4 * shape.inner) * value
    activations = tokens * shape.layers * shape.hidden * value + layer if checkpointed else shape.layers * layer
    linear, embedding = shape.linear, shape.embedding
    if recipe.method == "full":
        weights, adapters = weight_bytes * (linear + embedding), 0.0
        trained, gradients = linear + embedding, weights
    else:
        linear_bytes = QUANTISED_BYTES[double_quantised] if recipe.method == "qlora" else weight_bytes
        weights = linear_bytes * shape.dense + weight_bytes * (shape.in_experts + embedding)
        trained = shape.adapter(recipe.rank, recipe.targets, dora=recipe.use_dora)
        adapters = gradients = TRAINED_BYTES * trained
        activations += _low_rank_states(shape, recipe, tokens, value, one_layer=checkpointed)
        if recipe.use_dora:
            activations += _dora_states(shape, recipe.targets, tokens, value, one_layer=checkpointed)
            activations += _dora_workspace(shape, recipe.targets, value)
    return MemoryEstimate(
        weights=weights,
        adapters=adapters,
        gradients=gradients,
        optimizer=MOMENT_BYTES * trained,
        activations=activations,
        logits=tokens * shape.vocabulary * logit_bytes,
        overhead=overhead,
        checkpointing=checkpointed,
    )


def _low_rank_states(shape: Shape, recipe: Recipe, tokens: int, value: float, *, one_layer: bool) -> float:
    """The narrow product of each adapted matrix, and with dropout what it let through and its mask."""
    dropped = (value + 1) if recipe.dropout else 0.0
    matrices = shape.matrices(recipe.targets)
    return tokens * sum((recipe.rank * value + m.inputs * dropped) * (1 if one_layer else m.count) for m in matrices)


def _dora_states(shape: Shape, targets: str, tokens: int, value: float, *, one_layer: bool) -> float:
    """The output of the frozen layer and that of the adapter, which PEFT keeps for the magnitude's gradient."""
    return 2 * tokens * value * sum(m.outputs * (1 if one_layer else m.count) for m in shape.matrices(targets))


def _dora_workspace(shape: Shape, targets: str, value: float) -> float:
    """To norm the widest sum of weights: PEFT sends an identity through the adapter and adds the product to them."""
    return max((4.0 * m.inputs**2 + m.inputs * m.outputs * (4 + 3 * value) for m in shape.matrices(targets)), default=0)


def cache_bytes(config: Mapping[str, Any], *, tokens: int, rows: int, bytes_per_value: float = 2.0) -> float:
    """Key/value cache for answering `rows` prompts of `tokens` (prompt and answer) at once."""
    shape = shape_of(config)
    return 2 * shape.layers * shape.kv * bytes_per_value * tokens * rows


@dataclass(frozen=True)
class Answering:
    """Prompts of one length, and what answers them."""

    config: Mapping[str, Any]
    weight_bytes: float
    prompt: int
    """Tokens."""
    room: int
    """Tokens of the longest answer."""
    gpu: bool
    recipe: Recipe | None = None
    """Of the adapter beside the weights."""
    overhead: float = 0.0

    def estimate(self, rows: int) -> AnsweringEstimate:
        """Of `rows` prompts at once.

        The widest moment of a pass is in the MLP: two of its inner states and their product beside the layer's input
        and output.
        """
        shape, value = shape_of(self.config), self._value
        tokens = min(rows * self.prompt, max(self.prompt, PREFILL_TOKENS[self.gpu]))
        activations = tokens * (2 * shape.hidden + 3 * shape.inner) * value
        adapters, recipe = 0.0, self.recipe
        if recipe is not None and recipe.method != "full":
            adapters = TRAINED_BYTES * shape.adapter(recipe.rank, recipe.targets, dora=recipe.use_dora)
            activations += _dora_workspace(shape, recipe.targets, value) if recipe.use_dora else 0.0
        per_weight = self.weight_bytes
        return AnsweringEstimate(
            rows=rows,
            weights=shape.dense * per_weight + (shape.in_experts + shape.embedding) * max(per_weight, 2.0),
            adapters=adapters,
            cache=self._cache(rows),
            activations=activations,
            logits=rows * shape.vocabulary * value,
            overhead=self.overhead,
        )

    def rows_within(self, memory: float, questions: int) -> int:
        """Of `questions` prompts those that are answered together: as many as a share of what one leaves holds."""
        free = memory - self.estimate(1).total
        return max(1, min(questions, ROWS_AT_ONCE[self.gpu], int(TABLE_SHARE[self.gpu] * free / self._cache(1))))

    @property
    def _value(self) -> float:
        """Bytes of what is computed."""
        return 2.0 if self.gpu else 4.0

    def _cache(self, rows: int) -> float:
        tokens = self.prompt + self.room
        return cache_bytes(self.config, tokens=tokens, rows=rows, bytes_per_value=self._value)
