"""Configurations for other trainers: the recipe's dials under their names, the template left as it is, runnable."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from finetune.chat import layout_of
from finetune.data import Pair
from finetune.export import axolotl, llamafactory, trl_script
from finetune.export.formats import Parts, split_pairs
from finetune.export.plan import TrainerPlan, plan_for
from finetune.recipe import Recipe

PAIRS = [Pair(f"Input: order {i}\n\nName it.", "refund" if i % 2 else "card") for i in range(60)]


def planned(model: Path, device: str = "cpu", **dials: Any) -> tuple[TrainerPlan, Parts]:
    from finetune.model_files import load_tokenizer

    method = dials.pop("method", "lora")
    recipe = Recipe.from_options(method, dials)
    layout = layout_of(load_tokenizer("tiny", model))
    parts = split_pairs(PAIRS, layout, recipe, context=512)
    plan = plan_for(parts, recipe, base="folder/model", layout=layout, device=device, bf16=device != "cpu")
    return plan, parts


def test_llamafactory_gets_every_dial(tiny_model: Path, tmp_path: Path) -> None:
    plan, parts = planned(tiny_model, method="qlora", rank=8, alpha=24, epochs=4, patience=3, use_dora=True, neftune=5)
    llamafactory.write_llamafactory(plan, parts, tmp_path)
    keys = yaml.safe_load((tmp_path / "train.yaml").read_text())
    assert keys["lora_rank"] == 8
    assert keys["lora_alpha"] == 24
    assert keys["quantization_bit"] == 4
    assert keys["num_train_epochs"] == 4.0
    assert keys["early_stopping_steps"] == 3
    assert keys["use_dora"] is True
    assert keys["neftune_noise_alpha"] == 5
    assert keys["learning_rate"] == 2e-4
    assert keys["use_cpu"] is True
    assert keys["template"] == "empty", "the data carry it: a named one may add a system turn that answering has not"
    assert "bf16" not in keys, "LLaMA-Factory refuses it on a CPU"
    info = json.loads((tmp_path / "data" / "dataset_info.json").read_text())
    assert set(info) == {
        side + form for side in ("train", "validation") for form in ("", "_instructions", "_conversations")
    }
    assert all((tmp_path / "data" / one["file_name"]).is_file() for one in info.values())
    assert all("formatting" in one for one in info.values()), "the key is not `format`"


def test_full_training_has_no_adapter_keys(tiny_model: Path) -> None:
    plan, _ = planned(tiny_model, method="full")
    assert llamafactory.configuration(plan)["finetuning_type"] == "full"
    assert not [key for key in llamafactory.configuration(plan) if key.startswith("lora")]
    assert "adapter" not in axolotl.configuration(plan)
    assert trl_script.adapter(plan) is None


def test_axolotl_is_told_what_it_would_choose_otherwise(tiny_model: Path) -> None:
    plan, _ = planned(tiny_model, method="qlora", targets="q_proj,v_proj")
    keys = axolotl.configuration(plan)
    assert keys["datasets"][0]["type"] == "input_output", "chat_template trains no end of a turn that is not EOS"
    assert keys["lora_target_modules"] == ["q_proj", "v_proj"]
    assert (keys["bf16"], keys["fp16"]) == (False, False), "left out, it picks fp16 on a CPU: 14 times slower"
    assert keys["lora_mlp_kernel"] is False
    assert keys["load_in_4bit"] is True


@pytest.mark.parametrize("method", ["lora", "qlora", "full"])
def test_the_trl_script_is_python_with_the_recipes_numbers(tiny_model: Path, tmp_path: Path, method: str) -> None:
    plan, parts = planned(tiny_model, method=method, epochs=5, patience=2)
    trl_script.write_trl(plan, parts, tmp_path)
    tree = ast.parse((tmp_path / "train.py").read_text())
    found = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id.isupper()
        and node.targets[0].id != "HERE"
    }  # fmt: skip
    assert found["ARGUMENTS"]["num_train_epochs"] == 5
    assert found["ARGUMENTS"]["completion_only_loss"] is True
    assert found["BASE"] == "folder/model"
    assert (found["ADAPTER"] is None) == (method == "full")


def test_a_step_learns_from_the_recipes_batch_on_any_device(tiny_model: Path) -> None:
    small, _ = planned(tiny_model, batch=12, batch_tokens=64)
    assert small.per_device * small.accumulation == 12
    assert small.per_device < 12
    large, _ = planned(tiny_model, device="cuda:0", batch=12)
    assert (large.per_device, large.accumulation) == (12, 1)
    assert llamafactory.configuration(large)["bf16"] is True
    assert "use_cpu" not in llamafactory.configuration(large)


def test_whole_weights_train_in_float32_in_trl_too(tiny_model: Path) -> None:
    """Under bf16 autocast, as ours do: the same recipe, and small updates do not vanish."""
    whole, adapter = (trl_script.script(planned(tiny_model, "cuda:0", method=m)[0]) for m in ("full", "lora"))
    assert "dtype=torch.float32" in whole
    assert "'bf16': True" in whole
    assert "dtype=torch.bfloat16" in adapter
