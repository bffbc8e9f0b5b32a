"""Training end to end on a tiny random model: it learns, it resumes exactly, it refuses loudly."""

from __future__ import annotations

import json
import shutil
import signal
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from finetune.data import Pair
from finetune.model_files import hash_weights, open_model
from finetune.recipe import Method, Recipe
from reports.errors import DataError, EnvironmentFault, UsageError
from reports.run.schema import TrainingRecord, TrainingStep
from tests.finetune.resuming import killed_and_resumed, pairs

QUICK = {"learning_rate": 3e-3, "epochs": 2, "batch": 8}


def run(base: Path, out: Path, method: Method = "lora", options: dict[str, Any] | None = None, **more: Any) -> Any:
    from finetune.train import train

    recipe = Recipe.from_options(method, {**QUICK, **(options or {})})
    return train(pairs(), str(base), recipe, out, device="cpu", **more)


@pytest.mark.parametrize("method", ["lora", "qlora", "full"])
def test_each_method_learns_and_leaves_a_record(tiny_model: Path, tmp_path: Path, method: Method) -> None:
    from finetune.train import result_folder

    seen: list[TrainingStep] = []
    record = run(tiny_model, tmp_path, method, {"epochs": 3}, on_step=lambda point, *_: seen.append(point))
    untrained = next(point for point in seen if point.step == 0)
    assert untrained.validation_loss is not None
    assert record.history[0] == untrained
    assert record.best_validation_loss < 0.6 * untrained.validation_loss
    assert [point.step for point in seen if point.step] == list(range(1, record.steps + 1))
    assert record.method == method
    assert record.examples == 91
    assert record.validation_examples == 5
    folder = result_folder(tmp_path, method)
    assert TrainingRecord.model_validate_json((folder / "training.json").read_text()) == record
    assert not (tmp_path / "checkpoints").exists()


def test_a_finished_training_is_found_again_and_a_changed_one_is_not(tiny_model: Path, tmp_path: Path) -> None:
    record = run(tiny_model, tmp_path)
    steps: list[int] = []
    assert run(tiny_model, tmp_path, on_step=lambda *_: steps.append(1)) == record
    assert steps == []
    assert run(tiny_model, tmp_path, options={"seed": 1}) != record


class Stop(Exception):
    """Stands for a kill."""


def interrupted(base: Path, out: Path, at: int, **options: Any) -> None:
    def stop(point: TrainingStep, *_: object) -> None:
        if point.step == at:
            raise Stop

    with pytest.raises(Stop):
        run(base, out, on_step=stop, checkpoint_seconds=0.0, options=options)


def test_a_resumed_training_ends_at_the_same_weights(tiny_model: Path, tmp_path: Path) -> None:
    options = {"dropout": 0.1, "neftune": 5}
    whole = run(tiny_model, tmp_path / "whole", options=options)
    for at in (5, 13):
        interrupted(tiny_model, tmp_path / "cut", at, **options)
    seen: list[int] = []
    resumed = run(tiny_model, tmp_path / "cut", options=options, on_step=lambda p, *_: seen.append(p.step))
    assert seen[0] == 13  # step 13 was taken but its checkpoint was not yet written
    assert hash_of(tmp_path / "cut") == hash_of(tmp_path / "whole")
    assert losses(resumed) == losses(whole)


def test_a_checkpoint_of_another_recipe_is_not_resumed(tiny_model: Path, tmp_path: Path) -> None:
    interrupted(tiny_model, tmp_path, 5)
    seen: list[int] = []
    run(tiny_model, tmp_path, options={"seed": 3}, on_step=lambda p, *_: seen.append(p.step))
    assert seen[0] == 1


def test_kill_9_costs_no_result(tiny_model: Path, tmp_path: Path) -> None:
    assert killed_and_resumed(tiny_model, tmp_path, "lora", "cpu") == 0.0


def test_overfitting_is_stopped_and_the_best_adapter_kept(tiny_model: Path, tmp_path: Path) -> None:
    from finetune.train import train

    noise = [Pair(f"Input: order {i * 7919 % 1000}", f"card {i * 104729 % 97}", f"row {i}") for i in range(60)]
    recipe = Recipe.from_options("full", {"learning_rate": 3e-3, "epochs": 40, "batch": 8, "patience": 4})
    record = train(noise, str(tiny_model), recipe, tmp_path, device="cpu")
    assert record.stopped == "validation loss stopped falling"
    assert record.epochs < 40
    assert record.best_step < record.steps
    validated = [point.validation_loss for point in record.history if point.validation_loss is not None]
    assert record.best_validation_loss == min(validated[1:])
    assert any(text.startswith("Overfitting from step") for text in record.warnings)


def test_the_saved_adapter_is_the_best_one(tiny_model: Path, tmp_path: Path) -> None:
    import torch

    from finetune.adapter import attach
    from finetune.chat import layout_of
    from finetune.data import prepare
    from finetune.loading import load_weights
    from finetune.objective import Objective

    options = {"epochs": 6, "learning_rate": 2e-2, "patience": 0}
    record = run(tiny_model, tmp_path, options=options)
    weights = load_weights(open_model(str(tiny_model)), device="cpu")
    attach(weights.model, tmp_path / "adapter", "best")
    data = prepare(pairs(), layout_of(weights.tokenizer), Recipe.from_options("lora", {**QUICK, **options}), 512)
    with torch.no_grad():
        loss, tokens = Objective(weights.model)(data.validation)
    assert float(loss) / tokens == pytest.approx(record.best_validation_loss, rel=1e-4)


def test_too_high_a_learning_rate_is_called_so_early(tiny_model: Path, tmp_path: Path) -> None:
    run(tiny_model, tmp_path / "able", "full", {"epochs": 4})
    said: list[str] = []
    options = {"learning_rate": 5.0, "epochs": 20, "warmup": 0.0, "evaluations": 12}
    record = run(tmp_path / "able" / "model", tmp_path / "hot", "lora", options, on_warning=said.append)
    assert record.stopped == "diverged"
    assert record.steps < 0.2 * 20 * 12
    assert any("Lower learning_rate first: try 0.5 instead of 5" in text for text in said)


def test_divergence_before_any_validation_is_an_error(tiny_model: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="before a first validation"):
        run(tiny_model, tmp_path, "full", {"learning_rate": 1e30, "warmup": 0.0, "epochs": 20, "evaluations": 1})


def test_a_loss_that_is_no_number_leaves_a_record_that_can_be_read(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """JSON has no NaN: a record with one could not be read back, and the training would run again."""
    from finetune.trainer import AnswerTrainer

    real = AnswerTrainer._backward

    def broken(self: Any, pieces: Any, carried: int) -> float:
        loss = real(self, pieces, carried)
        return float("nan") if self.state.global_step == 8 else loss

    monkeypatch.setattr(AnswerTrainer, "_backward", broken)
    record = run(tiny_model, tmp_path)
    assert record.stopped == "diverged"
    assert record.best_step == 6
    assert TrainingRecord.model_validate_json(record.model_dump_json()) == record
    assert run(tiny_model, tmp_path, on_step=lambda *_: pytest.fail("it was trained again")) == record


def test_a_validation_that_is_no_number_keeps_the_weights_before_it(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from finetune.course import Validation
    from finetune.trainer import AnswerTrainer

    values = iter([9.0, 8.0, float("nan")])
    monkeypatch.setattr(AnswerTrainer, "validation", lambda self: Validation(next(values), 0.5))
    record = run(tiny_model, tmp_path)
    assert (record.stopped, record.best_step, record.best_validation_loss) == ("diverged", 6, 8.0)
    assert any("not a number" in text for text in record.warnings)


def test_nothing_learnt_is_said(tiny_model: Path, tmp_path: Path) -> None:
    said: list[str] = []
    run(
        tiny_model, tmp_path, "lora", {"learning_rate": 0.3, "max_grad_norm": 1e-9, "epochs": 1}, on_warning=said.append
    )
    record = run(tiny_model, tmp_path / "none", "lora", {"learning_rate": 1e-12, "epochs": 1}, on_warning=said.append)
    assert record.warnings
    assert any("Nothing was learnt" in text for text in said)


def test_targets_that_do_not_exist_name_those_that_do(tiny_model: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="query_proj") as caught:
        run(tiny_model, tmp_path, options={"targets": "query_proj"})
    assert "Did you mean" in caught.value.hint
    assert "q_proj" in caught.value.hint


def test_one_wrong_target_among_right_ones_is_refused(tiny_model: Path, tmp_path: Path) -> None:
    """PEFT would train the others and say nothing."""
    with pytest.raises(UsageError, match="no layer 'foo_proj' or 'w_prj'"):
        run(tiny_model, tmp_path, options={"targets": "q_proj,foo_proj,w_prj"})
    record = run(tiny_model, tmp_path / "parts", options={"targets": "q_proj,mlp.up_proj", "epochs": 1})
    assert record.trainable_parameters > 0


def test_a_model_that_is_already_quantised_cannot_be_trained(tiny_model: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(tiny_model, tmp_path / "gptq"))
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | {"quantization_config": {"quant_method": "gptq"}}))
    with pytest.raises(DataError, match=r"already quantised \(gptq\)") as caught:
        run(copy, tmp_path / "out")
    assert "unquantised" in caught.value.hint


def test_a_base_model_without_chat_template_or_pad_token_trains(plain_model: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(plain_model, tmp_path / "bare"))
    for name in ("tokenizer_config.json", "special_tokens_map.json", "config.json", "generation_config.json"):
        if (copy / name).is_file():
            stored = json.loads((copy / name).read_text())
            kept = {key: value for key, value in stored.items() if key not in {"pad_token", "pad_token_id"}}
            (copy / name).write_text(json.dumps(kept))
    assert open_model(str(copy)).tokenizer.pad_token is None
    record = run(copy, tmp_path / "out", options={"epochs": 1})
    assert record.best_validation_loss < record.history[0].validation_loss


@pytest.mark.parametrize("option", ["use_rslora", "use_dora", "gradient_checkpointing"])
def test_options_of_the_adapter_train(tiny_model: Path, tmp_path: Path, option: str) -> None:
    record = run(tiny_model, tmp_path, options={option: True, "epochs": 1})
    assert record.steps == 12
    assert record.recipe[option] is True


def test_out_of_memory_halves_and_changes_no_result(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from finetune.objective import Objective

    whole = run(tiny_model, tmp_path / "whole")
    real = Objective.__call__

    def small(self: Any, samples: Any) -> Any:
        if len(samples) * max(len(s.ids) for s in samples) > 150:
            raise RuntimeError("CUDA out of memory. Tried to allocate")
        return real(self, samples)

    monkeypatch.setattr(Objective, "__call__", small)
    halved = run(tiny_model, tmp_path / "halved")
    assert [p.loss for p in halved.history] == pytest.approx([p.loss for p in whole.history], rel=1e-2)


def test_one_example_too_large_for_memory_is_told_with_the_estimate(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from finetune.objective import Objective

    def full(self: Any, samples: Any) -> Any:
        raise RuntimeError("CUDA out of memory. Tried to allocate")

    monkeypatch.setattr(Objective, "__call__", full)
    with pytest.raises(EnvironmentFault, match=r"single example .* estimate for one such example"):
        run(tiny_model, tmp_path)


def test_memory_that_ends_in_the_optimizer_is_told_with_the_estimate(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    def full(*_: Any, **__: Any) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    monkeypatch.setattr(torch.optim.AdamW, "step", full)
    with pytest.raises(EnvironmentFault, match=r"where the optimizer keeps its state\. The estimate is .* GB"):
        run(tiny_model, tmp_path, "full")


def test_the_record_of_an_adapter_names_the_precision_that_it_was_trained_in(tiny_model: Path, tmp_path: Path) -> None:
    from finetune.adapter import read_provenance

    run(tiny_model, tmp_path, options={"epochs": 1})
    assert read_provenance(tmp_path / "adapter").precision == "float32"


def test_layers_that_four_bits_cannot_compute_point_to_lora(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> Any:
        raise AssertionError("N % 32 == 0")

    monkeypatch.setattr("finetune.objective.Objective.__call__", fails)
    with pytest.raises(EnvironmentFault, match="cannot be computed here: N % 32") as caught:
        run(tiny_model, tmp_path, "qlora")
    assert "lora" in caught.value.hint


def test_a_disk_that_is_full_keeps_the_message_short(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("finetune.checkpoint.save_file", full)
    with pytest.raises(EnvironmentFault, match="No space left on device"):
        run(tiny_model, tmp_path, checkpoint_seconds=0.0)


@pytest.mark.parametrize(("seconds", "what"), [(0.0, "checkpoint"), (1e9, "trained weights")])
def test_a_file_that_cannot_grow_is_one_message_and_leaves_no_half(
    tiny_model: Path, tmp_path: Path, seconds: float, what: str
) -> None:
    """The real error of the format's own code, by a limit on the size of files."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
        with pytest.raises(EnvironmentFault, match=f"{what} cannot be written .*File too large"):
            run(tiny_model, tmp_path / "out", options={"epochs": 1}, checkpoint_seconds=seconds)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert not [path for path in tmp_path.rglob("*") if path.name.endswith(".new")]


def test_ten_examples_train_and_nine_do_not(tiny_model: Path, tmp_path: Path) -> None:
    from finetune.train import train

    recipe = Recipe.from_options("lora", {**QUICK, "epochs": 1})
    assert train(pairs(10), str(tiny_model), recipe, tmp_path, device="cpu").examples == 9
    with pytest.raises(DataError, match="at least 10"):
        train(pairs(9), str(tiny_model), recipe, tmp_path / "nine", device="cpu")


def hash_of(out: Path) -> str:
    import hashlib

    return hashlib.sha256((out / "adapter" / "adapter_model.safetensors").read_bytes()).hexdigest()


def losses(record: TrainingRecord) -> list[tuple[int, float, float | None]]:
    return [(point.step, point.loss, point.validation_loss) for point in record.history]


def test_the_base_model_is_not_touched(tiny_model: Path, tmp_path: Path) -> None:
    before = hash_weights(tiny_model)
    run(tiny_model, tmp_path)
    assert hash_weights(tiny_model) == before


def test_a_checkpoint_that_took_long_is_not_written_again_at_once(tiny_model: Path) -> None:
    """One of a whole model of 7 billion weights has some hundred gigabytes."""
    from finetune.course import Course

    course = Course(
        SimpleNamespace(modules=list, parameters=list), Recipe(), on_step=lambda *_: None, checkpoint_seconds=0.0
    )
    course._saved = time.perf_counter() - 30
    assert course._is_time()
    course.saving = 2.0
    assert not course._is_time()
