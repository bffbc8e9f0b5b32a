"""Decoding for architectures that the slot table cannot hold (state-space, chunked attention): transformers' generate.

Refuses to be clever: batches of similar length, left-padded, halved when memory runs out. Not transformers' continuous
batching (`generate_batch`): its cache holds full and sliding attention alone, which the slot table holds too, so it
takes none of the architectures that come here.

    engine = PaddedEngine(model, "cpu")      # the same `run` as generation.Engine
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import torch
from transformers import StoppingCriteria, StoppingCriteriaList

from baselines.models.generation import Continuation, Job, Stopping
from finetune.loading import is_out_of_memory


class PaddedEngine:
    """`generate` in length-sorted batches under a budget of padded tokens, answer room included."""

    def __init__(self, model: Any, device: str) -> None:
        self.model = model
        self.device = device
        self.budget = 32768 if device.startswith("cuda") else 8192

    def run(
        self,
        jobs: Sequence[Job],
        stopping: Stopping,
        before_step: Callable[[], None] = lambda: None,
        *,
        every: float | None = None,
    ) -> Iterator[list[Continuation]]:
        """Lists of finished answers, each job exactly once, a list a batch whatever `every` says."""
        waiting = sorted(jobs, key=lambda job: -len(job.ids))
        while waiting:
            rows = max(1, self.budget // (len(waiting[0].ids) + stopping.max_new_tokens))
            batch = waiting[:rows]
            before_step()
            try:
                done = self._batch(batch, stopping)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                if len(batch) > 1:
                    self.budget = max(1, self.budget // 2)
                    continue
                done = [Continuation(batch[0].index, [], "memory")]
            del waiting[: len(batch)]
            yield done

    def alone(self, job: Job, stopping: Stopping) -> tuple[Continuation, float | None]:
        """One continuation and the `time.perf_counter()` at which its first token was known."""
        (done,) = self._batch([job], stopping)
        return done, done.first_at

    @torch.inference_mode()
    def _batch(self, batch: list[Job], stopping: Stopping) -> list[Continuation]:
        width = max(len(job.ids) for job in batch)
        pad = min(stopping.end_ids)
        ids = torch.tensor([[pad] * (width - len(job.ids)) + job.ids for job in batch], device=self.device)
        mask = torch.tensor([[0] * (width - len(job.ids)) + [1] * len(job.ids) for job in batch], device=self.device)
        sampling = {"do_sample": True, "temperature": stopping.temperature, "top_k": 0} if stopping.temperature else {}
        if stopping.temperature:
            torch.manual_seed(stopping.seed)
        watch = _Watch(width, stopping)
        output = self.model.generate(
            input_ids=ids,
            attention_mask=mask,
            max_new_tokens=max(_room(job, stopping) for job in batch),
            eos_token_id=sorted(stopping.end_ids),
            pad_token_id=pad,
            stopping_criteria=StoppingCriteriaList([watch]),
            **(sampling or {"do_sample": False}),
        )
        new = output[:, width:].tolist()
        return [
            replace(ended(job, row, stopping), first_at=watch.first_at) for job, row in zip(batch, new, strict=True)
        ]


class _Watch(StoppingCriteria):  # type: ignore[misc]  # transformers is untyped here
    """Asked after each token: notes when the first one was known, and ends a row at a stop text."""

    def __init__(self, width: int, stopping: Stopping) -> None:
        self.width = width
        self.stops_at = stopping.stops_at
        self.first_at: float | None = None

    def __call__(self, input_ids: torch.Tensor, scores: Any, **_: Any) -> torch.Tensor:
        self.first_at = self.first_at or time.perf_counter()
        if self.stops_at is None:
            return torch.zeros(len(input_ids), dtype=torch.bool, device=input_ids.device)
        stopped = [self.stops_at(row) for row in input_ids[:, self.width :].tolist()]
        return torch.tensor(stopped, device=input_ids.device)


def _room(job: Job, stopping: Stopping) -> int:
    """New tokens that this prompt may get."""
    if stopping.context is None:
        return stopping.max_new_tokens
    return min(stopping.max_new_tokens, stopping.context - len(job.ids))


def ended(job: Job, ids: list[int], stopping: Stopping) -> Continuation:
    """Where an answer that was generated on and on really ended, and why."""
    room = _room(job, stopping)
    for at, token in enumerate(ids[:room]):
        if token in stopping.end_ids:
            return Continuation(job.index, ids[: at + 1], "end")
        if stopping.stops_at is not None and stopping.stops_at(ids[: at + 1]):
            return Continuation(job.index, ids[: at + 1], "stop")
    return Continuation(job.index, ids[:room], "length")
