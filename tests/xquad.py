"""XQuAD's English articles with their marked paragraphs and questions, as retrieval is measured on them.

corpus = read(shared_data / "xquad_en_de" / "corpus_en")
corpus.gold["12"], corpus.span_of(passage)      # where a paragraph, and a chunk, stands in its article
recall_at(4, ["b", "a", "c"], {"a"})            # 1.0, of a ranking against what is known to be relevant
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from baselines.scoring.retrieval import Span
from reports.run.schema import Document, Passage


@dataclass(frozen=True)
class Articles:
    """48 articles, 240 paragraphs, 1,190 questions."""

    texts: Mapping[str, str]
    asked: list[dict[str, Any]]
    """`question` and `relevant_doc_ids`, whose first is its one paragraph."""
    paragraphs: Mapping[str, str]
    gold: Mapping[str, Span]
    """Where each paragraph stands in its article."""

    @property
    def documents(self) -> list[Document]:
        return [Document(id=name, text=text, title=name.replace("_", " ")) for name, text in self.texts.items()]

    def span_of(self, passage: Passage) -> Span:
        """Where a chunk stands in its article."""
        start = self.texts[passage.document].index(passage.text)
        return Span(passage.document, start, start + len(passage.text))


def read(corpus: Path) -> Articles:
    """From the folder of the articles."""
    texts = {path.stem: path.read_text(encoding="utf-8") for path in sorted(corpus.glob("articles/*.txt"))}
    paragraphs: dict[str, str] = {}
    gold: dict[str, Span] = {}
    ends: dict[str, int] = {}
    for row in _rows(corpus / "paragraphs.jsonl"):
        article = Path(row["file"]).stem
        start = texts[article].index(row["text"], ends.get(article, 0))
        ends[article] = start + len(row["text"])
        paragraphs[row["doc_id"]] = row["text"]
        gold[row["doc_id"]] = Span(article, start, ends[article])
    return Articles(texts, _rows(corpus / "questions_qrels.jsonl"), paragraphs, gold)


def recall_at(k: int, ranked: Sequence[str], relevant: Collection[str]) -> float:
    """Share of the relevant ids that stand among the first k. Raises ValueError where nothing is relevant."""
    wanted = _known(relevant)
    return len(wanted & set(ranked[:k])) / len(wanted)


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


def _rows(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def _known(relevant: Collection[str]) -> set[str]:
    if not relevant:
        raise ValueError("no passage is known to be relevant: the question cannot be scored")
    return set(relevant)
