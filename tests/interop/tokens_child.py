"""Prints the tokens that another trainer makes of exported folders: run by that trainer's Python, one JSON line each.

    python tokens_child.py llamafactory exported-a exported-b     # {"folder": …, "rows": [[ids, labels], …]}

Imports nothing of this product. The tool's own code reads its configuration and data; nothing is trained.
"""

from __future__ import annotations

import json
import os
import runpy
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

Rows = list[list[list[int]]]
"""Of each training row its ids and its labels (-100: no loss)."""


def main(tool: str, folders: list[str]) -> int:
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # the tools print
    for folder in folders:
        os.chdir(folder)
        out.write(json.dumps({"folder": folder, "rows": TOOLS[tool]()}) + "\n")
        out.flush()
    return 0


def of_llamafactory() -> Rows:
    import yaml
    from llamafactory.data import get_dataset, get_template_and_fix_tokenizer
    from llamafactory.hparams import get_train_args
    from llamafactory.model import load_tokenizer

    said = yaml.safe_load(Path("train.yaml").read_text(encoding="utf-8"))
    model, data, training, _, _ = get_train_args(said)
    tokens = load_tokenizer(model)
    template = get_template_and_fix_tokenizer(tokens["tokenizer"], data)
    found = get_dataset(template, model, data, training, stage="sft", **tokens)
    return _rows(found["train_dataset"])


def of_axolotl() -> Rows:
    from axolotl.cli.args import PreprocessCliArgs
    from axolotl.cli.config import load_cfg
    from axolotl.common.datasets import load_datasets

    return _rows(load_datasets(cfg=load_cfg("axolotl.yaml"), cli_args=PreprocessCliArgs()).train_dataset)


def of_trl() -> Rows:
    """The script runs as it stands up to the first step; labels are those that its collator makes of each row."""
    import trl

    kept: list[Any] = []

    def keep(self: Any) -> None:
        kept.append(self)

    trl.SFTTrainer.train = keep
    trl.SFTTrainer.save_model = lambda *_: None
    runpy.run_path("train.py", run_name="__main__")
    trainer = kept[0]
    return _rows(
        {key: value[0].tolist() for key, value in trainer.data_collator([row]).items()} for row in trainer.train_dataset
    )


def _rows(found: Iterable[dict[str, Any]]) -> Rows:
    return [[list(row["input_ids"]), list(row["labels"])] for row in found]


TOOLS: dict[str, Callable[[], Rows]] = {
    "llamafactory": of_llamafactory,
    "axolotl": of_axolotl,
    "trl": of_trl,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
