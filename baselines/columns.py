"""The names of columns: how people spell them, which ones a table has, how to reach a nested field. Reads no files.

is_column_name("Question ID")     # True: helps to see a header row
cell(row, "6b_finetuning.solution")
require(table, "lable", "the reference")   # DataError … Did you mean label?
"""

from __future__ import annotations

import re

from baselines.formats.table import JSON, Table, listed, nearest
from reports.errors import DataError


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


# Names in order of preference, in normalised spelling: see `normal`.
INPUTS = _names(
    "question query input inputs text prompt instruction message utterance sentence content body user_input request "
    "complaint comment review tweet post email mail ticket dialogue dialog conversation transcript document article "
    "source src mr meaning_representation input_text source_text problem task topic description subject title claim "
    "premise frage eingabe anfrage nachricht"
)
LONG_INPUTS = _names("document article dialogue dialog conversation transcript text source report content body")
REFERENCES = _names(
    "reference references expected expected_output expected_answer ideal ideal_answer gold gold_answer golden_answer "
    "golden correct_answer correct ground_truth groundtruth reference_answer final_decision target targets output "
    "outputs answer answers completion response solution label labels label_text intent category class summary "
    "highlights ref refs human_reference target_text translation sql json slots entities output_text chosen "
    "antwort ausgabe erwartet"
)
LABELS = _names(
    "final_decision label_text label_name label intent category class class_name classification sentiment labels "
    "decision emotion topic tag tags target gold verdict type department queue priority kategorie"
)
SUMMARIES = ("summary", "highlights", "abstract", "headline", "tldr")
IDS = _names(
    "id _id case_id qid question_id query_id example_id sample_id item_id test_id row_id record_id uid uuid guid pmid "
    "pubid idx ticket_id message_id doc_id key"
)
GROUPS = _names(
    "group customer customer_id user user_id author author_id conversation_id dialogue_id dialog_id thread_id "
    "session_id patient_id account_id document_id article_id"
)
PASSAGES = ("context", "contexts", "passage", "passages", "paragraph", "paragraphs", "evidence")
CHOICES = ("choices", "options", "candidates")
_TELLTALE = frozenset(_names("correct expected gold golden answer answers reference label target truth ideal solution"))
_NUMBERED = re.compile(r"(.*?)[_ ]?(\d+)")
_KNOWN = frozenset({*INPUTS, *LONG_INPUTS, *REFERENCES, *LABELS, *SUMMARIES, *IDS, *GROUPS, *PASSAGES, "messages"})


def normal(name: str) -> str:
    """`Customer-Message ` and `customerMessage` as customer_message."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name.strip())
    plain = re.sub(r"[\s\-_]+", "_", spaced).casefold()
    return plain.strip("_") or plain


def stem(name: str) -> str:
    """The normal name without a number at its end: `Reference 2` is reference."""
    plain = normal(name)
    found = _NUMBERED.fullmatch(plain)
    return found.group(1) if found and found.group(1) else plain


def is_column_name(name: str) -> bool:
    """Whether a cell reads like the name of a column: `text`, `Question ID`, `reference2`, `__expected`."""
    return name.startswith("__") or normal(name) in _KNOWN or stem(name) in _KNOWN


def tells_the_answer(name: str) -> bool:
    """Whether a column's name says that it may give the answer away: it never becomes context by itself."""
    return bool(_TELLTALE & set(normal(name).split("_")))


def cell(row: dict[str, JSON], column: str) -> JSON:
    """The value of a column; `a.b` reads the field b inside the object a where no column has that whole name."""
    if column in row or "." not in column:
        return row.get(column)
    value: JSON = row
    for key in column.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def known_columns(table: Table) -> tuple[str, ...]:
    """All columns that can be named, with the fields of nested objects as `a.b`."""
    names = dict.fromkeys(table.columns)
    for row in table.rows[:50]:
        for key, value in row.cells.items():
            names.update(dict.fromkeys(_inner(key, value)))
    return tuple(names)


def _inner(key: str, value: JSON, depth: int = 3) -> list[str]:
    if not isinstance(value, dict) or depth == 0:
        return []
    found = []
    for name, inner in list(value.items())[:50]:
        found += [f"{key}.{name}", *_inner(f"{key}.{name}", inner, depth - 1)]
    return found


def require(table: Table, column: str, part: str) -> str:
    """`column`, which the table must have. Raises DataError that names the nearest one it does have."""
    names = known_columns(table)
    if column in names:
        return column
    near = nearest(column, names)
    hint = f"Did you mean {near}? " if near else ""
    raise DataError(f"{table.file} has no column {column!r}, named as {part}", f"{hint}Its columns: {listed(names)}.")
