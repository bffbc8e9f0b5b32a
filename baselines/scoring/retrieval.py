"""Recall of what was retrieved against the passages that are marked as relevant. Knows no search.

Corpus(documents).recall(answer.passages, case.gold_passages)        # 1.0
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from reports.run.schema import Document, Passage


@dataclass(frozen=True)
class Span:
    """A piece of a document, in characters."""

    document: str
    start: int
    end: int


def counts_for(chunk: Span, passage: Span) -> bool:
    """Whether finding a chunk is finding a marked passage: the two share at least half of the shorter one.

    So a chunk that lies inside a passage counts, and so does one that holds it; one that touches its edge does not.
    """
    if chunk.document != passage.document:
        return False
    shared = min(chunk.end, passage.end) - max(chunk.start, passage.start)
    return shared > 0 and 2 * shared >= min(chunk.end - chunk.start, passage.end - passage.start)


class Corpus:
    """Documents in which marked passages and retrieved chunks are located, without regard to kinds of blanks."""

    def __init__(self, documents: Iterable[Document]) -> None:
        self._texts = {document.id: _blanks(document.text) for document in documents}
        self._spans: dict[str, tuple[Span, ...]] = {}

    def recall(self, found: Sequence[Passage], gold: Sequence[str]) -> float | None:
        """Share of the gold passages that one of the retrieved chunks counts for; None where no document has any."""
        marked = [spans for text in gold if (spans := self._located(text))]
        if not marked:
            return None
        chunks = [span for passage in found if (span := self._chunk(passage))]
        hits = [any(counts_for(chunk, span) for chunk in chunks for span in spans) for spans in marked]
        return sum(hits) / len(hits)

    def _located(self, gold: str) -> tuple[Span, ...]:
        """The first place of the passage in each document that holds it."""
        if gold not in self._spans:
            text = _blanks(gold)
            places = ((document, whole.find(text)) for document, whole in self._texts.items())
            self._spans[gold] = tuple(Span(d, start, start + len(text)) for d, start in places if start >= 0)
        return self._spans[gold]

    def _chunk(self, passage: Passage) -> Span | None:
        text = _blanks(passage.text)
        start = self._texts.get(passage.document, "").find(text)
        return Span(passage.document, start, start + len(text)) if start >= 0 else None


def _blanks(text: str) -> str:
    return " ".join(text.split())
