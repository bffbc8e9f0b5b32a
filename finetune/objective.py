"""The loss of a batch: cross-entropy on answer tokens only, with logits computed for those positions alone.

Refuses to know optimizers and epochs.

    objective = Objective(model)
    total, tokens = objective([samples[i] for i in piece])      # summed loss (a scalar tensor), tokens that carried it

Batches are right-padded under a causal mask: no real token sees a pad and pads carry no loss, so no attention mask is
needed and the fused kernels stay usable. Where the model attends by flash attention, which takes the places at which
examples begin, they stand in one row without any pad. The output layer sees only the positions that predict answer
tokens (with a vocabulary of 150,000 the logits are otherwise a third of the memory), and so does the last layer's MLP
where it can be told apart. Where a model does more than that (soft caps, scaling, layers that ignore where an example
begins), the first batch finds out and the model's own forward or padded rows are used.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import torch
import torch.nn.functional as F

from finetune.data import Sample
from finetune.last_layer import LastLayer


class Objective:
    """Callable on a list of samples. Build one per training: it probes the model once."""

    def __init__(self, model: Any, *, mixed: bool = False) -> None:
        self.model = model
        self.device = next(model.parameters()).device
        self.mixed = mixed
        """Compute in bf16 under autocast while the trained weights stay float32."""
        self._decoder = model.get_decoder() if hasattr(model, "get_decoder") else None
        self._head = model.get_output_embeddings()
        self._short: bool | None = None if self._decoder is not None and self._head is not None else False
        self._last = LastLayer.of(self._decoder) if self._short is None else None
        attention = getattr(getattr(model, "config", None), "_attn_implementation", None)
        self._packed: bool | None = None if str(attention).startswith("flash_attention") else False

    def __call__(self, samples: Sequence[Sample]) -> tuple[torch.Tensor, int]:
        logits, targets = self._predicted(samples)
        return F.cross_entropy(logits, targets, reduction="sum"), len(targets)

    @torch.no_grad()
    def judged(self, samples: Sequence[Sample]) -> tuple[float, int]:
        """Summed loss, and how many answer tokens are the likeliest where they stand."""
        logits, targets = self._predicted(samples)
        right = (logits.argmax(dim=-1) == targets).sum()
        return float(F.cross_entropy(logits, targets, reduction="sum")), int(right)

    def _predicted(self, samples: Sequence[Sample]) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits (answer tokens, vocabulary) in float32, and the answer tokens."""
        if self._short is None:
            self._short = self._agrees(samples[:1])
            if not self._short and self._last is not None:
                self._last.release()
                self._last = None
                self._short = self._agrees(samples[:1])
        if self._packed is None and len(samples) > 1:
            self._packed = self._agrees_packed(samples[:2])
        batch = (_packed if self._packed else _padded)(samples, self.device)
        with self._precision():
            return self._logits(batch, short=self._short).float(), batch.targets

    def _logits(self, batch: _Batch, *, short: bool) -> torch.Tensor:
        """(answer tokens, vocabulary)."""
        given, rows, columns = batch.given, batch.rows, batch.columns
        if short and self._decoder is not None and self._head is not None:
            if self._last is not None and self._last.ready:
                with self._last.only(rows, columns):
                    kept = self._decoder(**given, use_cache=False).last_hidden_state[0]
            else:
                kept = self._decoder(**given, use_cache=False).last_hidden_state[rows, columns]
            found: torch.Tensor = self._head(kept)
            return found
        # Columns from the first answer position on: fewer than all, and any model can do it.
        first = int(columns.min())
        kept = torch.arange(first, given["input_ids"].shape[1], device=columns.device)
        logits: torch.Tensor = self.model(**given, use_cache=False, logits_to_keep=kept).logits
        return logits[rows, columns - first]

    def _agrees(self, samples: Sequence[Sample]) -> bool:
        """True when decoder and output layer alone give the model's own logits."""
        batch = _padded(samples, self.device)
        return self._alike((batch, True), (batch, False))

    def _agrees_packed(self, samples: Sequence[Sample]) -> bool:
        """True when no example sees the one before it in the row: layers that are no attention may."""
        short = bool(self._short)
        return self._alike((_packed(samples, self.device), short), (_padded(samples, self.device), short))

    @torch.no_grad()
    def _alike(self, *ways: tuple[_Batch, bool]) -> bool:
        training = self.model.training
        self.model.eval()
        with self._precision():
            one, other = (self._logits(batch, short=short).float() for batch, short in ways)
        self.model.train(training)
        return bool(torch.allclose(one, other, rtol=2e-2, atol=2e-2))

    def _precision(self) -> Any:
        return torch.autocast(self.device.type, torch.bfloat16) if self.mixed else nullcontext()


@dataclass(frozen=True)
class _Batch:
    """Examples as a model takes them."""

    given: dict[str, Any]
    """Its keyword arguments: `input_ids` (rows, width) and what tells it where examples begin."""
    rows: torch.Tensor
    columns: torch.Tensor
    """Of each position that predicts an answer token."""
    targets: torch.Tensor
    """The tokens that they predict."""


def _padded(samples: Sequence[Sample], device: torch.device) -> _Batch:
    """One row each, padded on the right."""
    width = max(len(sample.ids) for sample in samples)
    ids = torch.tensor([[*sample.ids, *[0] * (width - len(sample.ids))] for sample in samples])
    rows = [row for row, sample in enumerate(samples) for _ in range(sample.trained)]
    columns = [column for sample in samples for column in _predicting(sample)]
    return _placed({"input_ids": ids}, rows, columns, samples, device)


def _packed(samples: Sequence[Sample], device: torch.device) -> _Batch:
    """All in one row, with the places at which they begin, as transformers' DataCollatorWithFlattening gives them."""
    lengths = [len(sample.ids) for sample in samples]
    begins = [0, *accumulate(lengths)]
    bounds = torch.tensor(begins, dtype=torch.int32, device=device)
    given = {
        "input_ids": torch.tensor([[token for sample in samples for token in sample.ids]]),
        "position_ids": torch.tensor([[at for length in lengths for at in range(length)]]),
        "cu_seq_lens_q": bounds,
        "cu_seq_lens_k": bounds,
        "max_length_q": max(lengths),
        "max_length_k": max(lengths),
    }
    columns = [begin + column for begin, sample in zip(begins, samples, strict=False) for column in _predicting(sample)]
    return _placed(given, [0] * len(columns), columns, samples, device)


def _predicting(sample: Sample) -> list[int]:
    return [at - 1 for start, end in sample.spans for at in range(start, end)]


def _placed(
    given: dict[str, Any], rows: list[int], columns: list[int], samples: Sequence[Sample], device: torch.device
) -> _Batch:
    targets = [token for sample in samples for start, end in sample.spans for token in sample.ids[start:end]]
    there = {name: value.to(device) if isinstance(value, torch.Tensor) else value for name, value in given.items()}
    first, second, third = (torch.tensor(values).to(device) for values in (rows, columns, targets))
    return _Batch(there, first, second, third)
