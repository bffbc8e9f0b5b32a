"""Append-only JSON lines that survive a kill at any moment. Knows lines and tails, nothing of what they say.

journal = Journal(path)            # cuts a torn or NUL-filled tail off first
journal.append(to_line(record))
for line in read_lines(path): ...  # complete lines only
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticSerializationError

from reports.errors import EnvironmentFault
from reports.run.atomic import unwritable

BLOCK_BYTES = 1 << 16


class Journal:
    """One file, one writer. Each line is handed to the operating system before `append` returns (12 µs a line)."""

    def __init__(self, path: Path) -> None:
        """Opens or creates the file. Raises EnvironmentFault where that cannot be."""
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
            self._end = sound_end(self._handle)
            os.ftruncate(self._handle, self._end)
        except OSError as error:
            raise unwritable(path, error) from error
        self._unsynced = False
        self._closed = False

    def append(self, line: str) -> None:
        """Adds one line (JSON text without a newline in it).

        A line that does not fit on the disk is taken back as a whole: the file still ends with the line before.
        Raises EnvironmentFault then.
        """
        self._end = write_whole(self._handle, self.path, line, self._end)
        self._unsynced = True

    def sync(self) -> None:
        """Makes what was appended survive a power failure too. Raises EnvironmentFault where the disk refuses."""
        if not self._unsynced or self._closed:
            return
        self._unsynced = False
        try:
            os.fsync(self._handle)
        except OSError as error:
            self._unsynced = True
            raise unwritable(self.path, error) from error

    def try_sync(self) -> bool:
        """The same for a background thread: False instead of an error, and the next `sync` tries again."""
        try:
            self.sync()
        except EnvironmentFault:
            return False
        return True

    def close(self) -> None:
        """Syncs and closes. Calling it twice is fine."""
        if self._closed:
            return
        try:
            self.sync()
        finally:
            self._closed = True
            os.close(self._handle)


def write_whole(handle: int, path: Path, line: str, end: int) -> int:
    """Adds a line to a file that ends at `end`, as a whole or not at all. Returns where it ends then.

    Raises EnvironmentFault where the disk takes no more.
    """
    data = line.encode("utf-8", "surrogatepass") + b"\n"
    left = memoryview(data)
    try:
        while left:
            left = left[os.write(handle, left) :]
    except OSError as error:
        os.ftruncate(handle, end)
        raise unwritable(path, error) from error
    return end + len(data)


def to_line(record: BaseModel) -> str:
    """One JSON line of a record. Lone surrogates, which JSON cannot carry, become U+FFFD."""
    try:
        return record.model_dump_json()
    except PydanticSerializationError:
        return json.dumps(_sayable(record.model_dump(mode="python")), ensure_ascii=False, separators=(",", ":"))


def _sayable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    if isinstance(value, dict):
        return {_sayable(key): _sayable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_sayable(item) for item in value]
    return value


def sound_end(handle: int) -> int:
    """Offset behind the last line that is complete and is JSON: what follows is a torn write or a NUL-filled block."""
    end = os.fstat(handle).st_size
    while end > 0:
        newline = _rfind(handle, b"\n", end)
        if newline < 0:
            return 0
        start = _rfind(handle, b"\n", newline) + 1
        if _is_json(os.pread(handle, newline - start, start)):
            return newline + 1
        end = start
    return 0


def read_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """(offset, line with its newline) of every complete line, one at a time; nothing where there is no file."""
    if not path.exists():
        return
    with path.open("rb") as stream:
        offset = 0
        for line in stream:
            if line.endswith(b"\n"):
                yield offset, line
            offset += len(line)


def _rfind(handle: int, byte: bytes, end: int) -> int:
    """Offset of the last such byte before `end`, or -1."""
    while end > 0:
        start = max(0, end - BLOCK_BYTES)
        found = os.pread(handle, end - start, start).rfind(byte)
        if found >= 0:
            return start + found
        end = start
    return -1


def _is_json(line: bytes) -> bool:
    if b"\0" in line:
        return False
    try:
        json.loads(line)
    except ValueError:
        return False
    return True
