"""A training as LLaMA-Factory runs it: dataset_info.json, the data, and one YAML for `llamafactory-cli train`.

    write_llamafactory(plan, parts, folder)          # then: cd folder && llamafactory-cli train train.yaml

The data carry the template already, and `template: empty` adds nothing: its named templates may add a system turn that
answering does not have, and what it reads out of the tokenizer's own one trains a line break after the end of a turn,
or fails. Written for 0.9.5; unknown keys would be refused by it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from finetune.export.arguments import batching, watching
from finetune.export.formats import ALPACA, RENDERED, SHAREGPT, Parts, write_formats
from finetune.export.plan import OUTPUT, TrainerPlan

CONFIGURATION = "train.yaml"
SCHEDULES = {"cosine": "cosine", "linear": "linear", "constant": "constant_with_warmup"}


def write_llamafactory(plan: TrainerPlan, parts: Parts, folder: Path) -> None:
    """Data in all formats, dataset_info.json and train.yaml. Paths are relative to `folder`."""
    for side, pairs in (("train", parts.train), ("validation", parts.validation)):
        write_formats(pairs, folder / "data" / side, plan.layout)
    info = json.dumps(dataset_info(parts), indent=2, sort_keys=True)
    (folder / "data" / "dataset_info.json").write_text(info + "\n", encoding="utf-8")
    text = yaml.safe_dump(configuration(plan), sort_keys=False, allow_unicode=True)
    (folder / CONFIGURATION).write_text(
        "# cd into this folder, then: llamafactory-cli train train.yaml\n" + text, encoding="utf-8"
    )


def dataset_info(parts: Parts) -> dict[str, Any]:
    """Every data set by name: `train` and `validation` are used, the others hold the same pairs in other formats."""
    instruction = {"prompt": "instruction", "query": "input", "response": "output"}
    found: dict[str, Any] = {}
    for side, pairs in (("train", parts.train), ("validation", parts.validation)):
        earlier = any(message.trained for pair in pairs for message in pair.messages)
        turns = {"history": "history"} if earlier else {}  # pairs of prompt and answer, which carry loss as the last
        for name, file, columns in (
            (side, RENDERED, {**instruction, **turns}),
            (f"{side}_instructions", ALPACA, instruction),
        ):
            found[name] = {"file_name": f"{side}/{file}", "formatting": "alpaca", "columns": columns}
        found[f"{side}_conversations"] = {
            "file_name": f"{side}/{SHAREGPT}",
            "formatting": "sharegpt",
            "columns": {"messages": "conversations"},
        }
    return found


def configuration(plan: TrainerPlan) -> dict[str, Any]:
    """The keys of train.yaml."""
    recipe = plan.recipe
    keys: dict[str, Any] = {
        "model_name_or_path": plan.base,
        **({"model_revision": plan.revision} if plan.revision else {}),
        "stage": "sft",
        "do_train": True,
        "finetuning_type": "full" if recipe.method == "full" else "lora",
        "dataset_dir": "data",
        "dataset": "train",
        "eval_dataset": "validation",
        "template": "empty",
        "cutoff_len": plan.max_length,
        "output_dir": OUTPUT,
        "overwrite_output_dir": True,
    }
    if recipe.method != "full":
        keys |= _adapter(plan)
    if recipe.method == "qlora":
        keys |= {"quantization_bit": 4, "quantization_method": "bnb", "quantization_type": "nf4"}
    keys |= {
        "learning_rate": recipe.learning_rate,
        "lr_scheduler_type": SCHEDULES[recipe.schedule],
        "warmup_steps": plan.warmup_steps,
        "weight_decay": recipe.weight_decay,
        "max_grad_norm": recipe.max_grad_norm,
        "num_train_epochs": float(recipe.epochs),
        **batching(plan),
        "disable_gradient_checkpointing": not plan.checkpointing,
        **watching(plan),
        "report_to": "none",
    }
    if recipe.neftune:
        keys["neftune_noise_alpha"] = recipe.neftune
    if recipe.patience:
        keys["early_stopping_steps"] = recipe.patience
    if plan.bf16:
        keys["bf16"] = True
    if not plan.device.startswith("cuda"):
        keys["use_cpu"] = True
    return keys


def _adapter(plan: TrainerPlan) -> dict[str, Any]:
    recipe, targets = plan.recipe, plan.targets
    return {
        "lora_rank": recipe.rank,
        "lora_alpha": recipe.alpha,
        "lora_dropout": recipe.dropout,
        "lora_target": "all" if isinstance(targets, str) else ",".join(targets),
        "use_rslora": recipe.use_rslora,
        "use_dora": recipe.use_dora,
    }
