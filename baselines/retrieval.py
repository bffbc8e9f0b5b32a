"""Search over passages and over training examples: dense with FAISS, lexical with BM25, or both fused by rank.

    index = build(passages, embedder, "hybrid", folder)      # stored in folder, found again while nothing changed
    index.search(["How long is the warranty?"], 4)           # one tuple of passages a question, best first

Hybrid search fuses the two rankings by reciprocal rank (Cormack, Clarke, Büttcher 2009): the sum of 1 / (60 + rank).
Exact search on unit vectors, so the score of a dense hit is its cosine. Knows no prompt and no model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from baselines.models.contract import Embedder
from baselines.shots import asked
from baselines.vectors import embed_stored
from reports.run import atomic
from reports.run.fingerprint import of_texts, of_value
from reports.run.schema import Example, Passage, Question

if TYPE_CHECKING:
    import numpy as np

Search = Literal["dense", "lexical", "hybrid"]
RANK_CONSTANT = 60
CANDIDATES = 50
"""Hits of each half that hybrid search fuses."""
VERSION = 1
"""Raised with every change that moves a ranking."""
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class PassageIndex:
    """Passages that can be searched."""

    passages: tuple[Passage, ...]
    search_kind: Search
    embedder: Embedder | None
    dense: Any
    """A faiss.IndexFlatIP, None for lexical search."""
    lexical: Any
    """A bm25s.BM25, None for dense search."""

    def search(self, texts: Sequence[str], k: int) -> list[tuple[Passage, ...]]:
        """The k best passages of each text, best first; fewer where the corpus has fewer or no word matches.

        Each carries its score: the cosine, or for lexical search the BM25 value.
        """
        if not texts or not self.passages:
            return [() for _ in texts]
        depth = min(len(self.passages), k if self.search_kind != "hybrid" else max(k, CANDIDATES))
        dense = self._dense(texts, depth) if self.dense is not None else None
        lexical = self._lexical(texts, depth) if self.lexical is not None else None
        if dense is None:
            return [self._pick(row[:k]) for row in lexical or []]
        if lexical is None:
            return [self._pick(row[:k]) for row in dense[0]]
        vectors = dense[1]
        found = []
        for row, words, vector in zip(dense[0], lexical, vectors, strict=True):
            order = fuse([[i for i, _ in row], [i for i, _ in words]])[:k]
            cosines = dict(row)
            found.append(self._pick([(i, cosines.get(i, self._cosine(i, vector))) for i in order]))
        return found

    def _dense(self, texts: Sequence[str], depth: int) -> tuple[list[list[tuple[int, float]]], np.ndarray]:
        assert self.embedder is not None
        vectors = self.embedder.embed(texts, query=True)
        scores, places = self.dense.search(vectors, depth)
        rows = [list(zip(p.tolist(), s.tolist(), strict=True)) for p, s in zip(places, scores, strict=True)]
        return rows, vectors

    def _cosine(self, place: int, vector: np.ndarray) -> float:
        return float(self.dense.reconstruct(place) @ vector)

    def _lexical(self, texts: Sequence[str], depth: int) -> list[list[tuple[int, float]]]:
        places, scores = self.lexical.retrieve(_words(texts), k=depth, show_progress=False)
        # BM25 pads its answer with passages that share no word: a score of 0 is no hit.
        return [
            [(int(p), float(s)) for p, s in zip(row, values, strict=True) if s > 0]
            for row, values in zip(places, scores, strict=True)
        ]

    def _pick(self, hits: Sequence[tuple[int, float]]) -> tuple[Passage, ...]:
        return tuple(self.passages[i].model_copy(update={"score": round(s, 6)}) for i, s in hits)


def fuse(rankings: Sequence[Sequence[int]]) -> list[int]:
    """Places by the sum of 1 / (60 + rank) over the rankings, best first; ties by place."""
    totals: dict[int, float] = {}
    for ranking in rankings:
        for rank, place in enumerate(ranking, start=1):
            totals[place] = totals.get(place, 0.0) + 1 / (RANK_CONSTANT + rank)
    return sorted(totals, key=lambda place: (-totals[place], place))


def build(
    passages: Sequence[Passage],
    embedder: Embedder | None,
    search: Search,
    *,
    folder: Path,
    vectors: Path,
    progress: Progress | None = None,
) -> PassageIndex:
    """The index of these passages, read from `folder` where it was built from the same ones before.

    `vectors` is the folder of stored embeddings. Raises EnvironmentFault where the disk is full.
    """
    if search == "lexical" or embedder is None:
        return PassageIndex(tuple(passages), "lexical", None, None, _bm25(passages))
    key = of_value(
        {
            "passages": of_texts(text_to_embed(p) for p in passages),
            "embedder": embedder.fingerprint,
            "version": VERSION,
        }
    )
    dense = _read_index(folder, key, len(passages))
    if dense is None:
        dense = flat_index(embed_stored(embedder, [text_to_embed(p) for p in passages], vectors, progress))
        _write_index(folder, key, dense, passages)
    lexical = _bm25(passages) if search == "hybrid" else None
    return PassageIndex(tuple(passages), search, embedder, dense, lexical)


def text_to_embed(passage: Passage) -> str:
    """A chunk rarely names what it is about; its document's title does."""
    return f"{passage.title}\n{passage.text}" if passage.title else passage.text


def flat_index(vectors: np.ndarray) -> Any:
    """A faiss.IndexFlatIP over unit vectors, shape (n, dimensions): inner product is cosine."""
    import faiss
    import numpy as np

    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(np.ascontiguousarray(vectors, dtype=np.float32))
    return index


class ExampleIndex:
    """The training examples nearest to a question, never one that gives its answer away."""

    def __init__(self, examples: Sequence[Example], embedder: Embedder, vectors: np.ndarray) -> None:
        self.examples = tuple(examples)
        self.embedder = embedder
        self._index = flat_index(vectors)
        self._asked = [asked(example) for example in self.examples]

    def search(self, questions: Sequence[Question], k: int) -> list[tuple[Example, ...]]:
        """Up to k examples for each question, the nearest LAST: right before the question in a prompt.

        Left out: examples that ask the same (letters and digits compared) and those of the question's group.
        """
        if not questions or not self.examples:
            return [() for _ in questions]
        vectors = self.embedder.embed([q.input for q in questions], query=True)
        depth = min(len(self.examples), 2 * k + 8)
        _, places = self._index.search(vectors, depth)
        found = []
        for row, question in enumerate(questions):
            kept = self._allowed(places[row].tolist(), question, k)
            if len(kept) < k and depth < len(self.examples):  # a large group of its own stood in front
                _, everything = self._index.search(vectors[row : row + 1], len(self.examples))
                kept = self._allowed(everything[0].tolist(), question, k)
            found.append(tuple(self.examples[i] for i in reversed(kept)))
        return found

    def _allowed(self, places: Sequence[int], question: Question, k: int) -> list[int]:
        own = asked(question)
        kept: list[int] = []
        seen: set[str] = set()
        for place in places:
            group = self.examples[place].group
            same_group = group is not None and group == question.group
            if self._asked[place] == own or same_group or self._asked[place] in seen:
                continue
            seen.add(self._asked[place])
            kept.append(place)
            if len(kept) == k:
                break
        return kept


def _bm25(passages: Sequence[Passage]) -> Any:
    import bm25s

    index = bm25s.BM25()
    index.index(_words([text_to_embed(p) for p in passages]), show_progress=False)
    return index


def _words(texts: Sequence[str]) -> Any:
    """Words of two letters or more. No stop words and no stemmer: both would assume a language."""
    import bm25s

    return bm25s.tokenize(list(texts), stopwords=[], show_progress=False)


def _read_index(folder: Path, key: str, rows: int) -> Any:
    """The stored index; None where there is none, it was built from something else, or it is not whole."""
    import faiss

    try:
        if (folder / "index.key").read_text(encoding="ascii").strip() != key:
            return None
        index = faiss.read_index(str(folder / "index.faiss"))
    except (OSError, ValueError, RuntimeError):  # faiss raises RuntimeError for a file that is missing or torn
        return None
    return index if index.ntotal == rows else None


def _write_index(folder: Path, key: str, index: Any, passages: Sequence[Passage]) -> None:
    """Index and passages first, the key last: a kill in between leaves an index that is built again."""
    import faiss

    (folder / "index.key").unlink(missing_ok=True)
    atomic.write_lines(folder / "index.faiss", (faiss.serialize_index(index).tobytes(),))
    atomic.write_lines(folder / "passages.jsonl", (p.model_dump_json().encode() + b"\n" for p in passages))
    atomic.write(folder / "index.key", key)
