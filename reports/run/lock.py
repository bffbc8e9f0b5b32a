"""One writer for a run's directory, and no writing over what stands there.

The operating system drops the lock when the process ends, however it ends.

lock = RunLock(folder / "lock"); …; lock.release()
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from reports.errors import EnvironmentFault, UsageError
from reports.run.atomic import unwritable

LOOKS = (0.001, 0.01, 0.05)
"""Seconds to wait before asking again."""


class RunLock:
    """Holds the lock from construction on. The file holds the writer's process id and stays afterwards."""

    def __init__(self, path: Path) -> None:
        """Raises UsageError that names the other writer's process, EnvironmentFault where locks are not supported."""
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise unwritable(path, error) from error
        try:
            _lock(handle)
        except BlockingIOError as error:
            owner = os.read(handle, 32).decode("ascii", "replace").strip() or "unknown"
            os.close(handle)
            raise UsageError(
                f"The run directory {path.parent} is being written by another process (pid {owner})",
                hint="Wait until it ends, stop it, or choose another directory with --out.",
            ) from error
        except OSError as error:
            os.close(handle)
            raise EnvironmentFault(
                f"The file system of {path.parent} cannot lock files: {error.strerror}",
                hint="Choose a directory on a local disk with --out.",
            ) from error
        try:
            os.ftruncate(handle, 0)
            os.pwrite(handle, str(os.getpid()).encode(), 0)
        except OSError:
            pass  # the process id only serves the message; the lock holds without it
        self._handle: int | None = handle

    def release(self) -> None:
        """Lets go. Calling it twice is fine."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


def _lock(handle: int) -> None:
    """Raises BlockingIOError where another writer holds it, and not only somebody who looks (`is_held`)."""
    import fcntl  # absent on Windows, where stored runs can still be read

    for wait in (*LOOKS, None):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if wait is None:
                raise
            time.sleep(wait)


def is_held(path: Path) -> bool:
    """Whether a process, this one or another, holds the lock now. Looking takes a shared lock for microseconds."""
    try:
        import fcntl

        handle = os.open(path, os.O_RDONLY)
    except (ImportError, OSError):  # Windows; never locked, or not ours to open
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        return isinstance(error, BlockingIOError)
    finally:
        os.close(handle)
    return False


def refuse_foreign(folder: Path) -> None:
    """Raises UsageError where a new run would overwrite one, or would mix with something else."""
    if (folder / "run.json").exists():
        raise UsageError(
            f"{folder} already holds a run", hint="`advisor resume` continues it; --out starts one elsewhere."
        )
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file, not a directory", hint="Choose another directory with --out.")
    if folder.is_dir() and any(_is_foreign(entry.name) for entry in folder.iterdir()):
        raise UsageError(f"{folder} is not empty and holds no run", hint="Choose an empty directory with --out.")


def _is_foreign(name: str) -> bool:
    """False for what an interrupted `create` may have left."""
    return name not in {"lock", "data"} and not (name.startswith(".run.json.") and name.endswith(".tmp"))
