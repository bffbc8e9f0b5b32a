"""The method section says which weights were kept, and what of them is known."""

from __future__ import annotations

import pytest

from reports.method import method_blocks
from reports.run.schema import TrainingStep
from reports.run.store import RunStore
from reports.summary import Summary


@pytest.mark.parametrize(
    ("before", "kept", "loss"),
    [
        (2.0, 1, "0.500"),
        (0.4, 1, "0.500"),  # nothing was learnt: the untrained model's loss is no reason to have kept another step
        (
            2.0,
            2,
            "0.700; 0.500 at step 1, but the last weights predict at least as many held-out tokens right",
        ),
    ],
)
def test_the_weights_that_were_kept_stand_with_their_own_loss(
    summary: Summary, store: RunStore, before: float, kept: int, loss: str
) -> None:
    held = (before, 0.5, 0.7)
    steps = tuple(TrainingStep(step=i, epoch=float(i), loss=1.0, validation_loss=v) for i, v in enumerate(held))
    trained = next(a for a in summary.approaches if a.training is not None)
    assert trained.training is not None
    changed = {"history": steps, "best_step": kept, "best_validation_loss": held[kept]}
    one = trained.model_copy(update={"training": trained.training.model_copy(update=changed)})
    blocks = method_blocks(summary.model_copy(update={"approaches": (one,)}), store)
    facts = dict(next(block for block in blocks if one.name in block.title).facts)
    assert facts["Their validation loss"] == loss
    assert facts["Weights kept"] == f"those of step {kept}"
