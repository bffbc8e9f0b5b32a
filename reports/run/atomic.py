"""Files that are either the old or the new version, never half of one. Knows paths and bytes, nothing of runs.

write(folder / "run.json", text); a kill at any moment leaves the previous file in place.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterable
from pathlib import Path

from reports.errors import EnvironmentFault


def write(path: Path, text: str) -> None:
    """Replaces a text file: temporary file beside it, fsync, rename, fsync of the folder.

    Raises EnvironmentFault where the disk is full or the folder cannot be written.
    """
    write_lines(path, (text.encode("utf-8", "surrogatepass"),))


def write_lines(path: Path, pieces: Iterable[bytes]) -> None:
    """The same for pieces of bytes that are produced one by one: memory stays flat."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as stream:
            for piece in pieces:
                stream.write(piece)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        with contextlib.suppress(OSError):  # a parent that is a file has already been said above
            temporary.unlink(missing_ok=True)


def unwritable(path: Path, error: OSError) -> EnvironmentFault:
    """The one message for a file that could not be written."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return EnvironmentFault(
            f"No space left to write {path}",
            hint="Free disk space (or raise the quota), then `advisor resume` the run: everything written so far is "
            "kept and is not made again.",
        )
    reason = (error.strerror or str(error)).lower()
    return EnvironmentFault(f"Cannot write {path}: {reason}", hint="Check the folder's owner and permissions.")


def _sync_folder(folder: Path) -> None:
    """Makes the rename itself durable. Some file systems refuse to sync a folder: then the rename must do."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    except OSError:
        pass
    finally:
        os.close(handle)
