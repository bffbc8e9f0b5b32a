"""The order of a training as transformers' Trainer reads it: one batch is one optimizer step's examples.

Refuses to know models. How a step is cut into pieces for memory, and shared out to processes, is decided when it runs.

    loader = step_loader(prepared.train, recipe)
    loader.set_epoch(1)
    next(iter(loader))                       # list of Sample, neighbours in length
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from torch.utils.data import DataLoader, Dataset, Sampler

from finetune.data import Sample, plan_epoch
from finetune.recipe import Recipe


class Steps(Sampler[list[int]]):
    """The indices of each step of one epoch. Draws no random number but those of (seed, epoch)."""

    def __init__(self, samples: Sequence[Sample], recipe: Recipe) -> None:
        self.samples = samples
        self.recipe = recipe
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Trainer calls it at the start of each."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[list[int]]:
        return iter(plan_epoch(self.samples, self.recipe, self.epoch))

    def __len__(self) -> int:
        return steps_per_epoch(len(self.samples), self.recipe)


class StepLoader(DataLoader[Any]):
    """Batches of a step sampler. Hands the epoch on to it, which a plain DataLoader does not."""

    def set_epoch(self, epoch: int) -> None:
        steps: Any = self.batch_sampler
        steps.set_epoch(epoch)


def step_loader(samples: Sequence[Sample], recipe: Recipe) -> StepLoader:
    """Lists of samples, `recipe.batch` each."""
    data: Dataset[Any] = samples  # type: ignore[assignment]  # a sequence is all that is asked of one
    return StepLoader(data, batch_sampler=Steps(samples, recipe), collate_fn=list)


def steps_per_epoch(examples: int, recipe: Recipe) -> int:
    """Optimizer steps."""
    return math.ceil(examples / recipe.batch)


def share_of(samples: Sequence[Sample], process: int, processes: int) -> list[Sample]:
    """What one of several processes computes: dealt out by length, so that all have about the same to do."""
    return sorted(samples, key=lambda sample: -len(sample.ids))[process::processes] if processes > 1 else list(samples)
