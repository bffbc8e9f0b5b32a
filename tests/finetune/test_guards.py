"""The traps that pass in silence elsewhere."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from finetune.guards import Growth, Watch, check_gradients, check_quantised, prepare_quantised, quantised_layers
from finetune.loading import load_weights
from finetune.model_files import open_model
from finetune.recipe import Recipe
from reports.errors import DataError, EnvironmentFault


@pytest.fixture
def quantised(tiny_model: Path) -> Any:
    return load_weights(open_model(str(tiny_model)), precision="nf4", device="cpu").model


def test_evaluation_between_training_steps_leaves_the_gradient_whole(quantised: Any) -> None:
    """bitsandbytes repacks NF4 layers at the first evaluation on some CPUs; the input's gradient is None after it."""
    import torch

    assert prepare_quantised(quantised) == 14
    layer = quantised_layers(quantised)[0]
    layer.eval()
    with torch.no_grad():
        layer(torch.randn(2, layer.in_features))
    layer.train()
    inputs = torch.randn(2, layer.in_features, requires_grad=True)
    layer(inputs).sum().backward()
    assert inputs.grad is not None
    assert float(inputs.grad.abs().sum()) > 0
    check_quantised(quantised)


def test_a_repacked_layer_is_refused(quantised: Any) -> None:
    quantised_layers(quantised)[0].weight.quant_state.packing_format_for_cpu = True
    with pytest.raises(EnvironmentFault, match="repacked"):
        prepare_quantised(quantised)


def parameter(gradient: float | None) -> Any:
    import torch

    return SimpleNamespace(grad=None if gradient is None else torch.full((2,), gradient))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ([], "No weights are trainable"),
        ([("a", parameter(1.0)), ("b", parameter(None))], "1 of 2 .* first b"),
        ([("a", parameter(0.0)), ("b", parameter(0.0))], "are zero"),
    ],
)
def test_missing_gradients_are_told(parameters: list[tuple[str, Any]], message: str) -> None:
    with pytest.raises(EnvironmentFault, match=message):
        check_gradients(parameters)


def test_a_fresh_adapter_with_half_its_gradients_at_zero_is_fine() -> None:
    assert check_gradients([("a", parameter(0.0)), ("b", parameter(0.1))]) is None  # type: ignore[func-returns-value]


def alarms(losses: list[float]) -> list[str]:
    watch = Watch(Recipe(learning_rate=2e-2), base=2.0)
    return [watch.step(step, loss, 1.0) for step, loss in enumerate(losses, start=1)]


def test_a_falling_and_jumping_loss_raises_no_alarm() -> None:
    assert set(alarms([2.0, 3.0, 1.5, 2.8, 1.2, 2.5, 1.0, 2.2, 0.9, 2.4] * 3)) == {""}


def test_a_rising_loss_is_called_a_high_learning_rate() -> None:
    said = [alarm for alarm in alarms([2.0, 1.9, 2.1, 2.0, 2.0, 4.0, 5.0, 6.0]) if alarm]
    assert "Lower learning_rate first: try 0.002 instead of 0.02" in said[0]


def test_losing_what_was_learnt_is_divergence_too() -> None:
    said = [alarm for alarm in alarms([2.0, 1.0, 0.4, 0.2, 0.2, 0.2, 0.2, 0.3, 1.2, 1.9, 2.1, 2.0]) if alarm]
    assert "loss fell to 0.22 and rose to" in said[0]  # all of it below the untrained model's loss
    assert "Lower learning_rate first" in said[0]


def test_whole_weights_that_moved_far_are_a_high_learning_rate() -> None:
    import torch

    model = torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.Linear(8, 8))
    growth = Growth(model)
    assert growth.check(Recipe(learning_rate=2e-2)) == ""
    with torch.no_grad():
        for weights in model.parameters():
            weights.mul_(1.05)
    assert growth.check(Recipe(learning_rate=2e-2)) == ""
    with torch.no_grad():
        for weights in model.parameters():
            weights.mul_(1.5)
    said = growth.check(Recipe(learning_rate=2e-2))
    assert "the weights have moved by 57% of their size" in said
    assert "try 0.002 instead of 0.02" in said
    assert growth.check(Recipe()) == "", "it is told once"


@pytest.mark.parametrize(("loss", "norm"), [(float("nan"), 1.0), (1.0, float("inf"))])
def test_not_a_number_is_divergence(loss: float, norm: float) -> None:
    assert "not a number at step 3" in Watch(Recipe()).step(3, loss, norm)


def test_a_loss_of_zero_means_that_nothing_carries_it() -> None:
    with pytest.raises(DataError, match="exactly 0"):
        Watch(Recipe()).step(1, 0.0, 0.0)
