"""The keys and values of many unfinished answers in one table: a row an answer, a column a position.

Refuses to know tokens, prompts and stop rules. Rows stay dense: when answers finish, the last rows move into their
places, so a decode step never computes a finished row. Row i uses columns 0 to lengths[i]-1, without padding, so a
column number is the token's position and rows of any length live side by side.

    table = SlotTable(device)
    first = table.admit(cache, lengths, next_tokens, columns=96, capacity=64)
    model(input_ids=table.tokens[:n, None], past_key_values=table.cache, …)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from transformers.cache_utils import Cache, DynamicLayer

if TYPE_CHECKING:
    from torch import Tensor


class SlotTable:
    """Shared state of all layers: how many rows live, how long each one is, which token each one feeds next."""

    def __init__(self, device: str) -> None:
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
        self.layers: list[SlotLayer] = []
        self.cache = Cache(layers=self.layers)

    @property
    def rows(self) -> Tensor:
        """0 … live-1, for indexing."""
        return self._rows[: self.live]

    def admit(
        self, filled: Cache, lengths: Sequence[int], tokens: Sequence[int], *, columns: int, capacity: int
    ) -> int:
        """Copy a prefilled cache (batch, kv heads, width, head size) into new rows; the first row's number comes back.

        `lengths` counts the valid columns of each row, `tokens` is what each row feeds next. Where the table has fewer
        than `capacity` rows or `columns`, it is laid out anew with just these.
        """
        self._reserve(filled, columns, max(capacity, self.live + len(lengths)))
        first, end = self.live, self.live + len(lengths)
        width = max(lengths)
        for layer, source in zip(self.layers, filled.layers, strict=True):
            if width:
                layer.keys[first:end, :, :width] = source.keys[:, :, :width]
                layer.values[first:end, :, :width] = source.values[:, :, :width]
        self.tokens[first:end] = torch.tensor(tokens, device=self.device)
        self.lengths[first:end] = torch.tensor(lengths, device=self.device)
        self._host_lengths[first:end] = lengths
        self.live = end
        self._measure()
        return first

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
                layer.keys[to, :, :width] = layer.keys[source, :, :width]
                layer.values[to, :, :width] = layer.values[source, :, :width]
            self.tokens[to] = self.tokens[source]
            self.lengths[to] = self.lengths[source]
            for gap, tail in zip(gaps, tails, strict=True):
                self._host_lengths[gap] = self._host_lengths[tail]
        del self._host_lengths[kept:]
        self.live = kept
        self._measure()
        return list(zip(tails, gaps, strict=True))

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

    def _reserve(self, filled: Cache, columns: int, capacity: int) -> None:
        if not self.layers:
            self.layers.extend(SlotLayer(self) for _ in filled.layers)
        if capacity <= self.capacity and columns <= self.columns:
            return
        for layer, source in zip(self.layers, filled.layers, strict=True):
            layer.grow(source.keys, source.values, capacity, columns)
        self.tokens = _grown(self.tokens, capacity)
        self.lengths = _grown(self.lengths, capacity)
        self._rows = torch.arange(capacity, device=self.device)
        self.capacity, self.columns = capacity, columns


class SlotLayer(DynamicLayer):  # type: ignore[misc]  # transformers is untyped here
    """One attention layer of the table: keys and values of shape (capacity, kv heads, columns, head size)."""

    keys: Tensor
    values: Tensor

    def __init__(self, table: SlotTable) -> None:
        super().__init__()
        self.table = table
        self.is_initialized = True

    def grow(self, keys: Tensor, values: Tensor, capacity: int, columns: int) -> None:
        """Take the shape of `keys` and `values`, and keep the live rows."""
        live = self.table.live
        for name, like in (("keys", keys), ("values", values)):
            # Zeros, not empty memory: a masked NaN would still poison the sum over values.
            fresh = torch.zeros(capacity, like.shape[1], columns, like.shape[3], dtype=like.dtype, device=like.device)
            if live:
                width = self.table.width - 1
                fresh[:live, :, :width] = getattr(self, name)[:live, :, :width]
            setattr(self, name, fresh)

    def update(self, key_states: Tensor, value_states: Tensor, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        """Write one new column a row, (rows, kv heads, 1, head size); returns all columns in use."""
        table = self.table
        live = table.live
        rows, columns = table.rows, table.lengths[:live]
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
