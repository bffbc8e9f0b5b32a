"""Chunks, the three kinds of search, stored indexes, RAG prompts, and recall on real articles."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import pytest

from baselines.chunking import Splitting, chunk, chunk_all
from baselines.kinds import KINDS
from baselines.rag import Retriever
from baselines.retrieval import PassageIndex, Search, build, fuse
from baselines.scoring.retrieval import Corpus, Span, counts_for
from reports.errors import DataError, EnvironmentFault
from reports.run.schema import Document, Example, Passage, Question, Task
from tests import xquad

if TYPE_CHECKING:
    from baselines.embedding import TextEmbedder

HANDBOOK = [
    Document(id="warranty", text="The warranty of the kettle lasts two years.", title="Kettle"),
    Document(id="toaster", text="The toaster has six levels of browning.", title="Toaster"),
    Document(id="hours", text="The shop opens at nine and closes at six.", title="Shop"),
]
DEFAULTS = {option.name: option.default for option in KINDS["rag"].options}


def _passages(documents: list[Document]) -> list[Passage]:
    return chunk_all(documents, Splitting(64, 8), None)


def test_chunks_are_slices_of_their_document() -> None:
    text = "\n\n".join(f"Paragraph {i} speaks of thing {i}. It says more about it." for i in range(40))
    chunks = chunk(Document(id="d", text=text, title="T"), Splitting(50, 10), None)
    assert [c.index for c in chunks] == list(range(len(chunks)))
    assert all(c.text in text and c.title == "T" and c.document == "d" for c in chunks)
    assert all(len(c.text) <= 200 for c in chunks)
    assert all(f"thing {i}." in " ".join(c.text for c in chunks) for i in range(40))


def test_markdown_is_cut_at_its_headings() -> None:
    text = "# One\n\nfirst words here\n\n# Two\n\nsecond words here\n"
    chunks = chunk(Document(id="d", text=text, source="a.md"), Splitting(8, 0), None)
    assert [c.text.splitlines()[0] for c in chunks] == ["# One", "# Two"]


def test_an_empty_document_has_no_chunks() -> None:
    assert chunk(Document(id="d", text=" \n "), Splitting(50, 10), None) == []


@pytest.mark.parametrize("search", get_args(Search))
def test_each_search_finds_what_shares_words(world: Any, tmp_path: Path, search: Any) -> None:
    index = build(_passages(HANDBOOK), world.embedder, search, folder=tmp_path / "i", vectors=tmp_path / "v")
    found = index.search(["how long is the warranty of the kettle", "when does the shop close at six"], 2)
    assert [passages[0].document for passages in found] == ["warranty", "hours"]
    assert all(p.score is not None and p.score > 0 for passages in found for p in passages[:1])
    assert index.search([], 2) == []
    assert all(len(passages) <= 3 for passages in index.search(["the"], 50))


def test_lexical_search_returns_no_passage_without_a_common_word(world: Any, tmp_path: Path) -> None:
    index = build(_passages(HANDBOOK), world.embedder, "lexical", folder=tmp_path / "i", vectors=tmp_path / "v")
    assert index.search(["zebra"], 2) == [()]
    assert world.embedder.embedded == 0


def test_fusion_prefers_what_both_rankings_like() -> None:
    assert fuse([[1, 2, 3], [2, 4, 1]]) == [2, 1, 4, 3]
    assert fuse([[], [5]]) == [5]


def test_an_index_is_found_again_until_something_changes(world: Any, tmp_path: Path) -> None:
    def built(documents: list[Document]) -> PassageIndex:
        return build(
            _passages(documents), world.embedder, "dense", folder=tmp_path / "index", vectors=tmp_path / "vectors"
        )

    built(HANDBOOK)
    for file in (tmp_path / "vectors").iterdir():
        file.unlink()
    built(HANDBOOK)
    assert world.embedder.embedded == 3
    stored = [json.loads(line) for line in (tmp_path / "index" / "passages.jsonl").read_text().splitlines()]
    assert [s["document"] for s in stored] == ["warranty", "toaster", "hours"]
    built(HANDBOOK[:2])
    assert world.embedder.embedded == 5
    (tmp_path / "index" / "index.faiss").write_bytes(b"torn")
    assert built(HANDBOOK[:2]).dense.ntotal == 2


def test_rag_answers_from_the_passages_and_keeps_them(world: Any) -> None:
    questions = [Question(id="w", input="how long is the warranty of the kettle")]
    resources = world.resources(task=Task(type="qa"), documents=HANDBOOK, questions=questions)
    reply = world.answers(world.make("rag", {"passages": 2}, resources), questions)["w"]
    assert reply.prompt.startswith("Passage 1: The warranty of the kettle lasts two years.\n\nPassage 2: ")
    assert len(reply.passages) == 2
    assert reply.passages[0].document == "warranty"


def test_lexical_rag_needs_no_embedding_model(world: Any) -> None:
    def missing() -> Any:
        raise EnvironmentFault("no embedding model")

    questions = [Question(id="w", input="how long is the warranty")]
    resources = replace(world.resources(documents=HANDBOOK, questions=questions), embedder=missing)
    approach = world.make("rag", {"search": "lexical"}, resources)
    assert world.answers(approach, questions)["w"].passages[0].document == "warranty"
    assert approach.fingerprint()
    with pytest.raises(EnvironmentFault):
        world.make("rag", {"search": "dense"}, resources)


def test_rag_with_examples_puts_them_first(world: Any) -> None:
    questions = [Question(id="w", input="kettle warranty")]
    train = [Example(id="1", input="toaster levels", output="six")]
    resources = world.resources(task=Task(type="qa"), documents=HANDBOOK, questions=questions, train=train)
    reply = world.answers(world.make("rag+few-shot", {"passages": 1}, resources), questions)["w"]
    assert reply.prompt.startswith("Input: toaster levels\nAnswer: six\n\nPassage 1: The warranty")


def test_documents_without_text_are_one_clear_error(world: Any) -> None:
    resources = world.resources(documents=[Document(id="d", text=" ")])
    with pytest.raises(DataError, match="hold no text"):
        world.make("rag", {}, resources)


def test_the_fingerprint_follows_documents_and_options(world: Any) -> None:
    base = Retriever("rag", DEFAULTS, world.resources(documents=HANDBOOK)).fingerprint()
    assert Retriever("other", DEFAULTS, world.resources(documents=HANDBOOK)).fingerprint() == base
    assert Retriever("rag", DEFAULTS, world.resources(documents=HANDBOOK[:2])).fingerprint() != base
    assert Retriever("rag", {**DEFAULTS, "search": "dense"}, world.resources(documents=HANDBOOK)).fingerprint() != base


@pytest.mark.parametrize(
    ("start", "end", "counts"),
    [(120, 150, True), (0, 500, True), (150, 250, True), (160, 300, False), (200, 300, False), (300, 400, False)],
)
def test_a_chunk_counts_for_the_passage_it_shares_half_with(start: int, end: int, counts: bool) -> None:
    assert counts_for(Span("d", start, end), Span("d", 100, 200)) is counts
    assert not counts_for(Span("e", start, end), Span("d", 100, 200))


def test_a_reference_in_the_passages() -> None:
    assert xquad.holds_reference(["It is  in BONN."], ["in Bonn", "x"])
    assert not xquad.holds_reference(["Berlin"], ["Bonn", ""])


def test_recall_on_real_articles(world: Any, shared_data: Path) -> None:
    """XQuAD's 48 articles, cut by our defaults; given the 240 paragraphs themselves, dense search reaches .977."""
    from baselines.embedding import PACKAGE, load_embedder

    pytest.importorskip(PACKAGE, reason="the extra `offline` is not installed")
    corpus = xquad.read(shared_data / "xquad_en_de" / "corpus_en")
    documents, asked = corpus.documents, corpus.asked
    located = Corpus(documents)
    world.embedder = Remembering(load_embedder("auto"))
    for search, least in (("dense", 0.95), ("hybrid", 0.97)):
        retriever = Retriever(search, {**DEFAULTS, "search": search}, world.resources(documents=documents))
        found = retriever.search([row["question"] for row in asked], 4)
        hits = [
            any(counts_for(corpus.span_of(p), corpus.gold[row["relevant_doc_ids"][0]]) for p in passages)
            for row, passages in zip(asked, found, strict=True)
        ]
        assert sum(hits) / len(hits) >= least, search
        scored = [
            located.recall(passages, [corpus.paragraphs[row["relevant_doc_ids"][0]]])
            for row, passages in zip(asked, found, strict=True)
        ]
        assert scored == [float(hit) for hit in hits]
    assert len(asked) == 1190


class Remembering:
    """Embeds each text once, though two kinds of search ask for it."""

    def __init__(self, inner: TextEmbedder) -> None:
        self.inner = inner
        self.name, self.fingerprint, self.max_tokens = inner.name, inner.fingerprint, inner.max_tokens
        self.tokenizer = inner.tokenizer
        self.known: dict[str, np.ndarray] = {}

    def embed(self, texts: Sequence[str], *, query: bool = False) -> np.ndarray:
        new = [text for text in dict.fromkeys(texts) if text not in self.known]
        self.known.update(zip(new, self.inner.embed(new, query=query), strict=True))
        return np.stack([self.known[text] for text in texts])
