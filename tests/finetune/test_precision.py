"""Precision of a training: what the setting says is obeyed, and what a GPU without bfloat16 changes is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from finetune import train as training
from finetune.fit import computes_in_bf16
from finetune.loading import Precision, load_weights
from finetune.model_files import open_model
from finetune.recipe import Method, Recipe
from finetune.train import Job, Plan, plan_of
from tests.finetune.resuming import pairs

TOLD = "Tesla T4 has no bfloat16: trainings compute in float32, which takes twice the memory and more time."


def planned(base: Path, method: Method, precision: Precision, device: str) -> Plan:
    recipe = Recipe.from_options(method, {})
    return plan_of(Job(tuple(pairs()), str(base), recipe, Path("out"), precision=precision, device=device))


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A GPU as torch would describe it."""
    import torch

    def known(name: str, *, bf16: bool) -> None:
        monkeypatch.setattr(
            torch.cuda, "is_bf16_supported", lambda including_emulation=True: including_emulation or bf16
        )
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: name)

    return known


@pytest.mark.parametrize("method", ["qlora", "lora", "full"])
def test_a_gpu_without_bfloat16_is_told_in_one_line(card: Any, tiny_model: Path, method: Method) -> None:
    card("Tesla T4", bf16=False)
    assert planned(tiny_model, method, "auto", "cuda:0").warnings == (TOLD,)
    assert planned(tiny_model, method, "float32", "cuda:0").warnings == ()
    assert planned(tiny_model, method, "auto", "cpu").warnings == ()
    card("NVIDIA A10", bf16=True)
    assert planned(tiny_model, method, "auto", "cuda:0").warnings == ()


def test_a_training_is_another_one_where_its_arithmetic_is(card: Any, tiny_model: Path) -> None:
    card("NVIDIA A10", bf16=True)

    def fingerprint(method: Method, precision: Precision, device: str = "cuda:0") -> str:
        return planned(tiny_model, method, precision, device).provenance.fingerprint

    for method in ("qlora", "full"):
        assert fingerprint(method, "auto") == fingerprint(method, "bfloat16") != fingerprint(method, "float32")
        assert fingerprint(method, "auto", "cpu") == fingerprint(method, "float32", "cpu")


@pytest.mark.parametrize(("said", "expected"), [("auto", "float32"), ("float32", "float32"), ("bfloat16", "bfloat16")])
def test_qlora_keeps_what_is_not_quantised_in_the_precision_that_is_said(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: Precision, expected: str
) -> None:
    """On a processor, where auto is float32: only a setting can make it bfloat16."""

    class Loaded(Exception):
        """Nothing needs to be trained."""

    def loading(*arguments: Any, **options: Any) -> Any:
        model = load_weights(*arguments, **options).model
        assert str(model.get_input_embeddings().weight.dtype) == f"torch.{expected}"
        assert {str(m.compute_dtype) for m in model.modules() if hasattr(m, "compute_dtype")} == {f"torch.{expected}"}
        raise Loaded

    monkeypatch.setattr(training, "load_weights", loading)
    with pytest.raises(Loaded):
        training.train(
            pairs(), str(tiny_model), Recipe.from_options("qlora", {}), tmp_path, precision=said, device="cpu"
        )


def test_float32_that_is_said_is_obeyed_on_a_gpu_with_bfloat16(card: Any) -> None:
    import torch

    from finetune.loading import _dtype

    card("NVIDIA A10", bf16=True)
    assert _dtype("float32", "cuda:0", training=True) == torch.float32
    assert _dtype("auto", "cuda:0", training=True) == torch.bfloat16
    card("Tesla T4", bf16=False)
    assert _dtype("auto", "cuda:0", training=True) == torch.float32
    assert _dtype("auto", "cuda:0", training=False) == torch.float16


def test_the_plan_counts_the_arithmetic_that_the_trainer_uses() -> None:
    assert computes_in_bf16("auto", bf16=True)
    assert not computes_in_bf16("float32", bf16=True)
    assert not computes_in_bf16("nf4", bf16=False)
    assert computes_in_bf16("bfloat16", bf16=False)


def test_weights_that_are_not_quantised_ignore_the_setting_for_the_rest(tiny_model: Path) -> None:
    model = load_weights(open_model(str(tiny_model)), precision="float32", device="cpu", unquantised="bfloat16").model
    assert {str(p.dtype) for p in model.parameters()} == {"torch.float32"}
