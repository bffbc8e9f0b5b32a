"""Time, memory and money of every approach before the run, as ranges; where nothing is known, that is said.

    found = estimate(prepared)
    found.approaches[0].seconds, found.seconds, found.usd      # (low, best guess, high)
    print("\\n".join(words(found)))

A GPU's figures come from a table (`cards`), a processor's from a fraction of a second of arithmetic here. What of them
is reached varies by a factor of several, so the ranges are wide. Reads configurations, never weights; no torch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from advisor import hardware
from advisor.beside_answers import beside_answers
from advisor.cards import known
from advisor.counting import Lengths, document_tokens, pool_tokens
from advisor.fitting import device_of
from advisor.precision import fallback_words
from advisor.several_cards import on_several
from advisor.timetable import Timetable, timetable
from baselines.kinds import METHODS, is_recipe_dial
from finetune.architectures import architecture
from finetune.fit import TOKENS_AT_ONCE, Fit, beginning, computes_in_bf16
from finetune.loading import BYTES_PER_WEIGHT
from finetune.memory import OVERHEAD_BYTES, Answering
from finetune.recipe import Recipe
from finetune.shape import shape_of
from finetune.speed import NOTHING, Device, Range, answering_seconds, embedding_seconds, training_seconds
from reports import text
from reports.costs import tables
from reports.costs.bill import price_of
from reports.costs.estimate import PriceNeeded
from reports.errors import AdvisorError
from reports.expected import expected_words, span_words
from reports.run.schema import ApproachSpec, Expected, ModelSpec, Span, is_endpoint

if TYPE_CHECKING:
    from advisor.plan import Prepared

CPU_OVERHEAD_BYTES = 0.6e9
"""Python, torch and transformers in memory."""
LOADING = Range(0.3, 1.5, 8.0)
"""Seconds to open a model that is on disk; large weights come on top."""
READING_BYTES = 1e9
"""A second, from disk."""
REQUEST = Range(0.4, 1.2, 6.0)
"""Seconds of one request to an endpoint."""
CONCURRENCY = 8
PROBE = {"questions": 240.0, "prompt": 40.0}
"""Of the forgetting probe: 120 general tasks before and after a training."""
PROBE_ANSWER = Range(3, 10, 16)
"""Tokens."""
EARLY = 0.3
"""Share of the epochs after which early stopping may end a training."""
VALIDATION = 1.06
"""Times the training, for the validation loss."""
WORST_ANSWER = 0.5
"""Of the longest answer allowed: what models that never stop cost at the high end."""


@dataclass(frozen=True)
class PlanEstimate:
    """All approaches of a plan."""

    device: str
    """`cpu` or the GPU's name."""
    basis: str
    approaches: tuple[Expected, ...]
    answering: Timetable
    """The jobs side by side, as far as there is room."""
    beside: tuple[tuple[str, Span], ...] = ()
    """Money at endpoints for what is no answer, by name: the latency pass, the judge."""
    fallback: str = ""
    """What falls back on a GPU without bfloat16."""

    @property
    def seconds(self) -> Span | None:
        """Until all approaches for which there is a figure have answered; None where there is none at all."""
        return self.answering.seconds

    @property
    def usd(self) -> Span | None:
        """All that the run takes."""
        return _total([*(one.usd for one in self.approaches), *(span for _, span in self.beside)])


def estimate(prepared: Prepared, machine: hardware.Hardware | None = None) -> PlanEstimate:
    """What each approach will take on this machine. Never raises for what cannot be known: `unknown` says why."""
    machine = machine or hardware.describe()
    device, name = _device(machine)
    folders = prepared.project.model_folders(prepared.spec.approaches)
    gpu = machine.accelerator
    memory = float(gpu.free_bytes if gpu else machine.available_bytes)
    ask = _Ask(prepared, device, name, folders, memory, bf16=gpu is None or gpu.bf16)
    found = tuple(on_several(ask.one(spec), spec, machine.cards) for spec in prepared.spec.approaches)
    if device is None:
        basis = f"no figures are known for {name}: memory alone is estimated"
    elif device.gpu:
        basis = f"published peak of {device.name}, a tenth to two thirds of it reached"
    else:
        basis = (
            f"{device.flops / 1e9:,.0f} GFLOP/s by a matrix product just now, of which 15 to 90 % is reached where "
            "nothing else runs"
        )
    jobs = timetable(prepared.spec, found, machine.cards)
    fallback = fallback_words(prepared.spec.approaches, gpu.name, bf16=gpu.bf16) if gpu else ""
    return PlanEstimate(name, basis, found, jobs, beside_answers(prepared, found), fallback)


def words(found: PlanEstimate) -> Iterator[str]:
    """The estimate in lines."""
    if found.fallback:
        yield f"warning: {found.fallback}"
    yield f"estimated for {found.device} ({found.basis}):"
    for one in found.approaches:
        yield f"  {one.approach}: {expected_words(one)}"
        for remedy in one.would_fit:
            yield f"    would fit: {remedy}"
    total = found.seconds
    if total is not None:
        unknown = [one.approach for one in found.approaches if one.seconds is None]
        rest = f"; without {text.listed(unknown)}" if unknown else ""
        jobs = found.answering
        aside = f", {jobs.jobs} jobs, up to {jobs.at_once} at a time" if jobs.at_once > 1 else ""
        yield f"  together: {span_words(total)}{aside}{rest}; the latency pass and loading come on top"
    if found.usd is not None and found.usd[2] > 0:
        parts = [f"{name} {text.money(span[0])} to {text.money(span[2])}" for name, span in found.beside]
        aside = f", of which {text.listed(parts)}" if parts else ""
        yield f"  money for this run: {text.money(found.usd[0])} to {text.money(found.usd[2])}{aside}"


@dataclass(frozen=True)
class _Ask:
    prepared: Prepared
    device: Device | None
    name: str
    folders: dict[str, str]
    memory: float
    """Bytes that are free on what computes: known of a GPU whose speed is not, too."""
    bf16: bool = True
    """Where it is a GPU: whether it has bfloat16."""

    def one(self, spec: ApproachSpec) -> Expected:
        """One approach."""
        embedding = self._embedding(spec)
        if spec.model is None:
            return self._priced(Expected(approach=spec.name), embedding, embedding is None)
        if is_endpoint(spec.model):
            return self._remote(spec, spec.model, embedding)
        try:
            config, folder = self._config(spec.model)
        except AdvisorError as error:
            return Expected(approach=spec.name, unknown=str(error))
        return self._local(spec, spec.model, config, folder, embedding)

    def _config(self, model: ModelSpec) -> tuple[dict[str, Any], Path | None]:
        """The configuration of a local model: its folder, the hub's cache, or a published architecture."""
        said = self.folders.get(model.id, model.id)
        path = Path(said).expanduser()
        if not path.is_dir():
            from huggingface_hub import try_to_load_from_cache

            cached = try_to_load_from_cache(said, "config.json") if said.count("/") == 1 else None
            path = Path(cached).parent if isinstance(cached, str) else path
        if path.is_dir():
            return architecture(str(path))[1], path
        return architecture(said)[1], None

    def _local(
        self, spec: ApproachSpec, model: ModelSpec, config: dict[str, Any], folder: Path | None, embedding: Range | None
    ) -> Expected:
        lengths = Lengths.of(self.prepared, spec, folder)
        device = self.device
        gpu = device.gpu if device else True
        per_weight = BYTES_PER_WEIGHT[
            model.precision if model.precision != "auto" else "bfloat16" if gpu else "float32"
        ]
        recipe = _recipe(spec)
        asked = self._asked(config, lengths, per_weight, recipe)
        least = asked.estimate(1).total
        rows = asked.rows_within(self.memory, len(self.prepared.cases))
        answering = asked.estimate(rows).total
        if spec.options.get("merged_latency"):  # a second copy, unquantised
            shape = shape_of(config)
            merged = (shape.linear + shape.embedding) * (2.0 if gpu else 4.0)
            least, answering = least + merged, answering + merged
        fits = least <= self.memory
        memory = min(answering, self.memory) if fits else least  # the engine answers fewer at once where it must
        remedies: tuple[str, ...] = ()
        trained = self._trained(config, recipe, lengths, model.precision) if recipe else None
        if trained is not None:
            memory = max(memory, trained.estimate.total)
            fits, remedies = fits and trained.fits, trained.would_fit
        if least > self.memory:
            remedies = (*remedies, *_smaller(model, config, self.memory))
        found = Expected(
            approach=spec.name,
            memory_bytes=memory,
            device_bytes=self.memory,
            fits=fits,
            would_fit=tuple(dict.fromkeys(remedies)),
        )
        if device is None or embedding is None:
            return found.model_copy(update={"unknown": f"no figures for {self.name}"})
        training = _training(config, recipe, device, lengths, trained) if recipe and trained else NOTHING
        questions = len(self.prepared.cases)
        read = lengths.prompt - lengths.shared * (1 - 1 / questions)
        load = {"questions": questions, "prompt": read, "weight_bytes": per_weight, "rows": rows}
        seconds = embedding + training + LOADING + _answering(config, device, load, self._answers(lengths))
        if recipe and spec.options.get("probe") != "none" and spec.part_of is None:
            seconds += _answering(config, device, {**load, **PROBE}, PROBE_ANSWER)
        seconds += Range(0, 1, 2).times(shape_of(config).linear * per_weight / READING_BYTES)
        if training != NOTHING:
            found = found.model_copy(update={"training_seconds": _span(training)})
        return self._priced(found, seconds, False)

    def _trained(self, config: dict[str, Any], recipe: Recipe, lengths: Lengths, precision: str) -> Fit:
        """Whether the training fits, and as what it begins."""
        gpu = self.device.gpu if self.device else True
        return beginning(
            config,
            recipe,
            memory=self.memory,
            longest=lengths.longest,
            gpu=gpu,
            bf16=computes_in_bf16(precision, bf16=self.bf16),
            overhead=OVERHEAD_BYTES if gpu else CPU_OVERHEAD_BYTES,
        )

    def _asked(self, config: dict[str, Any], lengths: Lengths, per_weight: float, recipe: Recipe | None) -> Answering:
        gpu = self.device.gpu if self.device else True
        return Answering(
            config,
            weight_bytes=per_weight,
            prompt=int(lengths.prompt),
            room=self.prepared.spec.max_answer_tokens,
            gpu=gpu,
            recipe=recipe,
            overhead=OVERHEAD_BYTES if gpu else CPU_OVERHEAD_BYTES,
        )

    def _answers(self, lengths: Lengths) -> Range:
        """Tokens of an answer: like the references, or on and on."""
        most = float(self.prepared.spec.max_answer_tokens)
        return Range(lengths.answer, min(most, 1.2 * lengths.answer), max(lengths.answer, WORST_ANSWER * most))

    def _embedding(self, spec: ApproachSpec) -> Range | None:
        """Seconds of what the embedding model does for this approach; None where nothing is known of the device."""
        from baselines.registry import find

        if "embedder" not in find(spec.kind).needs:
            return NOTHING
        if self.device is None:
            return None
        tokens = pool_tokens(self.prepared)
        if "documents" in find(spec.kind).needs:
            tokens += document_tokens(self.prepared)
        return embedding_seconds(self.device, tokens=tokens) + LOADING

    def _remote(self, spec: ApproachSpec, model: ModelSpec, embedding: Range | None) -> Expected:
        """An endpoint: requests side by side, tokens at the dated price."""
        lengths, n = Lengths.of(self.prepared, spec, None), len(self.prepared.cases)
        seconds = (embedding or NOTHING) + REQUEST.times(n / min(n, model.max_concurrency or CONCURRENCY))
        if model.requests_per_minute:
            floor = 60 * n / model.requests_per_minute
            seconds = Range(max(seconds.low, floor), max(seconds.typical, floor), max(seconds.high, floor))
        answers = self._answers(lengths)
        price = price_of(model, self.prepared.spec.prices, datetime.now(UTC).date().isoformat())
        found = Expected(approach=spec.name, seconds=_span(seconds), basis="an endpoint's time depends on its load")
        if isinstance(price, PriceNeeded):
            return found.model_copy(update={"unknown": f"no price for {price.what}"})
        spread = 1.0 if lengths.exact else 1.3
        usd = [
            n * price.of(lengths.prompt * by, tokens * by)
            for by, tokens in ((1 / spread, answers.low), (1.0, answers.typical), (spread, answers.high))
        ]
        return found.model_copy(update={"usd": tuple(usd)})

    def _priced(self, found: Expected, seconds: Range | None, unknown: bool) -> Expected:
        """With the time, and the money of the machine's hours."""
        if unknown or seconds is None:
            return found.model_copy(update={"unknown": found.unknown or f"no figures for {self.name}"})
        prices = self.prepared.spec.prices
        device = "cpu" if self.device is not None and not self.device.gpu else self.name
        hour = tables.hour_price(prices.gpu or device, prices.gpu_hour_usd)
        usd = None
        if not isinstance(hour, PriceNeeded):
            usd = _span(seconds.times(hour.low / 3600, hour.typical / 3600, hour.high / 3600))
        return found.model_copy(update={"seconds": _span(seconds), "usd": usd})


# --- parts ----------------------------------------------------------------------------------------------


def _recipe(spec: ApproachSpec) -> Recipe | None:
    """None for approaches that train no language model."""
    if spec.kind not in METHODS:
        return None
    dials = {name: value for name, value in spec.options.items() if is_recipe_dial(name) and value is not None}
    return Recipe.from_options(METHODS[spec.kind], dials)


def _training(config: dict[str, Any], recipe: Recipe, device: Device, lengths: Lengths, trained: Fit) -> Range:
    examples = lengths.pairs * (1 - recipe.eval_share)
    tokens = examples * lengths.pair * recipe.epochs
    steps = max(1.0, examples / recipe.batch) * recipe.epochs
    at_once = recipe.batch_tokens or TOKENS_AT_ONCE[device.gpu]
    pieces = max(1.0, recipe.batch * lengths.pair / min(at_once, trained.micro_batch * max(1, trained.length)))
    found = training_seconds(
        config,
        recipe,
        device,
        tokens=tokens,
        steps=steps,
        micro_batches=pieces,
        checkpointing=trained.estimate.checkpointing,
    ).times(VALIDATION)
    stops = recipe.patience and recipe.epochs * recipe.evaluations > recipe.patience
    return replace(found, low=found.low * EARLY) if stops else found


def _answering(config: dict[str, Any], device: Device, asked: dict[str, float], answers: Range) -> Range:
    low, typical, high = (
        answering_seconds(
            config,
            device,
            questions=int(asked["questions"]),
            prompt_tokens=asked["prompt"],
            answer_tokens=tokens,
            weight_bytes=asked["weight_bytes"],
            rows=int(asked["rows"]),
        )
        for tokens in (answers.low, answers.typical, answers.high)
    )
    return Range(low.low, typical.typical, high.high)


def _smaller(model: ModelSpec, config: dict[str, Any], memory: float) -> Iterator[str]:
    """What would make answering fit."""
    shape = shape_of(config)
    nf4 = shape.dense * BYTES_PER_WEIGHT["nf4"] + 2.0 * (shape.in_experts + shape.embedding) + OVERHEAD_BYTES
    if model.precision != "nf4" and nf4 < memory:
        yield f"precision: nf4 for this model: {text.size(nf4)} to answer"
    yield "a smaller model, or an endpoint (openai:NAME) that serves it"


def _device(machine: hardware.Hardware) -> tuple[Device | None, str]:
    """(what computes, its name). None: a GPU of which neither peak nor bandwidth is known."""
    gpu = machine.accelerator
    if gpu is None:
        flops, bandwidth = measured_here()
        return Device("this processor", flops, bandwidth, gpu=False), "cpu"
    card = None if gpu.part else known(gpu.name)  # a part has a part's speed
    if card is None or not card.teraflops:
        return None, gpu.name
    return device_of(card, gpu.name), gpu.name


@cache
def measured_here() -> tuple[float, float]:
    """(FLOPs a second of a float32 matrix product, bytes a second of a copy): some 0.1 s, once a process.

    By processor time times cores, so that other work on the machine does not pass for a slow machine.
    """
    import time

    import numpy as np

    cores = hardware.describe().cores
    square = np.ones((640, 640), dtype=np.float32)
    square @ square  # threads start
    rates = []
    for _ in range(12):
        started = time.process_time()
        square @ square
        rates.append(2 * 640**3 / max(1e-6, time.process_time() - started))
    block = np.ones(4 << 20, dtype=np.float32)
    started = time.process_time()
    for _ in range(3):
        block.copy()
    return max(rates) * cores, 3 * 2 * block.nbytes / max(1e-6, time.process_time() - started)


def _span(found: Range) -> Span:
    return (found.low, found.typical, found.high)


def _total(spans: list[Span | None]) -> Span | None:
    every = [span for span in spans if span is not None]
    if not every:
        return None
    low, typical, high = (sum(ends) for ends in zip(*every, strict=True))
    return (low, typical, high)
