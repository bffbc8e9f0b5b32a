"""What a data set is for, from looking at it: task type, columns, labels, metrics, each with a reason. Decides nothing.

    found = guess("eval.csv", base, train="train.csv")
    found.task, found.metrics, [str(reason) for reason in found.reasons]

For `advisor new`, which writes the guess into a project file that the user reads and corrects.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from baselines.columns import GROUPS, LABELS, PASSAGES, SUMMARIES, normal
from baselines.dataset import load_examples
from baselines.detection import Parts, detect, require_both
from baselines.documents import load_documents
from baselines.drafts import Draft, drafts_of, read_source
from baselines.formats.table import Table, as_text, count, listed, refuse_if_broken
from baselines.labels import labels_in
from baselines.merging import content_id
from baselines.scoring.registry import default_metrics
from baselines.source import Source
from reports.errors import ColumnUnknown
from reports.run.schema import TaskType

_LABEL_LENGTH = 60
"""Characters: longer references are texts, not labels."""
_LONG = ("dialogue", "dialog", "conversation", "transcript", "article", "document", "report")
"""Names of inputs that are usually there to be summarised."""
_WORD = re.compile(r"\w+")
_IMBALANCED = 0.7
"""With so large a share of one label, accuracy mostly measures that label."""


@dataclass(frozen=True)
class Reason:
    """One choice and why, as a sentence for the user."""

    part: str
    """`task`, `metrics`, `input`, `reference`, `id`, `group`, `labels`, `train`, `documents`, `instruction`."""
    choice: str
    why: str

    def __str__(self) -> str:
        return f"{self.part}: {self.choice}, because {self.why}"


@dataclass(frozen=True)
class Guess:
    """A proposal for a project file."""

    task: TaskType
    eval: Source
    train: Source | None
    documents: Source | None
    labels: tuple[str, ...]
    """The labels of a classification task in alphabetical order, else empty."""
    metrics: tuple[str, ...]
    """The first one decides."""
    instruction: str
    """The instruction that all rows share, where the format has one; else empty."""
    cases: int
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class _Seen:
    """The eval file as it was read."""

    table: Table
    parts: Parts
    drafts: list[Draft]
    references: list[str]
    """First reference of each row."""
    several: bool
    """Whether the reference column holds lists of labels."""


def guess(
    eval_path: Source | str,
    base: Path = Path(),
    train: Source | str | None = None,
    documents: Source | str | None = None,
) -> Guess:
    """Look at the files and propose. Raises DataError where a file is unreadable or its columns cannot be told."""
    source = Source.model_validate(eval_path)
    seen = _look(source, base)
    task, why = _task(seen)
    metrics, why_metrics = _metrics(seen, task)
    labels, why_labels = _labels(seen, task)
    eval_source, instruction, reasons = _columns(seen, source)
    reasons = [Reason("task", task, why), Reason("metrics", listed(metrics), why_metrics), *why_labels, *reasons]
    train_source = Source.model_validate(train) if train is not None else None
    reasons.append(_train_reason(train_source, task, base))
    documents_source = Source.model_validate(documents) if documents is not None else None
    if documents_source:
        found = load_documents(documents_source, base, allow_broken=True)
        reasons.append(Reason("documents", documents_source.path, f"it holds {count(len(found.items), 'document')}"))
    reasons += _context_reason(seen, documents is not None)
    return Guess(
        task=task,
        eval=eval_source,
        train=train_source,
        documents=documents_source,
        labels=labels,
        metrics=metrics,
        instruction=instruction,
        cases=len({draft.id or content_id(draft.input, draft.context) for draft in seen.drafts}),
        reasons=tuple(reasons),
    )


def _look(source: Source, base: Path) -> _Seen:
    table = read_source(source, base)
    total = len(table.rows) + len(table.broken)
    refuse_if_broken(table.broken, total, table.file)
    parts = detect(table, source)
    if parts.input and not parts.reference:
        parts = _by_task(table, source, parts)
    require_both(table, parts)
    drafts, broken = drafts_of(table, parts, None)
    refuse_if_broken(broken, total, table.file)
    several = _holds_label_lists(table, parts)
    return _Seen(table, parts, drafts, [draft.references[0] for draft in drafts], several)


def _by_task(table: Table, source: Source, parts: Parts) -> Parts:
    """Where only the task type would tell the reference: the column, if every task type agrees on it."""
    tasks: tuple[TaskType, ...] = ("classification", "summarization")
    options = {task: found for task in tasks if (found := detect(table, source, task)).reference}
    columns = {found.reference for found in options.values()}
    if len(columns) > 1:
        choices = " or ".join(f"{listed(found.reference)} ({task})" for task, found in options.items())
        raise ColumnUnknown(
            f"{table.file}: the expected answer could be {choices}",
            f"Say which: {{path: {table.file}, reference: COLUMN}}.",
        )
    return next(iter(options.values()), parts)


def _holds_label_lists(table: Table, parts: Parts) -> bool:
    """Whether the reference column holds lists of short values that come again: several labels a row."""
    if len(parts.reference) != 1 or table.shape != "records":
        return False
    values = [row.cells.get(parts.reference[0]) for row in table.rows[:2000]]
    lists = [value for value in values if isinstance(value, list)]
    items = [as_text(item) for value in lists for item in value]
    named = normal(parts.reference[0]) in LABELS
    return named and len(lists) > len(values) / 2 and len(set(items)) <= max(2, len(items) // 3)


# --- task ---------------------------------------------------------------------------------------------


def _task(seen: _Seen) -> tuple[TaskType, str]:
    references, rows = seen.references, len(seen.references)
    distinct = len(set(references))
    words = sum(len(text.split()) for text in references) / rows
    if seen.table.shape == "slots" or all(_is_object(text) for text in references[:200]):
        return "extraction", "every expected answer is a JSON object"
    if seen.several:
        return "classification", "every row has a list of labels"
    if _are_labels(seen):
        return "classification", f"{rows} rows share {distinct} short answers"
    if default_metrics("qa", references[:500]) == ("number",):
        return "qa", "every expected answer ends in a number"
    if _are_questions(seen):
        return "qa", f"the inputs are questions, the answers {words:.0f} words long on average"
    inputs = sum(len(draft.input.split()) for draft in seen.drafts) / rows
    if words <= 15 and (share := _copied(seen)) >= 0.9:
        return "extraction", f"{share:.0%} of the words of the expected answers stand in the inputs"
    long = any(normal(column) in _LONG for column in seen.parts.input)
    if _named(seen, SUMMARIES) or (
        _plain(seen) and inputs >= 60 and words >= 4 and inputs >= (1.5 if long else 3) * words
    ):
        return "summarization", f"inputs have {inputs:.0f} words on average, expected answers {words:.0f}"
    return "generation", f"expected answers are free text, {words:.0f} words long on average"


def _copied(seen: _Seen) -> float:
    """Share of the words of the references that their inputs hold too; 0 where references are not much shorter."""
    found = total = asked = 0
    for draft in seen.drafts[:500]:
        words = _WORD.findall(draft.references[0].casefold())
        there = _WORD.findall(draft.input.casefold())
        asked += len(there)
        total += len(words)
        found += len([word for word in words if word in set(there)])
    return found / total if total and 2 * total < asked else 0.0


def _named(seen: _Seen, names: Sequence[str]) -> bool:
    return seen.table.shape == "records" and any(normal(column) in names for column in seen.parts.reference)


def _plain(seen: _Seen) -> bool:
    return seen.table.shape in {"records", "instruction"}


def _are_labels(seen: _Seen) -> bool:
    """Few short references that come again. Numbers are labels only where they are very few or named so."""
    texts = [text.strip() for text in seen.references]
    distinct = set(texts)
    if max(map(len, distinct)) > _LABEL_LENGTH or len(distinct) < 2 or seen.table.shape == "squad":
        return False
    numeric = all(text.lstrip("-").replace(".", "", 1).isdigit() for text in distinct)
    if numeric and len(distinct) > 10 and not _named(seen, LABELS):
        return False
    return len(distinct) <= len(texts) / (3 if _named(seen, LABELS) else 5)


def _are_questions(seen: _Seen) -> bool:
    if seen.table.shape == "squad" or any(normal(column) in {"question", "query"} for column in seen.parts.input):
        return True
    marks = sum(draft.input.rstrip().endswith("?") for draft in seen.drafts)
    return seen.table.shape == "records" and marks >= 0.6 * len(seen.drafts)


def _is_object(text: str) -> bool:
    if not text.lstrip().startswith("{"):
        return False
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


# --- metrics, labels, columns -------------------------------------------------------------------------


def _metrics(seen: _Seen, task: TaskType) -> tuple[tuple[str, ...], str]:
    if seen.table.metrics and task != "classification":
        return seen.table.metrics, "the assertions in the file ask for it"
    if seen.several:
        return ("multilabel-f1",), "a row may have several labels"
    usual = default_metrics(task, seen.references[:500])
    if usual == ("number",):
        return usual, "every expected answer ends in a number"
    if task == "classification":
        top, often = Counter(seen.references).most_common(1)[0]
        share = often / len(seen.references)
        if share > _IMBALANCED:
            why = f"{share:.0%} of the rows are {top!r}: saying always that would look good in accuracy"
            return ("macro-f1", "accuracy"), why
    return usual, f"these are the usual ones for {task}"


def _labels(seen: _Seen, task: TaskType) -> tuple[tuple[str, ...], list[Reason]]:
    if task != "classification":
        return (), []
    texts = {text.strip() for text in seen.references}
    if seen.several:
        cells = (row.cells.get(seen.parts.reference[0]) for row in seen.table.rows)
        texts = {as_text(item).strip() for value in cells if isinstance(value, list) for item in value}
    labels = tuple(sorted({label for text in texts for label in labels_in(text)}))
    return labels, [Reason("labels", f"from-data ({len(labels)})", f"the file has {listed(labels, 6)}")]


def _columns(seen: _Seen, source: Source) -> tuple[Source, str, list[Reason]]:
    """The source with its columns said, the common instruction, and the reasons."""
    parts, table = seen.parts, seen.table
    update: dict[str, object] = {}
    if table.shape in {"records", "promptfoo"}:
        update = {"input": parts.input, "reference": parts.reference}
        update |= {"id": parts.id} if parts.id else {}
    reasons = [Reason(part, _columns_of(parts, part), why) for part, why in parts.reasons]
    if parts.id and source.id is None:
        reasons.append(Reason("id", parts.id, "that is a usual name for ids"))
    instruction = _common_instruction(table)
    if instruction:
        update |= {"input": ("input",), "reference": parts.reference, "format": "records"}
        reasons.append(Reason("instruction", instruction, "all rows have the same one, so it is the task's"))
    group = _group(table, parts)
    if group and source.group is None:
        update["group"] = group
        rows = len(table.rows)
        distinct = len({as_text(row.cells.get(group)) for row in table.rows})
        reasons.append(
            Reason("group", group, f"its {distinct} values come again in {rows} rows: such rows belong together")
        )
    return source.model_copy(update=update), instruction, reasons


def _columns_of(parts: Parts, part: str) -> str:
    return listed(parts.input if part == "input" else parts.reference)


def _common_instruction(table: Table) -> str:
    """The one instruction of an instruction file whose rows all have an input besides it; "" otherwise."""
    if table.shape != "instruction" or "input" not in table.columns or len(table.rows) < 2:
        return ""
    texts = {as_text(row.cells.get("instruction")) for row in table.rows}
    filled = all(as_text(row.cells.get("input")).strip() for row in table.rows)
    return texts.pop().strip() if len(texts) == 1 and filled else ""


def _group(table: Table, parts: Parts) -> str | None:
    taken = {*parts.input, *parts.reference, *parts.context, parts.id}
    for column in table.columns:
        if column in taken or normal(column) not in GROUPS:
            continue
        values = [text for row in table.rows if (text := as_text(row.cells.get(column)).strip())]
        if 1 < len(set(values)) < len(values):
            return column
    return None


def _context_reason(seen: _Seen, documents: bool) -> list[Reason]:
    """What the approaches read beside the input, and why not the row's own passage where there are documents."""
    context = seen.parts.context
    if not context:
        return []
    passages = [c for c in context if c in seen.table.passages or normal(c) in PASSAGES]
    if passages and documents:
        return [Reason("context", f"not {listed(passages)}", "the approaches are to find it in the documents")]
    return [Reason("context", listed(context), "every approach may read it beside the input")]


def _train_reason(train: Source | None, task: TaskType, base: Path) -> Reason:
    if train is None:
        why = "there is no training file: an approach that learns from examples needs one, or the eval file is split"
        return Reason("train", "none", why)
    found = load_examples(train, task, base, allow_broken=True)
    columns = f"{listed(found.parts.input)} → {listed(found.parts.reference)}" if found.parts else train.path
    return Reason("train", train.path, f"it holds {count(len(found.items), 'training pair')} ({columns})")
