"""The single-document files of a run: run.json, finished.json, training.json, of this and older versions.

header = read_header(folder / "run.json")
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from reports.errors import DataError
from reports.run.schema import SCHEMA_VERSION, Record, RunHeader

R = TypeVar("R", bound=Record)


def read_header(path: Path) -> RunHeader:
    """run.json of this or an older version. Raises DataError where it is broken or newer than this program."""
    try:
        raw = json.loads(path.read_bytes())
        version = raw["schema_version"]
        if isinstance(version, int) and version > SCHEMA_VERSION:
            raise DataError(
                f"{path} was written by a newer version (its schema is {version}, this program knows {SCHEMA_VERSION})",
                hint="Update this program to read it.",
            )
        return RunHeader.model_validate(raw)
    except (OSError, ValueError, KeyError, TypeError) as error:  # pydantic's ValidationError is a ValueError
        first = str(error).splitlines()[0]
        raise DataError(f"{path} cannot be read: {first}", hint="Restore the file, or start a new run.") from error


def read_document(path: Path, kind: type[R]) -> R | None:
    """One JSON document; None where there is no file. Raises DataError where it is broken."""
    try:
        return kind.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        raise DataError(f"{path} cannot be read: {str(error).splitlines()[0]}", hint="Restore the file.") from error
