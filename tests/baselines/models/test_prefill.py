"""A prefill leaves the same keys and values behind as a whole pass, and computes nothing that nobody reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from baselines.models.local import LocalModel, load
from reports.run.schema import ModelSpec

IDS = [[5, 9, 17, 33, 21, 8, 40], [5, 9, 17, 33, 60, 0, 0]]
"""Two prompts, the second padded on the right by two."""
LENGTHS = [7, 5]


@pytest.fixture(scope="module")
def model(tiny_model: Path) -> LocalModel:
    return load(ModelSpec(id=str(tiny_model)), device="cpu")


@pytest.fixture
def calls(model: LocalModel) -> Iterator[list[str]]:
    """Names of the parts that ran."""
    seen: list[str] = []
    parts: dict[str, Any] = {"head": model.core.model.lm_head, "norm": model.core.model.model.norm}
    parts |= {f"mlp {i}": layer.mlp for i, layer in enumerate(model.core.model.model.layers)}
    hooks = [part.register_forward_hook(lambda *_, name=name: seen.append(name)) for name, part in parts.items()]
    yield seen
    for hook in hooks:
        hook.remove()


def filled(model: LocalModel, shared: int) -> Any:
    """A table whose two rows were prefilled, the first `shared` tokens of both as a prefix."""
    import torch

    from baselines.models.prefill import prefill, prefill_shared

    table = model.core.engine.table()
    table.reserve(2, 10)
    with torch.inference_mode():
        prefix = prefill_shared(model.core.model, IDS[0][:shared], "cpu") if shared else None
        prefill(model.core.model, 2, torch.tensor([row[shared:] for row in IDS]), table, prefix)
    table.admit(LENGTHS, [1, 1])
    return table


@pytest.mark.parametrize("shared", [0, 4])
def test_keys_and_values_are_those_of_a_whole_pass(model: LocalModel, shared: int) -> None:
    import torch
    from transformers import DynamicCache

    table = filled(model, shared)
    for row, (ids, length) in enumerate(zip(IDS, LENGTHS, strict=True)):
        whole = DynamicCache()
        with torch.inference_mode():
            model.core.model(input_ids=torch.tensor([ids[:length]]), past_key_values=whole, use_cache=True)
        for layer, expected in zip(table.layers, whole.layers, strict=True):
            torch.testing.assert_close(layer.keys[row, :, :length], expected.keys[0])
            torch.testing.assert_close(layer.values[row, :, :length], expected.values[0])


def test_what_nobody_reads_is_not_computed(model: LocalModel, calls: list[str]) -> None:
    model.core.engine.table()  # the probe, once for a model, runs whole
    calls.clear()
    filled(model, 0)
    assert calls == ["mlp 0"]  # of two layers; no norm, no head


def test_a_model_whose_last_layers_share_keys_stops_where_the_last_ones_are_stored(
    build_tiny: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Gemma 3n does: here the second of three layers is the last that stores any."""
    from transformers.models.llama.modeling_llama import LlamaAttention

    model = load(ModelSpec(id=str(build_tiny(tmp_path / "m", layers=3))), device="cpu")
    real = LlamaAttention.forward

    def sharing(self: Any, *args: Any, **named: Any) -> Any:
        if self.layer_idx == 2:
            named["past_key_values"] = None  # attends to its own input alone, stores nothing
            named["attention_mask"] = None
        return real(self, *args, **named)

    monkeypatch.setattr(LlamaAttention, "forward", sharing)
    table = filled(model, 0)
    assert len(table.layers) == 2
    assert all(bool(layer.keys[:2, :, :5].any()) for layer in table.layers)
