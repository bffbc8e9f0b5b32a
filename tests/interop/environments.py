"""Sets up the other tools, each in an environment of its own below one folder: what `make interop` does first.

    python -m tests.interop.environments .interop          # most of an hour on two cores; again: only what is missing
    python -m tests.interop.environments .interop trl      # one of them: what `make gpu` compares with

Takes packages from PyPI and compiles llama.cpp's binding, for which a C++ compiler must be here (Debian: g++; cmake
and ninja are fetched where they are missing). A tool that cannot be installed is said and left out; its tests then skip
with that reason. The order of the commands matters: torch first and pinned, or LLaMA-Factory's resolver brings two
builds that do not fit each other.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from finetune.export.tools import PACKAGES, TORCH

DONE = ".installed"
STEPS: dict[str, tuple[tuple[str, ...], ...]] = {
    "llama": (("install", "numpy", "llama-cpp-python==0.3.36"),),
    "llamafactory": (
        ("install", TORCH),
        ("install", TORCH, *PACKAGES["llamafactory"]),
        ("uninstall", "-y", "torchvision", "torchaudio"),
    ),
    "trl": (("install", TORCH), ("install", TORCH, *PACKAGES["trl"])),
    "axolotl": (("install", TORCH), ("install", TORCH, *PACKAGES["axolotl"])),
}
"""pip's arguments, one call after the other."""
PORTABLE = {"CMAKE_ARGS": "-DGGML_NATIVE=OFF"}
"""AVX2 and no more: what was compiled for exactly one processor with AMX died in its Q8_0 kernels."""
DISK = {"llama": 1, "llamafactory": 8, "trl": 7, "axolotl": 9}
"""GB that an environment may take: PyPI's torch brings CUDA along."""


def main(folder: Path, tools: Sequence[str] = ()) -> int:
    """Installs what is missing of these tools, of all where none is named. Exit code 0 where at least one is there."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".gitignore").write_text("*\n", encoding="utf-8")
    there = [name for name in tools or STEPS if (folder / name / DONE).is_file() or _install(name, folder / name)]
    _say(f"ready: {', '.join(there) or 'none'}")
    return 0 if there else 3


def lacking(name: str, folder: Path) -> str | None:
    """What this machine has too little of for a tool, with what to do; None where nothing is known to be missing."""
    compiler = os.environ.get("CXX") or next(filter(shutil.which, ("c++", "g++", "clang++")), None)
    if name == "llama" and (compiler is None or shutil.which(compiler) is None):
        return "it is compiled, and there is no C++ compiler: apt-get install g++"
    free = shutil.disk_usage(folder).free / 1e9
    if free < DISK[name]:
        return f"it may take {DISK[name]} GB, and {free:.1f} GB are free in {folder}"
    return None


def _install(name: str, home: Path) -> bool:
    if reason := lacking(name, home.parent):
        _say(f"{name} is left out: {reason}")
        return False
    _say(f"installing {name} into {home}" + (" (compiles for a quarter of an hour or more)" if name == "llama" else ""))
    started = time.monotonic()
    python = home / "bin" / "python"
    commands = [[sys.executable, "-m", "venv", str(home)]]
    commands += [[str(python), "-m", "pip", "-qq", "--disable-pip-version-check", *step] for step in STEPS[name]]
    for command in commands:
        if subprocess.run(command, env=PORTABLE | os.environ, check=False).returncode:
            _say(f"{name} cannot be installed here: {' '.join(command[1:])} failed")
            return False
    if name == "llamafactory":
        _stub_audio(python)
    (home / DONE).touch()
    _say(f"{name} is installed, after {(time.monotonic() - started) / 60:.1f} min")
    return True


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def _stub_audio(python: Path) -> None:
    """LLaMA-Factory imports torchaudio even for text; its builds for CPUs do not fit, an empty package does."""
    code = "import site; print(site.getsitepackages()[0])"
    found = subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    package = Path(found) / "torchaudio"
    package.mkdir(exist_ok=True)
    (package / "__init__.py").touch()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
