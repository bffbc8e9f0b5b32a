"""Projects that were opened before, or that stand where the user is, each with its runs. Never fails, loses at most.

    remember(folder)
    for entry in overview(Path.cwd()): print(entry.name, entry.words, entry.interrupted)

The list is a small file in the user's state folder: a broken one counts as empty, a project that is gone is left out.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from advisor.user_folders import state_folder
from reports.errors import AdvisorError
from reports.run import atomic
from reports.run.listing import RunEntry, list_runs
from reports.text import count

FILE = "advisor.yaml"
MOST = 12
LOOKED_AT = 200
"""Folders that are looked through beside the user: a home folder may hold thousands."""


@dataclass(frozen=True)
class ProjectEntry:
    """One project and its runs, the newest first."""

    folder: Path
    runs: tuple[RunEntry, ...]

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def interrupted(self) -> tuple[RunEntry, ...]:
        """Runs that were not finished: they can be resumed."""
        return tuple(run for run in self.runs if run.state == "unfinished")

    @property
    def words(self) -> str:
        """What there is, for one line."""
        if not self.runs:
            return "no runs yet"
        said = count(len(self.runs), "run")
        return f"{said}, {len(self.interrupted)} interrupted" if self.interrupted else said


def remember(folder: Path) -> None:
    """Puts a project at the top of the list, where the disk allows."""
    places = [folder.resolve(), *(place for place in _remembered() if place != folder.resolve())][:MOST]
    try:
        state_folder().mkdir(parents=True, exist_ok=True)
        atomic.write(state_folder() / "recent.json", json.dumps([str(place) for place in places], indent=1) + "\n")
    except (AdvisorError, OSError):  # forgetting a list is no reason to stop
        return


def overview(here: Path) -> tuple[ProjectEntry, ...]:
    """The remembered projects, then those at or below `here`, at most twelve."""
    places = dict.fromkeys([*_remembered(), *_near(here)])
    found = [place for place in places if _is_project(place)]
    return tuple(ProjectEntry(place, tuple(_runs(place))) for place in found[:MOST])


def ago(started: str, now: datetime | None = None) -> str:
    """How long since a run started (ISO 8601): '12 min ago', '3 days ago'; empty where it cannot be read."""
    try:
        seconds = ((now or datetime.now(UTC)) - datetime.fromisoformat(started)).total_seconds()
    except (ValueError, TypeError):
        return ""
    for size, name in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            return f"{count(int(seconds // size), name)} ago"
    return "just now"


def _remembered() -> list[Path]:
    try:
        read = json.loads((state_folder() / "recent.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return [Path(item) for item in read if isinstance(item, str) and item] if isinstance(read, list) else []


def _near(here: Path) -> list[Path]:
    """Where the user stands, the folders below, and those of the demos."""
    found = [here]
    for place in (here, here / "advisor-demo"):
        try:
            found += [entry for _, entry in zip(range(LOOKED_AT), sorted(place.iterdir()), strict=False)]
        except OSError:
            continue
    return [place.resolve() for place in found]


def _is_project(place: Path) -> bool:
    try:
        return (place / FILE).is_file()
    except (OSError, ValueError):  # no permission, a NUL in a name
        return False


def _runs(place: Path) -> list[RunEntry]:
    try:
        return list_runs(place / "runs")
    except OSError:
        return []
