"""Which runs stand below a folder. Reads run.json and finished.json only, and steps over what is broken.

for entry in list_runs(project / "runs"): print(entry.folder, entry.state)
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from reports.errors import DataError
from reports.run.documents import read_document, read_header
from reports.run.lock import is_held
from reports.run.schema import Finished, RunHeader


@dataclass(frozen=True)
class RunEntry:
    """One stored run; `problem` says why a directory with a run.json cannot be read."""

    folder: Path
    state: Literal["finished", "running", "unfinished", "unreadable"]
    """`running`: a process writes it now."""
    header: RunHeader | None = None
    finished: Finished | None = None
    problem: str = ""


def list_runs(folder: Path) -> list[RunEntry]:
    """Runs directly below the folder (or the folder itself), the newest first; empty where there is none."""
    places = [folder] if (folder / "run.json").is_file() else sorted(p.parent for p in folder.glob("*/run.json"))
    entries = [_entry(place) for place in places]
    return sorted(entries, key=lambda e: (e.header.started if e.header else "", e.folder.name), reverse=True)


def _entry(folder: Path) -> RunEntry:
    try:
        header = read_header(folder / "run.json")
        finished = read_document(folder / "finished.json", Finished)
    except DataError as error:
        return RunEntry(folder, "unreadable", problem=str(error))
    if finished:
        return RunEntry(folder, "finished", header, finished)
    return RunEntry(folder, "running" if is_held(folder / "lock") else "unfinished", header)
