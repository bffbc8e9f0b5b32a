"""Where the other trainers are installed, and what is typed to start them.

    command, environment = start(find_tool("llamafactory", python=None), "train.yaml")

A tool is looked for in this order: the Python that the project names, the one in the environment variable
(ADVISOR_LLAMAFACTORY_PYTHON and so on), the program on PATH, our own Python. Each wants an environment of its own: they
need older versions of transformers than we do.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from reports.errors import EnvironmentFault, UsageError

TORCH = "torch==2.13.0"
PACKAGES: dict[str, tuple[str, ...]] = {
    "llamafactory": ("llamafactory==0.9.5", "bitsandbytes==0.50.2"),
    "axolotl": ("axolotl==0.19.0",),
    "trl": ("trl==1.16.0", "transformers==5.23.0", "peft==0.21.2", "datasets==5.2.0", "bitsandbytes==0.50.2"),
}
"""The versions that the exports are written for, and held against by `make interop`."""
INSTALL = {
    engine: f"pip install {TORCH}, then pip install {TORCH} {' '.join(packages)}, in an environment of its own"
    for engine, packages in PACKAGES.items()
}
INSTALL["llamafactory"] += (
    " (it wants torchvision uninstalled and an empty package torchaudio: `make interop` does it all)"
)
_MODULES = {"llamafactory": "llamafactory", "axolotl": "axolotl", "trl": "trl"}
_PROGRAMS = {"llamafactory": "llamafactory-cli", "axolotl": "axolotl"}
_STARTS = {
    "llamafactory": ("-m", "llamafactory.cli", "train"),
    "axolotl": ("-m", "axolotl.cli.main", "train"),
    "trl": (),
}
_TAILS = {"axolotl": ("--launcher", "python")}


@dataclass(frozen=True)
class Tool:
    """One installed trainer: a Python that has it, or a program on PATH."""

    engine: str
    python: str | None
    program: str | None = None


def find_tool(engine: str, python: str | None) -> Tool:
    """The tool. Raises EnvironmentFault where it is not installed, UsageError where a named Python is not there."""
    variable = f"ADVISOR_{engine.upper()}_PYTHON"
    named, where = (python, "engine_python") if python else (os.environ.get(variable), variable)
    if named:
        if not Path(named).is_file():
            raise UsageError(f"{where} names {named}, which is not there.", f"Name a Python that has {engine}.")
        if not _has(named, _MODULES[engine]):
            raise EnvironmentFault(f"{engine} is not installed in {named} ({where}).", f"There: {INSTALL[engine]}.")
        return Tool(engine, named)
    program = shutil.which(_PROGRAMS[engine]) if engine in _PROGRAMS else None
    if program:
        return Tool(engine, None, program)
    if importlib.util.find_spec(_MODULES[engine]) is not None:
        return Tool(engine, sys.executable)
    raise EnvironmentFault(
        f"{engine} is not installed here.", f"{INSTALL[engine]}, then set {variable} or `engine_python` to its Python."
    )


def start(tool: Tool, file: str) -> tuple[list[str], dict[str, str]]:
    """(command, environment): its own folder first on PATH, nothing reported to anyone, lines as they come."""
    if tool.program:
        command = [tool.program, "train", file, *_TAILS.get(tool.engine, ())]
        folder = str(Path(tool.program).parent)
    else:
        assert tool.python is not None
        command = [tool.python, *_STARTS[tool.engine], file, *_TAILS.get(tool.engine, ())]
        folder = str(Path(tool.python).parent)
    environment = {
        **{name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")},
        "PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', '')}",
        "PYTHONUNBUFFERED": "1",
        "AXOLOTL_DO_NOT_TRACK": "1",
        "DO_NOT_TRACK": "1",
        "WANDB_DISABLED": "true",
    }
    return command, environment


def _has(python: str, module: str) -> bool:
    code = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({module!r}) is None)"
    return subprocess.run([python, "-P", "-c", code], capture_output=True, check=False).returncode == 0
