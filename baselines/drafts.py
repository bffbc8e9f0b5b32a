"""Rows to drafts: the texts of each row by their part, checked, before they become cases or examples.

    table = read_source(source, base)
    drafts, broken = drafts_of(table, detect(table, source, task), task)

Changes no text, with one exception: blanks around labels. A row that lacks a part is a Problem with its place.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from baselines.columns import cell
from baselines.detection import Parts
from baselines.formats.decoding import locate, unreadable
from baselines.formats.reading import read_table
from baselines.formats.table import JSON, Problem, Row, Table, Turn, as_text, listed
from baselines.source import ROW_INDEX, Source
from reports.errors import DataError
from reports.run.schema import TaskType

LABEL_SEPARATOR = "|"
"""Between the labels of a case that has several."""


@dataclass(frozen=True, slots=True)
class Draft:
    """The texts of one row."""

    file: str
    place: str
    row: int
    input: str
    references: tuple[str, ...]
    id: str | None
    group: str | None
    context: dict[str, str]
    gold: tuple[str, ...] = ()
    """The passages that hold the answer, where the row says so."""
    turns: tuple[Turn, ...] = ()
    """The conversation that the input is the transcript of."""


class _Unusable(ValueError):
    """Why a row cannot be used."""


def read_source(source: Source, base: Path) -> Table:
    """The table of a source; of several files where its path holds `*` or `?`. Raises DataError."""
    if not set("*?") & set(source.path) or (base / source.path).exists():
        return _read_one(source, source.path, base)
    folder = Path(source.path).parent
    full = base / folder
    if set("*?") & set(str(folder)):
        paths = [p.relative_to(base).as_posix() for p in base.glob(source.path) if p.is_file()]
    else:
        paths = [(folder / p.name).as_posix() for p in full.glob(Path(source.path).name) if p.is_file()]
    if not paths:
        raise DataError(f"no file matches {source.path}", "Check the pattern: it starts at the project's folder.")
    tables = [_read_one(source, path, base) for path in sorted(paths)]
    return _merged(tables, source.path)


def _read_one(source: Source, path: str, base: Path) -> Table:
    return read_table(
        path,
        base,
        delimiter=source.delimiter,
        header=source.header,
        encoding=source.encoding,
        sheet=source.sheet,
        format=source.format,
        wanted=source.named(),
    )


def _merged(tables: Sequence[Table], pattern: str) -> Table:
    first = tables[0]
    for table in tables[1:]:
        if (table.shape, table.input, table.reference) != (first.shape, first.input, first.reference):
            raise DataError(
                f"{pattern}: {first.file} and {table.file} are laid out differently ({first.shape}, {table.shape})",
                "Name files of one layout.",
            )
    return replace(
        first,
        file=pattern,
        rows=tuple(row for table in tables for row in table.rows),
        columns=tuple(dict.fromkeys(c for table in tables for c in table.columns)),
        broken=tuple(problem for table in tables for problem in table.broken),
        notes=(f"{pattern} is {len(tables)} files.", *_common_notes(tables, pattern)),
        unnamed=frozenset.union(*(table.unnamed for table in tables)),
    )


def _common_notes(tables: Sequence[Table], pattern: str) -> tuple[str, ...]:
    """The notes of all tables; one that holds for each of them is said once."""
    spoken: dict[str, list[str]] = {}
    for table in tables:
        for note in table.notes:
            spoken.setdefault(note.replace(table.file, pattern), []).append(note)
    return tuple(n for general, own in spoken.items() for n in ([general] if len(own) == len(tables) else own))


def source_files(source: Source, base: Path) -> tuple[Path, ...]:
    """The existing files of a source, for fingerprints. Raises DataError when there are none."""
    if set("*?") & set(source.path) and not (base / source.path).exists():
        paths = tuple(sorted(p for p in base.glob(source.path) if p.is_file()))
        if paths:
            return paths
    return (locate(source.path, base),)


def drafts_of(table: Table, parts: Parts, task: TaskType | None) -> tuple[list[Draft], list[Problem]]:
    """A draft for each row that has all its parts, a Problem for each other one (those of the reader included)."""
    drafts: list[Draft] = []
    problems = list(table.broken)
    for index, row in enumerate(table.rows):
        try:
            drafts.append(_draft(row, index, table, parts, task))
        except _Unusable as reason:
            problems.append(Problem(row.place, str(reason), row.number))
    problems.sort(key=lambda problem: problem.row or 0)
    return drafts, problems


def _draft(row: Row, index: int, table: Table, parts: Parts, task: TaskType | None) -> Draft:
    pieces = [text for c in parts.input if (text := as_text(cell(row.cells, c))).strip()]
    if not pieces:
        raise _Unusable(f"{_columns(parts.input)} is empty")
    values = [cell(row.cells, c) for c in parts.reference]
    if table.shape == "squad" and values == [[""]]:
        references: tuple[str, ...] = ("",)
    else:
        references = tuple(dict.fromkeys(r for value in values for r in references_of(value, task)))
    if not references:
        raise _Unusable(f"{_columns(parts.reference)} is empty")
    context = {c: text for c in parts.context if (text := as_text(cell(row.cells, c))).strip()}
    identity = _identity(row, index, parts)
    group = as_text(cell(row.cells, parts.group)).strip() if parts.group else None
    gold = tuple(text for c in parts.gold for text in _passages(cell(row.cells, c)))
    for text in (
        *pieces,
        *references,
        *context,
        *context.values(),
        *gold,
        identity or "",
        group or "",
        *(t.text for t in row.turns),
    ):
        if reason := unreadable(text):
            raise _Unusable(reason)
    text = "\n\n".join(pieces)
    turns = row.turns if parts.input == table.input and _takes_turns(row.turns, task) else ()
    return Draft(row.file, row.place, row.number, text, references, identity, group or None, context, gold, turns)


def _takes_turns(turns: Sequence[Turn], task: TaskType | None) -> bool:
    """Whether the answer is the conversation's next turn, not a label or a summary of what was said in it."""
    return task in (None, "generation", "qa") or any(turn.role == "assistant" and turn.counts for turn in turns)


def _passages(value: JSON) -> list[str]:
    return [text for item in (value if isinstance(value, list) else [value]) if (text := as_text(item)).strip()]


def _identity(row: Row, index: int, parts: Parts) -> str | None:
    if parts.id is None:
        return None
    if parts.id == ROW_INDEX:
        return str(index)
    identity = as_text(cell(row.cells, parts.id)).strip()
    if not identity and parts.id_said:
        raise _Unusable(f"{_columns((parts.id,))} is empty")
    return identity or None


def _columns(names: Sequence[str]) -> str:
    return f"column {listed(names)}" if len(names) == 1 else f"columns {listed(names)}"


def references_of(value: JSON, task: TaskType | None) -> tuple[str, ...]:
    """The references in one cell; empty where there is none.

    A list is several references; for classification it is several labels that all hold, joined by `|`; for extraction
    it is one JSON value. `{"text": […]}` and `[{"text": …}]` are SQuAD's ways to write answers.
    """
    if isinstance(value, str) and task != "extraction":
        value = _list_in_text(value)
    if task == "extraction" and isinstance(value, (dict, list)):
        return (json.dumps(value, ensure_ascii=False),) if value else ()
    if isinstance(value, dict) and isinstance(value.get("text"), list):
        value = value["text"]
    if isinstance(value, list):
        texts = [t for item in value if (t := _one(item)).strip()]
        if task == "classification":
            labels = dict.fromkeys(t.strip() for t in texts)
            return (LABEL_SEPARATOR.join(labels),) if labels else ()
        return tuple(dict.fromkeys(texts))
    text = as_text(value)
    return ((text.strip() if task == "classification" else text),) if text.strip() else ()


def _one(item: JSON) -> str:
    return as_text(item["text"]) if isinstance(item, dict) and "text" in item else as_text(item)


def _list_in_text(text: str) -> JSON:
    """The list that a CSV cell holds as JSON, or the text itself."""
    start = text.strip()
    if not (start.startswith('["') and start.endswith("]")):
        return text
    try:
        loaded: JSON = json.loads(start)
    except ValueError:
        return text
    return loaded if isinstance(loaded, list) and all(isinstance(item, str) for item in loaded) else text
