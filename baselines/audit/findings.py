"""The words of an audit as types: a finding, the rows it stands on, and all findings together. Looks at no data.

    audit.finding("near-duplicates").count, audit.finding("near-duplicates").rows[0].excerpt

Every excerpt is masked: personal data that the audit found does not travel on with its result.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from baselines.audit.personal_data import masked
from baselines.audit.rows import Item
from reports.run.schema import Record
from reports.text import one_line

Kind = Literal[
    "broken-rows",
    "too-few",
    "leaks",
    "near-leaks",
    "conflicts",
    "near-conflicts",
    "personal-data",
    "boilerplate",
    "label-noise",
    "duplicates",
    "near-duplicates",
    "paraphrases",
    "own-paraphrases",
    "label-spelling",
    "rare-labels",
    "unseen-labels",
    "imbalance",
    "too-long",
    "style",
    "length-outliers",
    "languages",
]
Severity = Literal["serious", "warning", "note"]
Fix = Literal[
    "duplicates",
    "near-duplicates",
    "leaks",
    "conflicts",
    "boilerplate",
    "personal-data",
    "label-spelling",
    "style",
    "too-long",
    "paraphrases",
    "own-paraphrases",
    "languages",
    "length-outliers",
    "label-noise",
    "near-conflicts",
]
"""What `cleaning` can do about a finding."""
Change = Literal["remove", "mask", "relabel", "trim", "unfence", "set-aside"]
"""`set-aside`: moved to a file of its own, where a person decides what it is. Label noise is never removed."""

_GRAVITY = {"serious": 0, "warning": 1, "note": 2}
EXCERPT = 100


class Place(Record):
    """One row to look at."""

    part: Literal["train", "dev", "eval"]
    file: str
    row: int
    """As the user counts: the spreadsheet's row, the line or the item."""
    excerpt: str
    """Beginning of the text on one line, personal data masked."""
    note: str = ""
    """What is wrong with it: the row that it repeats, the label that stands elsewhere."""
    change: Change | None = None
    """What the finding's fix does to this row; None: nothing."""
    value: str = ""
    """For `relabel`: the label that is written."""


class Finding(Record):
    """One kind of defect with everything that a reader needs to act on it."""

    kind: Kind
    severity: Severity
    count: int
    """Of defects as `text` names them: rows, pairs' later rows, labels."""
    text: str
    rows: tuple[Place, ...] = ()
    """All of them, the ones most worth a look first; of an imbalance the rows of the other labels."""
    effect: str
    """What it does to the result."""
    remedy: str
    """What to do."""
    fix: Fix | None = None
    """The name under which `cleaning` repairs it."""


class Audit(Record):
    """What was looked at and what was found, the gravest first."""

    train_rows: int
    eval_rows: int
    findings: tuple[Finding, ...]
    skipped: tuple[str, ...] = ()
    """What was not looked at, and why: a sentence each."""
    seconds: float = 0.0

    def finding(self, kind: Kind) -> Finding | None:
        """The finding of that kind; None where nothing was found."""
        return next((found for found in self.findings if found.kind == kind), None)


def ordered(findings: Iterable[Finding | None]) -> tuple[Finding, ...]:
    """The findings there are, the gravest first, otherwise as they come."""
    return tuple(sorted((f for f in findings if f is not None and f.count), key=lambda f: _GRAVITY[f.severity]))


def excerpt(text: str) -> str:
    """The beginning of a text as it may be shown, printed and passed on."""
    return one_line(masked(text[: 4 * EXCERPT]), EXCERPT)


def place(item: Item, note: str = "", *, of: str | None = None, change: Change | None = None, value: str = "") -> Place:
    """The place of an item; `of` is another text of it than the input to show."""
    return Place(
        part=item.part,
        file=item.file,
        row=item.row,
        excerpt=excerpt(item.input if of is None else of),
        note=note,
        change=change,
        value=value,
    )
