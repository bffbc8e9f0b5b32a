"""Training on a GPU (`make gpu`), and the measuring script's own dry run, which needs none."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from finetune.data import Pair
from finetune.memory import estimate_memory
from finetune.model_files import open_model
from finetune.recipe import Method, Recipe
from tests.bench.gpu_models import generate, random_model, train_ours


@pytest.fixture
def cuda() -> str:
    import torch

    if not torch.cuda.is_available():
        pytest.skip("no GPU here")
    return "cuda:0"


def test_the_measuring_script_runs_in_a_tiny_shape(tmp_path: Path) -> None:
    folder = random_model(tmp_path / "model", "tiny")
    trained = train_ours(folder, "qlora", 12, 60)
    assert trained["tokens_per_second"] > 0
    assert trained["estimate"] > 0
    assert set(generate(folder, 4, 60)) == {"ours", "one by one", "batches of 32"}


@pytest.mark.gpu
@pytest.mark.parametrize("method", ["qlora", "lora", "full"])
def test_training_learns_on_a_gpu_and_resumes_to_the_same_weights(
    cuda: str, tiny_model: Path, tmp_path: Path, method: Method
) -> None:
    from finetune.train import result_folder, train

    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    words = ["refund", "card", "transfer", "balance"]
    pairs = [Pair(f"Input: order {words[i % 4]}", words[i % 4], f"row {i}") for i in range(96)]
    recipe = Recipe.from_options(method, {"learning_rate": 3e-3, "epochs": 3, "batch": 8})
    record = train(pairs, str(tiny_model), recipe, tmp_path, device=cuda)
    assert record.best_validation_loss is not None
    assert record.best_validation_loss < 0.7 * (record.history[0].validation_loss or 0.0)
    assert result_folder(tmp_path, method).is_dir()


@pytest.mark.gpu
@pytest.mark.parametrize("method", ["qlora", "lora"])
def test_the_peak_of_a_billion_weights_is_within_fifteen_percent_of_the_estimate(
    cuda: str, tmp_path: Path, method: str
) -> None:
    import torch

    folder = random_model(tmp_path / "model", "Llama-3.2-1B")
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    found: dict[str, Any] = train_ours(folder, method, 64, 512)
    assert found["estimate"] == pytest.approx(found["peak"], rel=0.15)


@pytest.mark.gpu
def test_seven_billion_in_nf4_train_on_a_card_of_24_gib(cuda: str, tmp_path: Path) -> None:
    folder = random_model(tmp_path / "model", "Qwen2.5-7B")
    found = train_ours(folder, "qlora", 32, 512)
    assert found["peak"] < 24 * 2**30
    config = open_model(str(folder)).config
    assert estimate_memory(config, Recipe(), length=536, micro_batch=16).total > 0
