"""What a training takes of the memory: decided before it, given back after it."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path
from typing import Any

import pytest

from finetune import adapting, loading
from finetune.data import Pair
from finetune.fit import value_bytes_of
from finetune.memory import estimate_memory
from finetune.recipe import Method, Recipe
from finetune.shape import shape_of
from finetune.train import train
from tests.finetune.held import Held


def run(base: Path, out: Path, method: Method = "lora", **options: Any) -> None:
    words = ["refund", "card", "transfer", "balance"]
    pairs = [Pair(f"Input: {'order ' * (i % 7)}{words[i % 4]}", words[i % 4], f"row {i}") for i in range(40)]
    train(pairs, str(base), Recipe.from_options(method, {"epochs": 1, "batch": 8, **options}), out, device="cpu")


@pytest.mark.parametrize("method", ["lora", "qlora", "full"])
def test_a_finished_training_leaves_no_weights_in_memory(
    tiny_model: Path, tmp_path: Path, method: Method, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same process answers next, with the base model in another precision: both would have to fit."""
    loading.import_bitsandbytes()  # its warning, which the test runner keeps, would hold the frames of the training
    loaded: list[weakref.ref[Any]] = []
    real = loading.load_weights

    def watched(*said: Any, **more: Any) -> Any:
        weights = real(*said, **more)
        loaded.append(weakref.ref(weights.model))
        return weights

    monkeypatch.setattr("finetune.train.load_weights", watched)
    gc.disable()
    try:
        run(tiny_model, tmp_path, method)
        assert [model() for model in loaded] == [None]
    finally:
        gc.enable()


def test_memory_decides_on_checkpointing_before_the_weights_are_loaded(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the plan does: what the weights take must not be counted twice."""
    happened: list[Any] = []
    adapt, load_weights, free = adapting.adapt, loading.load_weights, 0

    def adapted(*said: Any, checkpointing: bool) -> Any:
        happened.append(checkpointing)
        return adapt(*said, checkpointing=checkpointing)

    def loaded(*said: Any, **more: Any) -> Any:
        happened.append("loaded")
        return load_weights(*said, **more)

    def asked(device: str) -> int:
        happened.append("asked")
        return free

    monkeypatch.setattr("finetune.train.adapt", adapted)
    monkeypatch.setattr("finetune.train.load_weights", loaded)
    monkeypatch.setattr("finetune.train.free_memory", asked)
    for free in (10**9, 10**6):
        run(tiny_model, tmp_path / str(free))
    run(tiny_model, tmp_path / "said", gradient_checkpointing=False)
    assert happened == ["asked", "loaded", False, "asked", "loaded", True, "loaded", False]


def test_a_whole_model_that_computes_in_bf16_holds_what_the_estimate_says() -> None:
    """Bytes alive at most in a pass and its way back: activations, and the weights as they are cast."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    config = AutoConfig.for_model(
        "llama", vocab_size=256, hidden_size=128, intermediate_size=512, num_hidden_layers=3, num_attention_heads=2,
        num_key_value_heads=1, head_dim=64, tie_word_embeddings=True,
    )  # fmt: skip
    model = AutoModelForCausalLM.from_config(config).train()
    with Held() as held:
        with torch.autocast("cpu", torch.bfloat16):
            hidden = model.model(input_ids=torch.zeros(8, 512, dtype=torch.long), use_cache=False).last_hidden_state
        hidden.float().sum().backward()
    value = value_bytes_of("full", gpu=True, bf16=True)
    known = config.to_dict()
    estimate = estimate_memory(
        known, Recipe(method="full"), length=8 * 512, checkpointing=False, weight_bytes=4.0, value_bytes=value
    )
    assert held.most == pytest.approx(estimate.activations + 2 * shape_of(known).linear, rel=0.1)


@pytest.mark.parametrize("dropout", [0.0, 0.05])
def test_each_layer_of_a_model_with_adapters_holds_what_the_estimate_says(dropout: float) -> None:
    """Bytes alive after the way in. PEFT alone keeps a copy of what comes into each matrix: a quarter more."""
    recipe, tokens, shape = Recipe(method="lora", dropout=dropout), 1024, shape_of(llama(2))
    estimates = [estimate_memory(llama(n), recipe, length=tokens, checkpointing=False).activations for n in (2, 4)]
    held = [held_with_adapters(llama(n), recipe, tokens) for n in (2, 4)]
    # Not activations: two layers' frozen weights, which they turn, and their adapters', which autocast casts.
    weights = 2 * (shape.linear + shape.adapter(recipe.rank))
    assert held[1] - held[0] - weights == pytest.approx(estimates[1] - estimates[0], rel=0.03)


def llama(layers: int) -> dict[str, Any]:
    from transformers import AutoConfig

    config: dict[str, Any] = AutoConfig.for_model(
        "llama", vocab_size=256, hidden_size=128, intermediate_size=512, num_hidden_layers=layers,
        num_attention_heads=2, num_key_value_heads=1, head_dim=64, tie_word_embeddings=True,
    ).to_dict()  # fmt: skip
    return config


def held_with_adapters(config: dict[str, Any], recipe: Recipe, tokens: int) -> int:
    """Bytes alive between a pass in bf16 and its way back."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    whole = AutoModelForCausalLM.from_config(AutoConfig.for_model(**config)).to(torch.bfloat16)
    files: Any = None
    adapting.adapt(loading.Weights(whole, files, "bfloat16", "cpu"), recipe, checkpointing=False).train()
    with Held() as held:
        with torch.autocast("cpu", torch.bfloat16):
            ids = torch.zeros(tokens // 256, 256, dtype=torch.long)
            hidden = whole.get_decoder()(input_ids=ids, use_cache=False).last_hidden_state
        alive: int = held.now
        del hidden
    return alive
