"""The labels of a classification data set: which there are, and where eval and training data disagree on them.

    labels_of(cases)                       # ("ham", "spam")
    check_labels(cases, examples)          # ("Label 'phishing' (3 cases, rows 7, 9, 12) does not stand in …",)

A reference of several labels that all hold joins them by `|`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from baselines.drafts import LABEL_SEPARATOR
from baselines.formats.table import SHOWN, listed, sayable
from reports.errors import ColumnUnknown, DataError
from reports.run.schema import Case, Example
from reports.text import count


def labels_in(text: str) -> tuple[str, ...]:
    """The labels of one reference or output."""
    return tuple(label for part in text.split(LABEL_SEPARATOR) if (label := part.strip()))


def labels_of(items: Iterable[Case | Example]) -> tuple[str, ...]:
    """All labels that occur, sorted. A reference of several labels counts for each of them."""
    texts = (text for item in items for text in (item.references if isinstance(item, Case) else (item.output,)))
    return tuple(sorted({label for text in texts for label in labels_in(text)}))


def check_labels(cases: Sequence[Case], examples: Sequence[Example], labels: Sequence[str] = ()) -> tuple[str, ...]:
    """Notes on labels of the eval set that no training pair has, or that are not in the project's own list, and on
    training data of one label.

    Raises DataError where not one label of the eval set is known there: then columns or spelling differ.
    """
    notes: list[str] = []
    used, taught = labels_of(cases), labels_of(examples)
    if len(taught) == 1:
        notes.append(
            f"All {len(examples):,} training examples have the label {sayable(taught[0])}: whatever learns from them "
            "learns to say that, always."
        )
    for known, words in ((taught, "the training data"), (tuple(labels), "the project's list of labels")):
        unknown = [label for label in used if label not in known] if known else []
        if unknown and len(unknown) == len(used):
            raise DataError(
                f"no label of the eval set stands in {words}: {listed(used, 5)} here, {listed(known, 5)} there",
                "Check that both use the same column and the same spelling.",
            )
        notes += [_note(label, cases, words) for label in unknown]
    return tuple(notes)


def _note(label: str, cases: Sequence[Case], words: str) -> str:
    rows = [str(c.row) for c in cases if any(label in labels_in(r) for r in c.references)]
    where = ", ".join(rows[:SHOWN]) + (", …" if len(rows) > SHOWN else "")
    cited = count(len(rows), "case") + (", rows " if len(rows) > 1 else ", row ") + where
    return f"Label {sayable(label)} ({cited}) does not stand in {words}."


def require_two_labels(cases: Sequence[Case], file: str) -> None:
    """Raise DataError where all cases have one and the same label: every approach that says it would be perfect."""
    used = labels_of(cases)
    if len(used) == 1:
        raise ColumnUnknown(
            f"{file}: all {len(cases)} cases have the label {sayable(used[0])}: with one class nothing can be compared",
            f"Use an eval set with at least two labels, or name the right column: {{path: {file}, reference: COLUMN}}.",
        )
