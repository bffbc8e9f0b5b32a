"""Does a training fit one device, and what would? From a configuration, a recipe and a size in bytes; no torch.

    found = fit(config, Recipe.from_options("full", {}), memory=24 * 2**30, length=1024)
    found.fits, found.would_fit                  # False, ("LoRA instead of full: trains in 20 GB", …)

Checkpointing is turned on where that alone makes it fit, as the trainer does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from finetune.memory import OVERHEAD_BYTES, MemoryEstimate, estimate_memory
from finetune.recipe import Method, Recipe
from finetune.shape import shape_of
from reports.text import listed

NAMES = {"full": "full fine-tuning", "lora": "LoRA", "qlora": "QLoRA (NF4)"}
TOKENS_AT_ONCE = {True: 16384, False: 2048}
"""Padded tokens of a training step's piece, by whether on a GPU; the trainer halves them when memory runs out."""
AUTOCAST_BYTES = 2.75
"""Of an activation over float32 weights that compute in bf16: norms and what runs past the layers stay float32.

Counted in a Llama's pass and way back on a CPU: 2.7 (tests/finetune/test_train_memory.py)."""
SHORTEST = 128
"""Tokens; below this, or an eighth of what was asked, a shorter context is no advice."""
SIZES = (70, 32, 14, 8, 7, 3, 1.5, 0.5)
"""Billions of weights of usual models, for advice."""


@dataclass(frozen=True)
class Fit:
    """A training on one device."""

    estimate: MemoryEstimate
    memory: float
    """Bytes of the device."""
    length: int
    micro_batch: int
    would_fit: tuple[str, ...] = ()
    """What would, where this does not; empty where nothing was found."""

    @property
    def fits(self) -> bool:
        """With the margin for fragmentation."""
        return self.estimate.plan_for <= self.memory

    @property
    def words(self) -> str:
        """One clause: fits, fits without room, does not fit."""
        needed, have = self.estimate.plan_for / 1e9, self.memory / 1e9
        if self.fits:
            return f"fits: plan for {needed:.1f} GB of {have:.1f} GB"
        if self.estimate.total <= self.memory:
            return f"tight: {self.estimate.total / 1e9:.1f} GB of {have:.1f} GB, no room for fragmentation"
        return f"does not fit: {needed:.1f} GB are needed, {have:.1f} GB are there"


def fit(
    config: Mapping[str, Any],
    recipe: Recipe,
    *,
    memory: float,
    length: int,
    micro_batch: int = 1,
    weight_bytes: float = 2.0,
    value_bytes: float | None = None,
    overhead: float = OVERHEAD_BYTES,
) -> Fit:
    """Whether `micro_batch` examples of `length` tokens train within `memory` bytes.

    See `weight_bytes_of` and `value_bytes_of`.
    """
    ask = _Ask(config, memory, length, micro_batch, weight_bytes, value_bytes or weight_bytes, overhead)
    estimate = ask.estimate(recipe)
    found = Fit(estimate, memory, length, micro_batch)
    return found if found.fits else replace(found, would_fit=tuple(_remedies(ask, recipe)))


def weight_bytes_of(method: str, *, gpu: bool, bf16: bool = True) -> float:
    """Bytes of a weight while training: whole models train in float32 everywhere, adapters in bf16 on a GPU with it."""
    return 2.0 if gpu and bf16 and method != "full" else 4.0


def value_bytes_of(method: str, *, gpu: bool, bf16: bool = True) -> float:
    """Bytes of an activation while training: whole models compute in bf16 over float32 weights on a GPU with it."""
    return AUTOCAST_BYTES if gpu and bf16 and method == "full" else weight_bytes_of(method, gpu=gpu, bf16=bf16)


def computes_in_bf16(precision: str, *, bf16: bool) -> bool:
    """Whether a training on a GPU does. `precision` as a model's; `bf16`: the GPU has it."""
    return precision == "bfloat16" or (bf16 and precision != "float32")


def without_bf16(device: str, *, answering: bool, training: bool) -> str:
    """One sentence on a GPU that has no bfloat16 and on what falls back there; empty where nothing does."""
    said = [
        *(["answers are computed in float16"] if answering else []),
        *(["trainings compute in float32, which takes twice the memory and more time"] if training else []),
    ]
    return f"{device} has no bfloat16: {listed(said)}." if said else ""


def beginning(
    config: Mapping[str, Any],
    recipe: Recipe,
    *,
    memory: float,
    longest: int,
    gpu: bool,
    bf16: bool = True,
    overhead: float = OVERHEAD_BYTES,
) -> Fit:
    """What a training begins with: a step's examples at once as far as they fit; one where that is too much.

    The plan and the trainer both ask here, before any weight is loaded. `bf16`: the training computes in it.
    """
    longest = max(1, min(longest, recipe.max_length or longest))
    at_once = max(1, min(recipe.batch, (recipe.batch_tokens or TOKENS_AT_ONCE[gpu]) // longest))
    weight_bytes = weight_bytes_of(recipe.method, gpu=gpu, bf16=bf16)
    for rows in (at_once, 1):
        found = fit(
            config,
            recipe,
            memory=memory,
            length=longest,
            micro_batch=rows,
            weight_bytes=weight_bytes,
            value_bytes=value_bytes_of(recipe.method, gpu=gpu, bf16=bf16),
            overhead=overhead,
        )
        if found.fits:
            break
    return found


@dataclass(frozen=True)
class _Ask:
    config: Mapping[str, Any]
    memory: float
    length: int
    micro_batch: int
    weight_bytes: float
    value_bytes: float
    overhead: float

    def estimate(self, recipe: Recipe) -> MemoryEstimate:
        """Checkpointed only where it must be, or where the recipe says so."""
        choices = (False, True) if recipe.gradient_checkpointing is None else (recipe.gradient_checkpointing,)
        found = [
            estimate_memory(
                self.config,
                recipe,
                length=self.length,
                micro_batch=self.micro_batch,
                checkpointing=checkpointing,
                weight_bytes=self.weight_bytes,
                value_bytes=self.value_bytes,
                overhead=self.overhead,
            )
            for checkpointing in choices
        ]
        return next((one for one in found if one.plan_for <= self.memory), found[-1])


def _remedies(ask: _Ask, recipe: Recipe) -> Iterator[str]:
    """Changes that make it fit, the least intrusive first: each alone, or where none does, several together."""
    alone = [words for words, now, dials in _changes(ask, recipe) if _fits(now, dials)]
    yield from alone
    if not alone and (together := _together(ask, recipe)):
        yield together
    if (billions := _largest(ask, recipe)) is not None:
        yield f"a model of about {billions:g} billion weights with {NAMES[recipe.method]}"
    yield f"a device with {ask.estimate(recipe).plan_for / 2**30:.0f} GiB or more"


def _changes(ask: _Ask, recipe: Recipe) -> Iterator[tuple[str, _Ask, Recipe]]:
    """(in words, what is asked then, the recipe then), one change at a time."""
    if recipe.gradient_checkpointing is False:
        dials = replace(recipe, gradient_checkpointing=True)
        yield f"gradient checkpointing (a quarter slower): trains in {_size(ask, dials)}", ask, dials
    if ask.micro_batch > 1:
        now = replace(ask, micro_batch=1)
        yield f"one example at once instead of {ask.micro_batch}: trains in {_size(now, recipe)}", now, recipe
    lengths = list(_shorter(ask.length))
    if lengths:
        now = next((one for n in lengths if _fits(one := replace(ask, length=n), recipe)), ask)
        yield f"examples of at most {now.length:,} tokens: trains in {_size(now, recipe)}", now, recipe
    if recipe.method != "full" and recipe.use_dora:
        dials = replace(recipe, use_dora=False)
        yield f"{NAMES[recipe.method]} without DoRA: trains in {_size(ask, dials)}", ask, dials
    if recipe.method != "full" and recipe.rank > 16:
        dials = replace(recipe, rank=16)
        yield f"rank 16 instead of {recipe.rank}: trains in {_size(ask, dials)}", ask, dials
    for method in _lighter(recipe):
        now = replace(ask, weight_bytes=min(ask.weight_bytes, 2.0), value_bytes=min(ask.value_bytes, 2.0))
        dials = replace(recipe, method=method)
        yield f"{NAMES[method]} instead of {NAMES[recipe.method]}: trains in {_size(now, dials)}", now, dials


def _together(ask: _Ask, recipe: Recipe) -> str:
    """Checkpointing, one example at once, QLoRA, a shorter context: added until it fits; empty where it never does."""
    said = []
    if recipe.gradient_checkpointing is False:
        recipe = replace(recipe, gradient_checkpointing=True)
        said.append("gradient checkpointing")
    if ask.micro_batch > 1:
        ask = replace(ask, micro_batch=1)
        said.append("one example at once")
    methods = [recipe.method, *_lighter(recipe)[-1:]]
    for method in methods:
        dials = replace(recipe, method=method)
        named = [*said, NAMES[method]] if method != recipe.method else said
        for length in (ask.length, *_shorter(ask.length)):
            now = replace(ask, length=length)
            if _fits(now, dials):
                words = named if length == ask.length else [*named, f"examples of at most {length:,} tokens"]
                return f"{' and '.join(words)} together: trains in {_size(now, dials)}"
    return ""


def _lighter(recipe: Recipe) -> list[Method]:
    lighter: dict[Method, list[Method]] = {"full": ["lora", "qlora"], "lora": ["qlora"], "qlora": []}
    return lighter[recipe.method]


def _fits(ask: _Ask, recipe: Recipe) -> bool:
    return ask.estimate(recipe).plan_for <= ask.memory


def _size(ask: _Ask, recipe: Recipe) -> str:
    return f"{ask.estimate(recipe).plan_for / 1e9:.1f} GB"


def _shorter(length: int) -> Iterator[int]:
    """Powers of two below `length`, the longest first."""
    n = 1 << (length - 1).bit_length() - 1 if length > 1 else 0
    while n >= max(SHORTEST, length // 8):
        if n < length:
            yield n
        n //= 2


def _largest(ask: _Ask, recipe: Recipe) -> float | None:
    """The largest usual size that fits, all parts taken as growing with the number of weights."""
    shape, estimate = shape_of(ask.config), ask.estimate(recipe)
    billions = (shape.linear + shape.embedding) / 1e9
    return next((n for n in SIZES if n < 0.9 * billions and estimate.plan_for * n / billions <= ask.memory), None)
