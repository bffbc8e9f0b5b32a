"""JSON and JSON Lines to a Table. Knows how one document nests (through nested.py), nothing of tasks.

read_json(text, "eval.json")     # a list, an object keyed by id, columns, SQuAD, a single record, …
read_jsonl(text, "train.jsonl")  # one object a line; broken lines are counted and located
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from baselines.formats.nested import records_of
from baselines.formats.table import JSON, Problem, Row, Table, place, sayable
from reports.errors import DataError


def read_json(text: str, name: str) -> Table:
    """A JSON document as a Table. Text that turns out to be JSON Lines is read as such. Raises DataError."""
    repeated: list[str] = []
    try:
        hook = _watching(repeated)
        document = json.loads(text, strict=False, parse_constant=_nothing, object_pairs_hook=hook)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data" and _looks_like_lines(text):
            return read_jsonl(text, name)
        message = f"{name} line {error.lineno}, column {error.colno}: not valid JSON ({error.msg})"
        hint = "Repair the file at that place; a comma or a bracket is often missing just before it."
        if error.pos >= len(text.rstrip()):
            message, hint = f"{name} ends in the middle (line {error.lineno})", "Copy or download it again."
        raise DataError(message, hint) from None
    except RecursionError:
        raise DataError(f"{name} nests too deeply", "Write one flat object a row.") from None
    except ValueError as error:  # a number of more digits than Python converts
        raise DataError(f"{name} is not readable JSON: {error}", "Write such numbers as text.") from None
    if repeated:
        keys = ", ".join(sayable(key) for key in repeated[:3])
        raise DataError(
            f"{name}: keys stand twice in one object: {keys}{', …' if len(repeated) > 3 else ''}; one would be lost",
            "Give every entry its own key.",
        )
    return records_of(document, name)


def _nothing(constant: str) -> None:
    """NaN and Infinity, which some programs write for a missing value."""


def _watching(repeated: list[str]) -> Any:
    """A hook that builds objects and remembers keys that stand twice, which the library would drop unsaid."""

    def build(pairs: list[tuple[str, JSON]]) -> dict[str, JSON]:
        built = dict(pairs)
        if len(built) < len(pairs):
            seen: set[str] = set()
            repeated.extend(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        return built

    return build


def _looks_like_lines(text: str) -> bool:
    first = next((line for line in text.splitlines() if line.strip()), "")
    try:
        return isinstance(json.loads(first), dict)
    except ValueError:
        return False


def read_jsonl(text: str, name: str) -> Table:
    """One JSON object a line; blank lines are skipped. Raises DataError when no line is an object."""
    rows: list[Row] = []
    broken: list[Problem] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        value, reason = _parse_line(line)
        if isinstance(value, dict):
            rows.append(Row(name, number, value, "line"))
        else:
            broken.append(Problem(place(name, "line", number), reason, number))
    if not rows:
        first = broken[0] if broken else f"{name} is empty"
        raise DataError(f"{first}", f"{name} should hold one JSON object a line.")
    return Table(name, tuple(rows), columns_of(rows), "jsonl", broken=tuple(broken))


def _parse_line(line: str) -> tuple[JSON, str]:
    try:
        value: JSON = json.loads(line, strict=False, parse_constant=_nothing)
    except json.JSONDecodeError as error:
        return None, f"not valid JSON at character {error.colno} ({error.msg}): {sayable(line)}"
    except (RecursionError, ValueError) as error:
        return None, f"not readable JSON ({error})"
    return value, "" if isinstance(value, dict) else f"a JSON object is expected, this is {sayable(value)}"


def columns_of(rows: Iterable[Row]) -> tuple[str, ...]:
    """The keys of all rows in order of first appearance."""
    return tuple(dict.fromkeys(key for row in rows for key in row.cells))
