"""A training as TRL runs it: the data and one script that any Python with trl, peft and datasets can run.

    write_trl(plan, parts, folder)                   # then: cd folder && python train.py

The script stands alone: it imports nothing of this product, and its numbers are those of the recipe.
"""

from __future__ import annotations

import pprint
from pathlib import Path
from typing import Any

from finetune.export.arguments import batching, watching
from finetune.export.formats import RENDERED, Parts, write_formats
from finetune.export.plan import OUTPUT, TrainerPlan
from finetune.export.tools import PACKAGES, TORCH

SCRIPT = "train.py"
SCHEDULES = {"cosine": "cosine", "linear": "linear", "constant": "constant_with_warmup"}

_HEAD = '''"""Trains {what} with TRL: python train.py

Written for {packages}.
"""

import inspect
import json
from pathlib import Path

import torch
from datasets import Dataset
from peft import LoraConfig
from transformers import {imports}
from trl import SFTConfig, SFTTrainer

HERE = Path(__file__).resolve().parent
BASE = {base}
REVISION = {revision!r}
ARGUMENTS = {arguments}
ADAPTER = {adapter}
'''

_READ = '''

def read(side):
    """Token ids of each text, and which of them carry loss: the answer and its end, nothing of the prompt."""
    rows = json.loads((HERE / "data" / side / "{file}").read_text(encoding="utf-8"))
    return Dataset.from_list([tokens(row) for row in rows])


def tokens(row):
    """The text carries template, BOS and end token already: the tokenizer adds none. History: earlier answers."""
    ids, mask = [], []
    for prompt, answer in [*row.get("history", []), (row["instruction"], row["output"])]:
        before, whole, alone = tokenizer([prompt, prompt + answer, answer], add_special_tokens=False)["input_ids"]
        after = whole[len(before) :] if whole[: len(before)] == before else alone
        ids += before + after
        mask += [0] * len(before) + [1] * len(after)
    return {{"input_ids": ids, "completion_mask": mask}}
'''

_TAIL = """

tokenizer = AutoTokenizer.from_pretrained(BASE, revision=REVISION)
model = AutoModelForCausalLM.from_pretrained(
    BASE, revision=REVISION, {loading}
)
known = inspect.signature(SFTConfig.__init__).parameters
unknown = sorted(set(ARGUMENTS) - set(known))
if unknown:
    raise SystemExit(f"this trl does not know: {{', '.join(unknown)}}")
trainer = SFTTrainer(
    model=model,
    args=SFTConfig(output_dir=str(HERE / "{output}"), **ARGUMENTS),
    train_dataset=read("train"),
    eval_dataset=read("validation"),
    processing_class=tokenizer,
    peft_config=LoraConfig(**ADAPTER) if ADAPTER else None,
)
{guard}{patience}trainer.train()
trainer.save_model(str(HERE / "{output}"))
"""

_QUANTISED = """BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype={dtype}
    )"""

_GUARD = """# On some CPUs bitsandbytes drops the gradient of layers that were evaluated: keep its other kernel out.
for module in trainer.model.modules():
    if hasattr(module, "support_avx512bf16_for_cpu"):
        module.support_avx512bf16_for_cpu = False
"""


def write_trl(plan: TrainerPlan, parts: Parts, folder: Path) -> None:
    """Data in all formats and train.py."""
    for side, pairs in (("train", parts.train), ("validation", parts.validation)):
        write_formats(pairs, folder / "data" / side, plan.layout)
    (folder / SCRIPT).write_text(script(plan), encoding="utf-8")


def script(plan: TrainerPlan) -> str:
    """The text of train.py."""
    recipe, quantised = plan.recipe, plan.recipe.method == "qlora"
    imports = ["AutoModelForCausalLM", "AutoTokenizer"]
    imports += ["BitsAndBytesConfig"] if quantised else []
    imports += ["EarlyStoppingCallback"] if recipe.patience else []
    head = _HEAD.format(
        what="all weights" if recipe.method == "full" else "the adapter",
        packages=", ".join((TORCH, *PACKAGES["trl"])),
        imports=", ".join(sorted(imports)),
        base=f"str(HERE / {plan.base.removeprefix('./')!r})" if plan.base.startswith("./") else repr(plan.base),
        revision=plan.revision,
        arguments=pprint.pformat(arguments(plan), sort_dicts=False),
        adapter=pprint.pformat(adapter(plan), sort_dicts=False),
    )
    read = _READ.format(file=RENDERED)
    # All weights train in float32 under bf16 autocast, as ours do: small updates vanish in bf16 weights.
    dtype = "torch.bfloat16" if plan.bf16 and recipe.method != "full" else "torch.float32"
    loading = f"dtype={dtype}"
    if quantised:
        loading += f", quantization_config={_QUANTISED.format(dtype=dtype)}"
    patience = f"trainer.add_callback(EarlyStoppingCallback({recipe.patience}))\n" if recipe.patience else ""
    tail = _TAIL.format(
        loading=loading, output=OUTPUT, guard=_GUARD if quantised and plan.device == "cpu" else "", patience=patience
    )
    return head + read + tail


def arguments(plan: TrainerPlan) -> dict[str, Any]:
    """What SFTConfig is given."""
    recipe = plan.recipe
    return {
        "max_length": plan.max_length,
        "completion_only_loss": True,
        "packing": False,
        "learning_rate": recipe.learning_rate,
        "lr_scheduler_type": SCHEDULES[recipe.schedule],
        "warmup_steps": plan.warmup_steps,
        "weight_decay": recipe.weight_decay,
        "max_grad_norm": recipe.max_grad_norm,
        "num_train_epochs": recipe.epochs,
        **batching(plan),
        "gradient_checkpointing": plan.checkpointing,
        "neftune_noise_alpha": recipe.neftune or None,
        **watching(plan),
        "bf16": plan.bf16,
        "use_cpu": not plan.device.startswith("cuda"),
        "report_to": "none",
    }


def adapter(plan: TrainerPlan) -> dict[str, Any] | None:
    """What LoraConfig is given; None for full training."""
    recipe = plan.recipe
    if recipe.method == "full":
        return None
    return {
        "r": recipe.rank,
        "lora_alpha": recipe.alpha,
        "lora_dropout": recipe.dropout,
        "target_modules": plan.targets,
        "use_rslora": recipe.use_rslora,
        "use_dora": recipe.use_dora,
        "bias": "none",
        "task_type": "CAUSAL_LM",
    }
