"""How an export names its base model: by hub id, or as a folder beside it. Never by a path of this machine.

    name, sentence = place_base(source, folder)     # "Qwen/Qwen3-0.6B", or "./base" and the weights in folder/base
    forget_paths(source, folder / "adapter")        # what PEFT wrote into adapter_config.json

Refuses to know what is exported.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from advisor.export_source import Source
from reports.text import size

BESIDE = "base"
COPIED = 2**30
"""Bytes up to which a base model is copied; a larger one is linked to, and has to be brought along."""


def hub_id(source: Source) -> str | None:
    """The model's id on the hub; None where it is a folder or bundled."""
    name = source.model_spec.id
    is_hub = name.count("/") == 1 and not Path(name).is_dir() and not (source.project_folder / name).is_dir()
    return name if is_hub else None


def base_words(source: Source) -> str:
    """The base model in a word for readers elsewhere: its hub id, or its folder's name."""
    return hub_id(source) or Path(source.model_spec.id).name


def place_base(source: Source, folder: Path) -> tuple[str, str]:
    """(how a configuration in `folder` names the base model, a sentence on it). Copies or links it where it must."""
    if (name := hub_id(source)) is not None:
        revision = f", revision {source.model_spec.revision}" if source.model_spec.revision else ""
        return name, f"The base model {name}{revision} comes from the hub."
    base, beside = source.base_folder.resolve(), folder / BESIDE
    what = f"the base model {base_words(source)} (weights {source.base.core.files.hash})"
    files = [path for path in base.iterdir() if path.is_file()]
    total = sum(path.stat().st_size for path in files)
    if total <= COPIED:
        beside.mkdir()
        for path in files:
            shutil.copyfile(path, beside / path.name)
        return f"./{BESIDE}", f"{BESIDE}/ holds {what}, {size(total)}."
    beside.symlink_to(base, target_is_directory=True)
    return (
        f"./{BESIDE}",
        f"{BESIDE} is a link to {what}, {size(total)}: elsewhere, put the model's folder in its place.",
    )


def forget_paths(source: Source, folder: Path) -> None:
    """adapter_config.json and advisor.json in `folder` name the base model as readers elsewhere know it."""
    for file, key in (("adapter_config.json", "base_model_name_or_path"), ("advisor.json", "base")):
        path = folder / file
        if path.is_file():
            stored = json.loads(path.read_text(encoding="utf-8"))
            stored[key] = base_words(source)
            if file == "adapter_config.json":
                stored["revision"] = source.model_spec.revision
            path.write_text(json.dumps(stored, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
