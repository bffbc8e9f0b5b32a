"""What every reader returns: a Table of rows that know where they stand in the user's file.

Knows no format and no task. Cells are JSON values exactly as they were read; nothing is cleaned.

    table = read_table("eval.csv", base=Path("project"))
    table.rows[0].number, table.rows[0].cells["text"]
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias, Union

from reports.errors import DataError
from reports.text import one_line

JSON: TypeAlias = Union[bool, int, float, str, list["JSON"], dict[str, "JSON"], None]  # noqa: UP007 - recursive alias

BROKEN_SHARE = 0.05
"""More broken rows than this share of all rows stops the load, unless the user accepts them."""
SHOWN = 5
"""How many broken rows a message spells out."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of a conversation."""

    role: str
    """`user`, `assistant`, `system`, `call` (of a tool) or `result`."""
    text: str
    counts: bool = True
    """False where the file gives the message no weight in training: it is no reference."""


@dataclass(frozen=True, slots=True)
class Row:
    """One record of a file."""

    file: str
    number: int
    """As the user counts, from 1: the spreadsheet's row (the header is row 1), the line, or the item of a list."""
    cells: dict[str, JSON]
    unit: str = "row"
    """What `number` counts: `row`, `line`, `item` or `question`."""
    line: int | None = None
    """Physical line of a text file where the record starts, where that is another number than `number`."""
    turns: tuple[Turn, ...] = ()
    """What was said before the answer, where that is a conversation of user and assistant; its text is in `cells`."""

    @property
    def place(self) -> str:
        return place(self.file, self.unit, self.number, self.line)


@dataclass(frozen=True, slots=True)
class Problem:
    """One row that could not be used: where it stands and why."""

    place: str
    reason: str
    row: int | None = None

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}"


@dataclass(frozen=True)
class Table:
    """A file as rows and columns."""

    file: str
    """Name for messages: as the project says it."""
    rows: tuple[Row, ...]
    columns: tuple[str, ...]
    format: str
    """How the file is laid out: `csv`, `json`, `jsonl`, `parquet`, `excel`."""
    shape: str = "records"
    """What the records are: `records`, `instruction`, `conversations`, `preference`, `squad`, `slots`, `promptfoo`."""
    broken: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()
    """What a reader of the report must know of how the file was read, a sentence each."""
    encoding: str = "utf-8"
    delimiter: str | None = None
    unnamed: frozenset[str] = frozenset()
    """Columns that have no name in the file; they are called column1, column2, … here."""
    metrics: tuple[str, ...] = ()
    """Metrics that the format itself asks for (promptfoo's `contains:`)."""
    input: tuple[str, ...] = ()
    """Columns that the format itself says are the input; empty where names must tell."""
    reference: tuple[str, ...] = ()
    context: tuple[str, ...] = ()
    """Further columns that the format says every approach may read."""
    passages: tuple[str, ...] = field(default=())
    """The part of `context` that a project with its own documents must find by itself (SQuAD's paragraph)."""


def place(file: str, unit: str, number: int, line: int | None = None) -> str:
    """`eval.csv row 7 (line 9)`."""
    where = f"{file} {unit} {number}"
    return where if line is None or line == number else f"{where} (line {line})"


def as_text(value: JSON) -> str:
    """A cell as text: strings as they stand, nothing as "", lists of strings one a line, all else as JSON."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return "\n".join(item for item in value if isinstance(item, str))
    return json.dumps(value, ensure_ascii=False)


def sayable(value: object, limit: int = 60) -> str:
    """A foreign value as it may stand in a message: one short line, quoted."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return f"'{one_line(text, limit)}'"


def listed(names: Iterable[str], most: int = 12) -> str:
    """`a, b, c and 4 more`, each shortened."""
    every = [one_line(name, 40) or "(no name)" for name in names]
    shown = ", ".join(every[:most])
    return shown if len(every) <= most else f"{shown} and {len(every) - most} more"


def count(number: int, noun: str) -> str:
    """`1 row`, `2 rows`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def nearest(name: str, known: Sequence[str]) -> str | None:
    """The known name that a mistyped one most likely means, or None."""
    folded = {k.casefold(): k for k in reversed(known)}
    found = difflib.get_close_matches(name.casefold(), list(folded), n=1, cutoff=0.6)
    return folded[found[0]] if found else None


def refuse_if_broken(
    problems: Sequence[Problem], total: int, file: str, allow_broken: bool = False, *, noun: str = "row"
) -> None:
    """Raise DataError when more than 5 % of `total` rows are broken (or all of them, whatever the user allows)."""
    if not problems or total <= 0:
        return
    share = len(problems) / total
    if share <= BROKEN_SHARE or (allow_broken and len(problems) < total):
        return
    shown = "\n".join(f"  {problem}" for problem in problems[:SHOWN])
    more = f"\n  … and {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
    what = f"none of its {noun}s can" if len(problems) == total else f"{len(problems)} of {count(total, noun)} cannot"
    hint = f"Repair these {noun}s. If other columns are meant, say which: {{path: …, input: …, reference: …}}."
    if len(problems) < total:
        leave = f"up to {BROKEN_SHARE:.0%} need no leave"
        hint = f"Repair these {noun}s, or pass --allow-broken to go on without them ({leave})."
    raise DataError(f"{file}: {what} be used:\n{shown}{more}", hint)
