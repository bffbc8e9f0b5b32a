"""The fused LoRA layer gives PEFT's own sums, and stands aside where it must."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from finetune.adapting import adapt
from finetune.data import Sample
from finetune.loading import Precision, load_weights
from finetune.model_files import open_model
from finetune.objective import Objective
from finetune.recipe import Recipe

SAMPLES = [Sample(tuple(range(5, 30)), start=20), Sample(tuple(range(40, 52)), start=3), Sample((7, 8, 9), start=1)]


def adapted(
    folder: Path, *, checkpointing: bool = False, precision: Precision = "auto", **options: Any
) -> tuple[Any, Any]:
    """(transformers model, PEFT model) with adapters that are not zero any more."""
    import torch

    weights = load_weights(open_model(str(folder)), device="cpu", training=True, precision=precision)
    torch.manual_seed(0)
    model = adapt(weights, Recipe.from_options("lora", {"rank": 4, **options}), checkpointing=checkpointing)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.2)
    return weights.model, model.train()


def gradients(inner: Any, model: Any, *, mixed: bool = False) -> Iterator[tuple[str, Any]]:
    model.zero_grad()
    loss, _ = Objective(inner, mixed=mixed)(SAMPLES)
    loss.backward()  # type: ignore[no-untyped-call]
    yield "loss", loss.detach()
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            yield name, parameter.grad.clone()


def fused_layers(model: Any) -> list[Any]:
    return [module for module in model.modules() if "forward" in vars(module)]


def test_loss_and_every_gradient_are_pefts(tiny_model: Path) -> None:
    inner, model = adapted(tiny_model)
    layers = fused_layers(model)
    assert len(layers) == 2 * 7  # two blocks, all linear layers
    ours = dict(gradients(inner, model))
    for layer in layers:
        del layer.forward
    theirs = dict(gradients(inner, model))
    assert len(ours) == 1 + 2 * len(layers)
    for name, value in theirs.items():
        largest = value.abs().max()
        assert largest > 0, f"{name}: nothing to compare"
        assert (ours[name] - value).abs().max() < 1e-5 * largest, name


def test_without_the_copy_under_autocast_not_a_bit_changes(tiny_model: Path) -> None:
    inner, model = adapted(tiny_model, precision="bfloat16")
    layers = fused_layers(model)
    assert len(layers) == 2 * 7
    ours = dict(gradients(inner, model, mixed=True))
    for layer in layers:
        del layer.forward
    for name, value in gradients(inner, model, mixed=True):
        assert (ours[name] == value).all(), name


def test_a_bias_of_the_base_is_added(tiny_model: Path) -> None:
    import torch
    from peft import LoraConfig, get_peft_model

    from finetune.fused import fuse

    torch.manual_seed(0)
    inner = torch.nn.Sequential(torch.nn.Linear(6, 5))
    model = get_peft_model(inner, LoraConfig(r=2, target_modules=["0"], init_lora_weights=False)).train()
    x = torch.randn(3, 4, 6)
    plain = model(x)
    assert fuse(model) == 1
    assert torch.allclose(model(x), plain, atol=1e-6)


@pytest.mark.parametrize("options", [{"use_dora": True}, {"dropout": 0.1}])
def test_what_is_more_than_a_plain_layer_is_left_to_peft(tiny_model: Path, options: dict[str, Any]) -> None:
    assert fused_layers(adapted(tiny_model, **options)[1]) == []


def test_without_its_adapter_and_without_gradients_it_is_pefts_forward(tiny_model: Path) -> None:
    import torch

    _, model = adapted(tiny_model)
    ids = torch.tensor([SAMPLES[0].ids])
    with torch.no_grad():
        adapted_logits = model(input_ids=ids).logits
        with model.disable_adapter():
            bare = model(input_ids=ids).logits
    with model.disable_adapter():
        assert torch.allclose(model(input_ids=ids).logits, bare, atol=1e-5)
    assert torch.allclose(model(input_ids=ids).logits, adapted_logits, atol=1e-5)
    assert not torch.allclose(adapted_logits, bare, atol=1e-2)


def test_checkpointed_layers_give_the_same_gradients(tiny_model: Path) -> None:
    inner, model = adapted(tiny_model)
    plain = dict(gradients(inner, model))
    again, checkpointed = adapted(tiny_model, checkpointing=True)
    assert again.is_activation_checkpointing
    for name, value in gradients(again, checkpointed):
        assert (value - plain[name]).abs().max() < 1e-5 * plain[name].abs().max(), name
