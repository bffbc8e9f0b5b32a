"""What will run, resolved from project and data: splits, labels, skipped approaches, leaks, defaults, hashes."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from advisor.inspection import describe
from advisor.orchestrator import create
from advisor.plan import Prepared, prepare
from advisor.project import Project
from reports.errors import DataError, EnvironmentFault, UsageError

EVAL = "id,text,label\n" + "".join(f"{n},question {n} of many,{'ab'[n % 2]}\n" for n in range(40))
TRAIN = EVAL.replace("question", "example").replace(",b\n", ",c\n")


def planned(folder: Path, files: dict[str, str] | None = None, **keys: Any) -> Prepared:
    for name, text in ({"eval.csv": EVAL, "train.csv": TRAIN} | (files or {})).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    said: dict[str, Any] = {
        "name": "p",
        "task": {"type": "classification"},
        "data": {"eval": "eval.csv", "train": "train.csv"},
        "approaches": ["floor"],
    }
    return prepare(Project.model_validate(said | keys).model_copy(update={"folder": folder}))


def test_one_file_is_split_the_same_way_whatever_its_order(tmp_path: Path) -> None:
    head, *rows = EVAL.splitlines(keepends=True)
    keys: dict[str, Any] = {"data": {"eval": "eval.csv"}, "approaches": ["floor", "classifier"]}
    first = planned(tmp_path / "a", **keys)
    second = planned(tmp_path / "b", {"eval.csv": head + "".join(rows[::-1])}, **keys)
    parts = [{case.question.id for case in p.cases} for p in (first, second)]
    assert parts[0] == parts[1]
    assert {example.id for example in first.train} == {example.id for example in second.train}
    assert not parts[0] & {example.id for example in (*first.train, *first.dev)}
    assert len(first.cases) + len(first.train) + len(first.dev) == 40
    [note] = [note for note in first.notes if "was split" in note]
    assert f"{len(first.train)} cases to learn from, {len(first.dev)} to tune on, {len(first.cases)} to measure" in note
    assert first.notes == second.notes
    other = planned(tmp_path / "c", seed=1, **keys)
    assert {case.question.id for case in other.cases} != parts[0]


@pytest.mark.parametrize(
    ("data", "approaches", "cases"),
    [
        ({"eval": "eval.csv"}, ["floor"], 40),
        ({"eval": "eval.csv", "split": False}, ["floor", "classifier"], 40),
        ({"eval": "eval.csv", "split": True}, ["floor"], 12),
        ({"eval": "eval.csv", "train": "train.csv"}, ["floor", "classifier"], 40),
    ],
)
def test_a_file_is_split_only_where_something_must_learn_from_it(
    tmp_path: Path, data: dict[str, Any], approaches: list[str], cases: int
) -> None:
    found = planned(tmp_path, data=data, approaches=approaches, task={"type": "classification", "labels": ["a", "b"]})
    assert len(found.cases) == found.spec.data.eval_cases == cases


def test_a_stopping_rule_that_does_not_apply_is_noted_with_its_reason(tmp_path: Path) -> None:
    wanted: dict[str, Any] = {"decision": {"stop_early": True}}
    graded = planned(tmp_path, metrics=["macro-f1"], **wanted)
    assert any("stop_early is not applied" in note and "macro-f1" in note for note in graded.spec.data.notes)
    assert not any("stop_early" in note for note in planned(tmp_path, metrics=["accuracy"], **wanted).notes)


def test_labels_come_from_the_training_data_and_strangers_are_noted(tmp_path: Path) -> None:
    found = planned(tmp_path)
    assert found.spec.task.labels == ("a", "c")
    assert any("'b' (20 cases" in note and "the training data" in note for note in found.notes)


@pytest.mark.parametrize(
    ("labels", "data", "expected"),
    [
        ("from-data", {"eval": "eval.csv"}, ("a", "b")),
        (["b", "a", "z"], {"eval": "eval.csv", "train": "train.csv"}, ("b", "a", "z")),
    ],
)
def test_labels_without_training_data_or_as_said(
    tmp_path: Path, labels: object, data: dict[str, str], expected: tuple[str, ...]
) -> None:
    found = planned(tmp_path, data=data, task={"type": "classification", "labels": labels})
    assert found.spec.task.labels == expected


def test_what_cannot_run_is_skipped_with_its_reason(tmp_path: Path) -> None:
    found = planned(
        tmp_path,
        data={"eval": "eval.csv", "split": False},
        model="org/far",
        approaches=["floor", "zero-shot", "few-shot", "rag", "classifier", "qlora"],
    )
    reasons = {item.name: item.reason for item in found.spec.skipped}
    assert [spec.name for spec in found.spec.approaches] == ["floor", "zero-shot"]
    assert "documents" in reasons["rag"]
    for name in ("few-shot", "classifier", "qlora"):
        assert "training examples" in reasons[name]


def test_without_a_model_its_approaches_are_skipped(tmp_path: Path) -> None:
    reasons = {item.name: item.reason for item in planned(tmp_path, approaches=["floor", "zero-shot"]).spec.skipped}
    assert list(reasons) == ["zero-shot"]
    assert "names none (model)" in reasons["zero-shot"]


def test_a_classifier_needs_a_classification(tmp_path: Path) -> None:
    found = planned(tmp_path, task={"type": "generation"}, approaches=["floor", "classifier"])
    assert [(item.name, "only classifies" in item.reason) for item in found.spec.skipped] == [("classifier", True)]
    assert found.spec.task.labels == ()


def test_ten_examples_are_few_and_nine_are_too_few_for_fine_tuning_alone(tmp_path: Path) -> None:
    for examples, skipped in ((10, []), (9, ["qlora"])):
        rows = "id,text,label\n" + "".join(f"t{n},teach me {n},{'ab'[n % 2]}\n" for n in range(examples))
        found = planned(tmp_path, {"train.csv": rows}, approaches=["few-shot", "classifier", "qlora"], model="demo")
        assert [item.name for item in found.spec.skipped] == skipped
        assert {spec.name for spec in found.spec.approaches} >= {"few-shot", "classifier"}
    assert "at least 10 training examples, and there are 9" in found.spec.skipped[0].reason


def test_one_label_in_the_training_data_skips_the_classifier_alone(tmp_path: Path) -> None:
    rows = "id,text,label\n" + "".join(f"t{n},teach me {n},a\n" for n in range(12))
    found = planned(tmp_path, {"train.csv": rows}, approaches=["floor", "few-shot", "classifier"], model="demo")
    assert [item.name for item in found.spec.skipped] == ["classifier"]
    assert any("all 12 training rows have the label" in finding.text for finding in found.spec.data.findings)


def test_cases_that_stand_in_the_training_data_are_named(tmp_path: Path) -> None:
    found = planned(tmp_path, {"train.csv": TRAIN + "90,question 3 of many,a\n91,Question  5 of many!,c\n"})
    assert found.spec.data.leaked == ("3",)
    assert found.spec.data.leaked_near == ("5",)
    assert {"leaks", "near-leaks"} <= {finding.kind for finding in found.spec.data.findings}


@pytest.mark.parametrize(
    ("longest", "said", "expected"),
    [(1, None, 16), (90, None, 38), (9000, None, 512), (9000, 40, 40)],
)
def test_the_longest_answer_has_room_for_the_longest_reference(
    tmp_path: Path, longest: int, said: int | None, expected: int
) -> None:
    rows = f"id,input,output\n1,x y,{'w' * longest}\n2,z w,b\n"
    found = planned(
        tmp_path,
        {"eval.csv": rows},
        task={"type": "generation"},
        data={"eval": "eval.csv"},
        max_answer_tokens=said,
    )
    assert found.spec.max_answer_tokens == expected


def test_every_file_that_decides_the_run_is_hashed(tmp_path: Path) -> None:
    files = {"docs/a.txt": "A text.", "docs/b.md": "# B\n\nAnother.", "out.csv": "id,output\n1,a\n"}
    keys: dict[str, Any] = {
        "data": {"eval": "eval.csv", "train": "train.csv", "dev": "train.csv", "documents": "docs"},
        "approaches": ["floor", {"recorded": {"as": "old", "path": "out.csv"}}],
    }
    found = planned(tmp_path, files, **keys).spec.data
    assert sorted(found.files) == ["dev", "documents", "eval", "recorded old", "train"]
    assert found.files["eval"] == hashlib.sha256(EVAL.encode()).hexdigest()
    assert found.documents == 2
    for role, name in (("documents", "docs/a.txt"), ("recorded old", "out.csv"), ("eval", "eval.csv")):
        changed = {"docs/a.txt": "B text.", "out.csv": "id,output\n1,b\n", "eval.csv": EVAL.replace("many", "all")}
        again = planned(tmp_path, {**files, name: changed[name]}, **keys).spec.data.files
        assert {r for r in again if again[r] != found.files[r]} == {role}


def test_files_of_a_pattern_are_hashed_together(tmp_path: Path) -> None:
    files = {"e1.csv": EVAL, "e2.csv": EVAL.replace("question", "request")}
    keys: dict[str, Any] = {"data": {"eval": {"path": "e*.csv", "id": ""}, "split": False}}
    found = planned(tmp_path, files, **keys).spec.data
    assert found.eval_cases == 80
    changed = planned(tmp_path, {**files, "e2.csv": EVAL.replace("question", "wish")}, **keys).spec.data
    assert changed.files["eval"] != found.files["eval"]


@pytest.mark.parametrize(
    ("keys", "error", "said"),
    [
        ({"interview": {"reasoning": "maybe"}}, UsageError, "interview.reasoning"),
        ({"metrics": ["python:nowhere.py:score"]}, UsageError, "nowhere.py"),
        ({"approaches": ["rag"]}, DataError, "no approach can run: rag: "),
        ({"approaches": ["floor", {"recorded": {"path": "nowhere.csv"}}]}, DataError, "nowhere.csv"),
        ({"decision": {"baseline": "nothing"}}, UsageError, "decision.baseline"),
    ],
)
def test_what_cannot_be_planned_is_named(
    tmp_path: Path, keys: dict[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        planned(tmp_path, **keys)


def test_every_default_stands_in_the_description(tmp_path: Path) -> None:
    found = planned(tmp_path, model="org/far", approaches=["floor", {"few-shot": {"shots": 3}}, "qlora", "rag"])
    text = "\n".join(describe(found))
    for said in (
        "p: classification, decided by accuracy (also macro-f1)",
        "instruction: Name the category of the input.",
        "labels (2): a, c",
        "40 cases, 40 training examples, 0 documents",
        "will run floor",
        "will run few-shot: shots 3, model org/far",
        "rank 16, alpha 32",
        "learning_rate 0.0002",
        "epochs 3",
        "will skip rag: it needs documents",
        "greedy, at most 16 tokens; seed 0; latency pass: 72 requests",
        "embedding model auto",
        "margin 0.02",
        "queries_per_day 1000",
        "utilisation 0.3",
        "40 cases can show a difference of",
    ):
        assert said in text, said


def test_several_labels_a_case_are_asked_for_as_such(tmp_path: Path) -> None:
    several = EVAL.replace(",a\n", ",a|b\n")
    assert planned(tmp_path / "several", {"eval.csv": several, "train.csv": several}).spec.task.several_labels
    assert not planned(tmp_path / "one").spec.task.several_labels


def test_a_model_folder_without_weights_is_refused_before_anything_runs(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir(parents=True)
    (tmp_path / "empty" / "config.json").write_text('{"model_type": "llama"}')
    with pytest.raises(EnvironmentFault, match="holds no weights"):
        create(planned(tmp_path, model="empty", approaches=["floor", "zero-shot"]), tmp_path / "run")
    with pytest.raises(EnvironmentFault, match="No model folder at"):
        create(planned(tmp_path, model="./nowhere", approaches=["zero-shot"]), tmp_path / "run")
    assert not (tmp_path / "run").exists()
    create(planned(tmp_path, model="some-team/some-model", approaches=["zero-shot"]), tmp_path / "run").close()


def test_broken_rows_are_allowed_in_recorded_answers_too_where_the_project_says_so(tmp_path: Path) -> None:
    data = {"eval": "eval.csv", "train": "train.csv", "allow_broken": True}
    assert planned(tmp_path / "a", data=data).spec.allow_broken
    assert not planned(tmp_path / "b").spec.allow_broken
