"""Which column is the input, which the reference, which the id: what the project says, then names, then content.

    parts = detect(table, source, "classification")
    parts.input, parts.reference, parts.reasons      # (("input", "`text` is a usual name for it"), …)

Reads no files and builds no cases. What the project says is never second-guessed.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from baselines.columns import (
    CHOICES,
    IDS,
    INPUTS,
    LABELS,
    LONG_INPUTS,
    PASSAGES,
    REFERENCES,
    SUMMARIES,
    known_columns,
    normal,
    require,
    stem,
    tells_the_answer,
)
from baselines.formats.promptfoo import OUTPUTS
from baselines.formats.table import Table, as_text, listed, sayable
from baselines.source import ROW_INDEX, Source
from reports.errors import ColumnUnknown, DataError
from reports.run.schema import TaskType

_SAMPLE = 2000
"""Rows that are looked at where names do not tell."""


@dataclass(frozen=True)
class Parts:
    """The columns of a table by their part. Input or reference are empty where nothing tells."""

    input: tuple[str, ...]
    reference: tuple[str, ...]
    id: str | None = None
    id_said: bool = False
    """True where the project names the id column, so that a missing id breaks its row."""
    group: str | None = None
    context: tuple[str, ...] = ()
    gold: tuple[str, ...] = ()
    """Columns with the passages that a search should find; read by no approach."""
    reasons: tuple[tuple[str, str], ...] = ()
    """(part, sentence): why each column was chosen."""
    by_content: bool = False
    """True where a column was chosen by what stands in it: worth a note."""

    @property
    def id_strict(self) -> bool:
        """Whether an id that stands twice is an error: the column is named by the project, or plainly called id."""
        return self.id is not None and (self.id_said or normal(self.id) == "id")


@dataclass(frozen=True)
class _Look:
    """What stands in a column, over the first rows."""

    column: str
    distinct: int
    filled: int
    mean_length: float
    nested: bool = False
    """Whether lists or objects stand in it: nothing to guess a part from."""

    @property
    def repeats(self) -> bool:
        """Whether values come again often enough to be labels."""
        return self.distinct <= max(2, self.filled // 3) and self.mean_length <= 60


def detect(table: Table, source: Source, task: TaskType | None = None, *, own_passages: bool = True) -> Parts:
    """The parts of a table. `own_passages` False leaves out the passage a row brings along (SQuAD's paragraph).

    Raises DataError where the project names a column that the table lacks.
    """
    if table.shape == OUTPUTS and not source.reference:
        raise ColumnUnknown(
            f"{table.file} is promptfoo's table of outputs: it holds answers of a system, none that are expected",
            "List it as an approach, recorded: {path: …, answer: COLUMN}, or name a column: {path: …, reference: …}.",
        )
    inputs = tuple(require(table, c, "the input") for c in source.input)
    references = tuple(require(table, c, "the reference") for c in source.reference)
    reasons = [(p, f"the project says {_words(c)}") for p, c in (("input", inputs), ("reference", references)) if c]
    if not inputs:
        inputs, why = _input(table, task, references)
        reasons += why
    if not references:
        references, why = _reference(table, task, inputs)
        reasons += why
    why = []
    if not (inputs and references) and table.shape == "records":
        inputs, references, why = _by_content(table, task, inputs, references)
        reasons += why
    rest = [c for c in table.columns if c not in {*inputs, *references}]
    identity = _id(table, source, rest)
    group = require(table, source.group, "the group") if source.group else None
    rest = [c for c in rest if c not in {identity, group}]
    gold = _gold(table, source, rest, inputs, own_passages)
    context = _context(table, source, [c for c in rest if c not in gold], inputs, own_passages)
    return Parts(inputs, references, identity, source.id is not None, group, context, gold, tuple(reasons), bool(why))


def require_both(table: Table, parts: Parts) -> None:
    """Raise DataError, with the columns there are, when input or reference were not found."""
    missing = [part for part in ("input", "reference") if not getattr(parts, part)]
    if not missing:
        return
    if len(table.columns) == 1 and table.shape == "records":
        raise DataError(
            f"{table.file} has one column only, {sayable(table.columns[0])}",
            "Input and expected answer must stand in columns of their own."
            + (f" If they do, say what parts them: {{path: {table.file}, delimiter: …}}." if table.delimiter else ""),
        )
    words = {"input": "the input", "reference": "the expected answer"}
    looked = " and no column like ".join(words[part] for part in missing)
    message = f"{table.file}: no column looks like {looked}. Its columns: {listed(known_columns(table))}."
    said = ", ".join(f"{part}: COLUMN" for part in missing)
    hint = f"Say which it is: {{path: {table.file}, {said}}}."
    if "reference" in missing:
        hint += " If there is none, add a column with the expected answers: without them nothing can be scored."
    raise ColumnUnknown(" ".join([message, *(note for note in table.notes if "assertion" in note)]), hint)


def _input(
    table: Table, task: TaskType | None, taken: Collection[str]
) -> tuple[tuple[str, ...], list[tuple[str, str]]]:
    if table.input:
        return table.input, [("input", f"{_words(table.input)} is the input of the format {table.shape}")]
    names = (*LONG_INPUTS, *INPUTS) if task == "summarization" else INPUTS
    found = _by_name(table, names, taken)
    if found:
        return found, [("input", f"{_words(found)} is a usual name for it")]
    if table.shape == "promptfoo":
        variables = [c for c in table.columns if c not in {*taken, *table.reference} and not tells_the_answer(c)]
        if len(variables) == 1:
            return (variables[0],), [("input", f"`{variables[0]}` is the only variable of the tests")]
    return (), []


def _reference(
    table: Table, task: TaskType | None, taken: Collection[str]
) -> tuple[tuple[str, ...], list[tuple[str, str]]]:
    if table.reference:
        return table.reference, [("reference", f"{_words(table.reference)} is the answer of the format {table.shape}")]
    names = (*LABELS, *REFERENCES) if task == "classification" else (*REFERENCES, *LABELS)
    found = _by_name(table, (*SUMMARIES, *names) if task == "summarization" else names, taken)
    if not found:
        return (), []
    same = tuple(c for c in table.columns if stem(c) == stem(found[0]) and c not in taken)
    family = same if len(same) > 1 and all(normal(c) != stem(c) or c == found[0] for c in same) else found
    return family, [("reference", f"{_words(family)} is a usual name for it")]


def _by_name(table: Table, names: Sequence[str], taken: Collection[str]) -> tuple[str, ...]:
    """The first column, in the order of `names`, that has such a name; one that holds anything before an empty one."""
    free = [c for c in table.columns if c not in taken and c not in table.unnamed]
    plain = {normal(c): c for c in reversed(free)}
    numbered = {stem(c): c for c in reversed(free)}
    found = [column for name in names if (column := plain.get(name) or numbered.get(name))]
    return next(((column,) for column in found if _look(table, column).filled), tuple(found[:1]))


def _by_content(
    table: Table, task: TaskType | None, inputs: tuple[str, ...], references: tuple[str, ...]
) -> tuple[tuple[str, ...], tuple[str, ...], list[tuple[str, str]]]:
    """What is still missing, by what stands in the columns that are left. Only where one choice is clear."""
    nameless = len(table.unnamed) == len(table.columns)
    free = [c for c in table.columns if c not in {*inputs, *references} and (nameless or c not in table.unnamed)]
    looks = [look for c in free if normal(c) not in IDS and (look := _look(table, c)).filled and not look.nested]
    if not inputs and not references and len(looks) == 2:
        return _of_two(looks[0], looks[1], task)
    if not references and inputs and task and len(looks) <= 2:
        labels, texts = [k for k in looks if k.repeats], [k for k in looks if not k.repeats and k.mean_length >= 20]
        fits = labels if task == "classification" else texts
        if len(fits) == 1:
            why = f"{fits[0].column} is the only other column that fits {task}"
            return inputs, (fits[0].column,), [("reference", why)]
    if not inputs and references and len(looks) == 1:
        return (looks[0].column,), references, [("input", f"{looks[0].column} is the only other column")]
    return inputs, references, []


def _of_two(
    first: _Look, second: _Look, task: TaskType | None
) -> tuple[tuple[str, ...], tuple[str, ...], list[tuple[str, str]]]:
    """Input and reference of a table of two columns: labels are known by coming again, else the input stands first."""
    why = f"{first.column} has {first.distinct} different values, {second.column} has {second.distinct}"
    if first.repeats != second.repeats:
        text, answer = (second, first) if first.repeats else (first, second)
    else:
        text, answer, why = first, second, "there are two columns, and the input usually stands first"
        if task == "summarization" and second.mean_length > first.mean_length:
            text, answer, why = second, first, f"{second.column} is longer than {first.column}"
    return (text.column,), (answer.column,), [("input", why), ("reference", why)]


def _look(table: Table, column: str) -> _Look:
    values = [row.cells.get(column) for row in table.rows[:_SAMPLE]]
    texts = [text for value in values if (text := as_text(value).strip())]
    mean = sum(map(len, texts)) / len(texts) if texts else 0.0
    return _Look(column, len(set(texts)), len(texts), mean, any(isinstance(value, (list, dict)) for value in values))


def _id(table: Table, source: Source, rest: Sequence[str]) -> str | None:
    """The column of ids, "@index", or None for the content's hash."""
    if source.id == ROW_INDEX:
        return ROW_INDEX
    if source.id is not None:
        return require(table, source.id, "the id") if source.id else None
    plain = {normal(c): c for c in reversed(rest) if c not in table.unnamed}
    return next((plain[name] for name in IDS if name in plain), None)


def _context(
    table: Table, source: Source, rest: Sequence[str], inputs: tuple[str, ...], own_passages: bool
) -> tuple[str, ...]:
    """Columns beside the input that every approach reads."""
    if source.context is not None:
        return tuple(require(table, c, "context") for c in source.context)
    if table.shape == "promptfoo":
        return tuple(c for c in rest if not tells_the_answer(c) and normal(c) not in IDS)
    context = tuple(c for c in table.context if c in rest and (own_passages or c not in table.passages))
    asks = len(inputs) == 1 and normal(inputs[0]) in {"question", "query"}
    if not context and own_passages and asks and not table.passages:
        context = tuple(c for c in rest if normal(c) in PASSAGES)[:1]
    if asks:
        context += tuple(c for c in rest if normal(c) in CHOICES and c not in context)
    return context


def _gold(
    table: Table, source: Source, rest: Sequence[str], inputs: tuple[str, ...], own_passages: bool
) -> tuple[str, ...]:
    """What the row brings of the corpus, where the project has documents and gives it to no approach."""
    if source.gold is not None:
        return tuple(require(table, c, "the gold passage") for c in source.gold)
    if own_passages:
        return ()
    asks = len(inputs) == 1 and normal(inputs[0]) in {"question", "query"}
    found = table.passages or tuple(c for c in rest if asks and normal(c) in PASSAGES)[:1]
    return tuple(c for c in found if c not in (source.context or ()))


def _words(columns: Sequence[str]) -> str:
    return listed(f"`{c}`" for c in columns)
