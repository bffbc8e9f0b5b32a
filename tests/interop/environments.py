"""Sets up the other tools, each in an environment of its own below one folder: what `make interop` does first.

    python -m tests.interop.environments .interop          # minutes to most of an hour; again: only what is missing

A tool that cannot be installed here is said and left out; its tests then skip with that reason. The order of the
commands matters: torch first and pinned, or LLaMA-Factory's resolver brings two builds that do not fit each other.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

TORCH = "torch==2.13.0"
DONE = ".installed"
STEPS: dict[str, tuple[tuple[str, ...], ...]] = {
    "llama": (("install", "numpy", "llama-cpp-python==0.3.36"),),
    "llamafactory": (
        ("install", TORCH),
        ("install", TORCH, "llamafactory==0.9.5", "bitsandbytes"),
        ("uninstall", "-y", "torchvision", "torchaudio"),
    ),
    "trl": (
        ("install", TORCH),
        ("install", TORCH, "trl==1.16.0", "transformers==5.23.0", "peft==0.21.2", "datasets", "bitsandbytes"),
    ),
    "axolotl": (("install", TORCH), ("install", TORCH, "axolotl==0.19.0")),
}
"""pip's arguments, one call after the other."""


def main(folder: Path) -> int:
    """Installs what is missing. Exit code 0 where at least one tool is there."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".gitignore").write_text("*\n", encoding="utf-8")
    there = [name for name in STEPS if (folder / name / DONE).is_file() or _install(name, folder / name)]
    sys.stderr.write(f"ready: {', '.join(there) or 'none'}\n")
    return 0 if there else 3


def _install(name: str, home: Path) -> bool:
    sys.stderr.write(f"installing {name} into {home}\n")
    python = home / "bin" / "python"
    commands = [[sys.executable, "-m", "venv", str(home)]]
    commands += [[str(python), "-m", "pip", "-qq", "--disable-pip-version-check", *step] for step in STEPS[name]]
    for command in commands:
        if subprocess.run(command, check=False).returncode:
            sys.stderr.write(f"{name} cannot be installed here: {' '.join(command[1:])} failed\n")
            return False
    if name == "llamafactory":
        _stub_audio(python)
    (home / DONE).touch()
    return True


def _stub_audio(python: Path) -> None:
    """LLaMA-Factory imports torchaudio even for text; its builds for CPUs do not fit, an empty package does."""
    code = "import site; print(site.getsitepackages()[0])"
    found = subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    package = Path(found) / "torchaudio"
    package.mkdir(exist_ok=True)
    (package / "__init__.py").touch()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
