"""The folder of an export: appears whole or not at all, replaces nothing unasked, and says what is in it.

    with fresh_folder(out, force=False) as folder:
        ...                                             # write files below `folder`
        write_record(folder, ExportRecord(to="gguf", …))

export.json lists every file with its sha256, where the weights came from, what was verified and what to know of it.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from reports.errors import EnvironmentFault, UsageError
from reports.run.atomic import unwritable
from reports.run.fingerprint import of_file

RECORD = "export.json"
VERSION = 1


@dataclass(frozen=True)
class Check:
    """One thing that was verified, in numbers and in a sentence."""

    what: str
    """`base model`, `greedy answers`, `tokenization`, `configuration`, …"""
    passed: bool
    text: str
    equal: int | None = None
    """How many of `of` were equal."""
    of: int | None = None


@dataclass(frozen=True)
class ExportRecord:
    """The content of export.json."""

    to: str
    approach: str
    run: str
    source: dict[str, Any]
    """Provenance: base model and its hash, data hash, layout hash, recipe, adapter hash."""
    quality: dict[str, Any] = field(default_factory=dict)
    """The run's scores of the approach, with intervals."""
    artefacts: tuple[dict[str, Any], ...] = ()
    """What was measured of each written model file: quality, size, latency."""
    checks: tuple[Check, ...] = ()
    caveats: tuple[str, ...] = ()


@contextmanager
def fresh_folder(out: Path, *, force: bool) -> Iterator[Path]:
    """A folder beside `out` that takes its place when the block ends well; nothing of it is left otherwise.

    Raises UsageError where `out` is there already (unless `force`: what stood there is replaced, if it is an export or
    empty), EnvironmentFault where the disk is full or the place cannot be written.
    """
    refuse_existing(out, force=force)
    fresh = out.with_name(f".{out.name}.new")
    try:
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        yield fresh
        if out.exists():
            shutil.rmtree(out)
        fresh.rename(out)
    except OSError as error:
        raise _unwritable(out, error) from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def refuse_existing(out: Path, *, force: bool) -> None:
    """Raises UsageError where `out` holds something: to be asked before any work is done."""
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    if not force:
        raise UsageError(f"{out} is there already", "name another folder with --out, or replace it with --force")
    if not (out / RECORD).is_file():
        raise UsageError(f"{out} is no export of ours, so --force will not replace it", "name another folder")


def write_record(folder: Path, record: ExportRecord) -> None:
    """export.json, written last: hashes of all other files of the folder."""
    files = {
        path.relative_to(folder).as_posix(): {"sha256": of_file(path), "bytes": path.stat().st_size}
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    stored = {"version": VERSION, **asdict(record), "files": files}
    text = json.dumps(stored, indent=2, sort_keys=True, ensure_ascii=False, default=str)
    (folder / RECORD).write_text(text + "\n", encoding="utf-8")


def _unwritable(out: Path, error: OSError) -> EnvironmentFault:
    fault = unwritable(out, error)
    return EnvironmentFault(str(fault), "Free disk space or name another place with --out; nothing half is left there.")
