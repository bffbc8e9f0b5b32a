"""Recall at k, reciprocal rank and nDCG of a ranking against the passages known to be relevant. Knows no search.

recall_at(4, ["b", "a", "c"], {"a"})      # 1.0
reciprocal_rank(["b", "a"], {"a"})        # 0.5
Corpus(documents).recall(answer.passages, case.gold_passages)        # 1.0
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from reports.run.schema import Document, Passage


def recall_at(k: int, ranked: Sequence[str], relevant: Collection[str]) -> float:
    """Share of the relevant ids that stand among the first k. Raises ValueError where nothing is relevant."""
    wanted = _known(relevant)
    return len(wanted & set(ranked[:k])) / len(wanted)


def precision_at(k: int, ranked: Sequence[str], relevant: Collection[str]) -> float:
    """Share of the first k (of those returned, where fewer were) that are relevant; 0 for an empty ranking."""
    first = ranked[:k]
    return len(set(first) & _known(relevant)) / len(first) if first else 0.0


def reciprocal_rank(ranked: Sequence[str], relevant: Collection[str]) -> float:
    """1 over the rank of the first relevant id, 0 where none is found. Its mean over questions is MRR."""
    wanted = _known(relevant)
    return next((1 / rank for rank, item in enumerate(ranked, start=1) if item in wanted), 0.0)


def ndcg_at(k: int, ranked: Sequence[str], relevant: Collection[str]) -> float:
    """Normalised discounted cumulative gain with gain 1 and discount log2(rank + 1) (Järvelin, Kekäläinen 2002)."""
    wanted = _known(relevant)
    gain = sum(1 / math.log2(rank + 1) for rank, item in enumerate(ranked[:k], start=1) if item in wanted)
    ideal = sum(1 / math.log2(rank + 1) for rank in range(1, min(k, len(wanted)) + 1))
    return gain / ideal


def holds_reference(texts: Sequence[str], references: Sequence[str]) -> bool:
    """Whether one of the texts contains a reference, without regard to case and blanks.

    A ceiling for answering from passages where no passage is marked as relevant; a short reference may stand in a
    passage by chance.
    """
    found = [" ".join(text.casefold().split()) for text in texts]
    return any(" ".join(r.casefold().split()) in text for r in references if r.strip() for text in found)


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


def _known(relevant: Collection[str]) -> set[str]:
    if not relevant:
        raise ValueError("no passage is known to be relevant: the question cannot be scored")
    return set(relevant)
