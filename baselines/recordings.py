"""Answers that another system already gave: read from a file, joined to the cases by id or by input.

    recording = load_recorded("outputs.csv", base, answer="output", id="ticket")
    recording.answer(question)          # its text, or None
    recording.join(questions).missing   # ids without an answer

A table with columns, an object {id: answer} (SQuAD's prediction files), or JSON with nested fields
(answer="6b_finetuning.solution"). Never guesses an answer; scores nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from baselines.columns import IDS, INPUTS, cell, known_columns, normal, require
from baselines.drafts import read_source
from baselines.formats.decoding import unreadable
from baselines.formats.promptfoo import is_output, unwrapped
from baselines.formats.table import Problem, Table, as_text, listed, refuse_if_broken, sayable
from baselines.source import ROW_INDEX, Source
from reports.errors import DataError
from reports.run.schema import Question

_ANSWERS = (
    "answer output response prediction predicted predicted_text predicted_label generated completion model_output "
    "model_answer outputs predictions result value text"
)


@dataclass(frozen=True)
class Join:
    """How a recording meets the questions of a run."""

    by: Literal["id", "input"]
    answers: dict[str, str]
    """Case id to answer."""
    missing: tuple[str, ...]
    """Ids of the questions without an answer."""
    unused: int
    """Answers in the file that belong to no question."""


@dataclass(frozen=True)
class Recording:
    """The answers of one file."""

    file: str
    by_id: dict[str, str]
    by_input: dict[str, str]
    """Input, case folded and with blanks as one, to answer."""
    ambiguous: frozenset[str] = frozenset()
    """Inputs that stand in the file with several different answers: useless for a join by input."""
    id_said: bool = False
    answer_column: str = ""
    broken: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()

    def join(self, questions: Sequence[Question]) -> Join:
        """Answers for the questions: by id where the project names ids or more ids fit than inputs, else by input.

        Raises DataError where nothing fits, or an input that is needed has several answers.
        """
        ids = {q.id: self.by_id[q.id] for q in questions if q.id in self.by_id}
        keys = {q.id: input_key(q.input) for q in questions}
        texts = {i: self.by_input[key] for i, key in keys.items() if key in self.by_input}
        by: Literal["id", "input"] = "id" if self.id_said or len(ids) >= len(texts) else "input"
        answers = ids if by == "id" else texts
        if not answers and questions:
            raise self._no_match(questions)
        if by == "input" and (several := [i for i, key in keys.items() if key in self.ambiguous]):
            raise DataError(
                f"{self.file} has several answers for the input of case {several[0]} (and {len(several) - 1} more)",
                "Give its rows the ids of the cases, and name that column: id: COLUMN.",
            )
        held = self.by_id if by == "id" else self.by_input
        missing = tuple(q.id for q in questions if q.id not in answers)
        used = len(answers) if by == "id" else len({keys[i] for i in answers})
        return Join(by, answers, missing, len(held) - used)

    def _no_match(self, questions: Sequence[Question]) -> DataError:
        theirs = sayable(next(iter(self.by_id or self.by_input), ""))
        what = "ids" if self.by_id else "inputs"
        ours = sayable(questions[0].id if self.by_id else questions[0].input)
        return DataError(
            f"{self.file}: none of its {len(self.by_id or self.by_input)} {what} is one of the eval set's: it has "
            f"{theirs}, the eval set {ours}",
            "Name the columns that join them: id: COLUMN or input: COLUMN; the eval set may need its own id: COLUMN.",
        )


def input_key(text: str) -> str:
    """The form in which inputs are joined: case folded, runs of blanks as one."""
    return " ".join(text.casefold().split())


def load_recorded(
    path: str | Source,
    base: Path = Path(),
    *,
    answer: str | None = None,
    id: str | None = None,
    input: str | None = None,
    allow_broken: bool = False,
) -> Recording:
    """The answers of a file. Columns that are not named are found by their usual names.

    An empty answer is an answer. Raises DataError: no such column, one id with two answers, over 5 % broken rows
    unless `allow_broken`.
    """
    source = Source.model_validate(path)
    named = frozenset(c for c in (answer, id, input) if c)
    extra = {"format": source.format or "records", "input": source.input + tuple(sorted(named))}
    table = read_source(source.model_copy(update=extra), base)
    answer_column = _answer_column(table, answer)
    id_column = _id_column(table, id if id is not None else source.id, answer_column)
    input_column = _input_column(table, input, answer_column)
    if id_column is None and input_column is None:
        raise DataError(
            f"{table.file}: no column looks like an id or the input. Its columns: {listed(known_columns(table))}.",
            "Name one to join by: id: COLUMN or input: COLUMN.",
        )
    said = bool(id if id is not None else source.id)
    return _collect(
        table, answer=answer_column, id=id_column, input=input_column, id_said=said, allow_broken=allow_broken
    )


def _collect(
    table: Table, *, answer: str, id: str | None, input: str | None, id_said: bool, allow_broken: bool
) -> Recording:
    by_id: dict[str, str] = {}
    by_input: dict[str, str] = {}
    places: dict[str, str] = {}
    ambiguous: set[str] = set()
    broken = list(table.broken)
    wrapped = all(is_output(as_text(cell(row.cells, answer))) for row in table.rows)
    for index, row in enumerate(table.rows):
        value = cell(row.cells, answer)
        text = unwrapped(as_text(value)) if wrapped else as_text(value)
        identity = (str(index) if id == ROW_INDEX else as_text(cell(row.cells, id)).strip()) if id else ""
        key = input_key(as_text(cell(row.cells, input))) if input else ""
        reason = f"column {answer} is missing" if value is None else unreadable(text)
        if reason is None and not identity and not key:
            reason = f"column {id or input} is empty"
        if reason:
            broken.append(Problem(row.place, reason, row.number))
            continue
        if identity and by_id.setdefault(identity, text) != text:
            raise DataError(
                f"{places[identity]} and {row.place} give the id {sayable(identity)} two different answers",
                "Keep one answer for each id.",
            )
        places.setdefault(identity, row.place)
        if key and by_input.setdefault(key, text) != text:
            ambiguous.add(key)
    refuse_if_broken(broken, len(table.rows) + len(table.broken), table.file, allow_broken)
    notes = list(table.notes)
    if broken:
        shown = "; ".join(map(str, broken[:3])) + ("; …" if len(broken) > 3 else "")
        notes.append(f"{table.file}: {len(broken)} rows without a readable answer are left out: {shown}")
    return Recording(table.file, by_id, by_input, frozenset(ambiguous), id_said, answer, tuple(broken), tuple(notes))


def _answer_column(table: Table, said: str | None) -> str:
    if said:
        return require(table, said, "the answer")
    plain = {normal(c): c for c in reversed(table.columns)}
    found = next((plain[name] for name in _ANSWERS.split() if name in plain), None)
    if found is None:
        raise DataError(
            f"{table.file}: no column looks like the recorded answer. Its columns: {listed(known_columns(table))}.",
            "Name it: answer: COLUMN.",
        )
    return found


def _id_column(table: Table, said: str | None, answer: str) -> str | None:
    if said == ROW_INDEX:
        return ROW_INDEX
    if said is not None:
        return require(table, said, "the id") if said else None
    plain = {normal(c): c for c in reversed(table.columns) if c != answer and c not in table.unnamed}
    return next((plain[name] for name in IDS if name in plain), None)


def _input_column(table: Table, said: str | None, answer: str) -> str | None:
    if said:
        return require(table, said, "the input")
    plain = {normal(c): c for c in reversed(table.columns) if c != answer and c not in table.unnamed}
    return next((plain[name] for name in INPUTS if name in plain), None)
