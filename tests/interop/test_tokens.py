"""Other trainers make our tokens of our exports, one by one, and put loss on the same ones. Nothing is trained here."""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from finetune.data import Sample
from finetune.export import axolotl, llamafactory, trl_script
from finetune.export.formats import Parts, split_pairs
from finetune.export.plan import TrainerPlan, plan_for
from finetune.recipe import Recipe
from tests.interop import tokens_child
from tests.interop.conftest import python_of
from tests.interop.templates import PAIRS, TALKS, TEMPLATES, read_layout, write_model

pytestmark = [pytest.mark.interop, pytest.mark.timeout(3600)]

WRITERS: dict[str, Callable[[TrainerPlan, Parts, Path], None]] = {
    "llamafactory": llamafactory.write_llamafactory,
    "axolotl": axolotl.write_axolotl,
    "trl": trl_script.write_trl,
}
Row = tuple[tuple[int, ...], tuple[int, ...]]
"""Ids and labels of one example."""


@dataclass(frozen=True)
class Exported:
    """One model's training data for every tool, and what we make of them."""

    folders: dict[str, Path]
    ours: Counter[Row]


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Exported]:
    home = tmp_path_factory.mktemp("tokens")
    return {name: _exported(home / name, name) for name in TEMPLATES}


def _exported(home: Path, name: str) -> Exported:
    folder = write_model(home / "model", name)
    layout = read_layout(folder, name)
    recipe = Recipe.from_options("lora", {"epochs": 1, "batch": 4})
    parts = split_pairs((*PAIRS, *TALKS), layout, recipe, 512)
    plan = plan_for(parts, recipe, base=str(folder), layout=layout, device="cpu")
    folders = {}
    for tool, write in WRITERS.items():
        folders[tool] = home / tool
        folders[tool].mkdir()
        write(plan, parts, folders[tool])
    return Exported(folders, Counter((sample.ids, _labels(sample)) for sample in parts.prepared.train))


def _labels(sample: Sample) -> tuple[int, ...]:
    """The ids where they carry loss, earlier answers of a conversation too."""
    carried = {at for start, end in sample.spans for at in range(start, end)}
    return tuple(token if at in carried else -100 for at, token in enumerate(sample.ids))


@pytest.mark.parametrize("tool", WRITERS)
def test_another_trainer_learns_from_the_same_tokens(exports: dict[str, Exported], tool: str) -> None:
    python = python_of(tool)
    done = subprocess.run(
        [python, tokens_child.__file__, tool, *(str(one.folders[tool]) for one in exports.values())],
        env={
            **{key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
            "PATH": f"{Path(python).parent}:{os.environ['PATH']}",
            "AXOLOTL_DO_NOT_TRACK": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = {Path(one["folder"]): one["rows"] for one in map(json.loads, done.stdout.splitlines())}
    unlike = {}
    for name, exported in exports.items():
        theirs = Counter((tuple(ids), tuple(labels)) for ids, labels in found[exported.folders[tool]])
        if theirs != exported.ours:
            unlike[name] = list((exported.ours - theirs).keys())[:1] + list((theirs - exported.ours).keys())[:1]
    print(f"{tool}: equal tokens and loss under {len(exports) - len(unlike)} of {len(exports)} templates")  # noqa: T201
    assert not unlike
