"""Sheets in batches of almost equal length, with the mask that keeps branches apart. Little padding.

for batch in batches(encoder, seed=0, mix=text_mix.FULL, length=640): ...
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

import torch
from torch import Tensor

from advisor.demo import text_mix
from advisor.demo.tokens import Encoder, Row


@dataclass(frozen=True)
class Batch:
    """One step's work. `where`, `target` and `weight` are flat, one entry a loss position."""

    tokens: Tensor
    position: Tensor
    mask: Tensor
    where: Tensor
    target: Tensor
    weight: Tensor


POOL = 400
"""Sheets that are sorted by length together: enough that neighbours differ by a few tokens."""
STEP_TOKENS = 4096


def batches(
    encoder: Encoder,
    seed: int,
    mix: text_mix.Mix,
    length: int,
    *,
    context_share: float = 0.05,
    context_weight: float = 0.2,
) -> Iterator[Batch]:
    """Batches of about STEP_TOKENS without end. Of the tokens that answer nothing, a share carries a small loss.

    One sheet a row, rows of almost one length: attention costs length squared, so sheets do not share rows.
    Sheets longer than `length` are left out.
    """
    rng = Random(seed + 1)
    sheets = text_mix.stream(seed, mix)
    while True:
        pool = [r for r in (encoder.row(next(sheets)) for _ in range(POOL)) if len(r.tokens) <= length]
        pool.sort(key=lambda r: len(r.tokens))
        groups: list[list[Row]] = []
        while pool:
            longest = len(pool[-1].tokens)
            count = max(1, STEP_TOKENS // longest)
            groups.append(pool[-count:])
            del pool[-count:]
        rng.shuffle(groups)
        for group in groups:
            yield collate(group, rng, context_share, context_weight)


def collate(group: list[Row], rng: Random, share: float, small: float) -> Batch:
    """Rows as one batch, padded at the end. `share` of the other tokens carry loss, of weight `small`."""
    count, length = len(group), max(len(r.tokens) for r in group)
    tokens = torch.zeros(count, length, dtype=torch.long)
    position = torch.zeros(count, length, dtype=torch.long)
    branch = torch.zeros(count, length, dtype=torch.long)
    where: list[int] = []
    target: list[int] = []
    weight: list[float] = []
    for number, row in enumerate(group):
        size = len(row.tokens)
        tokens[number, :size] = torch.tensor(row.tokens)
        position[number, :size] = torch.tensor(row.position)
        branch[number, :size] = torch.tensor(row.branch)
        for i, w in enumerate(row.weight[:-1]):
            if w == 0 and (row.branch[i] != row.branch[i + 1] or rng.random() >= share):
                continue
            where.append(number * length + i)
            target.append(row.target[i])
            weight.append(w or small)
    seen = ((branch[:, None, :] == 0) | (branch[:, :, None] == branch[:, None, :])).tril_()
    mask = torch.zeros(count, 1, length, length).masked_fill_(~seen[:, None], float("-inf"))
    return Batch(tokens, position, mask, torch.tensor(where), torch.tensor(target), torch.tensor(weight))
