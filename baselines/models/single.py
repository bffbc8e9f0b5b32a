"""Continues one prompt alone and notes when its first token was ready: the latency pass, as a lone caller sees it.

Refuses to batch, and to know other state than keys and values (`padded.py` answers with those alone, too). The rest of
the product answers through `generation.py`; both give the same greedy answer.

    done, first_token_at = continue_one(model, Job(0, ids), stopping, "cpu")
"""

from __future__ import annotations

import time
import zlib
from typing import Any

import torch
from transformers.cache_utils import DynamicCache

from baselines.models.generation import Continuation, Job, Stopping


@torch.inference_mode()
def continue_one(model: Any, job: Job, stopping: Stopping, device: str) -> tuple[Continuation, float]:
    """The continuation and the `time.perf_counter()` at which its first token was known."""
    cache = DynamicCache(config=model.config)
    ids = torch.tensor([job.ids], device=device)
    room = stopping.max_new_tokens
    if stopping.context is not None:
        room = min(room, stopping.context - len(job.ids))
    noise = torch.Generator().manual_seed(zlib.crc32(repr((stopping.seed, job.ids)).encode()))
    new: list[int] = []
    first = 0.0
    while True:
        output = model(input_ids=ids, past_key_values=cache, use_cache=True, logits_to_keep=1)
        token = _choose(output.logits[0, -1], stopping.temperature, noise)
        new.append(token)
        first = first or time.perf_counter()
        if token in stopping.end_ids:
            return Continuation(job.index, new, "end"), first
        if stopping.stops_at is not None and stopping.stops_at(new):
            return Continuation(job.index, new, "stop"), first
        if len(new) >= room:
            return Continuation(job.index, new, "length"), first
        ids = torch.tensor([[token]], device=device)


def _choose(logits: torch.Tensor, temperature: float, noise: torch.Generator) -> int:
    if temperature > 0:
        uniform = torch.rand(logits.shape[-1], generator=noise).clamp(1e-20, 1 - 1e-7)
        logits = logits.float() / temperature - torch.log(-torch.log(uniform)).to(logits.device)
    return int(logits.argmax(-1))
