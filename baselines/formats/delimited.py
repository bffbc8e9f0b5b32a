"""CSV and TSV with any delimiter, with or without header, quoted or not. Knows no task.

    table = read_delimited(text, "eval.csv")           # delimiter, quoting and header are detected
    table = read_delimited(text, "eval.csv", delimiter=";", header=False)

The standard library's reader is used, so that every row knows its number and its line. A cell may be of any size.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from baselines.formats.table import JSON, Problem, Row, Table, count, listed, place, sayable
from reports.errors import DataError

if TYPE_CHECKING:
    from _csv import Reader

csv.field_size_limit(min(sys.maxsize, 2**31 - 1))  # the library's own limit is 131,072 characters a cell

DELIMITERS = (",", ";", "\t", "|")
NO_DELIMITER = "\x1f"
"""For a file without any: each line is one cell."""
_SAMPLE_ROWS = 200
_SAMPLE_CHARACTERS = 500_000
_NUMBER = re.compile(r"[-+]?\d+([.,]\d+)*%?")
_SEPARATOR_LINE = re.compile(r"sep=(.)\r?\n")
"""Excel's own hint in the first line."""
_SENTINEL = "\ue000end-of-file\ue001"


@dataclass(frozen=True)
class _Quoting:
    """How quotation marks are read."""

    words: str
    quoted: bool = True
    escape: str | None = None


_QUOTINGS = (
    _Quoting(""),
    _Quoting("a backslash escapes a quotation mark", escape="\\"),
    _Quoting("quotation marks are part of the text", quoted=False),
)


@dataclass(frozen=True)
class _Record:
    number: int
    line: int
    cells: list[str]


@dataclass(frozen=True)
class _Parsed:
    records: list[_Record]
    runaway: frozenset[int]
    """Numbers of the records over several lines whose quotation mark closes in the middle of a cell."""
    unclosed: _Record | None
    """The record in which a quotation mark opens that nothing closes."""
    wrapped: int
    """Cells in quotation marks that were read as text."""

    @property
    def faults(self) -> int:
        """How badly the way of quoting fits: rows of another width than the first (empty cells at the end aside),
        cells that stand in quotation marks and were not read so, and, twice, rows that run together.
        """
        width = len(self.records[0].cells) if self.records else 0
        misfits = sum(0 < len(r.cells) < width or any(r.cells[width:]) for r in self.records)
        return misfits + self.wrapped + 2 * len(self.runaway) + 2 * (self.unclosed is not None)


def read_delimited(
    text: str,
    name: str,
    delimiter: str | None = None,
    header: bool | None = None,
    is_column_name: Callable[[str], bool] = lambda name: False,
) -> Table:
    """Rows of a delimited text. A first row that holds a cell for which `is_column_name` is a header.

    Raises DataError when there is nothing but a header, or a quotation mark is never closed.
    """
    said = _SEPARATOR_LINE.match(text)
    delimiter = delimiter or (said.group(1) if said else sniff_delimiter(text, is_column_name))
    parsed, notes = _parse_best(text, delimiter, name)
    records = [r for r in parsed.records if r.cells and any(cell.strip() for cell in r.cells)][1 if said else 0 :]
    if not records:
        raise DataError(f"{name} is empty", "Name a file that holds rows.")
    records, before = _without_preamble(records, is_column_name)
    if before:
        lines = listed(sayable(" ".join(record.cells)) for record in before)
        notes.append(f"{name}: what stands before the header row is not read: {lines}.")
    if header is None:
        header = has_header([r.cells for r in records[:_SAMPLE_ROWS]], is_column_name)
    if header and len(records) == 1:
        raise DataError(f"{name} has a header row and nothing below it", "Name a file that holds rows.")
    if not header:
        notes.append(f"{name} has no header row: its columns are called column1, column2, … here.")
    titles = records[0].cells if header else []
    width = len(titles) if header else Counter(len(r.cells) for r in records).most_common(1)[0][0]
    columns = [t.strip() or f"column{i}" for i, t in enumerate(titles, 1)] or [f"column{i + 1}" for i in range(width)]
    rows, broken = _rows(records[1:] if header else records, columns, name, parsed.runaway)
    repeated = [c for c, n in Counter(columns).items() if n > 1]
    if repeated:
        notes.append(f"{name} repeats the columns {listed(repeated)}: their cells are read as a list.")
    unnamed = frozenset(c for c, t in zip(columns, titles or [""] * width, strict=True) if not t.strip())
    names = tuple(dict.fromkeys(columns))
    table = Table(name, rows, names, "csv", broken=broken, delimiter=delimiter, unnamed=unnamed, notes=tuple(notes))
    return replace(table, notes=(*table.notes, *_spill(table))) if header else table


def _without_preamble(
    records: list[_Record], is_column_name: Callable[[str], bool]
) -> tuple[list[_Record], list[_Record]]:
    """(table, lines before it): a title or a comment above a header row that has known names."""
    for i, record in enumerate(records[:6]):
        if sum(is_column_name(cell.strip()) for cell in record.cells) > 1:
            before = records[:i]
            alone = all(not any(cell.strip() for cell in r.cells[1:]) for r in before)
            return (records[i:], before) if alone else (records, [])
    return records, []


def _rows(
    records: list[_Record], columns: list[str], name: str, runaway: frozenset[int]
) -> tuple[tuple[Row, ...], tuple[Problem, ...]]:
    rows, broken, width = [], [], len(columns)
    unique = len(set(columns)) == width
    for record in records:
        reason = ""
        if record.number in runaway:
            reason = "a quotation mark opens here and closes in another row, so that rows run together"
        elif any(record.cells[width:]):
            reason = f"has {len(record.cells)} cells where {width} are expected: is a text with the delimiter unquoted?"
        if reason:
            broken.append(Problem(place(name, "row", record.number, record.line), reason, record.number))
            continue
        cells = [*record.cells[:width], *[""] * (width - len(record.cells))]
        named: dict[str, JSON] = dict(zip(columns, cells, strict=True)) if unique else _collected(columns, cells)
        rows.append(Row(name, record.number, named, "row", record.line))
    return tuple(rows), tuple(broken)


def _collected(columns: list[str], cells: list[str]) -> dict[str, JSON]:
    """Cells of a row whose column names repeat: a list for a repeated one, empty cells left out."""
    count = Counter(columns)
    found: dict[str, JSON] = {c: [] if n > 1 else "" for c, n in count.items()}
    for column, cell in zip(columns, cells, strict=True):
        slot = found[column]
        if isinstance(slot, list):
            if cell.strip():
                slot.append(cell)
        else:
            found[column] = cell
    return found


def _spill(table: Table) -> Iterator[str]:
    """A note on columns without a name that hold text in a few rows: a sign of unquoted delimiters."""
    rows = [r for r in table.rows if any(r.cells[c] for c in table.unnamed)]
    if rows and len(rows) < len(table.rows) / 2:
        names = listed(c for c in table.columns if c in table.unnamed)
        first = ", ".join(str(r.number) for r in rows[:5])
        yield (
            f"{table.file}: columns without a name ({names}) hold text in {count(len(rows), 'row')}, which is not read "
            f"(rows {first}{', …' if len(rows) > 5 else ''})."
        )


# --- parsing ------------------------------------------------------------------------------------------


def _parse_best(text: str, delimiter: str, name: str) -> tuple[_Parsed, list[str]]:
    """The text as records, under the way of quoting that fits its rows best."""
    best, how = _parse(text, delimiter, _QUOTINGS[0]), _QUOTINGS[0]
    if best.faults:
        for other in _QUOTINGS[1:]:
            parsed = _parse(text, delimiter, other)
            if parsed.faults < best.faults:
                best, how = parsed, other
    if best.unclosed:
        where = place(name, "row", best.unclosed.number, best.unclosed.line)
        raise DataError(f"{where}: a quotation mark opens here and is never closed", 'Close it, or double it: "".')
    return best, [f"In {name}, {how.words}."] if how.words else []


def _parse(text: str, delimiter: str, quoting: _Quoting) -> _Parsed:
    """All records. A sentinel line behind the end tells whether the last quotation mark was closed."""
    lines = list(io.StringIO(text, newline=""))
    last = [] if text.endswith(("\n", "\r")) else ["\n"]
    reader = _reader([*lines, *last, _SENTINEL], delimiter, quoting)
    records: list[_Record] = []
    runaway: set[int] = set()
    start = 1
    for number, cells in enumerate(reader, start=1):
        records.append(_Record(number, start, cells))
        if reader.line_num > start and not _is_sound(lines[start - 1 : reader.line_num], delimiter, quoting):
            runaway.add(number)
        start = reader.line_num + 1
    end = records.pop()
    wrapped = 0 if quoting.quoted else sum(len(c) > 1 and c[0] == c[-1] == '"' for r in records for c in r.cells)
    return _Parsed(records, frozenset(runaway), None if end.cells == [_SENTINEL] else end, wrapped)


def _is_sound(lines: list[str], delimiter: str, quoting: _Quoting) -> bool:
    """Whether a record over several lines ends its quoted cells where a delimiter follows, as it should."""
    try:
        for _ in _reader(lines, delimiter, quoting, strict=True):
            pass
    except csv.Error:
        return False
    return True


def _reader(lines: Iterable[str], delimiter: str, quoting: _Quoting, strict: bool = False) -> Reader:
    if not quoting.quoted:
        return csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE)
    if quoting.escape:
        return csv.reader(lines, delimiter=delimiter, escapechar=quoting.escape, strict=strict)
    return csv.reader(lines, delimiter=delimiter, strict=strict)


def sniff_delimiter(text: str, is_column_name: Callable[[str], bool] = lambda name: False) -> str:
    """The delimiter under which the first records agree best: known column names count first, then width."""
    head = text[:_SAMPLE_CHARACTERS]

    def fit(candidate: str) -> tuple[int, float, int]:
        reader = csv.reader(io.StringIO(head, newline=""), delimiter=candidate)
        sample = [cells for cells in itertools.islice(reader, _SAMPLE_ROWS) if cells]
        if len(head) < len(text) and 1 < len(sample) < _SAMPLE_ROWS:
            sample.pop()  # cut off in the middle
        if not sample:
            return (0, 0.0, 0)
        names = sum(is_column_name(cell.strip()) for cell in sample[0])
        usual = Counter(len(cells) for cells in sample).most_common(1)[0][0]
        width = len(sample[0]) if names > 1 else usual
        return (names, sum(len(cells) == width for cells in sample) / len(sample), width) if width > 1 else (0, 0.0, 0)

    best = max(DELIMITERS, key=fit)
    return best if fit(best)[2] > 1 else NO_DELIMITER


def has_header(sample: list[list[str]], is_column_name: Callable[[str], bool] = lambda name: False) -> bool:
    """Whether the first row names the columns: a known name speaks for it; numbers, sentences and values that come
    again below speak against it.
    """
    first, rest = [cell.strip() for cell in sample[0]], sample[1:]
    if any(is_column_name(cell) for cell in first):
        return True
    for i, cell in enumerate(first):
        below = {row[i].strip() for row in rest if i < len(row)}
        if cell and cell in below:
            return False
        if _NUMBER.fullmatch(cell) or len(cell) > 120 or "\n" in cell:
            return False
        if cell.endswith((".", "?", "!")) and cell.count(" ") > 2:
            return False
    return True
