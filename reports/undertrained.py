"""Whether a fine-tuning ended before it had learnt: then its score judges the recipe, not fine-tuning.

undertrained_caution("qlora", training)      # "qlora may be undertrained: in 27 steps …", or nothing

Refuses to say so where the validation loss turned up, was low from the start, or lost more than half of itself.
"""

from __future__ import annotations

from collections.abc import Iterator

from reports import text
from reports.run.schema import TrainingRecord

SHARE_LEFT = 0.5
"""Share of the untrained model's loss from which a best loss counts as little learnt. On the bundled model, trainings
that learnt a task new to it kept 0.4 to 36 %; those of a few dozen steps on unfamiliar text kept 82 % and more."""

LOW = 0.5
"""Nats a token: an untrained model below that answers well already, and has little to learn."""

SMALL = 2_000_000
"""Weights of an adapter: rank 16 on all linear layers of a model of 0.5 billion has four times as many."""

SMALL_RATE = 2e-3
"""LoRA Without Regret (Schulman 2025) finds 5e-4 (2000 / width)^0.78 for Llamas: 2.5e-3 at the bundled model's 256."""


def undertrained_caution(name: str, training: TrainingRecord | None) -> Iterator[str]:
    """One sentence, where the last validation was the best and most of the untrained model's loss is still there."""
    points = training.validated if training else ()
    if training is None or training.stopped != "all epochs" or len(points) < 2 or points[0][0] != 0:
        return
    losses = [loss for _, loss in points]
    before, last = losses[0], losses[-1]
    if before < LOW or last > min(losses) or last < SHARE_LEFT * before:
        return
    yield (
        f"{name} may be undertrained: in {text.count(training.steps, 'step')} its validation loss fell only from "
        f"{before:.2f} to {last:.2f} and never turned up. Before fine-tuning is judged by it, give it more epochs "
        f"(it had {training.epochs:g}){_rate(training)}."
    )


def _rate(training: TrainingRecord) -> str:
    """What else to change where the model is small: the best rate of adapters falls with its width."""
    rate, size = training.recipe.get("learning_rate"), training.trainable_parameters
    if training.method == "full" or not isinstance(rate, float) or size is None or size >= SMALL or rate >= SMALL_RATE:
        return ""
    return f", or a higher learning_rate (it had {rate:g}; models as small as this one bear {SMALL_RATE:g})"
