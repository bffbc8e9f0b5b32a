"""Floor, recorded answers and the classifier: what uses no language model."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from baselines.contract import NotApplicable
from reports.errors import DataError
from reports.run.schema import Example, Question, Task

LABELS = Task(type="classification", labels=("a", "b"))


def _questions(*inputs: str) -> list[Question]:
    return [Question(id=str(i), input=text) for i, text in enumerate(inputs)]


# --- floor --------------------------------------------------------------------------------------------


def test_the_floor_says_the_most_frequent_training_label(world: Any) -> None:
    train = [Example(id=str(i), input=f"x {i}", output="b" if i < 3 else "a") for i in range(5)]
    questions = _questions("one", "two")
    replies = world.answers(world.make("floor", {}, world.resources(train=train, questions=questions)), questions)
    assert [reply.text for reply in replies.values()] == ["b", "b"]


def test_the_floor_without_training_data_says_the_first_label(world: Any) -> None:
    questions = _questions("one")
    assert world.answers(world.make("floor", {}, world.resources(questions=questions)), questions)["0"].text == "a"
    with pytest.raises(NotApplicable, match="which labels there are"):
        world.make("floor", {}, world.resources(task=Task(type="classification")))


@pytest.mark.parametrize(
    ("task_type", "text"),
    [
        ("summarization", "First part. Second part? Third part!"),
        ("generation", "First part. Second part? Third part! Fourth part."),
        ("extraction", "First part. Second part? Third part! Fourth part."),
        ("qa", "In Bonn lives a man"),
    ],
)
def test_the_floor_of_open_tasks_without_training_data(world: Any, task_type: Any, text: str) -> None:
    context = {"passage": "In Bonn lives a man of eighty."}
    question = Question(id="0", input="First part. Second part? Third part! Fourth part.", context=context)
    resources = world.resources(task=Task(type=task_type), questions=[question], metrics=("token-f1",))
    assert world.answers(world.make("floor", {}, resources), [question])["0"].text == text


@pytest.mark.parametrize(
    ("output", "metric", "rule", "answer"),
    [
        (lambda i: f"{i} apples and {i + 1} pears", "token-f1", "copy", "7 apples and 8 pears"),
        (lambda i: str(i + 1), "exact-match", "last-number", "8"),
        (lambda i: '{"fruit": "apple"}', "json-fields", "most-frequent", '{"fruit": "apple"}'),
    ],
)
def test_the_floor_takes_the_rule_that_does_best_on_training_data(
    world: Any, output: Any, metric: str, rule: str, answer: str
) -> None:
    train = [Example(id=str(i), input=f"{i} apples and {i + 1} pears", output=output(i)) for i in range(20)]
    questions = _questions("7 apples and 8 pears")
    task = Task(type="generation")
    approach = world.make("floor", {}, world.resources(task=task, train=train, questions=questions, metrics=(metric,)))
    assert approach.facts == {"rule": rule}
    assert world.answers(approach, questions)["0"].text == answer


def test_the_floor_judges_by_token_f1_where_the_metric_is_heavy(world: Any) -> None:
    train = [Example(id=str(i), input=f"the {i}. more words", output=f"the {i}.") for i in range(5)]
    resources = world.resources(task=Task(type="generation"), train=train, metrics=("rougeL",))
    assert world.make("floor", {}, resources).facts == {"rule": "lead-1"}


# --- recorded -----------------------------------------------------------------------------------------


def _recorded(world: Any, tmp_path: Path, rows: list[dict[str, str]], questions: list[Question], **options: str) -> Any:
    with (tmp_path / "outputs.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    resources = world.resources(questions=questions, base_folder=tmp_path)
    return world.make("recorded", {"path": "outputs.csv", **options}, resources)


def test_recorded_answers_are_joined_by_id_and_a_missing_one_is_a_failure(world: Any, tmp_path: Path) -> None:
    questions = _questions("one", "two", "three")
    rows = [{"ticket": "0", "output": "a"}, {"ticket": "2", "output": ""}, {"ticket": "9", "output": "b"}]
    approach = _recorded(world, tmp_path, rows, questions, answer="output", id="ticket")
    replies = world.answers(approach, questions)
    assert [(r.text, r.status, r.error) for r in (replies[str(i)] for i in range(3))] == [
        ("a", "ok", None),
        ("", "error", "no recorded answer"),
        ("", "ok", None),
    ]
    warnings = [event.text for event in world.events if event.kind == "warned"]
    assert warnings == ["outputs.csv has no answer for 1 of 3 cases: 1"]
    assert approach.facts == {"joined by": "id", "answers": 2, "unused": 1}


def test_recorded_answers_are_joined_by_input(world: Any, tmp_path: Path) -> None:
    questions = _questions("one", "two")
    rows = [{"question": "Two ", "output": "b"}, {"question": "ONE", "output": "a"}]
    replies = world.answers(_recorded(world, tmp_path, rows, questions), questions)
    assert [replies["0"].text, replies["1"].text] == ["a", "b"]


def test_a_recording_of_other_cases_is_refused(world: Any, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"outputs\.csv"):
        _recorded(world, tmp_path, [{"id": "x", "output": "a"}], _questions("one"))


def test_the_recordings_fingerprint_follows_its_answers(world: Any, tmp_path: Path) -> None:
    questions = _questions("one")
    first = _recorded(world, tmp_path, [{"id": "0", "output": "a"}], questions).fingerprint()
    assert _recorded(world, tmp_path, [{"id": "0", "output": "a"}], questions).fingerprint() == first
    assert _recorded(world, tmp_path, [{"id": "0", "output": "b"}], questions).fingerprint() != first


def test_recorded_predictions_of_xquad_with_missing_ids(world: Any, shared_data: Path) -> None:
    folder = shared_data / "xquad_en_de/raw"
    nested = json.loads((folder / "google-deepmind__xquad/xquad.en.json").read_text())
    rows = [qa for item in nested["data"] for paragraph in item["paragraphs"] for qa in paragraph["qas"]]
    questions = [Question(id=qa["id"], input=qa["question"]) for qa in rows]
    path = "rajpurkar__SQuAD-explorer/models/1.1/Logistic Regression Baseline (Stanford University).json"
    resources = world.resources(task=Task(type="qa"), questions=questions, base_folder=folder)
    replies = world.answers(world.make("recorded", {"path": path}, resources), questions)
    assert (len(replies), sum(reply.status == "error" for reply in replies.values())) == (1190, 2)


# --- classifier ---------------------------------------------------------------------------------------


def _train(n: int) -> list[Example]:
    words = {"a": ["apple", "pear", "plum"], "b": ["car", "train", "bike"]}
    return [
        Example(id=str(i), input=f"I see one {words['ab'[i % 2]][i % 3]} here {i}", output="ab"[i % 2])
        for i in range(n)
    ]


@pytest.mark.parametrize("n", [12, 120])
def test_the_classifier_learns_from_training_data(world: Any, n: int) -> None:
    questions = _questions("an apple", "a train", "the plum here", "my bike")
    approach = world.make("classifier", {}, world.resources(task=LABELS, train=_train(n), questions=questions))
    replies = world.answers(approach, questions)
    assert [replies[str(i)].text for i in range(4)] == ["a", "b", "a", "b"]
    assert approach.facts["examples"] == n
    assert ("dev accuracy" in approach.facts) == (n == 120)


def test_the_runs_own_dev_split_chooses_and_then_trains_too(world: Any) -> None:
    train = _train(100)
    approach = world.make("classifier", {}, world.resources(task=LABELS, train=train[:80], dev=train[80:]))
    assert (approach.facts["dev examples"], approach.facts["examples"]) == (20, 100)


def test_the_classifier_trains_twice_the_same(world: Any) -> None:
    questions = [Question(id=e.id, input=f"{e.input} again") for e in _train(60)]
    resources = world.resources(task=LABELS, train=_train(60), questions=questions)
    first, second = world.make("classifier", {}, resources), world.make("classifier", {}, resources)
    assert first.fingerprint() == second.fingerprint()
    assert world.answers(first, questions) == world.answers(second, questions)
    assert first.facts == second.facts


def test_the_classifier_reads_the_context_too(world: Any) -> None:
    train = [
        Example(id=str(i), input="is it so", output="ab"[i % 2], context={"abstract": f"{('yes', 'no')[i % 2]} {i}"})
        for i in range(20)
    ]
    questions = [Question(id=str(i), input="is it so", context={"abstract": ("yes", "no")[i]}) for i in range(2)]
    replies = world.answers(world.make("classifier", {}, world.resources(train=train, questions=questions)), questions)
    assert [replies["0"].text, replies["1"].text] == ["a", "b"]


def test_one_label_is_nothing_to_tell_apart(world: Any) -> None:
    with pytest.raises(NotApplicable, match="only one label"):
        world.make("classifier", {}, world.resources(task=LABELS, train=[Example(id="1", input="x", output="a")]))
