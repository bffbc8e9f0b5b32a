"""Tests against other people's tools: collected by `make interop` alone, never by `make test`.

ADVISOR_INTEROP names the folder with the environments; ADVISOR_INTEROP_RUN a finished run to use again.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.interop.environments import DONE

FOLDER = os.environ.get("ADVISOR_INTEROP")
collect_ignore_glob = [] if FOLDER else ["test_*"]

DIALS = "learning_rate: 3e-3, epochs: 10, patience: 0, probe: none"


def python_of(tool: str) -> str:
    """The Python of a tool's environment; skips where it could not be installed."""
    assert FOLDER
    home = Path(FOLDER) / tool
    if not (home / DONE).is_file():
        pytest.skip(f"{tool} could not be installed here")
    return str((home / "bin" / "python").absolute())


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundled project, trained three times by us and once by each other trainer."""
    if os.environ.get("ADVISOR_INTEROP_RUN"):
        return Path(os.environ["ADVISOR_INTEROP_RUN"])
    from advisor.demo import project_folder

    home = tmp_path_factory.mktemp("interop") / "tickets"
    shutil.copytree(project_folder("tickets"), home)
    assert FOLDER
    others = [tool for tool in ("llamafactory", "trl", "axolotl") if (Path(FOLDER) / tool / DONE).is_file()]
    lines = [
        f"  - lora: {{as: {tool}, {DIALS}, engine: {tool}, engine_python: '{python_of(tool)}'}}" for tool in others
    ]
    text = (home / "advisor.yaml").read_text(encoding="utf-8")
    before, _, after = text.partition("approaches:")
    approaches = ["approaches:", "  - zero-shot", f"  - lora: {{{DIALS}, seeds: 3}}", *lines]
    kept = after[after.index("metrics:") :]
    (home / "advisor.yaml").write_text(before + "\n".join(approaches) + "\nlatency_samples: 0\n" + kept, "utf-8")
    out = home / "runs" / "interop"
    subprocess.run([sys.executable, "-m", "advisor.cli", "run", str(home), "--out", str(out), "--plain"], check=False)
    return out
