"""README.md of a training that is handed to another trainer: install, train, what each file is, serve, mind.

    readme(source, "llamafactory", plan, parts, where, checks, caveats)

Knows what the tools are called and what is typed; what is verified it is told.
"""

from __future__ import annotations

from collections.abc import Sequence

from advisor.export_base import base_words
from advisor.export_source import Source
from finetune.adapter import Provenance
from finetune.export.folder import Check
from finetune.export.formats import ALPACA, MESSAGES, RENDERED, SEGMENTS, SHAREGPT, Parts
from finetune.export.plan import TrainerPlan
from finetune.export.tools import PACKAGES, TORCH
from reports.markdown import escaped
from reports.text import clean

TITLES = {"llamafactory": "LLaMA-Factory", "axolotl": "Axolotl", "trl": "TRL"}
COMMANDS = {
    "llamafactory": "llamafactory-cli train train.yaml",
    "axolotl": "AXOLOTL_DO_NOT_TRACK=1 axolotl train axolotl.yaml --launcher python",
    "trl": "python train.py",
}
_AFTER_INSTALL = {
    "llamafactory": (
        "pip uninstall -y torchvision torchaudio",
        "d=$(python -c 'import site; print(site.getsitepackages()[0])')/torchaudio; mkdir $d; touch $d/__init__.py",
    ),
}
"""It imports torchaudio even for text, and pip brings builds of these two that do not fit torch."""
_USED = {
    "llamafactory": (RENDERED, "`train` and `validation` in data/dataset_info.json"),
    "axolotl": (SEGMENTS, "`datasets` in axolotl.yaml"),
    "trl": (RENDERED, "read by train.py"),
}
_ELSEWHERE = {
    "llamafactory": "set `dataset: train_conversations` and leave `template` out or name one",
    "axolotl": f"set `path` to a {MESSAGES} with `type: chat_template`",
    "trl": f"read {MESSAGES} in train.py",
}
_ON_A_GPU = {
    "llamafactory": "take out `use_cpu` and set `bf16: true`",
    "axolotl": "set `bf16: true` and take the four `lora_…_kernel` lines out",
    "trl": "set `use_cpu` to False, `bf16` to True, and `dtype` to `torch.bfloat16`",
}
_SERVING = {
    "llamafactory": "`template: empty` is for this training alone, whose data carry the template: leave it out for "
    "`llamafactory-cli chat` and `export`, so that the model's own one is used.",
    "axolotl": "`axolotl inference` asks without a template: merge first (`axolotl merge-lora axolotl.yaml`), or serve "
    "the adapter.",
}


def readme(  # noqa: PLR0917 - what an export has found out
    source: Source,
    to: str,
    plan: TrainerPlan,
    parts: Parts,
    where: str,
    checks: Sequence[Check],
    caveats: Sequence[str],
) -> str:
    """The page as Markdown."""
    title = f"{source.store.header.spec.name}: {source.name} for {TITLES[to]}"
    blocks = [f"# {escaped(title)}", _opening(source, plan, parts)]
    blocks += ["## Install, in an environment of its own", _code(_install(to))]
    blocks += ["## Train, in this folder", _code([COMMANDS[to]]), f"{_result(plan, to)} {_device(to, plan)}"]
    blocks += ["## What is here", "\n".join(f"- {line}" for line in _files(to, escaped(where)))]
    blocks += ["## Serve", _serving(to, parts)]
    blocks += ["## Verified", _items([check.text for check in checks])]
    if caveats:
        blocks += ["## Mind", _items(caveats)]
    blocks += ["## Licence", escaped(Provenance.licence_reminder) + " Check it before you hand this on."]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _opening(source: Source, plan: TrainerPlan, parts: Parts) -> str:
    batches = "" if plan.accumulation == 1 else f" ({plan.per_device} at a time, {plan.accumulation} times)"
    return escaped(
        f"The training of {base_words(source)} by {plan.recipe.method}: {len(parts.train)} pairs to learn from and "
        f"{len(parts.validation)} for the validation loss, split as our own training splits them. One optimizer step "
        f"learns from {plan.recipe.batch} pairs{batches}. The longest pair has {parts.prepared.longest} tokens; the "
        f"configuration cuts at {plan.max_length}: raise that for longer data."
    )


def _install(to: str) -> list[str]:
    first = f"pip install {TORCH}"
    return [first, f"{first} {' '.join(PACKAGES[to])}", *_AFTER_INSTALL.get(to, ())]


def _result(plan: TrainerPlan, to: str) -> str:
    what = "The trained weights land" if plan.recipe.method == "full" else "The adapter lands"
    return f"{what} in output/. To score it beside the others, put `engine: {to}` on the approach in the project file."


def _device(to: str, plan: TrainerPlan) -> str:
    if plan.device.startswith("cuda"):
        return f"Written for a GPU{', in bfloat16' if plan.bf16 else ''}, as the run was made on one."
    return f"Written for a CPU, as the run was made on one; on a GPU {_ON_A_GPU[to]}."


def _files(to: str, where: str) -> list[str]:
    used, by = _USED[to]
    return [
        f"data/train/{used}, data/validation/{used}: what is trained on, the text with the model's template around it, "
        f"as it becomes tokens ({by})",
        f"{ALPACA}, {SHAREGPT}, {MESSAGES} beside them: the same pairs before the template, to be read. For another "
        f"base model use these: {_ELSEWHERE[to]}",
        where,
        "export.json: where all this came from, what was verified, a hash of every file",
    ]


def _serving(to: str, parts: Parts) -> str:
    said = "Ask with the prompts of the training; other wording was not tested. The user's message of one pair:"
    example = clean((parts.train or parts.validation)[0].prompt, 2_000).splitlines()
    more = _SERVING.get(to, "")
    return "\n\n".join(filter(None, [said, "\n".join(f"    {line}" for line in example), more]))


def _code(lines: Sequence[str]) -> str:
    return "\n".join(f"    {line}" for line in lines)


def _items(lines: Sequence[str]) -> str:
    return "\n".join(f"- {escaped(line)}" for line in lines)
