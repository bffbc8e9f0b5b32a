"""What a run asks and learns from: questions, cases, examples, documents. Part of the schema, which hands them on.

Case(question=Question(id="7", input="refund please"), references=("refund",))
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from reports.run.record import Record


class Turn(Record):
    """One message of a conversation, before its answer. Foreign text, as it stands in the file."""

    role: Literal["user", "assistant"]
    text: str
    counts: bool = True
    """False where the file gives the message no weight: it is read, and carries no loss in training."""


def _none(value: object) -> bool:
    return not value


class Question(Record):
    """What an approach receives: never a reference."""

    id: str
    input: str
    context: dict[str, str] = {}
    """Further named fields of the row that every approach may read (a given passage, a schema)."""
    group: str | None = None
    """Cases of one group (customer, document, conversation) are not independent: statistics cluster by it."""
    turns: tuple[Turn, ...] = Field(default=(), exclude_if=_none)
    """The conversation that `input` is the transcript of, its last message the user's; empty where it has one only.

    Models with a chat template are sent these, in their roles. All else reads `input`.
    """


class Case(Record):
    """One eval item. Any one of the references counts as right."""

    question: Question
    references: tuple[str, ...]
    row: int | None = None
    """1-based row or line in the user's file, for messages."""
    gold_passages: tuple[str, ...] = ()
    """Texts of the corpus that hold the answer, where the data say so: retrieval is scored against them."""


class Example(Record):
    """One training pair: few-shot pool, retrieval over examples, fine-tuning."""

    id: str
    input: str
    output: str
    context: dict[str, str] = {}
    group: str | None = None
    row: int | None = None
    turns: tuple[Turn, ...] = Field(default=(), exclude_if=_none)
    """As those of a Question."""


class Document(Record):
    """One item of the user's corpus."""

    id: str
    text: str
    title: str = ""
    source: str = ""
    """File name relative to the documents folder, or file and row."""


class Passage(Record):
    """A chunk of a document as an approach used it."""

    document: str
    index: int
    """0-based position of the chunk in its document."""
    text: str
    title: str = ""
    score: float | None = None
    """Similarity to the question as the index returned it (cosine for dense search)."""
