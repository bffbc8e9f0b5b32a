"""The answers of one approach by case id, on disk: an index of offsets in memory, texts read when asked for.

table = store.answers("rag"); table["case-7"].text; for answer in table.values(): ...
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from pydantic import ValidationError

from reports.run.journal import read_lines
from reports.run.schema import Answer

# pydantic writes fields in their order: `case` is first and `fingerprint` last, so two looks at a line are enough
# (3 µs instead of 20 for a line with a long prompt). Anything else goes through json.
_CASE = re.compile(rb'\{"case":"((?:[^"\\]|\\.)*)",')
_STATUS = re.compile(rb'"status":"(\w+)"')


class AnswerIndex:
    """Where the last answer of each case stands in a file: read at the first look, then shared by its tables."""

    def __init__(self, path: Path, on_damage: Callable[[Path, int], None] | None = None) -> None:
        self.path = path
        self.on_damage = on_damage
        self._size = _size(path)

    @property
    def is_current(self) -> bool:
        """False once the file has grown."""
        return _size(self.path) == self._size

    @cached_property
    def offsets(self) -> dict[str, int]:
        """Case id to the offset of its line, in the order of the first answers."""
        found: dict[str, int] = {}
        for offset, line in read_lines(self.path):
            case = _case(line)
            if case is not None:
                found[case] = offset
            elif self.on_damage:
                self.on_damage(self.path, offset)
        return found


class AnswerTable(Mapping[str, Answer]):
    """Case id to answer; the last one written for a case counts. Memory is one number a case, not its text."""

    def __init__(self, index: AnswerIndex) -> None:
        self._index = index
        self._stream: BinaryIO | None = None

    def __del__(self) -> None:
        if self._stream is not None:
            self._stream.close()

    def __getitem__(self, case: str) -> Answer:
        """Raises KeyError where there is no answer, or none that can be read."""
        offset = self._index.offsets[case]
        if self._stream is None:
            self._stream = self._index.path.open("rb")
        self._stream.seek(offset)
        answer = self._read(offset, self._stream.readline())
        if answer is None:
            raise KeyError(case)
        return answer

    def __iter__(self) -> Iterator[str]:
        return iter(self._index.offsets)

    def __len__(self) -> int:
        return len(self._index.offsets)

    def stream(self) -> Iterator[Answer]:
        """Every answer once, in the order of the file: the way to read them all."""
        current = {offset: case for case, offset in self._index.offsets.items()}
        for offset, line in read_lines(self._index.path):
            if offset in current and (answer := self._read(offset, line)) is not None:
                yield answer

    def answered(self, fingerprint: str, *, retry_failed: bool = False) -> set[str]:
        """Ids of the cases whose last answer carries this fingerprint."""
        tail = b'"fingerprint":%s}\n' % json.dumps(fingerprint, ensure_ascii=False).encode()
        done: set[str] = set()
        for _, line in read_lines(self._index.path):
            case = _case(line)
            if case is None:
                continue
            if _carries(line, tail, fingerprint) and not (retry_failed and _failed(line)):
                done.add(case)
            else:
                done.discard(case)
        return done

    def _read(self, offset: int, line: bytes) -> Answer | None:
        try:
            return Answer.model_validate_json(line)
        except ValidationError:
            if self._index.on_damage:
                self._index.on_damage(self._index.path, offset)
            return None


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # no answer yet
        return 0


def _case(line: bytes) -> str | None:
    """The case id of a stored answer; None where the line cannot be one (NUL bytes, no JSON object)."""
    if b"\0" in line or not line.endswith(b"}\n"):
        return None
    match = _CASE.match(line)
    if match:
        quoted = match.group(1)
        return str(json.loads(b'"%s"' % quoted)) if b"\\" in quoted else quoted.decode("utf-8", "surrogatepass")
    try:
        case = json.loads(line)["case"]
    except (ValueError, KeyError, TypeError):
        return None
    return case if isinstance(case, str) else None


def _carries(line: bytes, tail: bytes, fingerprint: str) -> bool:
    if line.endswith(tail):
        return True
    if b'"fingerprint":"' in line[-200:]:
        return False
    try:
        return bool(json.loads(line).get("fingerprint", "") == fingerprint)
    except ValueError:
        return False


def _failed(line: bytes) -> bool:
    """True for error and timeout. The status stands behind the text: a text cannot hold an unescaped quote."""
    match = _STATUS.search(line)
    return bool(match) and match.group(1) in (b"error", b"timeout") if match else False
