"""How long training and answering take on a device, as a range, from FLOPs and bandwidth. Measures nothing; no torch.

    device = Device("RTX 4090", flops=165e12, bandwidth=1.0e12, gpu=True)
    training_seconds(config, Recipe.from_options("qlora", {}), device, tokens=500_000, steps=300)   # Range(low, …)

    forward pass            2 FLOPs a weight and token (Kaplan 2001.08361)
    training with adapters  4: no gradients for frozen weights; 6 with checkpointing; full fine-tuning 6, then 8
    one decoding step       the weights and the cache read once, for all rows that answer together

What of a device's peak is reached differs by a factor of some five between trainers, lengths and models: the range is
meant. Published throughputs lie inside it (tests/finetune/test_speed.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from finetune.memory import cache_bytes
from finetune.recipe import Recipe
from finetune.shape import shape_of

GPU_SHARE = (0.65, 0.32, 0.10)
"""Of the dense bf16 peak: well filled, usual, short uneven batches."""
CPU_SHARE = (0.90, 0.45, 0.15)
"""Of what a large matrix product reached just now."""
BANDWIDTH_SHARE = (0.8, 0.5, 0.2)
NF4_COST = 1.35
"""Times the 16-bit step: published are 1.34 to 1.51, less where memory was the limit."""
LAYER_SECONDS = {True: (1e-4, 3e-4, 1e-3), False: (5e-5, 2e-4, 1e-3)}
"""Floor of one layer's forward pass, by whether on a GPU: launching kernels and Python cost it for tiny models."""


@dataclass(frozen=True)
class Range:
    """Seconds, bytes or dollars: between `low` and `high`, `typical` the best guess."""

    low: float
    typical: float
    high: float

    def __add__(self, other: Range) -> Range:
        return Range(self.low + other.low, self.typical + other.typical, self.high + other.high)

    def times(self, low: float, typical: float | None = None, high: float | None = None) -> Range:
        """Scaled by one factor, or by one an end."""
        typical = low if typical is None else typical
        return Range(self.low * low, self.typical * typical, self.high * (typical if high is None else high))


NOTHING = Range(0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Device:
    """What computes. Peak figures; what of them is reached is this module's matter."""

    name: str
    flops: float
    """A second: dense bf16 with fp32 sums on a GPU; measured float32 on a CPU."""
    bandwidth: float
    """Bytes a second of its memory."""
    gpu: bool
    memory: float = 0.0
    """Bytes; 0 where unknown."""
    bf16: bool = True
    """Where it is a GPU: whether it has bfloat16."""


def training_seconds(
    config: Mapping[str, Any],
    recipe: Recipe,
    device: Device,
    *,
    tokens: float,
    steps: float,
    micro_batches: float = 1.0,
    checkpointing: bool = False,
) -> Range:
    """To train on `tokens` (prompts and answers, all epochs) in `steps` optimizer steps, validation not counted."""
    weights, layers = _weights(config), shape_of(config).layers
    per_weight = (6 if recipe.method == "full" else 4) + (2 if checkpointing else 0)
    slower = NF4_COST if recipe.method == "qlora" else 1.0
    compute = _compute(device, per_weight * weights * tokens * slower)
    passes = steps * micro_batches * (4 if checkpointing else 3) * layers * slower
    floor = Range(*(seconds * passes for seconds in LAYER_SECONDS[device.gpu]))
    return _longer(compute, floor)


def answering_seconds(
    config: Mapping[str, Any],
    device: Device,
    *,
    questions: int,
    prompt_tokens: float,
    answer_tokens: float,
    weight_bytes: float,
    rows: int = 32,
) -> Range:
    """To answer `questions`, `rows` at once: reading prompts by FLOPs, decoding by bandwidth."""
    weights, layers = _weights(config), shape_of(config).layers
    reading = _compute(device, 2 * weights * questions * prompt_tokens)
    steps = -(-questions // max(1, rows)) * answer_tokens
    at_once = min(rows, questions)
    read = weights * weight_bytes + cache_bytes(config, tokens=int(prompt_tokens + answer_tokens), rows=at_once)
    decoding = Range(*(steps * read / (device.bandwidth * share) for share in BANDWIDTH_SHARE))
    decoding = _longer(decoding, _compute(device, 2 * weights * questions * answer_tokens))
    floor = Range(*(seconds * layers * steps for seconds in LAYER_SECONDS[device.gpu]))
    return reading + _longer(decoding, floor)


def embedding_seconds(device: Device, *, tokens: float, weights: float = 10.6e6) -> Range:
    """To embed `tokens`; MiniLM computes with 10.6 million weights (its word table is only read)."""
    return _compute(device, 2 * weights * tokens)


def _weights(config: Mapping[str, Any]) -> float:
    """That each token is multiplied with: the layers and the output layer."""
    shape = shape_of(config)
    return float(shape.active_linear + shape.vocabulary * shape.hidden)


def _compute(device: Device, flops: float) -> Range:
    return Range(*(flops / (device.flops * share) for share in (GPU_SHARE if device.gpu else CPU_SHARE)))


def _longer(a: Range, b: Range) -> Range:
    return Range(max(a.low, b.low), max(a.typical, b.typical), max(a.high, b.high))
