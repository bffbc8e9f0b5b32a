"""The training loop: steps, validation, early stop, checkpoints. What it trains is whatever requires a gradient.

Refuses to load models and to save results; `train.py` does both.

    loop = Loop(model, prepared, recipe, store, on_step=print, mixed=False)
    outcome = loop.run()                       # the best weights are in the model afterwards

A loop of our own rather than transformers' Trainer: on uneven lengths the same batches ran 1.1 to 2 times faster, and
its state is small enough to store and resume exactly.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from finetune.checkpoint import CheckpointStore, State
from finetune.data import Prepared, Sample, plan_epoch, split_step
from finetune.guards import WINDOW, Growth, Watch, check_base, check_gradients, check_quantised
from finetune.loading import is_out_of_memory
from finetune.objective import Objective
from finetune.recipe import Recipe
from finetune.sampling import Sampler
from reports.errors import EnvironmentFault
from reports.run.schema import TrainingStep

OnStep = Callable[[TrainingStep, int, float | None], None]
"""(what happened, steps in all, seconds left)."""

HISTORY = 400
"""Points kept of the course of a training; validation points always."""

CHECKPOINT_SECONDS = 15.0


@dataclass
class Outcome:
    """How a training went. JSON-ready but for the history."""

    step: int = 0
    best_step: int = 0
    best_loss: float | None = None
    base_loss: float | None = None
    """Validation loss before training."""
    best_train: float = 0.0
    """Mean training loss of the steps before the best validation."""
    waited: int = 0
    """Evaluations since the best one."""
    stopped: str = ""
    trained_tokens: int = 0
    seconds: float = 0.0
    tokens_at_once: int = 0
    history: list[TrainingStep] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


class Loop:
    """One training of one model on prepared data."""

    def __init__(
        self,
        model: Any,
        prepared: Prepared,
        recipe: Recipe,
        store: CheckpointStore,
        *,
        on_step: OnStep,
        on_warning: Callable[[str], None] = lambda _: None,
        mixed: bool,
        sampler: Sampler | None = None,
        checkpoint_seconds: float = CHECKPOINT_SECONDS,
    ) -> None:
        self.model = model
        self.data = prepared
        self.recipe = recipe
        self.store = store
        self.on_step = on_step
        self.on_warning = on_warning
        self.sampler = sampler
        self.checkpoint_seconds = checkpoint_seconds
        self.objective = Objective(model, mixed=mixed)
        self.device: torch.device = self.objective.device
        self.named = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
        self.optimizer = torch.optim.AdamW(
            [p for _, p in self.named], lr=recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True
        )
        self.watch = Watch(recipe)
        self.growth = Growth(model)
        self.best: dict[str, torch.Tensor] = {}
        default_tokens = 16384 if self.device.type == "cuda" else 2048
        self.outcome = Outcome(tokens_at_once=recipe.batch_tokens or default_tokens)
        self.steps_per_epoch = math.ceil(len(prepared.train) / recipe.batch)
        self.total = self.steps_per_epoch * recipe.epochs
        self.evaluate_every = max(1, round(self.steps_per_epoch / recipe.evaluations))

    def run(self) -> Outcome:
        """Train to the end, from a checkpoint where there is one. Leaves the best weights in the model."""
        self._resume()
        outcome = self.outcome
        started, first_step = time.perf_counter(), outcome.step
        before, saved = outcome.seconds, time.perf_counter()
        if outcome.base_loss is None:
            outcome.base_loss = check_base(self._validate())
            point = TrainingStep(step=0, epoch=0.0, loss=outcome.base_loss, validation_loss=outcome.base_loss)
            self._report(self._heard(point), None)
        self.watch.base = outcome.base_loss
        self.model.train()
        while not outcome.stopped and outcome.step < self.total:
            clock = time.perf_counter()
            loss, norm, tokens = self._step()
            spent = time.perf_counter() - clock
            alarm = self.watch.step(outcome.step, loss, norm)
            outcome.seconds = before + time.perf_counter() - started
            due = outcome.step % self.evaluate_every == 0 or outcome.step == self.total
            validation = self._judge(alarm) if due or alarm else None
            self._check_growth()
            left = (time.perf_counter() - started) / (outcome.step - first_step) * (self.total - outcome.step)
            point = TrainingStep(
                step=outcome.step,
                epoch=round(outcome.step / self.steps_per_epoch, 4),
                loss=loss if math.isfinite(loss) else self.watch.level,
                validation_loss=validation,
                learning_rate=learning_rate(self.recipe, outcome.step - 1, self.total),
                grad_norm=norm if math.isfinite(norm) else None,
                tokens_per_second=tokens / max(spent, 1e-9),
                memory_bytes=_peak_memory(self.device),
            )
            self._report(self._heard(point) if due else point, left)
            if time.perf_counter() - saved >= self.checkpoint_seconds and not outcome.stopped:
                self._checkpoint()
                saved = time.perf_counter()
        outcome.stopped = outcome.stopped or "all epochs"
        outcome.seconds = before + time.perf_counter() - started
        self._restore_best()
        return outcome

    # --- one step ---------------------------------------------------------------------------------

    def _step(self) -> tuple[float, float, int]:
        """One optimizer step: (mean loss an answer token, gradient norm before clipping, tokens computed)."""
        outcome, samples = self.outcome, self.data.train
        epoch, at = divmod(outcome.step, self.steps_per_epoch)
        if at == 0 or not hasattr(self, "_plan"):
            self._plan = plan_epoch(samples, self.recipe, epoch)
        indices = self._plan[at]
        # Normalised over the whole step, so that splitting it for memory changes nothing.
        carried = sum(samples[i].trained for i in indices)
        loss = self._within_memory(indices, samples, lambda pieces: self._backward(pieces, carried))
        if outcome.step == 0:
            check_gradients(self.named)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.recipe, outcome.step, self.total)
        norm = float(torch.nn.utils.clip_grad_norm_([p for _, p in self.named], self.recipe.max_grad_norm))
        if math.isfinite(norm):
            self.optimizer.step()
        outcome.step += 1
        outcome.trained_tokens += carried
        return loss, norm, sum(len(samples[i].ids) for i in indices)

    def _backward(self, pieces: Sequence[Sequence[int]], carried: int) -> float:
        self.optimizer.zero_grad(set_to_none=True)
        total = 0.0
        for piece in pieces:
            loss, _ = self.objective([self.data.train[i] for i in piece])
            (loss / carried).backward()  # type: ignore[no-untyped-call]
            total += float(loss.detach())
        return total / carried

    def _within_memory(
        self, indices: Sequence[int], samples: Sequence[Sample], compute: Callable[[list[list[int]]], float]
    ) -> float:
        """`compute` on the indices in pieces; smaller ones, from the start, each time memory runs out."""
        while True:
            try:
                return compute(split_step(indices, samples, self.outcome.tokens_at_once))
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                self._shrink(max(len(samples[i].ids) for i in indices), error)

    def _shrink(self, longest: int, error: BaseException) -> None:
        """Half the tokens at once, or give up when one example alone is too much."""
        if self.outcome.tokens_at_once <= longest:
            raise EnvironmentFault(
                f"Memory ran out on a single example of {longest} tokens.",
                "Lower `max_length`, use `gradient_checkpointing: yes`, `qlora`, or a smaller model.",
            ) from error
        self.outcome.tokens_at_once = max(longest, self.outcome.tokens_at_once // 2)
        self.optimizer.zero_grad(set_to_none=True)
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    # --- validation -------------------------------------------------------------------------------

    @torch.no_grad()
    def _validate(self) -> float:
        """Mean loss an answer token over the validation side."""
        samples = self.data.validation
        self.model.eval()

        def summed(pieces: list[list[int]]) -> float:
            return sum(float(self.objective([samples[i] for i in piece])[0]) for piece in pieces)

        total = self._within_memory(range(len(samples)), samples, summed)
        self.model.train()
        check_quantised(self.model)
        return total / sum(sample.trained for sample in samples)

    def _judge(self, alarm: str) -> float | None:
        """Validate, keep the best weights, decide whether to stop."""
        outcome = self.outcome
        validation = math.nan if alarm else self._validate()
        if not math.isfinite(validation):
            outcome.stopped = "diverged"
            self._warn(f"Training {alarm or self.watch.not_a_number(outcome.step)}")
            return None
        if outcome.best_loss is None or validation < outcome.best_loss:
            outcome.best_loss, outcome.best_step, outcome.waited = validation, outcome.step, 0
            outcome.best_train = self.watch.level
            self.best = {name: p.detach().to("cpu", copy=True) for name, p in self.named}
        else:
            outcome.waited += 1
            if self.recipe.patience and outcome.waited >= self.recipe.patience and outcome.step < self.total:
                outcome.stopped = "validation loss stopped falling"
                self._check_overfit(validation)
        return validation

    def _check_overfit(self, validation: float) -> None:
        """Say so where the training loss went on falling while the validation loss rose."""
        outcome, now = self.outcome, self.watch.level
        if outcome.best_loss is None or now >= 0.95 * outcome.best_train or validation <= 1.02 * outcome.best_loss:
            return
        self._warn(
            f"Overfitting from step {outcome.best_step} on: the training loss fell from {outcome.best_train:.3f} to "
            f"{now:.3f} while the validation loss rose from {outcome.best_loss:.3f} to {validation:.3f}. "
            f"The weights of step {outcome.best_step} are kept. More examples help first, then fewer epochs."
        )

    def _check_growth(self) -> None:
        """In the first quarter of the steps, where a better learning rate still saves time."""
        outcome = self.outcome
        if self.growth.told or outcome.step % WINDOW or outcome.step > max(4 * WINDOW, self.total // 4):
            return
        text = self.growth.check(self.recipe)
        if text:
            self._warn(f"{text} (step {outcome.step} of {self.total})")

    def _heard(self, point: TrainingStep) -> TrainingStep:
        """The point with what the sample answers are like; an alarm where they fall apart."""
        heard = self.sampler.listen(self.outcome.tokens_at_once) if self.sampler and not self._lost() else None
        if self.sampler is None or heard is None:
            return point
        text = self.sampler.judge(heard, self.recipe)
        if text:
            self._warn(f"{text} (step {point.step} of {self.total})")
        return point.model_copy(update=vars(heard))

    def _lost(self) -> bool:
        """After divergence there is nothing to listen to: weights may not be numbers."""
        return self.outcome.stopped == "diverged"

    def _warn(self, text: str) -> None:
        self.outcome.warnings.append(text)
        self.on_warning(text)

    def _restore_best(self) -> None:
        with torch.no_grad():
            for name, parameter in self.named:
                if name in self.best:
                    parameter.copy_(self.best[name])

    def _report(self, point: TrainingStep, left: float | None) -> None:
        if point.validation_loss is not None or point.step % max(1, self.total // HISTORY) == 0:
            self.outcome.history.append(point)
        self.on_step(point, self.total, left)

    # --- checkpoints ------------------------------------------------------------------------------

    def _checkpoint(self) -> None:
        outcome = self.outcome
        moments = {name: self.optimizer.state[p] for name, p in self.named}
        tensors = {
            "weights": {name: p.data for name, p in self.named},
            "best": self.best,
            "first_moment": {name: state["exp_avg"] for name, state in moments.items()},
            "second_moment": {name: state["exp_avg_sq"] for name, state in moments.items()},
            "random": {"cpu": torch.get_rng_state()},
        }
        if self.device.type == "cuda":
            tensors["random"]["cuda"] = torch.cuda.get_rng_state(self.device)
        facts = {name: getattr(outcome, name) for name in _PLAIN_FACTS}
        facts["history"] = [point.model_dump(mode="json") for point in outcome.history]
        facts["recent"], facts["told"] = list(self.watch.recent), self.growth.told
        facts["heard"] = self.sampler.facts if self.sampler else None
        self.store.save(State(outcome.step, tensors, facts))

    def _resume(self) -> None:
        state = self.store.load()
        if state is None:
            return
        outcome = self.outcome
        for name in _PLAIN_FACTS:
            setattr(outcome, name, state.facts[name])
        outcome.step = state.step
        outcome.history = [TrainingStep.model_validate(point) for point in state.facts["history"]]
        self.watch.recent.extend(state.facts["recent"])
        self.growth.told = state.facts["told"]
        if self.sampler is not None and state.facts.get("heard"):
            self.sampler.recall(state.facts["heard"])
        self.best = dict(state.tensors.get("best", {}))
        with torch.no_grad():
            for name, parameter in self.named:
                parameter.copy_(state.tensors["weights"][name])
                self.optimizer.state[parameter] = {
                    "step": torch.tensor(float(state.step), device=parameter.device),
                    "exp_avg": state.tensors["first_moment"][name].to(parameter.device),
                    "exp_avg_sq": state.tensors["second_moment"][name].to(parameter.device),
                }
        torch.set_rng_state(state.tensors["random"]["cpu"])
        if self.device.type == "cuda":
            torch.cuda.set_rng_state(state.tensors["random"]["cuda"], self.device)


_PLAIN_FACTS = (
    "best_step",
    "best_loss",
    "base_loss",
    "best_train",
    "waited",
    "trained_tokens",
    "seconds",
    "tokens_at_once",
    "warnings",
)


def learning_rate(recipe: Recipe, step: int, total: int) -> float:
    """Of a 0-based step: a linear rise, then the schedule down to 0 (or constant)."""
    rise = max(1, round(recipe.warmup * total))
    if step < rise:
        return recipe.learning_rate * (step + 1) / rise
    done = (step - rise) / max(1, total - rise)
    if recipe.schedule == "constant":
        return recipe.learning_rate
    if recipe.schedule == "linear":
        return recipe.learning_rate * (1 - done)
    return recipe.learning_rate * 0.5 * (1 + math.cos(math.pi * done))


def _peak_memory(device: torch.device) -> int | None:
    """Bytes: of the GPU, or of this process on a CPU (where the platform says)."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    try:
        import resource
    except ImportError:
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
