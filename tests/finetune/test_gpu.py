"""Training on a GPU (`make gpu`), and the measuring script's own dry run, which needs none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from finetune.memory import estimate_memory
from finetune.model_files import open_model
from finetune.recipe import Method, Recipe
from reports.run.schema import TrainingRecord
from tests.bench.gpu_models import generate, random_model, train_ours
from tests.finetune.resuming import killed_and_resumed


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
    from finetune.train import RECORD

    # Bit by bit on a processor. Kernels that add in any order differ in their last digits: a step that is lost, taken
    # twice or taken with other moments moves the weights further than this.
    assert killed_and_resumed(tiny_model, tmp_path, method, cuda) < 0.01
    record = TrainingRecord.model_validate_json((tmp_path / "cut" / RECORD).read_text())
    assert record.best_validation_loss is not None
    assert record.best_validation_loss < 0.7 * (record.history[0].validation_loss or 0.0)


@pytest.mark.gpu
@pytest.mark.parametrize("method", ["qlora", "lora", "full"])
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
