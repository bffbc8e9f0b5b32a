"""XQuAD's English articles with their marked paragraphs and questions, as retrieval is measured on them.

corpus = read(shared_data / "xquad_en_de" / "corpus_en")
corpus.gold["12"], corpus.span_of(passage)      # where a paragraph, and a chunk, stands in its article
"""

from __future__ import annotations

import json
from collections.abc import Mapping
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


def _rows(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]
