"""The loss equals the plain one, however it is computed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from finetune.data import Sample
from finetune.loading import load_weights
from finetune.model_files import open_model
from finetune.objective import Objective

SAMPLES = [
    Sample(tuple(range(5, 30)), start=20),
    Sample(tuple(range(40, 52)), start=3),
    Sample((7, 8, 9), start=1),
    Sample(tuple(range(60, 90)), start=25, earlier=((4, 9), (12, 14))),
]


@pytest.fixture
def model(tiny_model: Path) -> Any:
    return load_weights(open_model(str(tiny_model)), device="cpu").model


def plain_loss(model: Any) -> float:
    """One by one through the model's own loss."""
    import torch

    total = 0.0
    for sample in SAMPLES:
        labels = [-100] * len(sample.ids)
        for start, end in sample.spans:
            labels[start:end] = sample.ids[start:end]
        output = model(input_ids=torch.tensor([sample.ids]), labels=torch.tensor([labels]))
        total += output.loss.item() * sample.trained
    return total


def test_it_is_the_models_own_loss_on_answer_tokens(model: Any) -> None:
    loss, tokens = Objective(model)(SAMPLES)
    assert tokens == 5 + 9 + 2 + 12
    assert loss.item() == pytest.approx(plain_loss(model), rel=1e-5)


def test_a_model_that_changes_its_logits_keeps_its_own_forward(model: Any) -> None:
    """A soft cap after the output layer, as some architectures have: the short way would miss it."""
    import torch

    class Capped:
        def __init__(self, inner: Any) -> None:
            self.inner = inner

        def __getattr__(self, name: str) -> Any:
            return getattr(self.inner, name)

        def __call__(self, **inputs: Any) -> Any:
            output = self.inner(**inputs)
            output.logits = torch.tanh(output.logits / 2) * 2
            return output

    capped = Objective(Capped(model))
    loss, _ = capped(SAMPLES)
    assert capped._short is False
    assert loss.item() != pytest.approx(plain_loss(model), rel=1e-3)
    assert loss.item() == pytest.approx(sum(capped([sample])[0].item() for sample in SAMPLES), rel=1e-5)
