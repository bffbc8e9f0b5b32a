"""Append-only JSON lines that several processes write: whoever holds the lock sees all that the others wrote.

journal = SharedJournal(path)
with journal.locked() as news:      # complete lines written since the last time, whoever wrote them
    journal.append(line)            # only here

Refuses to know what the lines say. The lock is the operating system's: it falls with the process that holds it, and
what a killed writer left of a line is cut off by the next one. Without rivals a lock and a line take some 15 µs.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from reports.errors import EnvironmentFault
from reports.run.atomic import unwritable
from reports.run.journal import sound_end, write_whole


class SharedJournal:
    """One file, any number of writers on one machine."""

    def __init__(self, path: Path) -> None:
        """Opens or creates the file. Raises EnvironmentFault where that cannot be, or where it cannot be locked."""
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        except OSError as error:
            raise unwritable(path, error) from error
        self._read_to = 0
        self._checked = False
        self._closed = False

    @contextlib.contextmanager
    def locked(self) -> Iterator[list[bytes]]:
        """Alone with the file. Raises EnvironmentFault on a file system without locks."""
        import fcntl  # absent on Windows, where stored runs can still be read

        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX)
        except OSError as error:
            raise EnvironmentFault(
                f"The file system of {self.path.parent} cannot lock files: {error.strerror}",
                hint="Choose a directory on a local disk with --out.",
            ) from error
        try:
            yield self._news()
        finally:
            fcntl.flock(self._handle, fcntl.LOCK_UN)

    def append(self, line: str) -> None:
        """Adds one line, inside `locked` only. One that does not fit on the disk is taken back; EnvironmentFault."""
        end = os.fstat(self._handle).st_size
        self._read_to = write_whole(self._handle, self.path, line, end)  # the news were read under the same lock

    def close(self) -> None:
        """Syncs and closes. Calling it twice is fine."""
        if self._closed:
            return
        self._closed = True
        try:
            os.fsync(self._handle)
        except OSError as error:
            raise unwritable(self.path, error) from error
        finally:
            os.close(self._handle)

    def _news(self) -> list[bytes]:
        end = os.fstat(self._handle).st_size
        if end and (not self._checked or os.pread(self._handle, 1, end - 1) != b"\n"):
            sound = sound_end(self._handle)
            if sound < end:
                os.ftruncate(self._handle, sound)
                end = sound
        self._checked = True
        data = os.pread(self._handle, max(0, end - self._read_to), self._read_to)
        self._read_to = end
        return data.splitlines()
