"""The loss of a batch: cross-entropy on answer tokens only, with logits computed for those positions alone.

Refuses to know optimizers and epochs.

    objective = Objective(model)
    total, tokens = objective([samples[i] for i in piece])      # summed loss (a scalar tensor), tokens that carried it

Batches are right-padded under a causal mask: no real token sees a pad and pads carry no loss, so no attention mask is
needed and the fused kernels stay usable. The output layer sees only the positions that predict answer tokens (with a
vocabulary of 150,000 the logits are otherwise a third of the memory), and so does the last layer's MLP where it can be
told apart; where a model does more than that to its logits (soft caps, scaling), the first batch finds out and the
model's own forward is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
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

    def __call__(self, samples: Sequence[Sample]) -> tuple[torch.Tensor, int]:
        ids, rows, columns, targets = _batch(samples, self.device)
        if self._short is None:
            self._short = self._agrees(samples[:1])
            if not self._short and self._last is not None:
                self._last.release()
                self._last = None
                self._short = self._agrees(samples[:1])
        with self._precision():
            logits = self._logits(ids, rows, columns, short=self._short)
            loss = F.cross_entropy(logits.float(), targets, reduction="sum")
        return loss, len(targets)

    def _logits(self, ids: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor, *, short: bool) -> torch.Tensor:
        """(answer tokens, vocabulary)."""
        if short and self._decoder is not None and self._head is not None:
            if self._last is not None and self._last.ready:
                with self._last.only(rows, columns):
                    kept = self._decoder(input_ids=ids, use_cache=False).last_hidden_state[0]
            else:
                kept = self._decoder(input_ids=ids, use_cache=False).last_hidden_state[rows, columns]
            found: torch.Tensor = self._head(kept)
            return found
        # Columns from the first answer position on: fewer than all, and any model can do it.
        first = int(columns.min())
        kept = torch.arange(first, ids.shape[1], device=ids.device)
        logits: torch.Tensor = self.model(input_ids=ids, use_cache=False, logits_to_keep=kept).logits
        return logits[rows, columns - first]

    @torch.no_grad()
    def _agrees(self, samples: Sequence[Sample]) -> bool:
        """True when decoder and output layer alone give the model's own logits."""
        training = self.model.training
        self.model.eval()
        ids, rows, columns, _ = _batch(samples, self.device)
        with self._precision():
            ours = self._logits(ids, rows, columns, short=True).float()
            theirs = self._logits(ids, rows, columns, short=False).float()
        self.model.train(training)
        return bool(torch.allclose(ours, theirs, rtol=2e-2, atol=2e-2))

    def _precision(self) -> Any:
        return torch.autocast(self.device.type, torch.bfloat16) if self.mixed else nullcontext()


def _batch(
    samples: Sequence[Sample], device: torch.device
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """(ids right-padded (rows, width), rows and columns that predict an answer token, the tokens they predict)."""
    width = max(len(sample.ids) for sample in samples)
    ids = torch.tensor([[*sample.ids, *[0] * (width - len(sample.ids))] for sample in samples])
    rows = [row for row, sample in enumerate(samples) for _ in range(sample.trained)]
    columns = [at - 1 for sample in samples for start, end in sample.spans for at in range(start, end)]
    targets = [token for sample in samples for start, end in sample.spans for token in sample.ids[start:end]]
    move = [ids, torch.tensor(rows), torch.tensor(columns), torch.tensor(targets)]
    first, second, third, fourth = (values.to(device) for values in move)
    return first, second, third, fourth
