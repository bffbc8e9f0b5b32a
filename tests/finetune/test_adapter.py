"""Adapters: bound to their base, whole or absent, equal when merged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from finetune.adapter import attach, merge, read_provenance
from finetune.data import Pair
from finetune.loading import load_weights
from finetune.model_files import open_model
from finetune.recipe import Method, Recipe
from reports.errors import DataError

PAIRS = [Pair(f"Input: order {i}", ["refund", "card"][i % 2], f"row {i}") for i in range(40)]


@pytest.fixture(scope="module", params=["lora", "qlora"])
def trained(request: pytest.FixtureRequest, tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from finetune.train import train

    method: Method = request.param
    out = tmp_path_factory.mktemp(method)
    recipe = Recipe.from_options(method, {"learning_rate": 5e-3, "epochs": 2, "batch": 8})
    train(PAIRS, str(tiny_model), recipe, out, name="tiny", device="cpu")
    return out / "adapter"


def logits(model: Any) -> Any:
    import torch

    with torch.inference_mode():
        return model(torch.tensor([[5, 60, 70, 80, 90]])).logits.float()


def test_provenance_says_where_it_came_from(trained: Path, tiny_model: Path) -> None:
    provenance = read_provenance(trained)
    weights = load_weights(open_model(str(tiny_model)), device="cpu")
    assert provenance.base == "tiny"
    assert provenance.base_hash == weights.hash
    assert provenance.recipe["rank"] == 16
    provenance.check(trained, weights=weights.hash, layout=provenance.layout_hash)


def test_another_base_or_layout_is_refused(trained: Path) -> None:
    provenance = read_provenance(trained)
    with pytest.raises(DataError, match="other weights"):
        provenance.check(trained, weights="0" * 16, layout=provenance.layout_hash)
    with pytest.raises(DataError, match="chat layout"):
        provenance.check(trained, weights=provenance.base_hash, layout="0" * 16)


def test_changed_weights_are_noticed(trained: Path, tmp_path: Path) -> None:
    import shutil

    copy = Path(shutil.copytree(trained, tmp_path / "copy"))
    provenance = read_provenance(copy)
    file = copy / "adapter_model.safetensors"
    file.write_bytes(file.read_bytes()[:-1] + b"\x00")
    with pytest.raises(DataError, match="not the ones that were saved"):
        provenance.check(copy, weights=provenance.base_hash, layout=provenance.layout_hash)


def test_a_folder_without_provenance_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="base model is unknown"):
        read_provenance(tmp_path)


def test_merged_weights_compute_what_the_adapter_did(trained: Path, tiny_model: Path, tmp_path: Path) -> None:
    precision = read_provenance(trained).precision
    base = load_weights(open_model(str(tiny_model)), precision=precision, device="cpu")  # type: ignore[arg-type]
    before = logits(base.model)
    beside = logits(attach(base.model, trained, "one"))
    merge(str(tiny_model), trained, tmp_path / "merged", dtype="float32")
    merged = logits(load_weights(open_model(str(tmp_path / "merged")), device="cpu").model)
    assert float((merged - beside).abs().max()) < 0.01 * float((before - beside).abs().max())
