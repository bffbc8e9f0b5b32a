"""Checkpoints on disk: whole or not there, one at a time, and of one training only."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from finetune.checkpoint import FACTS, CheckpointStore, load_tensors, save_tensors
from reports.errors import EnvironmentFault


def written(store: CheckpointStore, step: int) -> None:
    store.begin()
    place = store.fresh / f"checkpoint-{step}"
    place.mkdir()
    save_tensors({"a": torch.full((2,), float(step))}, place / "weights.safetensors")
    store.finish(step, {"best_loss": step / 2})


def test_the_newest_whole_checkpoint_is_found_and_the_older_is_gone(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path / "checkpoints", "mine")
    assert store.newest() is None
    for step in (9, 10):
        written(store, step)
    found = store.newest()
    assert found is not None
    assert (found.folder.name, found.facts) == ("checkpoint-10", {"best_loss": 5.0})
    assert load_tensors(found.folder / "weights.safetensors")["a"].tolist() == [10.0, 10.0]
    assert [path.name for path in store.folder.iterdir()] == ["checkpoint-10"]
    store.clear()
    assert not store.folder.exists()


def test_what_was_being_written_when_it_was_killed_is_no_checkpoint(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path, "mine")
    written(store, 4)
    store.begin()
    (store.fresh / "checkpoint-8").mkdir()
    (tmp_path / "checkpoint-7").mkdir()  # renamed, but its content was lost with the power
    (tmp_path / "checkpoint-7" / FACTS).write_text('{"fingerpr')
    found = store.newest()
    assert found is not None
    assert found.folder.name == "checkpoint-4"
    written(store, 8)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint-8"]


def test_a_checkpoint_of_another_training_is_not_taken(tmp_path: Path) -> None:
    written(CheckpointStore(tmp_path, "theirs"), 3)
    assert CheckpointStore(tmp_path, "mine").newest() is None
    assert json.loads((tmp_path / "checkpoint-3" / FACTS).read_text())["fingerprint"] == "theirs"


@pytest.mark.parametrize(
    "error",
    [OSError(28, "No space left on device"), RuntimeError("PytorchStreamWriter failed writing file data.pkl: file")],
)
def test_a_disk_that_is_full_is_one_message_and_leaves_no_half(tmp_path: Path, error: Exception) -> None:
    store = CheckpointStore(tmp_path, "mine")
    written(store, 1)
    store.begin()
    with pytest.raises(EnvironmentFault, match="The checkpoint cannot be written"), store.telling():
        raise error
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-1"]


def test_an_error_of_the_computation_is_not_called_a_full_disk(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="shapes"), CheckpointStore(tmp_path, "mine").telling():
        raise RuntimeError("shapes do not match")
