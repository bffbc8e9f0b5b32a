"""Fakes at the boundary of the approaches: a model that answers by a function, an embedder of hashed words."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from baselines.contract import Resources
from baselines.models.contract import Decoding, Generation
from baselines.prompts import Prompt
from reports.run.schema import ApproachSpec, DataFacts, Document, Example, Question, RunSpec, Task


class FakeModel:
    """Answers what `says` makes of the prompt; a token is a word. Hands answers over in twos, the last ones first."""

    device = "cpu"

    def __init__(self, says: Callable[[str], str], context_length: int = 10_000) -> None:
        self.name = "fake"
        self.fingerprint = "fake-1"
        self.says = says
        self.context_length = context_length
        self.prompts: list[str] = []

    def generate(self, prompts: Sequence[Prompt], decoding: Decoding) -> Iterator[list[Generation]]:
        order = list(range(len(prompts)))[::-1]
        for start in range(0, len(order), 2):
            yield [self._one(i, prompts[i]) for i in order[start : start + 2]]

    def generate_one(self, prompt: Prompt, decoding: Decoding) -> Generation:
        return self._one(0, prompt)

    def count_tokens(self, text: str) -> int:
        return len(text.split())

    def with_adapter(self, folder: Path) -> FakeModel:
        return self

    def _one(self, index: int, prompt: Prompt) -> Generation:
        self.prompts.append(prompt.text)
        text = self.says(prompt.text)
        if text == "FAIL":
            return Generation(index, status="error", error="the fake failed")
        return Generation(index, text, prompt_tokens=self.count_tokens(prompt.text), completion_tokens=1)


class WordEmbedder:
    """Unit vectors of hashed words: texts that share words are near. Counts the texts that it embedded."""

    name = "words"
    fingerprint = "words-1"
    max_tokens = 256
    tokenizer = None

    def __init__(self) -> None:
        self.embedded = 0

    def embed(self, texts: Sequence[str], *, query: bool = False) -> np.ndarray:
        self.embedded += len(texts)
        vectors = np.zeros((len(texts), 64), dtype=np.float32)
        for row, text in enumerate(texts):
            for word in re.findall(r"\w+", text.casefold()) or ["-"]:
                vectors[row, int(hashlib.sha256(word.encode()).hexdigest(), 16) % 64] += 1
        unit: np.ndarray = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return unit


class World:
    """Builds the resources of a job from a few plain values."""

    def __init__(self, artifacts: Path) -> None:
        self.artifacts = artifacts
        self.embedder = WordEmbedder()
        self.model = FakeModel(lambda prompt: "answer")
        self.events: list[Any] = []

    def resources(
        self,
        *,
        task: Task | None = None,
        train: Sequence[Example] = (),
        dev: Sequence[Example] = (),
        documents: Sequence[Document] = (),
        questions: Sequence[Question] = (),
        metrics: tuple[str, ...] = ("accuracy",),
        base_folder: Path = Path(),
    ) -> Resources:
        task = task or Task(type="classification", instruction="Name it.", labels=("a", "b"))
        facts = DataFacts(
            eval_cases=len(questions), train_examples=len(train), dev_examples=len(dev), documents=len(documents)
        )
        run = RunSpec(name="test", task=task, metrics=metrics, approaches=(), data=facts)
        return Resources(
            spec=run,
            train=train,
            dev=dev,
            documents=documents,
            artifacts=self.artifacts,
            model=lambda spec: self.model,
            embedder=lambda: self.embedder,
            questions=questions,
            base_folder=base_folder,
        )

    def make(self, kind: str, options: dict[str, Any], resources: Resources) -> Any:
        """A prepared approach of the registry."""
        from baselines.registry import create

        approach = create(ApproachSpec(name=kind, kind=kind, options=options), resources)
        approach.prepare(self.events.append)
        return approach

    def answers(self, approach: Any, questions: Sequence[Question]) -> dict[str, Any]:
        """Case to reply; every question exactly once."""
        replies = [reply for batch in approach.answer(questions) for reply in batch]
        assert sorted(r.case for r in replies) == sorted(q.id for q in questions)
        return {reply.case: reply for reply in replies}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "artifacts")
