"""Trains a set of text pairs into an adapter (or whole weights), and never twice the same.

Refuses to know evaluation, approaches and where the pairs come from.

    record = train(pairs, "models/qwen", Recipe.from_options("qlora", {}), Path("artifacts/qlora"))
    result_folder(Path("artifacts/qlora"), "qlora")        # …/adapter, or …/model for `full`

Calling it again returns the stored record; after a kill it goes on from the last checkpoint and ends at the same
weights. Several GPUs share each step's examples, a process each (`ranks.py`); one device trains in this process.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from finetune import adapter
from finetune.adapting import adapt, arithmetic_precision, training_precision
from finetune.chat import layout_of
from finetune.checkpoint import CheckpointStore
from finetune.data import Pair, Prepared, prepare
from finetune.fit import Fit, beginning, computes_in_bf16, value_bytes_of, weight_bytes_of, without_bf16
from finetune.loading import (
    Precision,
    default_device,
    free_memory,
    has_bf16,
    import_bitsandbytes,
    is_out_of_memory,
    load_weights,
    reclaim_memory,
    resolve_precision,
)
from finetune.memory import MemoryEstimate, estimate_memory
from finetune.model_files import ModelFiles, open_model
from finetune.ranks import count_of, train_in_ranks
from finetune.recipe import Recipe
from finetune.sampling import Sampler
from reports.errors import DataError, EnvironmentFault, UsageError
from reports.run.schema import TrainingRecord, TrainingStep

if TYPE_CHECKING:
    from finetune.course import Outcome
    from finetune.trainer import AnswerTrainer

VERSION = 2
"""Of the trainer: a change that alters results makes older adapters stale."""

RECORD = "training.json"

CHECKPOINT_SECONDS = 15.0

OnStep = Callable[[TrainingStep, int, float | None], None]
"""(what happened, steps in all, seconds left)."""


@dataclass(frozen=True)
class Job:
    """A training, whole: as JSON it can be handed to other processes."""

    pairs: tuple[Pair, ...]
    base: str
    """Folder or hub id."""
    recipe: Recipe
    out: Path
    name: str = ""
    """What the base model is called; `base` where nothing is said."""
    revision: str | None = None
    precision: Precision = "auto"
    chat_arguments: Mapping[str, Any] = field(default_factory=dict)
    context_length: int | None = None
    device: str | None = None
    checkpoint_seconds: float = CHECKPOINT_SECONDS


def train(
    pairs: Sequence[Pair],
    base: str,
    recipe: Recipe,
    out: Path,
    *,
    name: str = "",
    revision: str | None = None,
    precision: Precision = "auto",
    chat_arguments: Mapping[str, Any] | None = None,
    context_length: int | None = None,
    device: str | None = None,
    devices: int | None = None,
    on_step: OnStep = lambda *_: None,
    on_warning: Callable[[str], None] = lambda _: None,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
) -> TrainingRecord:
    """Train `base` (folder or hub id, shown as `name`) on `pairs` into `out`; return what was done.

    `precision` is the base model's for `lora`; `qlora` uses NF4 and `full` float32. `devices` processes share the
    work, one a GPU; None takes every GPU that is seen. Raises DataError for data that cannot teach, EnvironmentFault
    for a machine that cannot train it, UsageError for a recipe that diverges at once.
    """
    arguments = dict(chat_arguments or {})
    job = Job(
        tuple(pairs),
        base,
        recipe,
        out,
        name,
        revision,
        precision,
        arguments,
        context_length,
        device,
        checkpoint_seconds,
    )
    plan = plan_of(job)
    done = stored_record(out, recipe, plan.provenance.fingerprint)
    if done is not None:
        return done
    for warning in plan.warnings:
        on_warning(warning)
    processes = count_of(devices, device)
    if processes < (devices or 1):  # no matter for the result
        on_warning(f"`devices: {devices}`, but only {processes} of them here: trained on {processes}.")
    if processes == 1:
        return train_here(job, plan, on_step, on_warning)
    train_in_ranks(job, processes, on_step, on_warning)
    done = stored_record(out, recipe, plan.provenance.fingerprint)
    assert done is not None
    return done


def train_here(job: Job, plan: Plan, on_step: OnStep, on_warning: Callable[[str], None]) -> TrainingRecord:
    """The training in this process, alone or as one of several; the first one saves. Leaves no weights in memory."""
    try:
        return _train_here(job, plan, on_step, on_warning)
    finally:
        reclaim_memory(job.device or default_device())


def _train_here(job: Job, plan: Plan, on_step: OnStep, on_warning: Callable[[str], None]) -> TrainingRecord:
    with contextlib.suppress(ImportError, RuntimeError):  # `qlora` says so itself
        import_bitsandbytes()
    from finetune.course import Course  # transformers' Trainer: 2 s more than answering needs
    from finetune.trainer import AnswerTrainer

    recipe, out, device = job.recipe, job.out, job.device or default_device()
    precision = training_precision(recipe, job.precision)
    halved = device.startswith("cuda") and computes_in_bf16(job.precision, bf16=has_bf16())
    checkpointing = recipe.gradient_checkpointing
    if checkpointing is None:
        checkpointing = _begin(plan, recipe, device, halved).estimate.checkpointing
    weights = load_weights(
        plan.files,
        precision=precision,
        device=device,
        training=True,
        unquantised=arithmetic_precision(job.precision),
    )
    torch.manual_seed(recipe.seed)
    model = adapt(weights, recipe, checkpointing=checkpointing)
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    trainer = AnswerTrainer(
        weights.model,
        model,
        plan.data,
        recipe,
        store=CheckpointStore(out / "checkpoints", plan.provenance.fingerprint),
        course=Course(
            model,
            recipe,
            on_step=on_step,
            on_warning=on_warning,
            sampler=Sampler(weights.model, weights.tokenizer, plan.data, plan.end_ids),
            checkpoint_seconds=job.checkpoint_seconds,
        ),
        mixed=weights.precision == "bfloat16" or halved,
    )
    needed = _smallest_step(plan, recipe, device, halved)
    outcome = _check_learnt(_run(trainer, recipe, needed.words()), on_warning)
    record = _record(recipe, plan, outcome, trained)
    if trainer.is_world_process_zero():
        folder, files = result_folder(out, recipe.method), {RECORD: record.model_dump_json(indent=2) + "\n"}
        if recipe.method == "full":
            adapter.save_whole(model, weights.tokenizer, folder, plan.provenance, files)
        else:
            adapter.save(model, folder, plan.provenance, files)
        (out / RECORD).write_text(files[RECORD], encoding="utf-8")
        trainer.store.clear()
    return record


def _begin(plan: Plan, recipe: Recipe, device: str, bf16: bool) -> Fit:
    """As the plan says it, by what is free before any weight is loaded."""
    return beginning(
        plan.files.config,
        recipe,
        memory=free_memory(device),
        longest=plan.data.longest,
        gpu=device.startswith("cuda"),
        bf16=bf16,
        overhead=0.0,  # this process and its CUDA context are there already
    )


def _smallest_step(plan: Plan, recipe: Recipe, device: str, bf16: bool) -> MemoryEstimate:
    """What the longest example alone takes, as it is trained here."""
    gpu = device.startswith("cuda")
    return estimate_memory(
        plan.files.config,
        recipe,
        length=plan.data.longest,
        checkpointing=recipe.gradient_checkpointing is not False,
        weight_bytes=weight_bytes_of(recipe.method, gpu=gpu, bf16=bf16),
        value_bytes=value_bytes_of(recipe.method, gpu=gpu, bf16=bf16),
    )


def result_folder(out: Path, method: str) -> Path:
    """Where the trained weights of `out` stand."""
    return out / ("model" if method == "full" else "adapter")


def stored_record(out: Path, recipe: Recipe, fingerprint: str) -> TrainingRecord | None:
    """The record of a finished training with this fingerprint, or None."""
    folder = result_folder(out, recipe.method)
    try:
        if adapter.read_provenance(folder).fingerprint != fingerprint:
            return None
        return TrainingRecord.model_validate_json((folder / RECORD).read_text(encoding="utf-8"))
    except (DataError, OSError, ValueError):
        return None


@dataclass(frozen=True)
class Plan:
    """What is known before any weight is loaded."""

    files: ModelFiles
    data: Prepared
    provenance: adapter.Provenance
    end_ids: tuple[int, ...]
    """Tokens that end an answer."""
    warnings: tuple[str, ...] = ()
    """Of data, recipe and device."""


def plan_of(job: Job) -> Plan:
    """The job's data as tokens, and the identity of its result. Raises DataError for data that cannot teach."""
    recipe = job.recipe
    files = open_model(job.base, job.revision)
    check_unquantised(files)
    layout = layout_of(files.tokenizer, job.chat_arguments, files.end_ids)
    context = job.context_length or files.context_length
    data = prepare(job.pairs, layout, recipe, context)
    provenance = adapter.Provenance(
        method=recipe.method,
        base=job.base,
        base_revision=job.revision,
        base_hash=files.hash,
        layout_hash=layout.hash,
        data_hash=data.hash,
        recipe=recipe.described(),
        fingerprint="",
        precision=resolve_precision(
            training_precision(recipe, job.precision), job.device or default_device(), training=True
        ),
    )
    described = {key: value for key, value in asdict(provenance).items() if key != "base"}
    decides = [VERSION, context, described, *_own_arithmetic(job)]
    digest = hashlib.sha256(json.dumps(decides, sort_keys=True, default=str).encode())
    named = replace(provenance, fingerprint=digest.hexdigest()[:16], base=job.name or job.base)
    fallback = _fallback(job)
    warnings = (*data.warnings, *recipe.lint(), *([fallback] if fallback else []))
    return Plan(files, data, named, tuple(layout.end_ids), warnings)


def _own_arithmetic(job: Job) -> list[Precision]:
    """The precision that the setting gives to what is not in `precision` of the provenance, where it is not auto's."""
    device, said = job.device or default_device(), arithmetic_precision(job.precision)
    auto = resolve_precision("auto", device, training=True)
    return [] if job.recipe.method == "lora" or said in {"auto", auto} else [said]


def _fallback(job: Job) -> str:
    """What to say of a GPU without bfloat16, where the setting leaves the choice to us."""
    device = job.device or default_device()
    if not device.startswith("cuda") or arithmetic_precision(job.precision) != "auto" or has_bf16():
        return ""
    return without_bf16(torch.cuda.get_device_name(device), answering=False, training=True)


def check_unquantised(files: ModelFiles) -> None:
    """Raise DataError for GPTQ, AWQ and the like: their weights can be answered with, not trained."""
    stored = files.config.get("quantization_config")
    if stored:
        kind = stored.get("quant_method", "some method") if isinstance(stored, dict) else "some method"
        raise DataError(
            f"{files.name} is already quantised ({kind}): it can answer, but it cannot be trained.",
            "Name the unquantised model: `qlora` quantises it while it trains.",
        )


def _run(trainer: AnswerTrainer, recipe: Recipe, needed: str) -> Outcome:
    """The whole course. `needed`: what the longest example alone is estimated to take."""
    try:
        trainer.run()
    except (AssertionError, NotImplementedError) as error:  # how bitsandbytes says that a shape or device is not for it
        if recipe.method != "qlora":
            raise
        raise EnvironmentFault(
            f"The 4-bit layers of this model cannot be computed here: {error or type(error).__name__}",
            "Use `lora` instead of `qlora`.",
        ) from error
    except EnvironmentFault as fault:
        if "Memory ran out" in str(fault):
            raise EnvironmentFault(f"{fault} The estimate for one such example is {needed}.", fault.hint) from fault
        raise
    except (RuntimeError, MemoryError) as error:  # outside a step's pieces: the optimizer's moments, a checkpoint
        if not is_out_of_memory(error):
            raise
        raise EnvironmentFault(
            f"Memory ran out beside the examples, where the optimizer keeps its state. The estimate is {needed}.",
            "Use `lora` or `qlora`, a smaller model, or a larger machine.",
        ) from error
    return trainer.course.outcome


def _check_learnt(outcome: Outcome, on_warning: Callable[[str], None]) -> Outcome:
    """The outcome. Raises or warns where training did not help."""
    if outcome.best_loss is None:
        raise UsageError(
            f"Training {outcome.stopped} before a first validation.", "Lower `learning_rate` to a tenth of it."
        )
    if outcome.base_loss is not None and outcome.best_loss >= outcome.base_loss:
        text = (
            f"Nothing was learnt: the validation loss never fell below the base model's "
            f"({outcome.best_loss:.3f} against {outcome.base_loss:.3f}). Check the data first, then the learning rate."
        )
        outcome.warnings.append(text)
        on_warning(text)
    return outcome


def _record(recipe: Recipe, plan: Plan, outcome: Outcome, trained: int) -> TrainingRecord:
    return TrainingRecord(
        method=recipe.method,
        examples=len(plan.data.train),
        validation_examples=len(plan.data.validation),
        trained_tokens=outcome.trained_tokens,
        steps=outcome.step,
        epochs=outcome.history[-1].epoch if outcome.history else 0.0,
        best_step=outcome.best_step,
        best_validation_loss=outcome.best_loss,
        stopped=outcome.stopped,
        seconds=outcome.seconds,
        peak_memory_bytes=max((p.memory_bytes for p in outcome.history if p.memory_bytes), default=None),
        trainable_parameters=trained,
        seed=recipe.seed,
        recipe=recipe.described(),
        prompt_hash=plan.provenance.layout_hash,
        history=tuple(outcome.history),
        warnings=(*plan.warnings, *outcome.warnings),
    )
