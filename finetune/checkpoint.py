"""The state of an unfinished training on disk, so that a kill costs seconds and changes nothing.

Refuses to know what a step is. A checkpoint is a folder that appears by renaming, complete; older ones go afterwards.
Tensors are in safetensors, the rest is JSON: no pickle.

    store = CheckpointStore(folder, fingerprint)
    store.save(State(step=12, …))
    state = store.load()                     # None when there is none, or it belongs to another training
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from reports.errors import EnvironmentFault


@dataclass
class State:
    """Everything that the next step depends on. Tensors by group, then by parameter name."""

    step: int
    tensors: dict[str, dict[str, torch.Tensor]]
    """Groups: `weights`, `best`, `first_moment`, `second_moment`, `random`."""
    facts: dict[str, Any] = field(default_factory=dict)
    """JSON: best loss, patience used, history, budgets."""


class CheckpointStore:
    """Checkpoints of one training in one folder."""

    def __init__(self, folder: Path, fingerprint: str) -> None:
        self.folder = folder
        self.fingerprint = fingerprint

    def save(self, state: State) -> None:
        """Write it whole, then drop the older ones. Raises EnvironmentFault when the disk is full."""
        target = self.folder / f"step-{state.step:08d}"
        fresh = self.folder / f".step-{state.step:08d}.new"
        flat = {f"{group}/{name}": value for group, named in state.tensors.items() for name, value in named.items()}
        try:
            shutil.rmtree(fresh, ignore_errors=True)
            fresh.mkdir(parents=True)
            save_file(
                {name: value.detach().cpu().contiguous() for name, value in flat.items()}, fresh / "state.safetensors"
            )
            facts = {"fingerprint": self.fingerprint, "step": state.step, "facts": state.facts}
            (fresh / "state.json").write_text(json.dumps(facts), encoding="utf-8")
            for path in fresh.iterdir():
                with path.open("rb") as file:
                    os.fsync(file.fileno())
            shutil.rmtree(target, ignore_errors=True)
            fresh.rename(target)
        except (OSError, SafetensorError) as error:  # the latter is how the format's own code reports a full disk
            shutil.rmtree(fresh, ignore_errors=True)
            raise EnvironmentFault(
                f"The checkpoint cannot be written to {self.folder}: {getattr(error, 'strerror', None) or error}",
                "Free some disk space; the last whole checkpoint is still there.",
            ) from error
        for old in self._found():
            if old != target:
                shutil.rmtree(old, ignore_errors=True)

    def load(self) -> State | None:
        """The newest whole checkpoint of this very training, or None."""
        for path in reversed(self._found()):
            try:
                stored = json.loads((path / "state.json").read_text(encoding="utf-8"))
                flat = load_file(path / "state.safetensors")
            except (OSError, ValueError, SafetensorError):
                continue  # a half-written folder of a crash between rename and flush
            if stored.get("fingerprint") != self.fingerprint:
                continue
            tensors: dict[str, dict[str, torch.Tensor]] = {}
            for key, value in flat.items():
                group, _, name = key.partition("/")
                tensors.setdefault(group, {})[name] = value
            return State(step=int(stored["step"]), tensors=tensors, facts=stored["facts"])
        return None

    def clear(self) -> None:
        """Remove all checkpoints: the training is finished and its result saved."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _found(self) -> list[Path]:
        return sorted(self.folder.glob("step-*")) if self.folder.is_dir() else []
