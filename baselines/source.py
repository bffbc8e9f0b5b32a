"""What a project says of a data file: its path, and where the columns have other names than usual, theirs.

    eval: eval.csv
    eval: {path: eval.csv, input: text, reference: intent, id: ticket, group: customer}
    eval: {path: "intents/validate_*.json", reference: intent}

Says nothing of what stands in the file; everything left out is detected when the file is read.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import field_validator, model_validator

from reports.run.schema import Record

Format = Literal["csv", "json", "jsonl", "parquet", "excel", "records"]

ROW_INDEX = "@index"
"""As `id`: the 0-based position of the row, as other tools write it. It changes when the rows are sorted."""


class Source(Record):
    """A data file and its columns. A bare text in the project file is the path."""

    path: str
    """Relative to the project file. `*` matches several files of one layout, read in the order of their names."""
    input: tuple[str, ...] = ()
    """Columns of the input, joined by a blank line; `a.b` reads nested fields. Empty: detected."""
    reference: tuple[str, ...] = ()
    """Columns of the expected answer, any of which counts as right. Empty: detected."""
    id: str | None = None
    """Column of ids. None: detected, else the content's hash; "" always takes the hash; "@index" counts rows from 0."""
    group: str | None = None
    """Column whose rows belong together (customer, document, conversation): a split never parts them."""
    context: tuple[str, ...] | None = None
    """Further columns that every approach may read. None: what the format has (SQuAD's paragraph); []: nothing."""
    gold: tuple[str, ...] | None = None
    """Columns with the passages that hold the answer: what retrieval is scored against, and no approach reads.

    None: in a project with documents, the passage that the format brings (SQuAD's paragraph, `context`); []: nothing.
    """
    format: Format | None = None
    """None: detected. `records` keeps a file's own columns where a conversation or the like would be recognised."""
    delimiter: str | None = None
    """One character, or `tab`. None: detected."""
    header: bool | None = None
    """Whether the first row names the columns; without one they are column1, column2, …. None: detected."""
    encoding: str | None = None
    """None: detected (UTF-8, UTF-16, CESU-8, Windows-1252)."""
    sheet: str | None = None
    """Sheet of an Excel file. None: the first."""

    @model_validator(mode="before")
    @classmethod
    def _path_alone(cls, value: Any) -> Any:
        return {"path": value} if isinstance(value, str) else value

    @field_validator("input", "reference", "context", "gold", mode="before")
    @classmethod
    def _one_column(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @field_validator("delimiter", mode="before")
    @classmethod
    def _one_character(cls, value: Any) -> Any:
        value = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}.get(value, value)
        if isinstance(value, str) and (len(value) != 1 or value in '"\r\n'):
            raise ValueError("a delimiter is one character, such as , or ; or tab")
        return value

    def named(self) -> frozenset[str]:
        """All columns that the project names."""
        single = {c for c in (self.id, self.group) if c and c != ROW_INDEX}
        return frozenset({*self.input, *self.reference, *(self.context or ()), *(self.gold or ()), *single})
