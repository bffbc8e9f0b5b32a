"""A training as Axolotl runs it: the data and one YAML for `axolotl train`.

    write_axolotl(plan, parts, folder)               # then: cd folder && axolotl train axolotl.yaml --launcher python

Axolotl accepts unknown keys silently, so `check_keys` holds ours against its own list where it is installed. Its
`type: alpaca` would train on "### Instruction:" texts, and `type: chat_template` trains no end of a turn where that is
another token than EOS: the data are pieces of text that carry the template already. Written for 0.19.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from finetune.export.formats import SEGMENTS, Parts, write_formats
from finetune.export.plan import OUTPUT, TrainerPlan

CONFIGURATION = "axolotl.yaml"
SCHEDULES = {"cosine": "cosine", "linear": "linear", "constant": "constant_with_warmup"}


def write_axolotl(plan: TrainerPlan, parts: Parts, folder: Path) -> None:
    """Data in all formats and axolotl.yaml. Paths are relative to `folder`."""
    for side, pairs in (("train", parts.train), ("validation", parts.validation)):
        write_formats(pairs, folder / "data" / side, plan.layout)
    text = yaml.safe_dump(configuration(plan), sort_keys=False, allow_unicode=True)
    head = "# cd into this folder, then: AXOLOTL_DO_NOT_TRACK=1 axolotl train axolotl.yaml --launcher python\n"
    (folder / CONFIGURATION).write_text(head + text, encoding="utf-8")


def configuration(plan: TrainerPlan) -> dict[str, Any]:
    """The keys of axolotl.yaml."""
    recipe = plan.recipe
    keys: dict[str, Any] = {
        "base_model": plan.base,
        **({"revision_of_model": plan.revision} if plan.revision else {}),
        "datasets": [_dataset("train")],
        "test_datasets": [{**_dataset("validation"), "split": "train"}],
        "dataset_prepared_path": "prepared",
        "output_dir": OUTPUT,
        "sequence_len": plan.max_length,
        "train_on_inputs": False,
    }
    if recipe.method != "full":
        keys |= _adapter(plan)
    keys |= {
        "micro_batch_size": plan.per_device,
        "gradient_accumulation_steps": plan.accumulation,
        "num_epochs": recipe.epochs,
        "learning_rate": recipe.learning_rate,
        "optimizer": "adamw_torch",
        "lr_scheduler": SCHEDULES[recipe.schedule],
        "warmup_steps": plan.warmup_steps,
        "weight_decay": recipe.weight_decay,
        "max_grad_norm": recipe.max_grad_norm,
        "group_by_length": True,
        "sample_packing": False,
        "gradient_checkpointing": plan.checkpointing,
        "seed": recipe.seed,
        "eval_steps": plan.evaluate_every,
        "save_steps": plan.evaluate_every,
        "save_total_limit": 1,
        "load_best_model_at_end": True,
        "metric_for_best_model": "eval_loss",
        "greater_is_better": False,
        "logging_steps": max(1, plan.evaluate_every // 8),
        "bf16": plan.bf16,
        "fp16": False,
    }
    if recipe.neftune:
        keys["neftune_noise_alpha"] = recipe.neftune
    if recipe.patience:
        keys["early_stopping_patience"] = recipe.patience
    if not plan.device.startswith("cuda"):
        # Its Triton kernels are switched on by themselves and need a GPU.
        keys |= dict.fromkeys(("lora_mlp_kernel", "lora_qkv_kernel", "lora_o_kernel", "lora_embedding_kernel"), False)
    return keys


def _dataset(side: str) -> dict[str, Any]:
    return {"path": f"data/{side}/{SEGMENTS}", "ds_type": "json", "type": "input_output"}


def _adapter(plan: TrainerPlan) -> dict[str, Any]:
    recipe, targets = plan.recipe, plan.targets
    aim = {"lora_target_linear": True} if isinstance(targets, str) else {"lora_target_modules": targets}
    return {
        "adapter": "qlora" if recipe.method == "qlora" else "lora",
        **({"load_in_4bit": True} if recipe.method == "qlora" else {}),
        "lora_r": recipe.rank,
        "lora_alpha": recipe.alpha,
        "lora_dropout": recipe.dropout,
        **aim,
        "peft_use_rslora": recipe.use_rslora,
        "peft_use_dora": recipe.use_dora,
    }
