"""The prompted approaches through the real local engine, on a small random model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reports.run.schema import Document, Example, ModelSpec, Question

QUESTIONS = [Question(id=str(i), input=f"where is my card payment number {i}") for i in range(6)]
TRAIN = [Example(id=f"t{i}", input=f"order number {i} was shipped", output="ab"[i % 2]) for i in range(20)]
DOCUMENTS = [Document(id=f"d{i}", text=f"Card payment number {i} is on its way.") for i in range(8)]


@pytest.mark.parametrize("kind", ["zero-shot", "few-shot", "knn-few-shot", "rag", "rag+few-shot"])
def test_every_prompted_kind_answers_on_a_real_model(world: Any, tiny_model: Path, kind: str) -> None:
    from baselines.models.local import load

    world.model = load(ModelSpec(id=str(tiny_model)), device="cpu")
    resources = world.resources(train=TRAIN, documents=DOCUMENTS, questions=QUESTIONS)
    approach = world.make(kind, {}, resources)
    replies = world.answers(approach, QUESTIONS)
    assert {reply.status for reply in replies.values()} <= {"ok", "truncated"}
    for question in QUESTIONS:
        reply = replies[question.id]
        assert reply.prompt_tokens <= world.model.context_length
        assert reply.prompt.count(question.input) == 1
        assert bool(reply.passages) == ("rag" in kind)
    alone = approach.answer_one(QUESTIONS[0])
    assert (alone.text, alone.prompt) == (replies["0"].text, replies["0"].prompt)
    assert alone.ttft_seconds > 0
