"""The course of a training, as a callback of transformers' Trainer: watches, judges, keeps the best, tells.

Refuses to compute a loss: the trainer does. One `TrainingStep` is told for every step, with the seconds left.

    course = Course(model, recipe, on_step=print, sampler=sampler)
    AnswerTrainer(…, course=course).run()
    course.outcome.best_loss

The untrained model is measured while the first steps are behind already (an adapter can be taken off for it, and nobody
needs the figure earlier): at the first validation, or at the fifth step, from which on divergence is looked for.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from transformers import TrainerCallback

from finetune.guards import WINDOW, Growth, Watch, check_base, check_gradients
from finetune.recipe import Recipe
from finetune.sampling import Sampler
from reports.run.schema import TrainingStep

HISTORY = 400
"""Points kept of the course of a training; validation points always."""

SLOW_SAVE = 1.0
"""Seconds from which a checkpoint counts as slow."""

UNSTOPPED_PATIENCE = 2
"""Evaluations after the best one from which the end of a training that `patience: 0` does not stop is overfitting."""


@dataclass
class Outcome:
    """How a training went. JSON-ready but for the history."""

    step: int = 0
    best_step: int = 0
    best_loss: float | None = None
    base_loss: float | None = None
    """Validation loss before training."""
    best_right: float = 0.0
    """Share of the validation side's answer tokens that were the likeliest where it was best."""
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


@dataclass(frozen=True)
class Validation:
    """Weights on the validation side."""

    loss: float
    """Mean over answer tokens."""
    right: float
    """Share of answer tokens that are the likeliest where they stand."""


class Course(TrainerCallback):  # type: ignore[misc]  # transformers is untyped
    """What is known of one training, and what follows from it."""

    def __init__(
        self,
        model: Any,
        recipe: Recipe,
        *,
        on_step: Callable[[TrainingStep, int, float | None], None],
        on_warning: Callable[[str], None] = lambda _: None,
        sampler: Sampler | None = None,
        checkpoint_seconds: float = math.inf,
    ) -> None:
        self.model = model
        self.recipe = recipe
        self.outcome = Outcome()
        self.best: dict[str, torch.Tensor] = {}
        self.validate: Callable[[], Validation] = lambda: Validation(math.nan, 0.0)
        """Given by the trainer: what the weights of now make of the validation side."""
        self.agree: Callable[[bool], bool] = lambda mine: mine
        """Given by the trainer: what the first of several processes says."""
        self.tokens = 0
        """Of the step that runs, prompts included; set by the trainer."""
        self.saving = 0.0
        """Seconds that the last checkpoint took; set by the trainer."""
        self.watch = Watch(recipe)
        self.growth = Growth(model)
        self.sampler = sampler
        self._on_step = on_step
        self._on_warning = on_warning
        self._checkpoint_seconds = checkpoint_seconds
        self._held: TrainingStep | None = None
        """The step that is being validated."""
        self._left: float | None = None

    @property
    def named(self) -> list[tuple[str, Any]]:
        """What is trained."""
        return [(name, p) for name, p in self.model.named_parameters() if p.requires_grad]

    # --- what Trainer calls -----------------------------------------------------------------------

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._total = state.max_steps
        self._an_epoch = max(1, self._total // self.recipe.epochs)
        self._every = max(1, round(self._an_epoch / self.recipe.evaluations))
        self._first = self.outcome.step
        self._before = self.outcome.seconds
        self._started = self._saved = time.perf_counter()
        if not hasattr(self.model, "disable_adapter"):
            self._measure_base()

    def on_step_begin(self, *_: Any, **__: Any) -> None:
        self._clock = time.perf_counter()

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.global_step == 0:
            check_gradients(self.named)

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **_: Any) -> None:
        if logs is None or "grad_norm" not in logs:
            return  # the summary that ends a training
        state.log_history.clear()  # ours is the record; each checkpoint would carry this one too
        now, outcome = time.perf_counter(), self.outcome
        loss, norm = float(logs["loss"]), float(logs["grad_norm"])
        outcome.step = state.global_step
        outcome.seconds = self._before + now - self._started
        due = outcome.step % self._every == 0 or outcome.step == self._total
        if due or len(self.watch.recent) >= WINDOW - 1 or not math.isfinite(loss + norm):
            self._measure_base()
        self._point(logs, loss, norm, now - self._clock)
        alarm = self.watch.step(outcome.step, loss, norm)
        self._check_growth()
        self._left = (time.perf_counter() - self._started) / (outcome.step - self._first) * (self._total - outcome.step)
        if alarm:
            self._diverge(alarm, control)
        elif due:
            control.should_evaluate = True
            return
        control.should_save = not outcome.stopped and self._is_time()
        self._tell()

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: dict[str, float], **_: Any) -> None:
        assert self._held is not None
        validation = metrics["eval_loss"]
        if math.isfinite(validation):
            self._judge(Validation(validation, metrics["eval_right"]), control)
            self._held = self._heard(self._held.model_copy(update={"validation_loss": validation}))
        else:
            self._diverge(self.watch.not_a_number(self.outcome.step), control)
        control.should_save = not self.outcome.stopped and self._is_time()
        self._tell()

    def on_save(self, *_: Any, **__: Any) -> None:
        self._saved = time.perf_counter()

    def on_train_end(self, *_: Any, **__: Any) -> None:
        self.outcome.stopped = self.outcome.stopped or "all epochs"
        self.outcome.seconds = self._before + time.perf_counter() - self._started
        with torch.no_grad():
            for name, parameter in self.named:
                if name in self.best:
                    parameter.copy_(self.best[name])

    # --- judging ----------------------------------------------------------------------------------

    def _judge(self, found: Validation, control: Any) -> None:
        """Keep the best weights, decide whether to stop."""
        outcome, validation = self.outcome, found.loss
        if outcome.best_loss is None or validation < outcome.best_loss:
            self._keep(found)
            return
        # The rate has come down to 0 there, which no earlier weights had: a loss that a few confident mistakes raise is
        # no reason to go back. 28 trainings of `tickets` would have lost 2 points of accuracy by it, one 12.
        ended = outcome.step >= self._total
        if ended and self.recipe.schedule != "constant" and found.right >= outcome.best_right:
            self._keep(found)
            return
        outcome.waited += 1
        if ended and not self.recipe.patience and outcome.waited >= UNSTOPPED_PATIENCE:
            self._check_overfit(validation)
        if self.recipe.patience and outcome.waited >= self.recipe.patience and not ended:
            alarm = self.watch.far_above(outcome.step, outcome.best_loss)
            if alarm:
                self._diverge(alarm, control)
                return
            outcome.stopped = "validation loss stopped falling"
            control.should_training_stop = True
            self._check_overfit(validation)

    def _keep(self, found: Validation) -> None:
        outcome = self.outcome
        outcome.best_loss, outcome.best_right = found.loss, found.right
        outcome.best_step, outcome.waited = outcome.step, 0
        outcome.best_train = self.watch.level
        self.best = {name: p.detach().to("cpu", copy=True) for name, p in self.named}

    def _diverge(self, why: str, control: Any) -> None:
        self.outcome.stopped = "diverged"
        control.should_training_stop = True
        self._warn(f"Training {why}")

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
        if self.growth.told or outcome.step % WINDOW or outcome.step > max(4 * WINDOW, self._total // 4):
            return
        text = self.growth.check(self.recipe)
        if text:
            self._warn(f"{text} (step {outcome.step} of {self._total})")

    def _heard(self, point: TrainingStep) -> TrainingStep:
        """The point with what the sample answers are like; an alarm where they fall apart."""
        heard = self.sampler.listen(self.outcome.tokens_at_once) if self.sampler else None
        if self.sampler is None or heard is None:
            return point
        text = self.sampler.judge(heard, self.recipe)
        if text:
            self._warn(f"{text} (step {point.step} of {self._total})")
        return point.model_copy(update=vars(heard))

    def _measure_base(self) -> None:
        """The untrained model's validation loss and answers, once. Raises DataError where the loss is no number."""
        outcome = self.outcome
        if outcome.base_loss is None:
            with self._untrained():
                loss = outcome.base_loss = check_base(self.validate().loss)
                point = self._heard(TrainingStep(step=0, epoch=0.0, loss=loss, validation_loss=loss))
            outcome.history.insert(0, point)
            self._on_step(point, self._total, None)
        self.watch.base = outcome.base_loss

    @contextmanager
    def _untrained(self) -> Iterator[None]:
        disable = getattr(self.model, "disable_adapter", None)
        if disable is None:  # whole weights: only before the first step
            yield
            return
        with disable():
            yield

    # --- telling ----------------------------------------------------------------------------------

    def _point(self, logs: dict[str, Any], loss: float, norm: float, spent: float) -> None:
        outcome = self.outcome
        self._held = TrainingStep(
            step=outcome.step,
            epoch=round(outcome.step / self._an_epoch, 4),
            loss=loss if math.isfinite(loss) else self.watch.level,
            learning_rate=logs["learning_rate"],
            grad_norm=norm if math.isfinite(norm) else None,
            tokens_per_second=self.tokens / max(spent, 1e-9),
            memory_bytes=_peak_memory(next(self.model.parameters()).device),
        )

    def _tell(self) -> None:
        point = self._held
        assert point is not None
        if point.validation_loss is not None or point.step % max(1, self._total // HISTORY) == 0:
            self.outcome.history.append(point)
        self._on_step(point, self._total, self._left)

    def _warn(self, text: str) -> None:
        self.outcome.warnings.append(text)
        self._on_warning(text)

    def _is_time(self) -> bool:
        """Not before twenty times what a slow one took: those of whole models have tens of gigabytes."""
        pause = max(self._checkpoint_seconds, 20 * self.saving if self.saving > SLOW_SAVE else 0.0)
        return self.agree(time.perf_counter() - self._saved >= pause)

    # --- checkpoints ------------------------------------------------------------------------------

    @property
    def facts(self) -> dict[str, Any]:
        """What a checkpoint keeps, as JSON; the best weights are beside it."""
        facts: dict[str, Any] = {name: getattr(self.outcome, name) for name in _PLAIN_FACTS}
        facts["history"] = [point.model_dump(mode="json") for point in self.outcome.history]
        facts["recent"], facts["told"] = list(self.watch.recent), self.growth.told
        facts["lowest"] = self.watch.lowest if math.isfinite(self.watch.lowest) else None
        facts["heard"] = self.sampler.facts if self.sampler else None
        return facts

    def recall(self, facts: dict[str, Any], best: dict[str, torch.Tensor]) -> None:
        """The state of `facts`."""
        for name in _PLAIN_FACTS:
            setattr(self.outcome, name, facts.get(name, getattr(self.outcome, name)))
        self.outcome.history = [TrainingStep.model_validate(point) for point in facts["history"]]
        self.watch.base = math.inf if self.outcome.base_loss is None else self.outcome.base_loss
        self.watch.recent.extend(facts["recent"])
        self.watch.lowest = math.inf if facts.get("lowest") is None else facts["lowest"]
        self.growth.told = facts["told"]
        if self.sampler is not None and facts.get("heard"):
            self.sampler.recall(facts["heard"])
        self.best = best


_PLAIN_FACTS = (
    "step",
    "best_step",
    "best_loss",
    "best_right",
    "base_loss",
    "best_train",
    "waited",
    "trained_tokens",
    "seconds",
    "tokens_at_once",
    "warnings",
)


def _peak_memory(device: torch.device) -> int | None:
    """Bytes: of the GPU, or of this process on a CPU (where the platform says)."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    try:
        import resource
    except ImportError:
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
