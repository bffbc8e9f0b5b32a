"""What the data audit found when the run was planned, as far as a report says it. Looks at no data.

DataFinding(kind="conflicts", severity="warning", count=3, text="3 inputs with more than one answer, in 7 rows")
DataRow(where="train row 12", text="Where is my card?", note="says “lost”; the same input elsewhere: “late” (2)")

Part of the run's spec (`reports.run.schema`, which hands it on). Derived from the data files alone: another version of
the audit that finds more does not make a stored run another one.
"""

from __future__ import annotations

from typing import Literal

from reports.run.record import Record


class DataRow(Record):
    """One of the rows that a finding stands on, personal data masked."""

    where: str
    text: str = ""
    """Its beginning."""
    note: str = ""


class DataFinding(Record):
    """One kind of defect."""

    kind: str
    severity: Literal["serious", "warning", "note"]
    count: int
    text: str
    """What it is and how often, in words."""
    effect: str = ""
    """What it does to the result."""
    remedy: str = ""
    """What to do."""
    rows: tuple[DataRow, ...] = ()
    """The first of them; runs of older versions have none."""


class DataFacts(Record):
    """What was read, for fingerprints and for the report's trust strip."""

    eval_cases: int
    train_examples: int
    dev_examples: int
    documents: int
    groups: int = 0
    """Number of distinct groups among the cases; 0 when there is no group column."""
    broken_rows: int = 0
    notes: tuple[str, ...] = ()
    """What a reader must know of the data: split by us, repeated inputs grouped, …"""
    leaked: tuple[str, ...] = ()
    """Ids of eval cases whose input also stands in the training data."""
    leaked_near: tuple[str, ...] = ()
    """Ids of further cases that stand there nearly word for word, with the same answer."""
    findings: tuple[DataFinding, ...] = ()
    """What the audit found at planning time, the gravest first; `advisor check` looks further."""
    files: dict[str, str] = {}
    """Role (eval, train, documents, …) to content hash."""
