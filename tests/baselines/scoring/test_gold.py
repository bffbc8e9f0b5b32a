"""Retrieval against the passages that the data mark: where they come from, what counts as found, what is reported."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from baselines.dataset import load_cases
from baselines.scoring.gold import retrieval_scores
from baselines.scoring.retrieval import Corpus
from baselines.source import Source
from reports.errors import DataError
from reports.run.schema import (
    Answer,
    ApproachSpec,
    Case,
    DataFacts,
    Document,
    Environment,
    Finished,
    Passage,
    Question,
    RunHeader,
    RunSpec,
    Score,
    Task,
)
from reports.run.store import RunStore
from reports.summary import summarise

FIRST, SECOND = "The tower is ninety metres high.", "It was built in 1889 by a firm of engineers."
DOCUMENTS = [Document(id="tower", text=f"{FIRST}\n\n{SECOND}"), Document(id="bridge", text="A bridge of iron.")]


def passage(text: str, document: str = "tower") -> Passage:
    return Passage(document=document, index=0, text=text)


@pytest.mark.parametrize(
    ("found", "gold", "recall"),
    [
        ([passage("built in 1889 by a firm")], [SECOND], 1.0),
        ([passage(f"{FIRST}\n\n{SECOND}")], [FIRST, SECOND], 1.0),
        ([passage(FIRST), passage("A bridge of iron.", "bridge")], [FIRST, SECOND], 0.5),
        ([passage("A bridge of iron.", "bridge")], [FIRST], 0.0),
        ([passage("The  tower is\nninety metres high.")], [FIRST.replace(" ", "\n")], 1.0),
        ([passage(FIRST)], ["stands in no document"], None),
        ([passage(FIRST)], [FIRST, "stands in no document"], 1.0),
    ],
)
def test_a_chunk_counts_for_the_gold_passage_that_it_lies_in_or_holds(
    found: list[Passage], gold: list[str], recall: float | None
) -> None:
    assert Corpus(DOCUMENTS).recall(found, gold) == recall


@pytest.mark.parametrize(
    ("said", "gold", "context"),
    [
        ({}, (FIRST,), {}),
        ({"gold": []}, (), {}),
        ({"gold": "proof"}, (SECOND,), {}),
        ({"context": ["context"]}, (), {"context": FIRST}),
    ],
)
def test_the_passage_of_a_row_is_gold_where_the_project_has_documents(
    tmp_path: Path, said: dict[str, Any], gold: tuple[str, ...], context: dict[str, str]
) -> None:
    rows = [{"question": f"how high {n}", "answer": "ninety", "context": FIRST, "proof": SECOND} for n in range(3)]
    (tmp_path / "eval.json").write_text(json.dumps(rows))
    source = Source.model_validate({"path": "eval.json"} | said)
    with_documents = load_cases(source, "qa", tmp_path, own_passages=False).items[0]
    assert (with_documents.gold_passages, with_documents.question.context) == (gold, context)


def test_without_documents_the_passage_is_read_and_nothing_is_searched(tmp_path: Path) -> None:
    rows = [{"question": f"how high {n}", "answer": "ninety", "context": FIRST} for n in range(3)]
    (tmp_path / "eval.json").write_text(json.dumps(rows))
    case = load_cases(Source(path="eval.json"), "qa", tmp_path).items[0]
    assert (case.gold_passages, case.question.context) == ((), {"context": FIRST})


def test_a_gold_column_that_is_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "eval.csv").write_text("question,answer\nhow high,ninety\n")
    with pytest.raises(DataError, match="evidence"):
        load_cases(Source(path="eval.csv", gold=("evidence",)), "qa", tmp_path)


def stored(
    folder: Path, cases: list[Case], documents: list[Document], answers: dict[str, tuple[Passage, ...]]
) -> RunStore:
    """A finished run of one `rag` that was given these passages; open for writing."""
    facts = DataFacts(eval_cases=len(cases), train_examples=0, dev_examples=0, documents=len(documents))
    approaches = tuple(ApproachSpec(name=kind, kind=kind) for kind in ("zero-shot", "rag"))
    spec = RunSpec(name="r", task=Task(type="qa"), metrics=("exact-match",), approaches=approaches, data=facts)
    where = Environment(python="3", platform="x", packages={}, device="cpu")
    header = RunHeader(run="r", started="2026-01-02T03:04:05Z", spec=spec, environment=where)
    store = RunStore.create(folder, header, cases, documents=documents)
    for kind in ("zero-shot", "rag"):
        for case, passages in answers.items():
            store.append_answer(Answer(case=case, approach=kind, passages=passages if kind == "rag" else ()))
            store.append_score(Score(case=case, approach=kind, metric="exact-match", version=1, value=0.0))
    store.finish(Finished(finished="2026-01-02T03:05:05Z", seconds=1))
    return store


def test_cases_without_gold_say_nothing_and_are_not_counted(tmp_path: Path) -> None:
    gold = {"a": (FIRST,), "b": (SECOND,), "c": (), "d": ("nowhere",)}
    cases = [Case(question=Question(id=k, input=k), references=("x",), gold_passages=g) for k, g in gold.items()]
    with stored(tmp_path / "r", cases, DOCUMENTS, dict.fromkeys(gold, (passage(FIRST),))) as store:
        scores = list(retrieval_scores(store, "rag"))
        assert {score.case: score.value for score in scores} == {"a": 1.0, "b": 0.0, "d": None}
        assert [score.unscored for score in scores if score.value is None] == ["its gold passage stands in no document"]
        assert list(retrieval_scores(store, "zero-shot")) == []
        for score in scores:
            store.append_score(score)
        assert list(retrieval_scores(store, "rag")) == []
        found = summarise(store).approach("rag").metrics["retrieval-recall@4"]
    assert (found.value, found.n) == (0.5, 2)
