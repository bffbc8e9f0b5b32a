"""Data files to cases and examples: the front of everything that reads a user's data. Knows no approach.

    cases = load_cases(Source(path="eval.csv"), "classification", base)
    cases.items, cases.broken, cases.notes

Never drops a row unsaid: what cannot be used is counted and located in `broken`, what was merged stands in `notes`.
Light to import: pyarrow and openpyxl wait for a file that needs them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Generic, TypeVar

from baselines.detection import Parts, detect, require_both
from baselines.drafts import Draft, drafts_of, read_source
from baselines.formats.table import SHOWN, Problem, Table, count, listed, refuse_if_broken
from baselines.labels import check_labels, labels_of, require_two_labels
from baselines.merging import merge_for_eval, merge_for_training
from baselines.source import Source
from reports.run import fingerprint
from reports.run.schema import Case, Example, Question, TaskType, Turn

T = TypeVar("T")
_PLACEHOLDER = re.compile(r"\{\{\s*[A-Za-z_]\w*\s*\}\}")
__all__ = ["Loaded", "Source", "check_labels", "content_hash", "labels_of", "load_cases", "load_examples"]


@dataclass(frozen=True)
class Loaded(Generic[T]):
    """What a source gave, and all that a reader must know of how."""

    items: tuple[T, ...]
    broken: tuple[Problem, ...] = ()
    """Rows that could not be used, with place and reason."""
    notes: tuple[str, ...] = ()
    rows: int = 0
    """Rows of the file, broken ones included."""
    format: str = ""
    shape: str = ""
    """What the records are: `records`, `instruction`, `conversations`, `preference`, `squad`, `slots`, `promptfoo`."""
    encoding: str = ""
    delimiter: str | None = None
    parts: Parts | None = None
    """The columns that were used, and why."""
    metrics: tuple[str, ...] = ()
    """Metrics that the format itself asks for."""


def load_cases(
    source: Source, task_type: TaskType, base: Path = Path(), allow_broken: bool = False, *, own_passages: bool = True
) -> Loaded[Case]:
    """The eval cases of a source. Rows with the same id, or without ids the same input, become one case.

    `own_passages` False leaves out the passage that a row brings along (SQuAD's paragraph, a column `context`): for a
    project whose approaches must find it in the documents. What `source.context` names is always kept.
    Raises DataError: a file or column that is missing, over 5 % broken rows unless `allow_broken`, one id with two
    contents, a classification eval set of one class.
    """
    read = _read(source, task_type, base, allow_broken, own_passages)
    merged = merge_for_eval(read.drafts, read.table.file, task_type, strict=read.parts.id_strict)
    cases = [_case(draft, identity) for identity, draft in merged.drafts.items()]
    if task_type == "classification":
        require_two_labels(cases, read.table.file)
    return _loaded(read, cases, merged.notes)


def load_examples(
    source: Source, task_type: TaskType, base: Path = Path(), allow_broken: bool = False, *, own_passages: bool = True
) -> Loaded[Example]:
    """The training pairs of a source. Rows that repeat another word for word count once; see load_cases."""
    read = _read(source, task_type, base, allow_broken, own_passages)
    merged = merge_for_training(read.drafts, read.table.file, strict=read.parts.id_said)
    examples = [_example(draft, identity) for identity, draft in merged.drafts.items()]
    return _loaded(read, examples, merged.notes)


def content_hash(path: Path) -> str:
    """SHA-256 of a file's bytes; of a folder's files and their relative names, hidden ones aside, in sorted order."""
    if not path.is_dir():
        return fingerprint.of_file(path)
    files = [p.relative_to(path) for p in path.rglob("*") if p.is_file()]
    shown = sorted(p.as_posix() for p in files if not any(part.startswith(".") for part in p.parts))
    return fingerprint.of_texts([text for name in shown for text in (name, fingerprint.of_file(path / name))])


# --- rows to items ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Read:
    """A source read and checked, before rows become items."""

    table: Table
    parts: Parts
    drafts: list[Draft]
    broken: list[Problem]
    notes: list[str]


def _read(source: Source, task: TaskType, base: Path, allow_broken: bool, own_passages: bool) -> _Read:
    table = read_source(source, base)
    total = len(table.rows) + len(table.broken)
    refuse_if_broken(table.broken, total, table.file, allow_broken)
    parts = detect(table, source, task, own_passages=own_passages)
    require_both(table, parts)
    drafts, broken = drafts_of(table, parts, task)
    refuse_if_broken(broken, total, table.file, allow_broken)
    return _Read(table, parts, drafts, broken, _notes(table, parts, drafts, broken))


def _notes(table: Table, parts: Parts, drafts: Sequence[Draft], broken: Sequence[Problem]) -> list[str]:
    notes = list(table.notes)
    if parts.by_content:
        notes.append(
            f"{table.file}: the columns were chosen by what stands in them: input {listed(parts.input)}, expected "
            f"answer {listed(parts.reference)}."
        )
    if broken:
        total = len(table.rows) + len(table.broken)
        shown = "; ".join(str(problem) for problem in broken[:SHOWN]) + ("; …" if len(broken) > SHOWN else "")
        notes.append(f"{table.file}: {len(broken)} of {count(total, 'row')} broken and left out: {shown}")
    holes = sum(bool(_PLACEHOLDER.search(text)) for draft in drafts for text in (draft.input, draft.references[0]))
    if holes:
        notes.append(f"{table.file}: {count(holes, 'text')} with {{{{placeholders}}}}, which are read as they stand.")
    return notes


def _loaded(read: _Read, items: Sequence[T], notes: Sequence[str]) -> Loaded[T]:
    return Loaded(
        items=tuple(items),
        broken=tuple(read.broken),
        notes=(*read.notes, *notes),
        rows=len(read.table.rows) + len(read.table.broken),
        format=read.table.format,
        shape=read.table.shape,
        encoding=read.table.encoding,
        delimiter=read.table.delimiter,
        parts=read.parts,
        metrics=read.table.metrics,
    )


def _case(draft: Draft, identity: str) -> Case:
    question = Question(id=identity, input=draft.input, context=draft.context, group=draft.group, turns=_turns(draft))
    return Case(question=question, references=draft.references, row=draft.row, gold_passages=draft.gold)


def _example(draft: Draft, identity: str) -> Example:
    return Example(
        id=identity,
        input=draft.input,
        output=draft.references[0],
        context=draft.context,
        group=draft.group,
        row=draft.row,
        turns=_turns(draft),
    )


def _turns(draft: Draft) -> tuple[Turn, ...]:
    return tuple(Turn.model_validate(asdict(turn)) for turn in draft.turns)
