"""Another trainer runs the recipe: its lines become steps, its adapter ours, and its failures one message each.

The tool is a shell script that writes log lines as transformers does; real ones run in tests/interop.
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pytest

from finetune.adapter import read_provenance
from finetune.data import Pair
from finetune.export import tools
from finetune.export.outside import Setting, train_outside
from finetune.recipe import Recipe
from reports.errors import EnvironmentFault, UsageError
from reports.run.schema import TrainingRecord, TrainingStep

PAIRS = [Pair(f"Input: order {i}\n\nName it.", "refund" if i % 2 else "card") for i in range(40)]
RECIPE = Recipe.from_options("lora", {"rank": 4, "epochs": 1, "batch": 8, "learning_rate": 1e-3})
LINES = """
echo "  0%|          | 0/5 [00:00<?, ?it/s]"
echo "{'loss': '2.5', 'grad_norm': '1.0', 'learning_rate': '0.001', 'epoch': '0.4'}"
printf "{'eval_loss': '1.5', 'eval_runtime': '0.1', 'epoch': '0.6'}\\r{'loss': '1.25', 'epoch': '1.0'}\\n"
echo '"architectures": ['
echo "***** Running Evaluation *****"
echo "Saving everything"
"""


@pytest.fixture(scope="module")
def trained(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter as PEFT leaves it."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    folder = tmp_path_factory.mktemp("peft") / "adapter"
    model = AutoModelForCausalLM.from_pretrained(tiny_model)
    config = LoraConfig(r=4, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of PEFT's own calls
        get_peft_model(model, config).save_pretrained(folder, save_embedding_layers=False)
    return folder


def tool(folder: Path, script: str) -> str:
    """A Python that has every tool, and runs `script` for each."""
    path = folder / "python"
    path.write_text(f'#!/bin/sh\nif [ "$1" = "-P" ]; then exit 0; fi\n{script}\n')
    path.chmod(0o755)
    return str(path)


def train(model: Path, out: Path, python: str | None, engine: Any = "trl", **said: Any) -> TrainingRecord:
    return train_outside(
        engine, PAIRS, str(model), RECIPE, out, Setting(name="tiny", python=python, device="cpu"), **said
    )


def test_its_adapter_becomes_ours(tiny_model: Path, trained: Path, tmp_path: Path) -> None:
    python = tool(tmp_path, f"{LINES}\nmkdir -p output && cp {trained}/adapter_* output/")
    steps: list[TrainingStep] = []
    lines: list[str] = []
    record = train(
        tiny_model, tmp_path / "out", python, on_step=lambda point, *_: steps.append(point), on_line=lines.append
    )
    assert [(point.step, point.loss, point.validation_loss) for point in steps] == [
        (2, 2.5, None), (3, 2.5, 1.5), (5, 1.25, None),
    ]  # fmt: skip
    assert lines == ["Saving everything"]
    assert (record.best_validation_loss, record.stopped, record.recipe["engine"]) == (1.5, "all epochs", "trl")
    folder = tmp_path / "out" / "adapter"
    assert read_provenance(folder).recipe["engine"] == "trl"
    from baselines.models.local import load
    from reports.run.schema import ModelSpec

    assert load(ModelSpec(id=str(tiny_model)), device="cpu").with_adapter(folder).name == str(tiny_model)


def test_a_finished_training_is_not_run_again(tiny_model: Path, trained: Path, tmp_path: Path) -> None:
    first = train(
        tiny_model, tmp_path / "out", tool(tmp_path, f"{LINES}\nmkdir output; cp {trained}/adapter_* output/")
    )
    assert train(tiny_model, tmp_path / "out", tool(tmp_path, "exit 7")) == first


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo 'ValueError: unknown key lora_rr' >&2; exit 1", r"exit code 1: ValueError: unknown key lora_rr"),
        ("exit 3", "exit code 3: it said nothing"),
        ("echo done", r"ended well but wrote no adapter_model\.safetensors"),
    ],
)
def test_its_failure_is_one_message(tiny_model: Path, tmp_path: Path, script: str, message: str) -> None:
    with pytest.raises(EnvironmentFault, match=message) as caught:
        train(tiny_model, tmp_path / "out", tool(tmp_path, script), "llamafactory")
    assert "log.txt" in caught.value.hint
    assert not (tmp_path / "out" / "adapter").exists()


def test_a_tool_that_is_not_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("ADVISOR_AXOLOTL_PYTHON", raising=False)
    with pytest.raises(EnvironmentFault, match="axolotl is not installed here") as caught:
        tools.find_tool("axolotl", None)
    assert "ADVISOR_AXOLOTL_PYTHON" in caught.value.hint
    empty = tmp_path / "python"
    empty.write_text("#!/bin/sh\nexit 1\n")
    empty.chmod(0o755)
    with pytest.raises(EnvironmentFault, match="axolotl is not installed in"):
        tools.find_tool("axolotl", str(empty))
    with pytest.raises(UsageError, match="engine_python names"):
        tools.find_tool("axolotl", str(tmp_path / "nowhere"))


def test_the_environment_variable_is_asked_before_the_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ADVISOR_LLAMAFACTORY_PYTHON", tool(tmp_path, ""))
    found = tools.find_tool("llamafactory", None)
    command, environment = tools.start(found, "train.yaml")
    assert command == [str(tmp_path / "python"), "-m", "llamafactory.cli", "train", "train.yaml"]
    assert environment["PATH"].startswith(str(tmp_path))
    assert "PYTHONPATH" not in environment


def test_the_configuration_is_left_to_be_run_by_hand(tiny_model: Path, tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault):
        train(tiny_model, tmp_path / "out", tool(tmp_path, "exit 1"), "llamafactory")
    info = json.loads((tmp_path / "out" / "engine" / "data" / "dataset_info.json").read_text())
    assert "train" in info
    assert (tmp_path / "out" / "engine" / "train.yaml").is_file()
