"""Trains a set of text pairs into an adapter (or whole weights), and never twice the same.

Refuses to know evaluation, approaches and where the pairs come from.

    record = train(pairs, "models/qwen", Recipe.from_options("qlora", {}), Path("artifacts/qlora"))
    result_folder(Path("artifacts/qlora"), "qlora")        # …/adapter, or …/model for `full`

Calling it again returns the stored record; after a kill it goes on from the last checkpoint and ends at the same
weights. Multi-GPU training is not offered: one process, one device.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from finetune import adapter, guards
from finetune.chat import layout_of
from finetune.checkpoint import CheckpointStore
from finetune.data import Pair, Prepared, prepare
from finetune.fit import weight_bytes_of
from finetune.loading import Precision, Weights, free_memory, load_weights
from finetune.loop import CHECKPOINT_SECONDS, Loop, OnStep, Outcome
from finetune.memory import estimate_memory, needs_checkpointing
from finetune.model_files import ModelFiles, first_line, open_model
from finetune.recipe import Recipe
from finetune.sampling import Sampler
from reports.errors import DataError, EnvironmentFault, UsageError
from reports.run.schema import TrainingRecord

VERSION = 1
"""Of the trainer: a change that alters results makes older adapters stale."""

RECORD = "training.json"


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
    on_step: OnStep = lambda *_: None,
    on_warning: Callable[[str], None] = lambda _: None,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
) -> TrainingRecord:
    """Train `base` (folder or hub id, shown as `name`) on `pairs` into `out`; return what was done.

    `precision` is the base model's for `lora`; `qlora` uses NF4 and `full` float32. Raises DataError for data that
    cannot teach, EnvironmentFault for a machine that cannot train it, UsageError for a recipe that diverges at once.
    """
    plan = _plan(
        pairs,
        base,
        recipe,
        revision=revision,
        precision=precision,
        chat_arguments=chat_arguments or {},
        context_length=context_length,
    )
    provenance = replace(plan.provenance, base=name or base)
    done = stored_record(out, recipe, provenance.fingerprint)
    if done is not None:
        return done
    for warning in (*plan.data.warnings, *recipe.lint()):
        on_warning(warning)
    weights = load_weights(plan.files, precision=_training_precision(recipe, precision), device=device, training=True)
    torch.manual_seed(recipe.seed)
    model, trained = _adapt(weights, recipe, plan)
    loop = Loop(
        weights.model,
        plan.data,
        recipe,
        CheckpointStore(out / "checkpoints", provenance.fingerprint),
        on_step=on_step,
        on_warning=on_warning,
        mixed=weights.device.startswith("cuda") or weights.precision == "bfloat16",
        sampler=Sampler(weights.model, weights.tokenizer, plan.data, plan.end_ids),
        checkpoint_seconds=checkpoint_seconds,
    )
    outcome = _check_learnt(_run(loop, recipe, plan), on_warning)
    record = _record(recipe, plan, outcome, trained)
    folder, files = result_folder(out, recipe.method), {RECORD: record.model_dump_json(indent=2) + "\n"}
    if recipe.method == "full":
        adapter.save_whole(model, weights.tokenizer, folder, provenance, files)
    else:
        adapter.save(model, folder, provenance, files)
    (out / RECORD).write_text(files[RECORD], encoding="utf-8")
    loop.store.clear()
    return record


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
class _Plan:
    """What is known before any weight is loaded."""

    files: ModelFiles
    data: Prepared
    provenance: adapter.Provenance
    end_ids: tuple[int, ...]
    """Tokens that end an answer."""


def _plan(
    pairs: Sequence[Pair],
    base: str,
    recipe: Recipe,
    *,
    revision: str | None,
    precision: Precision,
    chat_arguments: Mapping[str, Any],
    context_length: int | None,
) -> _Plan:
    files = open_model(base, revision)
    _check_unquantised(files)
    layout = layout_of(files.tokenizer, chat_arguments, files.end_ids)
    context = context_length or files.context_length
    data = prepare(pairs, layout, recipe, context)
    provenance = adapter.Provenance(
        method=recipe.method,
        base=base,
        base_revision=revision,
        base_hash=files.hash,
        layout_hash=layout.hash,
        data_hash=data.hash,
        recipe=recipe.described(),
        fingerprint="",
        precision=_training_precision(recipe, precision),
    )
    described = {key: value for key, value in asdict(provenance).items() if key != "base"}
    digest = hashlib.sha256(json.dumps([VERSION, context, described], sort_keys=True, default=str).encode())
    fingerprinted = replace(provenance, fingerprint=digest.hexdigest()[:16])
    return _Plan(files, data, fingerprinted, tuple(layout.end_ids))


def _check_unquantised(files: ModelFiles) -> None:
    """Raise DataError for GPTQ, AWQ and the like: their weights can be answered with, not trained."""
    stored = files.config.get("quantization_config")
    if stored:
        kind = stored.get("quant_method", "some method") if isinstance(stored, dict) else "some method"
        raise DataError(
            f"{files.name} is already quantised ({kind}): it can answer, but it cannot be trained.",
            "Name the unquantised model: `qlora` quantises it while it trains.",
        )


def _adapt(weights: Weights, recipe: Recipe, plan: _Plan) -> tuple[Any, int]:
    """The model with what is to be trained marked: (PEFT model or the model itself, number of trained weights)."""
    guards.prepare_quantised(weights.model)
    tokens, free = recipe.batch_tokens or 4096, free_memory(weights.device)
    per_weight = weight_bytes_of(recipe.method, gpu=weights.device.startswith("cuda"))
    config, longest = plan.files.config, plan.data.longest
    if needs_checkpointing(config, recipe, length=longest, tokens=tokens, free=free, weight_bytes=per_weight):
        weights.model.activation_checkpointing_enable({"use_reentrant": False})
    if recipe.neftune:
        _add_noise(weights.model, recipe.neftune)
    if recipe.method == "full":
        model = weights.model.requires_grad_(True)
    else:
        model = _with_adapter(weights.model, recipe)
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    return model, trained


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
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # of PEFT's own call into transformers
            return get_peft_model(model, config)
    except ValueError as error:
        names = sorted({name.rsplit(".", 1)[-1] for name, m in model.named_modules() if "Linear" in type(m).__name__})
        near = {close: None for target in targets for close in difflib.get_close_matches(target, names, n=2)}
        meant = f"Did you mean {' or '.join(near)}? " if near else ""
        raise UsageError(
            f"{recipe.method}: `targets` {recipe.targets!r} does not fit the model: {first_line(error)}",
            f"{meant}Use all-linear, or some of: {', '.join(names)}.",
        ) from error


def _add_noise(model: Any, alpha: float) -> None:
    """NEFTune (2310.05914): uniform noise of alpha / sqrt(length · width) on the embeddings while training."""

    def noisy(module: Any, _: Any, output: torch.Tensor) -> torch.Tensor:
        if not module.training:
            return output
        scale = alpha / (output.shape[1] * output.shape[2]) ** 0.5
        return output + torch.empty_like(output).uniform_(-scale, scale)

    model.get_input_embeddings().register_forward_hook(noisy)


def _run(loop: Loop, recipe: Recipe, plan: _Plan) -> Outcome:
    try:
        return loop.run()
    except (AssertionError, NotImplementedError) as error:  # how bitsandbytes says that a shape or device is not for it
        if recipe.method != "qlora":
            raise
        raise EnvironmentFault(
            f"The 4-bit layers of this model cannot be computed here: {error or type(error).__name__}",
            "Use `lora` instead of `qlora`.",
        ) from error
    except EnvironmentFault as fault:
        if "Memory ran out" in str(fault):
            words = estimate_memory(plan.files.config, recipe, length=plan.data.longest).words()
            raise EnvironmentFault(f"{fault} The estimate for one such example is {words}.", fault.hint) from fault
        raise


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


def _record(recipe: Recipe, plan: _Plan, outcome: Outcome, trained: int) -> TrainingRecord:
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
        warnings=(*plan.data.warnings, *recipe.lint(), *outcome.warnings),
    )


def _training_precision(recipe: Recipe, precision: Precision) -> Precision:
    if recipe.method == "qlora":
        return "nf4"
    if recipe.method == "full":
        return "float32"
    return "auto" if precision in {"nf4", "int8", "float16"} else precision
