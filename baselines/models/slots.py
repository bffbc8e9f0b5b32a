"""The keys and values of many unfinished answers in one table: a row an answer, a column a position.

Refuses to know tokens, prompts and stop rules. Rows stay dense: when answers finish, the last rows move into their
places, so a decode step never computes a finished row. Row i uses columns 0 to lengths[i]-1, without padding, so a
column number is the token's position and rows of any length live side by side.

    table = SlotTable(device, shapes_of(cache))
    table.reserve(capacity=64, columns=96)
    prefill(model, padded_ids, table, prefix)                  # prefill.py writes straight into the free rows
    table.admit(lengths, next_tokens)
    model(input_ids=table.tokens[:n, None], past_key_values=table.cache, …)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from transformers.cache_utils import Cache, DynamicLayer

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class LayerShape:
    """What one token leaves behind in one attention layer."""

    heads: int
    key_size: int
    value_size: int
    dtype: torch.dtype
    device: torch.device
    """Where the layer's own weights lie: those of a large model are spread over several cards."""


def shapes_of(cache: Cache) -> list[LayerShape]:
    """Of each layer of a filled cache, whose tensors have the shape (batch, kv heads, width, head size)."""
    return [
        LayerShape(layer.keys.shape[1], layer.keys.shape[3], layer.values.shape[3], layer.keys.dtype, layer.keys.device)
        for layer in cache.layers
    ]


class SlotTable:
    """Shared state of all layers: how many rows live, how long each one is, which token each one feeds next."""

    def __init__(self, device: str, shapes: Sequence[LayerShape]) -> None:
        self.device = device
        self.live = 0
        self.width = 0
        """Columns that the next step reads: the longest live row and its new token."""
        self.capacity = 0
        self.columns = 0
        self.tokens = torch.zeros(0, dtype=torch.long, device=device)
        self.lengths = torch.zeros(0, dtype=torch.long, device=device)
        self._host_lengths: list[int] = []
        self._rows = torch.zeros(0, dtype=torch.long, device=device)
        self.layers = [SlotLayer(self, shape) for shape in shapes]
        self.cache = Cache(layers=self.layers)

    @property
    def rows(self) -> Tensor:
        """0 … live-1, for indexing."""
        return self._rows[: self.live]

    def reserve(self, capacity: int, columns: int) -> None:
        """Room for so many rows and columns. Where it has less of either, it is laid out anew with these."""
        if capacity <= self.capacity and columns <= self.columns:
            return
        for layer in self.layers:
            layer.grow(capacity, columns)
        self.tokens = _grown(self.tokens, capacity)
        self.lengths = _grown(self.lengths, capacity)
        self._rows = torch.arange(capacity, device=self.device)
        self.capacity, self.columns = capacity, columns

    def admit(self, lengths: Sequence[int], tokens: Sequence[int]) -> None:
        """The next free rows, which a prefill has filled, live from now on.

        `lengths` counts the valid columns of each row, `tokens` is what each row feeds next.
        """
        first, end = self.live, self.live + len(lengths)
        self.tokens[first:end] = torch.tensor(tokens, device=self.device)
        self.lengths[first:end] = torch.tensor(lengths, device=self.device)
        self._host_lengths[first:end] = lengths
        self.live = end
        self._measure()

    def advance(self, chosen: Tensor) -> None:
        """Every live row wrote one column and feeds `chosen` next."""
        self.tokens[: self.live] = chosen
        self.lengths[: self.live] += 1
        self._host_lengths = [length + 1 for length in self._host_lengths]
        self._measure()

    def drop(self, finished: Sequence[int]) -> list[tuple[int, int]]:
        """Free these rows. Returns (from, to) of each row that moved into a gap."""
        kept = self.live - len(finished)
        gone = set(finished)
        gaps = sorted(row for row in gone if row < kept)
        tails = [row for row in range(kept, self.live) if row not in gone]
        if gaps:
            to = torch.tensor(gaps, device=self.device)
            source = torch.tensor(tails, device=self.device)
            width = max(self._host_lengths[row] for row in tails)
            for layer in self.layers:
                layer.move(source, to, width)
            self.tokens[to] = self.tokens[source]
            self.lengths[to] = self.lengths[source]
            for gap, tail in zip(gaps, tails, strict=True):
                self._host_lengths[gap] = self._host_lengths[tail]
        del self._host_lengths[kept:]
        self.live = kept
        self._measure()
        return list(zip(tails, gaps, strict=True))

    def release(self) -> None:
        """Forget every row and give the memory back now.

        Layers and table know each other: left to itself, the memory would stay until Python looks for cycles.
        """
        for layer in self.layers:
            layer.release()
        self.tokens, self.lengths, self._rows = (_grown(of, 0) for of in (self.tokens, self.lengths, self._rows))
        self._host_lengths = []
        self.live = self.width = self.capacity = self.columns = 0

    def mask(self, window: int | None = None) -> Tensor:
        """Boolean (rows, 1, 1, width): what each row's next token may look at; `window` for sliding attention."""
        at = torch.arange(self.width, device=self.device)[None, :]
        lengths = self.lengths[: self.live, None]
        seen = at <= lengths
        if window is not None:
            seen &= at > lengths - window
        return seen[:, None, None, :]

    def _measure(self) -> None:
        self.width = max(self._host_lengths, default=0) + 1


class SlotLayer(DynamicLayer):  # type: ignore[misc]  # transformers is untyped here
    """One attention layer of the table: keys and values of shape (capacity, kv heads, columns, head size)."""

    keys: Tensor
    values: Tensor

    def __init__(self, table: SlotTable, shape: LayerShape) -> None:
        super().__init__()
        self.table = table
        self.shape = shape
        self.is_initialized = True

    def grow(self, capacity: int, columns: int) -> None:
        """A larger place for keys and values; the live rows move there."""
        live, width = self.table.live, self.table.width - 1
        shape = self.shape
        for name, size in (("keys", shape.key_size), ("values", shape.value_size)):
            # Zeros, not empty memory: a masked NaN would still poison the sum over values.
            fresh = torch.zeros(capacity, shape.heads, columns, size, dtype=shape.dtype, device=shape.device)
            if live:
                fresh[:live, :, :width] = getattr(self, name)[:live, :, :width]
            setattr(self, name, fresh)

    def release(self) -> None:
        """As before the first `grow`."""
        self.keys = self.values = torch.zeros(0, dtype=self.shape.dtype, device=self.shape.device)

    def move(self, source: Tensor, to: Tensor, width: int) -> None:
        """The first `width` columns of some rows go to others."""
        source, to = source.to(self.shape.device), to.to(self.shape.device)
        self.keys[to, :, :width] = self.keys[source, :, :width]
        self.values[to, :, :width] = self.values[source, :, :width]

    def update(self, key_states: Tensor, value_states: Tensor, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        """Write one new column a row, (rows, kv heads, 1, head size); returns all columns in use."""
        table = self.table
        live = table.live
        # Indices must lie beside what they index; where there is one device, `to` does nothing.
        rows, columns = table.rows.to(self.shape.device), table.lengths[:live].to(self.shape.device)
        self.keys[rows, :, columns] = key_states[:, :, 0]
        self.values[rows, :, columns] = value_states[:, :, 0]
        return self.keys[:live, :, : table.width], self.values[:live, :, : table.width]

    def get_seq_length(self) -> int:
        """Columns before the new token."""
        return self.table.width - 1

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """(columns, offset) for mask creation; our own mask is always given."""
        return self.table.width - 1 + query_length, 0


def _grown(values: Tensor, capacity: int) -> Tensor:
    fresh = torch.zeros(capacity, dtype=values.dtype, device=values.device)
    kept = min(len(values), capacity)
    fresh[:kept] = values[:kept]
    return fresh
