"""Does a fine-tuning fit a card? From a configuration alone, offline: what `advisor plan --model` answers.

    answer = fitting(FitOptions("Llama-3-8B", methods=("qlora",), card="RTX 4090"))
    print("\\n".join(answer.lines())); answer.document()

Reads at most a config.json: no weights, no torch, no network.
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, get_args

from advisor.cards import Card, find_card, known
from finetune.architectures import architecture
from finetune.fit import Fit, fit, value_bytes_of, weight_bytes_of, without_bf16
from finetune.loading import BYTES_PER_WEIGHT
from finetune.memory import OVERHEAD_BYTES, ROWS_AT_ONCE, Answering, AnsweringEstimate
from finetune.recipe import Method, Recipe
from finetune.shape import KNOWN, shape_of, unknown_layers
from finetune.speed import Device, Range, training_seconds
from reports.errors import UsageError
from reports.text import clean, count, json_text, number, size

EXACTNESS = (
    "The formula is within 20 % of all 27 published measurements that it was held against (median 7 %; rank, length "
    "and logits as each source has them) and of 34 of 38 figures that vendors state; it lies above minima that leave "
    "out the logits of vocabularies beyond 100,000."
)
TRAINING_PARTS = ("weights", "adapters", "gradients", "optimizer", "activations", "logits", "overhead")
ANSWERING_PARTS = ("weights", "adapters", "cache", "activations", "logits", "overhead")
STEP_EXAMPLES = 16
"""Of an optimizer step, for the speed."""


@dataclass(frozen=True)
class FitOptions:
    """What is asked."""

    model: str
    """A config.json, a model folder, or a published architecture."""
    methods: tuple[str, ...] = ()
    """Empty: all of them."""
    rank: int = 16
    length: int = 1024
    """Tokens of the longest example, prompt and answer together."""
    batch: int = 1
    """Examples that go through the model at once."""
    card: str = ""
    """A card's name or its GiB; empty: this machine, as far as its memory is free."""
    targets: str = "all-linear"
    """Layers with adapters, joined by commas."""
    dora: bool = False


@dataclass(frozen=True)
class MethodFit:
    """One method on the card."""

    method: Method
    fit: Fit
    """The training."""
    one: AnsweringEstimate
    """Answering one prompt at a time: this much it takes."""
    several: AnsweringEstimate
    """As many as are answered together there."""
    precision: str
    """Of the weights that answer, as `precision` of a project's model."""
    tokens_per_second: Range | None
    """While training; None where the card's speed is not known."""

    @property
    def needed(self) -> float:
        """Bytes to plan for: the larger of training, with its margin, and answering."""
        return max(self.fit.estimate.plan_for, self.one.total)

    @property
    def fits(self) -> bool:
        """Both do."""
        return self.needed <= self.fit.memory

    @property
    def words(self) -> str:
        """One clause: fits, fits without room, does not fit."""
        if self.one.total <= self.fit.estimate.plan_for:
            return self.fit.words
        what = "fits: plan for" if self.fits else "does not fit: answering takes"
        return f"{what} {self.needed / 1e9:.1f} GB of {self.fit.memory / 1e9:.1f} GB"

    @property
    def would_fit(self) -> tuple[str, ...]:
        """What would, where this does not."""
        if self.fits or self.fit.would_fit:
            return self.fit.would_fit
        return (f"shorter examples, a smaller model, or a device with {self.needed / 2**30:.0f} GiB or more",)

    def lines(self) -> Iterator[str]:
        """For a terminal."""
        checkpointed = ", with gradient checkpointing" if self.fit.estimate.checkpointing else ""
        yield f"{self.method}: {self.words}{checkpointed}"
        yield f"  training {self.fit.estimate.words()}"
        yield f"  answering in {self.precision} {self.several.words()}, {self.one.total / 1e9:.1f} GB for one at a time"
        if self.fits and self.tokens_per_second is not None:
            speed = self.tokens_per_second
            yield (
                f"  speed: {speed.low:,.0f} to {speed.high:,.0f} tokens/s, about {speed.typical:,.0f}: a million "
                f"tokens take {1e6 / speed.high / 60:,.0f} to {1e6 / speed.low / 60:,.0f} minutes"
            )
        elif self.fits:
            yield "  speed: unknown for this card"
        for remedy in self.would_fit:
            yield f"  would fit: {remedy}"


@dataclass(frozen=True)
class FitAnswer:
    """The answer for one model and one card."""

    model: str
    weights: int
    card: str
    memory: float
    """Bytes: all of a card that is asked for, what is free of this machine's."""
    options: FitOptions
    methods: tuple[MethodFit, ...]
    fallback: str = ""
    """What falls back on a card without bfloat16."""

    def lines(self) -> Iterator[str]:
        """For a terminal."""
        asked = self.options
        layers = "all linear layers" if asked.targets == "all-linear" else asked.targets
        layers += " with DoRA" if asked.dora else ""
        yield f"{self.model}: {number(self.weights / 1e9, 2)} billion weights"
        yield (
            f"asked: rank {asked.rank} on {layers}, examples of {asked.length:,} tokens, "
            f"{count(asked.batch, 'example')} at once, on {self.card} "
            f"({size(self.memory)}{'' if asked.card else ' free'})"
        )
        if self.fallback:
            yield self.fallback
        for one in self.methods:
            yield from one.lines()
        yield EXACTNESS

    def document(self) -> dict[str, Any]:
        """For --json. Bytes and tokens a second."""
        return {
            "model": self.model,
            "weights": self.weights,
            "card": self.card,
            "memory_bytes": self.memory,
            "warnings": [self.fallback] if self.fallback else [],
            "asked": asdict(self.options),
            "methods": [
                {
                    "method": one.method,
                    "fits": one.fits,
                    "words": one.words,
                    "needed_bytes": one.needed,
                    "total_bytes": one.fit.estimate.total,
                    "plan_for_bytes": one.fit.estimate.plan_for,
                    "margin_bytes": one.fit.estimate.margin,
                    "parts": {name: getattr(one.fit.estimate, name) for name in TRAINING_PARTS},
                    "answering": {
                        "precision": one.precision,
                        "one_prompt_bytes": one.one.total,
                        "prompts_at_once": one.several.rows,
                        "total_bytes": one.several.total,
                        "parts": {name: getattr(one.several, name) for name in ANSWERING_PARTS},
                    },
                    "checkpointing": one.fit.estimate.checkpointing,
                    "tokens_per_second": asdict(one.tokens_per_second) if one.tokens_per_second else None,
                    "would_fit": list(one.would_fit),
                }
                for one in self.methods
            ],
        }


def show_fit(options: FitOptions, *, as_json: bool) -> None:
    """Prints the answer."""
    answer = fitting(options)
    if as_json:
        sys.stdout.write(json_text(answer.document()))
        return
    for line in answer.lines():
        sys.stdout.write(clean(line) + "\n")


def fitting(options: FitOptions) -> FitAnswer:
    """Raises UsageError for an unknown model, card or method, DataError for a file that is no configuration."""
    _check_targets(options.targets)
    name, config = architecture(options.model)
    if config.get("quantization_config"):
        raise UsageError(
            f"{name} is already quantised, so it cannot be trained as it stands", "name the unquantised model"
        )
    device, memory = _device(options.card)
    shape = shape_of(config)
    return FitAnswer(
        model=name,
        weights=shape.linear + shape.embedding,
        card=device.name,
        memory=memory,
        options=options,
        methods=tuple(_method(config, method, options, device, memory) for method in _methods(options.methods)),
        fallback="" if device.bf16 else without_bf16(device.name, answering=True, training=True),
    )


def _methods(said: tuple[str, ...]) -> tuple[Method, ...]:
    every: tuple[Method, ...] = get_args(Method)
    for one in said:
        if one not in every:
            raise UsageError(f"there is no method {one!r}", f"one of: {', '.join(every)}")
    return tuple(one for one in every if not said or one in said)


def _method(config: dict[str, Any], method: Method, options: FitOptions, device: Device, memory: float) -> MethodFit:
    dials = {"rank": options.rank, "targets": options.targets, "use_dora": options.dora}
    recipe = Recipe.from_options(method, {} if method == "full" else dials)
    if options.length < 1 or options.batch < 1:
        raise UsageError("--length and --batch are at least 1", "--length 1024 --batch 1")
    found = fit(
        config,
        recipe,
        memory=memory,
        length=options.length,
        micro_batch=options.batch,
        weight_bytes=weight_bytes_of(method, gpu=device.gpu, bf16=device.bf16),
        value_bytes=value_bytes_of(method, gpu=device.gpu, bf16=device.bf16),
    )
    speed = None
    if device.flops:
        tokens = float(options.length * STEP_EXAMPLES)
        seconds = training_seconds(
            config,
            recipe,
            device,
            tokens=tokens,
            steps=1,
            micro_batches=STEP_EXAMPLES / options.batch,
            checkpointing=found.estimate.checkpointing,
        )
        speed = Range(tokens / seconds.high, tokens / seconds.typical, tokens / seconds.low)
    precision = _answering_precision(device)
    answers = _answering(config, recipe, options.length, device, precision)
    if method == "qlora" and answers.estimate(1).total > memory:  # then a project has to say `precision: nf4`
        precision = "nf4"
        answers = _answering(config, recipe, options.length, device, precision)
    rows = answers.rows_within(memory, ROWS_AT_ONCE[device.gpu])
    return MethodFit(method, found, answers.estimate(1), answers.estimate(rows), precision, speed)


def _answering_precision(device: Device) -> str:
    """What `precision: auto` is there."""
    return ("bfloat16" if device.bf16 else "float16") if device.gpu else "float32"


def _answering(config: dict[str, Any], recipe: Recipe, length: int, device: Device, precision: str) -> Answering:
    return Answering(
        config,
        weight_bytes=BYTES_PER_WEIGHT[precision],
        prompt=length,
        room=0,
        gpu=device.gpu,
        recipe=recipe,
        overhead=OVERHEAD_BYTES,
    )


def _check_targets(targets: str) -> None:
    unknown = unknown_layers(targets)
    if unknown:
        near = [name for one in unknown for name in difflib.get_close_matches(one, KNOWN, n=2)]
        raise UsageError(
            f"--targets: no size is known of {' and '.join(map(repr, unknown))}",
            f"did you mean {' or '.join(near)}?" if near else f"all-linear, or some of: {', '.join(KNOWN)}",
        )


def device_of(card: Card, name: str = "") -> Device:
    """A card as what computes; without FLOPs where the table does not know them."""
    return Device(
        name or card.name,
        flops=(card.teraflops or 0.0) * 1e12,
        bandwidth=(card.gigabytes_per_second or 0.0) * 1e9,
        gpu=True,
        memory=card.memory_bytes,
        bf16=card.bf16,
    )


def _device(said: str) -> tuple[Device, float]:
    """What is asked for; or this machine's GPU, or its processor, and the memory that is free there now."""
    if said:
        device = device_of(find_card(said))
        return device, device.memory
    from advisor import hardware

    machine = hardware.describe()
    gpu = machine.accelerator
    if gpu is None:
        return Device("this machine's processor", 0.0, 0.0, gpu=False), float(machine.available_bytes)
    card = (None if gpu.part else known(gpu.name)) or Card(gpu.name, gpu.memory_bytes / 2**30, bf16=gpu.bf16)
    return device_of(card, gpu.name), float(gpu.free_bytes)
