"""The checkpoints of an unfinished training on disk, so that a kill costs seconds and changes nothing.

Refuses to know what is in them: transformers' Trainer and ours write files into a folder that appears under its name by
renaming, complete; older ones go afterwards.

    store = CheckpointStore(folder, fingerprint)
    place = store.begin()                    # an empty folder beside them; Trainer writes `checkpoint-12` into it
    store.finish(12, facts)
    found = store.newest()                   # None when there is none, or it belongs to another training
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from reports.errors import EnvironmentFault

FACTS = "advisor.json"
"""Of a checkpoint: whose it is, and what our own part of the training goes on from."""


@dataclass(frozen=True)
class Checkpoint:
    """A whole checkpoint of this very training."""

    folder: Path
    facts: dict[str, Any]
    """JSON: best loss, patience used, history, budgets."""


class CheckpointStore:
    """Checkpoints of one training in one folder."""

    def __init__(self, folder: Path, fingerprint: str) -> None:
        self.folder = folder
        self.fingerprint = fingerprint
        self.fresh = folder / ".new"
        """What is not whole yet."""

    def begin(self) -> None:
        """Empty `fresh`."""
        with self.telling():
            shutil.rmtree(self.fresh, ignore_errors=True)
            self.fresh.mkdir(parents=True)

    def finish(self, step: int, facts: Mapping[str, Any]) -> None:
        """Add the facts to `fresh`/checkpoint-`step`, move it into place, then drop the older ones."""
        made, target = self.fresh / f"checkpoint-{step}", self.folder / f"checkpoint-{step}"
        with self.telling():
            stored = {"fingerprint": self.fingerprint, "step": step, "facts": facts}
            (made / FACTS).write_text(json.dumps(stored), encoding="utf-8")
            for path in made.iterdir():
                with path.open("rb") as file:
                    os.fsync(file.fileno())
            shutil.rmtree(target, ignore_errors=True)
            made.rename(target)
        shutil.rmtree(self.fresh, ignore_errors=True)
        for old in self._found():
            if old != target:
                shutil.rmtree(old, ignore_errors=True)

    def newest(self) -> Checkpoint | None:
        """The newest whole checkpoint of this very training, or None."""
        for path in reversed(self._found()):
            try:
                stored = json.loads((path / FACTS).read_text(encoding="utf-8"))
            except (OSError, ValueError):
                continue  # a half-written folder of a crash between rename and flush
            if stored.get("fingerprint") == self.fingerprint:
                return Checkpoint(path, stored["facts"])
        return None

    def clear(self) -> None:
        """Remove all checkpoints: the training is finished and its result saved."""
        shutil.rmtree(self.folder, ignore_errors=True)

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Whatever is written inside: EnvironmentFault where the disk is full, and no half of a checkpoint left."""
        try:
            yield
        except (OSError, SafetensorError, RuntimeError) as error:
            # safetensors and torch report a full disk by errors of their own.
            if isinstance(error, RuntimeError) and not any(word in str(error) for word in _TORCH_CANNOT_WRITE):
                raise
            shutil.rmtree(self.fresh, ignore_errors=True)
            raise EnvironmentFault(
                f"The checkpoint cannot be written to {self.folder}: {getattr(error, 'strerror', None) or error}",
                "Free some disk space; the last whole checkpoint is still there.",
            ) from error

    def _found(self) -> list[Path]:
        """Oldest first."""
        named = [(path.name.partition("-")[2], path) for path in self.folder.glob("checkpoint-*")]
        return [path for _, path in sorted((int(step), path) for step, path in named if step.isdecimal())]


def save_tensors(tensors: Mapping[str, torch.Tensor], path: Path) -> None:
    """Exactly, whatever device they are on."""
    save_file({name: value.detach().cpu().contiguous() for name, value in tensors.items()}, path)


def load_tensors(path: Path) -> dict[str, torch.Tensor]:
    """What `save_tensors` wrote, on the CPU; empty where there is no such file."""
    return load_file(path) if path.is_file() else {}


_TORCH_CANNOT_WRITE = ("PytorchStreamWriter", "inline_container", "unexpected pos")
