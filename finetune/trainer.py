"""transformers' Trainer, trained on answers: length-sorted steps in pieces that fit, loss on answer tokens, any device.

Refuses to load models and to save results; `train.py` does both. What it trains is whatever requires a gradient.

    trainer = AnswerTrainer(weights.model, model, prepared, recipe, store=store, course=course, mixed=False)
    trainer.run()                             # the best weights are in the model afterwards

Trainer brings the loop, the checkpoints, resuming, accelerate and several processes. What is ours: a batch is a whole
optimizer step, cut into pieces of equal length, fewer tokens at once each time memory runs out; logits on the answer's
positions alone; and what `Course` watches. Several processes share the examples of each step, so that any number of
them trains the same. Gradients are added up once a step rather than by DistributedDataParallel: a process may start its
step over, or have no example in it, without the others waiting for a part of it.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import torch
from accelerate.utils import broadcast
from transformers import Trainer, TrainingArguments
from transformers.trainer_callback import PrinterCallback

from finetune.batches import share_of, step_loader
from finetune.checkpoint import CheckpointStore, load_tensors, save_tensors
from finetune.course import Course, Validation
from finetune.data import Prepared, Sample, split_step
from finetune.fit import TOKENS_AT_ONCE
from finetune.guards import check_quantised
from finetune.loading import is_out_of_memory
from finetune.objective import Objective
from finetune.recipe import Recipe
from finetune.schedule import rate_share
from reports.errors import EnvironmentFault

T = TypeVar("T")
WEIGHTS, BEST = "weights.safetensors", "best.safetensors"
"""Of a checkpoint, beside Trainer's own files: what is trained, now and where validation was best."""

AT_ONCE = 2**26
"""Gradients that are added up over processes in one message."""


class AnswerTrainer(Trainer):  # type: ignore[misc]  # transformers is untyped
    """One training of one model on prepared data."""

    control: Any

    def __init__(
        self,
        inner: Any,
        model: Any,
        prepared: Prepared,
        recipe: Recipe,
        *,
        store: CheckpointStore,
        course: Course,
        mixed: bool,
    ) -> None:
        """`inner` is the transformers model, `model` the same or the PEFT model around it."""
        self.objective = Objective(inner, mixed=mixed)
        self.data = prepared
        self.recipe = recipe
        self.store = store
        self.course = course
        trained = [p for p in model.parameters() if p.requires_grad]
        adam = torch.optim.AdamW(trained, lr=recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True)
        steps = len(step_loader(prepared.train, recipe)) * recipe.epochs
        schedule = torch.optim.lr_scheduler.LambdaLR(adam, lambda step: rate_share(recipe, step, steps))
        with store.telling():  # it makes the folder
            super().__init__(
                model=model,
                args=_arguments(recipe, store.folder, cpu=self.objective.device.type == "cpu"),
                train_dataset=prepared.train,
                callbacks=[course],
                optimizers=(adam, schedule),
            )
        self.remove_callback(PrinterCallback)
        self.trained = trained
        # No wrapper: see the module's docstring.
        self.accelerator.prepare_model = functools.partial(self.accelerator.prepare_model, evaluation_mode=True)
        torch.manual_seed(recipe.seed + self.args.process_index)  # dropout differs between processes
        course.validate, course.agree = self.validation, self._first_says
        course.outcome.tokens_at_once = recipe.batch_tokens or TOKENS_AT_ONCE[self.args.device.type == "cuda"]

    def run(self) -> None:
        """Train to the end, from a checkpoint where there is one."""
        found = self.store.newest()
        if found is not None:
            self.course.recall(found.facts, load_tensors(found.folder / BEST))
        if self.args.world_size > 1:
            broadcast([p.detach() for p in self.trained])  # in place: all begin at what the first one drew
        self.train(resume_from_checkpoint=str(found.folder) if found else None)

    # --- one step ---------------------------------------------------------------------------------

    def get_train_dataloader(self) -> Any:
        return step_loader(self.data.train, self.recipe)

    def training_step(self, model: Any, inputs: list[Sample], num_items_in_batch: Any = None) -> torch.Tensor:
        """The gradient of one step, and its mean loss an answer token."""
        model.train()
        course = self.course
        # Normalised over the whole step, so that splitting it for memory or processes changes nothing.
        carried = sum(sample.trained for sample in inputs)
        loss = self._within_memory(self._mine(inputs), lambda pieces: self._backward(pieces, carried))
        self._add_up()
        course.outcome.trained_tokens += carried
        course.tokens = sum(len(sample.ids) for sample in inputs)
        # Trainer shows the mean over the processes.
        return torch.tensor(loss * self.args.world_size, device=self.args.device)

    def _backward(self, pieces: Sequence[Sequence[Sample]], carried: int) -> float:
        self._forget_gradients()
        total = 0.0
        for piece in pieces:
            loss, _ = self.objective(piece)
            (loss / carried).backward()  # type: ignore[no-untyped-call]
            total += float(loss.detach())
        return total / carried

    def _forget_gradients(self) -> None:
        """What `zero_grad` does, without a walk over the weights that are not trained."""
        for parameter in self.trained:
            parameter.grad = None

    def _mine(self, samples: Sequence[Sample]) -> list[Sample]:
        return share_of(samples, self.args.process_index, self.args.world_size)

    def _within_memory(self, samples: Sequence[Sample], compute: Callable[[list[list[Sample]]], T]) -> T:
        """`compute` on the samples in pieces; smaller ones, from the start, each time memory runs out."""
        while True:
            cut = split_step(range(len(samples)), samples, self.course.outcome.tokens_at_once)
            try:
                return compute([[samples[i] for i in piece] for piece in cut])
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                self._shrink(max(len(sample.ids) for sample in samples), error)

    def _shrink(self, longest: int, error: BaseException) -> None:
        """Half the tokens at once, or give up when one example alone is too much."""
        outcome = self.course.outcome
        if outcome.tokens_at_once <= longest:
            raise EnvironmentFault(
                f"Memory ran out on a single example of {longest} tokens.",
                "Lower `max_length`, use `gradient_checkpointing: yes`, `qlora`, or a smaller model.",
            ) from error
        outcome.tokens_at_once = max(longest, outcome.tokens_at_once // 2)
        self._forget_gradients()
        if self.args.device.type == "cuda":
            torch.cuda.empty_cache()

    # --- several processes ------------------------------------------------------------------------

    def _add_up(self) -> None:
        """The gradients of all processes, in each of them."""
        if self.args.world_size == 1:
            return
        for group in _groups(self.trained, AT_ONCE):
            for parameter in group:
                if parameter.grad is None:  # no example of this step is mine
                    parameter.grad = torch.zeros_like(parameter)
            flat = torch.cat([p.grad.reshape(-1) for p in group])
            summed = self.accelerator.reduce(flat, reduction="sum")
            for parameter, part in zip(group, summed.split([p.numel() for p in group]), strict=True):
                parameter.grad.copy_(part.view_as(parameter))

    def _first_says(self, mine: bool) -> bool:
        if self.args.world_size == 1:
            return mine
        said = torch.tensor(float(mine and self.args.process_index == 0), device=self.args.device)
        return bool(self.accelerator.reduce(said, reduction="sum") > 0)

    # --- validation -------------------------------------------------------------------------------

    def validation(self) -> Validation:
        """What the weights of now make of the validation side."""
        samples = self.data.validation
        self.model.eval()

        def summed(pieces: list[list[Sample]]) -> list[float]:
            found = [self.objective.judged(piece) for piece in pieces]
            return [sum(loss for loss, _ in found), float(sum(right for _, right in found))]

        mine = torch.tensor(self._within_memory(self._mine(samples), summed), dtype=torch.float64)
        self.model.train()
        check_quantised(self.model)
        loss, right = self.accelerator.reduce(mine.to(self.args.device), reduction="sum").tolist()
        tokens = sum(sample.trained for sample in samples)
        return Validation(loss / tokens, right / tokens)

    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
        found = self.validation()
        metrics = {"eval_loss": found.loss, "eval_right": found.right}
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    # --- checkpoints ------------------------------------------------------------------------------

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        """Trainer's own checkpoint, whole or not at all."""
        started = time.perf_counter()
        if self.args.should_save:
            self.store.begin()
        self.accelerator.wait_for_everyone()
        with self.store.telling():
            super()._save_checkpoint(model, trial)
        self.accelerator.wait_for_everyone()
        if self.args.should_save:
            self.store.finish(self.state.global_step, self.course.facts)
        self.course.saving = time.perf_counter() - started

    def _get_output_dir(self, trial: Any) -> str:
        return str(self.store.fresh)

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        """The trained weights exactly as they are, whatever the method, and the best ones."""
        place = Path(str(output_dir))
        place.mkdir(parents=True, exist_ok=True)
        save_tensors(dict(self.course.named), place / WEIGHTS)
        if self.course.best:
            save_tensors(self.course.best, place / BEST)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        stored = load_tensors(Path(resume_from_checkpoint) / WEIGHTS)
        with torch.no_grad():
            for name, parameter in self.course.named:
                parameter.copy_(stored[name])

    def floating_point_ops(self, inputs: Any) -> int:
        """Not counted: Trainer would walk over all weights each step for a figure that nobody reads."""
        return 0


def _arguments(recipe: Recipe, folder: Path, *, cpu: bool) -> TrainingArguments:
    """What of Trainer is used; the rest is off: no hub, no progress bar, no report to other services."""
    arguments = TrainingArguments(
        output_dir=str(folder),
        per_device_train_batch_size=recipe.batch,
        num_train_epochs=recipe.epochs,
        learning_rate=recipe.learning_rate,
        max_grad_norm=recipe.max_grad_norm,
        seed=recipe.seed,
        use_cpu=cpu,
        use_cache=True,  # of the sample answers; the objective says no for itself
        logging_steps=1,
        logging_nan_inf_filter=False,
        save_strategy="no",  # the course says when
        eval_strategy="no",
        report_to="none",
        disable_tqdm=True,
        remove_unused_columns=False,
        dataloader_pin_memory=False,
    )
    arguments._n_gpu = min(1, arguments.n_gpu)  # more GPUs in one process would be torch's DataParallel
    return arguments


def _groups(parameters: Sequence[Any], size: int) -> Iterator[list[Any]]:
    """Parameters of one type, about `size` weights together, in their order."""
    group: list[Any] = []
    for parameter in parameters:
        if group and (parameter.dtype != group[0].dtype or sum(p.numel() for p in group) >= size):
            yield group
            group = []
        group.append(parameter)
    if group:
        yield group
