"""What we hand over, run by the tools it is for: llama.cpp, LLaMA-Factory, TRL, Axolotl. `make interop` runs it."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from reports.run.store import RunStore
from reports.summary import summarise
from reports.summary.model import ApproachSummary
from tests.interop.conftest import python_of

pytestmark = [pytest.mark.interop, pytest.mark.timeout(3 * 3600)]


def export(run: Path, to: str, out: Path, **environment: str) -> dict[str, Any]:
    said = ["--to", to, "--approach", "lora", "--out", str(out)]
    done = subprocess.run(
        [sys.executable, "-m", "advisor.cli", "export", str(run), *said],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    print(done.stderr)  # noqa: T201 - the figures are what one runs this for
    found: dict[str, Any] = json.loads((out / "export.json").read_text())
    return found


def approach(run: Path, name: str) -> ApproachSummary:
    with RunStore.open(run) as store:
        summary = summarise(store)
    if name not in {one.name for one in summary.approaches}:
        pytest.skip(f"{name} could not be installed here")
    found = summary.approach(name)
    assert not found.error
    return found


def test_llama_cpp_answers_as_the_merged_weights_do(run: Path, tmp_path: Path) -> None:
    record = export(run, "gguf", tmp_path / "gguf", ADVISOR_LLAMA_PYTHON=python_of("llama"))
    checks = {check["what"]: check for check in record["checks"]}
    assert checks["tokenization"]["equal"] == checks["tokenization"]["of"]
    assert checks["answers of f16"]["of"] == 100
    assert checks["answers of f16"]["equal"] >= 95
    rows = {row["form"]: row for row in record["artefacts"]}
    assert set(rows) == {"gguf f16", "gguf q8_0", "gguf q4_0"}
    for form, row in rows.items():
        print(f"{form}: {row['metric']} {row['quality']:.3f} ({row['low']:.3f} to {row['high']:.3f})")  # noqa: T201
        assert row["n"] == 150


@pytest.mark.parametrize("tool", ["llamafactory", "trl", "axolotl"])
def test_another_trainer_lands_within_our_seed_noise(run: Path, tool: str) -> None:
    """The interval for one more training of ours, from three of them: mean, t(2) times sd times sqrt(1 + 1/3)."""
    from scipy.stats import t

    ours, theirs = approach(run, "lora"), approach(run, tool)
    assert ours.seeds is not None
    assert theirs.quality.value is not None
    count = len(ours.seeds.values)
    # Binomial noise of the cases is no seed noise, but two trainings differ by at least one case.
    spread = max(ours.seeds.sd, 1 / ours.quality.n) * math.sqrt(1 + 1 / count) * float(t.ppf(0.975, count - 1))
    print(f"{tool}: {theirs.quality.value:.3f}, ours {ours.seeds.values}")  # noqa: T201
    assert abs(theirs.quality.value - ours.seeds.mean) <= spread


def test_axolotl_accepts_its_configuration_and_data(run: Path, tmp_path: Path) -> None:
    python = python_of("axolotl")
    export(run, "axolotl", tmp_path / "axolotl")
    done = subprocess.run(
        [python, "-m", "axolotl.cli.main", "preprocess", "axolotl.yaml"],
        cwd=tmp_path / "axolotl",
        env={**os.environ, "AXOLOTL_DO_NOT_TRACK": "1", "PATH": f"{Path(python).parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert "Success! Preprocessed data path" in done.stdout + done.stderr
