"""Documents to passages: cut at the largest unit of meaning that fits, sections before paragraphs before sentences.

    passages = chunk(document, Splitting(chunk_tokens=128, overlap_tokens=24), embedder.tokenizer)

A chunk is a verbatim slice of its document. Lengths are tokens of the embedding model; without a tokenizer four
characters count as one. Knows nothing of search.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reports.run.schema import Document, Passage

if TYPE_CHECKING:
    from tokenizers import Tokenizer

CHARACTERS_PER_TOKEN = 4
MARKDOWN = (".md", ".markdown", ".mdx")
VERSION = 1
"""Raised with every change that moves a boundary."""


@dataclass(frozen=True)
class Splitting:
    """How long a chunk may be and how much it repeats of the one before."""

    chunk_tokens: int
    overlap_tokens: int


def chunk(document: Document, splitting: Splitting, tokenizer: Tokenizer | None) -> list[Passage]:
    """The passages of one document in order; none for a document without text."""
    splitter = _splitter(splitting, tokenizer, document.source.lower().endswith(MARKDOWN))
    return list(_passages(document, splitter))


def chunk_all(documents: Sequence[Document], splitting: Splitting, tokenizer: Tokenizer | None) -> list[Passage]:
    """The passages of many documents, in the documents' order."""
    splitters = {markdown: _splitter(splitting, tokenizer, markdown) for markdown in (False, True)}
    return [
        passage
        for document in documents
        for passage in _passages(document, splitters[document.source.lower().endswith(MARKDOWN)])
    ]


def _passages(document: Document, splitter: Any) -> Iterator[Passage]:
    for index, text in enumerate(splitter.chunks(document.text)):
        yield Passage(document=document.id, index=index, text=text, title=document.title)


def _splitter(splitting: Splitting, tokenizer: Tokenizer | None, markdown: bool) -> Any:
    from semantic_text_splitter import MarkdownSplitter, TextSplitter

    kind = MarkdownSplitter if markdown else TextSplitter
    if tokenizer is not None:
        return kind.from_huggingface_tokenizer(tokenizer, splitting.chunk_tokens, splitting.overlap_tokens)
    return kind(splitting.chunk_tokens * CHARACTERS_PER_TOKEN, splitting.overlap_tokens * CHARACTERS_PER_TOKEN)
