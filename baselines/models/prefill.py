"""Prompts into the slot table: one pass over many, stopped as soon as their keys and values are all stored.

Refuses to know which prompts and when. Nothing but keys and values outlives a prefill, so the last layer's attention
and MLP, the final norm and the head are not computed, and no layer's keys and values are copied twice.

    shapes = probe(model, device)                              # once for a model
    prefix = prefill_shared(model, shared_ids, device)         # what all prompts begin with, as one row
    prefill(model, padded_ids, table, prefix)                  # into the rows behind the live ones
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from transformers.cache_utils import Cache, DynamicCache, DynamicLayer

from baselines.models.slots import LayerShape, SlotLayer, SlotTable, shapes_of

if TYPE_CHECKING:
    from torch import Tensor


class Filled(Exception):
    """The last layer has stored its keys and values: what the pass would compute from here on, nobody reads."""


def probe(model: Any, device: str) -> list[LayerShape]:
    """What each layer that stores anything stores: some models share keys and values among layers."""
    cache = DynamicCache()
    model(input_ids=torch.zeros((1, 1), dtype=torch.long, device=device), past_key_values=cache, use_cache=True)
    return shapes_of(cache)


def prefill_shared(model: Any, ids: Sequence[int], device: str) -> Cache:
    """A cache of one row with the tokens that all prompts begin with."""
    cache = DynamicCache()
    model(input_ids=torch.tensor([list(ids)], device=device), past_key_values=cache, use_cache=True, logits_to_keep=1)
    return cache


def prefill(model: Any, rows: int, ids: Tensor | None, table: SlotTable, prefix: Cache | None) -> None:
    """Fill the table's next rows with `prefix` and with `ids` (rows, width), padded on the right, behind it.

    `ids` is None where every prompt ends with the prefix. The rows live only after `table.admit`.
    """
    shared = prefix.layers if prefix is not None else [None] * len(table.layers)
    layers = [FillLayer(slot, rows, row) for slot, row in zip(table.layers, shared, strict=True)]
    if ids is None:
        return
    layers[-1].last = True
    try:
        # Right padding under a causal mask: no real token sees a pad, so no mask is needed.
        model(input_ids=ids, past_key_values=Cache(layers=layers), use_cache=True, logits_to_keep=1)
    except Filled:
        return


class FillLayer(DynamicLayer):  # type: ignore[misc]  # transformers is untyped here
    """One attention layer during a prefill: what comes goes to its rows of the table."""

    def __init__(self, slot: SlotLayer, rows: int, prefix: DynamicLayer | None) -> None:
        super().__init__()
        self.slot = slot
        self.rows = slice(slot.table.live, slot.table.live + rows)
        self.start = 0
        self.last = False
        self.is_initialized = True
        if prefix is not None:
            self.start = prefix.keys.shape[2]
            slot.keys[self.rows, :, : self.start] = prefix.keys
            slot.values[self.rows, :, : self.start] = prefix.values

    def update(self, key_states: Tensor, value_states: Tensor, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        """Store (rows, kv heads, width, head size); returns them behind the prefix. Raises Filled in the last layer."""
        end = self.start + key_states.shape[2]
        self.slot.keys[self.rows, :, self.start : end] = key_states
        self.slot.values[self.rows, :, self.start : end] = value_states
        if self.last:
            raise Filled
        if not self.start:
            return key_states, value_states
        return self.slot.keys[self.rows, :, :end], self.slot.values[self.rows, :, :end]

    def get_seq_length(self) -> int:
        """Columns before the new tokens."""
        return self.start
