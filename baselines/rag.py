"""Answers from retrieved passages: chunk the documents, embed, search, put the best passages before the question.

    approach = rag(ApproachSpec(name="rag", kind="rag", options={"passages": 4, …}), resources)

`Retriever` is also what fine-tuning with retrieval trains on: the passages of a training input are found by the same
search, distractors included. Which passages each answer saw is kept with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from baselines import chunking, retrieval
from baselines.chunking import Splitting, chunk_all
from baselines.contract import Emit, Resources
from baselines.models.contract import Embedder
from baselines.prompting import FewShot, Material, PromptedApproach, Prompting, ZeroShot, progress
from baselines.retrieval import PassageIndex, build
from baselines.vectors import FOLDER
from reports.errors import DataError
from reports.run.events import Progressed
from reports.run.fingerprint import of_texts, of_value
from reports.run.naming import file_name
from reports.run.schema import ApproachSpec, Passage, Question


class Retriever:
    """The documents of a run, searchable."""

    def __init__(self, name: str, options: Mapping[str, Any], resources: Resources) -> None:
        """`options`: passages, search, chunk_tokens, overlap_tokens, as the registry resolves them."""
        self._name = name
        self._resources = resources
        self.count = int(options["passages"])
        self._search: retrieval.Search = options["search"]
        self._splitting = Splitting(int(options["chunk_tokens"]), int(options["overlap_tokens"]))
        self._index: PassageIndex | None = None

    @property
    def folder(self) -> Path:
        """Where the index of this approach is kept."""
        return self._resources.artifacts / file_name(self._name) / "index"

    def prepare(self, emit: Emit) -> None:
        """Chunks and indexes, or finds the index again. Raises DataError where the documents hold no text."""
        if self._index is not None:
            return
        documents = self._resources.documents
        emit(Progressed(approach=self._name, what="cutting the documents into passages", total=len(documents)))
        embedder = self._embedder()
        passages = chunk_all(documents, self._splitting, getattr(embedder, "tokenizer", None))
        if not passages:
            raise DataError("the documents hold no text to retrieve from", "check `data.documents` in the project")
        self._index = build(
            passages,
            embedder,
            self._search,
            folder=self.folder,
            vectors=self._resources.artifacts / FOLDER,
            progress=progress(emit, self._name, "embedding the passages"),
        )

    def search(self, texts: Sequence[str], count: int | None = None) -> list[tuple[Passage, ...]]:
        """The best passages of each text, best first."""
        if self._index is None:
            self.prepare(lambda event: None)
        assert self._index is not None
        return self._index.search(texts, self.count if count is None else count)

    def fingerprint(self) -> str:
        """Of documents, splitting, search, embedder and the code's versions."""
        documents = of_texts(t for d in self._resources.documents for t in (d.id, d.title, d.source, d.text))
        return of_value(
            {
                "documents": documents,
                "splitting": self._splitting,
                "search": self._search,
                "count": self.count,
                "embedder": embedder.fingerprint if (embedder := self._embedder()) else None,
                "versions": [chunking.VERSION, retrieval.VERSION],
            }
        )

    def _embedder(self) -> Embedder | None:
        """None for lexical search, which works on a machine without an embedding model."""
        return None if self._search == "lexical" else self._resources.embedder()


class WithPassages:
    """Adds retrieved passages to the material of another prompting."""

    def __init__(self, retriever: Retriever, inner: Prompting) -> None:
        self.retriever = retriever
        self.inner = inner

    def prepare(self, emit: Emit) -> None:
        self.retriever.prepare(emit)
        self.inner.prepare(emit)

    def material(self, questions: Sequence[Question]) -> list[Material]:
        found = self.retriever.search([question.input for question in questions])
        return [
            Material(examples=base.examples, passages=passages, shared=base.shared)
            for base, passages in zip(self.inner.material(questions), found, strict=True)
        ]

    def fingerprint(self) -> str:
        return of_value({"passages": self.retriever.fingerprint(), "inner": self.inner.fingerprint()})


def rag(spec: ApproachSpec, resources: Resources) -> PromptedApproach:
    """Kind `rag`."""
    return PromptedApproach(spec, resources, WithPassages(Retriever(spec.name, spec.options, resources), ZeroShot()))


def rag_few_shot(spec: ApproachSpec, resources: Resources) -> PromptedApproach:
    """Kind `rag+few-shot`: fixed examples without passages of their own, then the passages, then the question."""
    few = FewShot(resources, int(spec.options["shots"]))
    return PromptedApproach(spec, resources, WithPassages(Retriever(spec.name, spec.options, resources), few))
