"""Each metric on small tables of cases; what is unscored; what a wrong name means."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from baselines.scoring import METRICS, Tools, default_metrics, is_light, score, score_many, validate
from baselines.scoring.number import read_number
from reports.errors import UsageError
from reports.metrics import KNOWN
from reports.run.schema import Answer, Case, Question, Score, Status, Task
from tests.xquad import ndcg_at, recall_at, reciprocal_rank

TASK = Task(type="classification", labels=("refund", "transfer"))
QA = Task(type="qa")


def _score(metric: str, text: str, *references: str, task: Task = QA, tools: Tools | None = None) -> Score:
    case = Case(question=Question(id="1", input="?"), references=references)
    return score(metric, case, Answer(case="1", approach="a", text=text), task, tools)


def test_accuracy_tells_a_wrong_label_from_no_label() -> None:
    right = _score("accuracy", "Refund.", "refund", task=TASK)
    wrong = _score("accuracy", "transfer", "refund", task=TASK)
    unreadable = _score("accuracy", "refund or transfer", "refund", task=TASK)
    assert (right.value, right.predicted, right.expected, right.format_failure) == (1.0, "refund", "refund", False)
    assert (wrong.value, wrong.predicted, wrong.expected, wrong.format_failure) == (0.0, "transfer", "refund", False)
    assert (unreadable.value, unreadable.predicted, unreadable.format_failure) == (0.0, None, True)


def test_any_reference_counts() -> None:
    found = _score("accuracy", "transfer", "refund", "transfer", task=TASK)
    assert (found.value, found.expected) == (1.0, "transfer")
    assert _score("exact-match", "two", "one", "Two").value == 1.0


def test_multilabel_f1_of_one_case() -> None:
    found = _score("multilabel-f1", "refund", "refund|transfer", task=TASK)
    assert (round(found.value or 0, 3), found.predicted, found.expected) == (0.667, "refund", "refund|transfer")
    assert _score("multilabel-f1", "none", "", task=TASK).value == 1.0
    assert _score("multilabel-f1", "who knows", "refund", task=TASK).format_failure


@pytest.mark.parametrize(
    ("text", "reference", "exact", "f1"),
    [
        ("The Cat!", "a cat", 1.0, 1.0),
        ("cat dog", "cat", 0.0, 0.667),
        ("", "cat", 0.0, 0.0),
        ("the", "a", 1.0, 1.0),
        ("die Katze", "Katze", 0.0, 0.667),
        ("cat cat", "cat", 0.0, 0.667),
    ],
)
def test_squad_normalisation(text: str, reference: str, exact: float, f1: float) -> None:
    assert _score("exact-match", text, reference).value == exact
    assert round(_score("token-f1", text, reference).value or 0.0, 3) == f1


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("so it is 12\nA: 18", 18),
        ("#### 2,125", 2125),
        ("A: $13.00", 13),
        ("A: -5", -5),
        ("−5", -5),
        ("25%", 25),
        ("The answer is 42.", 42),
        ("1,5", 1.5),
        ("1,234,567.89", 1234567.89),
        ("- 5 apples", 5),
        ("10-20", 20),
        ("1e3", 1000),
        (".5", 0.5),
        ("A: 3 apples and 4 pears", 4),
        ("A: none", None),
        ("no number", None),
        ("", None),
        ("9" * 400, None),
    ],
)
def test_the_number_of_an_answer(text: str, value: float | None) -> None:
    assert read_number(text) == value


def test_number_equality_and_format_failure() -> None:
    assert _score("number", "A: 3.0", "#### 3").value == 1.0
    assert _score("number", "A: 4", "#### 3").value == 0.0
    assert _score("number", "I cannot say", "3").format_failure
    assert _score("number", "3", "three").unscored == "the reference holds no number"


@pytest.mark.parametrize(
    ("text", "valid", "f1"),
    [
        ('{"city": "bonn", "day": 3}', 1.0, 1.0),
        ('```json\n{"day": "3.0", "city": " Bonn "}\n```', 1.0, 1.0),
        ('Here: {"city": "Bonn", "day": 4} as asked', 0.0, 0.5),
        ('{"city": "Bonn"}', 1.0, 0.667),
        ('{"city": "Bonn", "day": 3, "x": null, "y": ""}', 1.0, 1.0),
        ('{"city": "Bonn", "day": 3, "x": 1}', 1.0, 0.8),
        ("city: Bonn", 0.0, 0.0),
        ("[" * 100_000, 0.0, 0.0),
        ("3", 0.0, 0.0),
    ],
)
def test_json(text: str, valid: float, f1: float) -> None:
    reference = '{"city": "Bonn", "day": 3}'
    assert _score("json-valid", text).value == valid
    assert round(_score("json-fields", text, reference).value or 0.0, 3) == f1


def test_json_lists_and_nesting() -> None:
    reference = '{"items": [{"name": "tea", "n": 2}, {"name": "milk", "n": 1}], "open": true}'
    same = '{"open": "True", "items": [{"n": 1, "name": "Milk"}, {"n": 2, "name": "tea"}]}'
    assert _score("json-fields", same, reference).value == 1.0
    assert _score("json-fields", "none", reference).format_failure
    assert _score("json-fields", "{}", "no json").unscored == "the reference is not a JSON object or list"
    assert _score("json-fields", "{}", "{}").value == 1.0


def test_contains_and_regex() -> None:
    assert _score("contains", "It is in  BONN today", "in bonn").value == 1.0
    assert _score("contains", "Berlin", "Bonn", "Köln").value == 0.0
    assert _score("contains:please", "Yes, please").value == 1.0
    assert _score("regex", "Order 4711", r"\d{4}").value == 1.0
    assert _score(r"regex:^\w+$", "two words").value == 0.0
    assert "does not compile" in (_score("regex", "x", "(").unscored or "")


@pytest.mark.parametrize(
    ("metric", "text", "reference", "value"),
    [
        ("rouge1", "the cats sat", "the cat sat", 1.0),
        ("rouge1", "a b c d", "a b x y", 0.5),
        ("rouge2", "a b c d", "a b x y", 0.333),
        ("rougeL", "d c b a", "a b c d", 0.25),
        ("rougeLsum", "second part.\nfirst part.", "First part. Second part.", 1.0),
        ("rougeL", "", "something", 0.0),
    ],
)
def test_rouge(metric: str, text: str, reference: str, value: float) -> None:
    assert round(_score(metric, text, reference).value or 0.0, 3) == value


def test_rouge_takes_the_best_reference() -> None:
    assert _score("rouge1", "a cat", "a dog", "a cat").value == 1.0


def test_embedding_similarity_is_batched(world: Any) -> None:
    pairs = [
        (
            Case(question=Question(id=str(i), input="?"), references=("apple pie", "plum")),
            Answer(case=str(i), approach="a", text=text),
        )
        for i, text in enumerate(["pie apple", "apple", "zebra stripes", ""])
    ]
    values = [
        s.value or 0.0 for s in score_many("embedding-similarity", pairs, QA, Tools(embedder=lambda: world.embedder))
    ]
    assert [round(v, 3) for v in values[:2]] == [1.0, 0.707]
    assert values[2] < 0.5
    assert values[3] == 0.0
    with pytest.raises(UsageError, match="needs an embedding model"):
        _score("embedding-similarity", "a", "b")


@pytest.mark.parametrize("status", ["error", "timeout", "refused"])
@pytest.mark.parametrize("metric", ["accuracy", "exact-match", "json-valid", "rougeL"])
def test_a_failed_answer_is_unscored_never_zero(metric: str, status: Status) -> None:
    case = Case(question=Question(id="1", input="?"), references=("refund",))
    found = score(metric, case, Answer(case="1", approach="a", status=status, error="x"), TASK)
    assert (found.value, found.unscored, found.format_failure) == (None, f"no answer ({status})", False)


def test_a_truncated_answer_is_scored() -> None:
    case = Case(question=Question(id="1", input="?"), references=("refund",))
    assert score("accuracy", case, Answer(case="1", approach="a", status="truncated", text="refund"), TASK).value == 1.0


@pytest.mark.parametrize("metric", sorted(set(METRICS) - {"python", "embedding-similarity", "judge"}))
@pytest.mark.parametrize("text", ["a" * 2_000_000, "- " * 500_000, "refund " * 200_000, "{" * 100_000, "``` " * 50_000])
def test_a_hostile_answer_is_scored_and_costs_little(metric: str, text: str) -> None:
    found = _score(metric, text, '{"refund": 1}', task=TASK)
    assert found.value is not None
    assert 0 <= found.value <= 1


def test_a_case_without_reference_is_unscored() -> None:
    assert _score("exact-match", "x").unscored == "the case has no reference"
    assert _score("json-valid", "{}").value == 1.0


USER = """
def share(answer, references):
    return len(answer) / 10
def says_yes(answer, references):
    return answer == references[0]
def breaks(answer, references):
    raise ValueError("no\\nway")
def words(answer, references):
    return "good"
def endless(answer, references):
    return float("nan")
"""


@pytest.mark.parametrize(
    ("function", "value", "unscored"),
    [
        ("share", 0.3, None),
        ("says_yes", 1.0, None),
        ("breaks", None, "breaks raised ValueError: no way (mine.py, line 7)"),
        ("words", None, "words returned 'good': it must return a finite number, True or False"),
        ("endless", None, "endless returned nan: it must return a finite number, True or False"),
    ],
)
def test_the_users_own_function(tmp_path: Path, function: str, value: float | None, unscored: str | None) -> None:
    (tmp_path / "mine.py").write_text(USER)
    found = _score(f"python:mine.py:{function}", "yes", "yes", tools=Tools(folder=tmp_path))
    assert (found.value, found.unscored) == (value, unscored)
    assert found.metric == f"python:mine.py:{function}"


def test_an_edited_function_is_another_version(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(USER)
    before = _score("python:mine.py:share", "yes", "yes", tools=Tools(folder=tmp_path))
    (tmp_path / "mine.py").write_text(USER.replace("/ 10", "/ 100"))
    after = _score("python:mine.py:share", "yes", "yes", tools=Tools(folder=tmp_path))
    assert after.version != before.version
    assert (before.value, after.value) == (0.3, 0.03)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("acuracy", "did you mean accuracy?"),
        ("rouge_l", "did you mean rouge"),
        ("accuracy:x", "takes no argument"),
        ("python:mine.py", "does not name a file and a function"),
        ("python:none.py:f", "there is no file none.py"),
        ("python:mine.py:missing", "has no function missing"),
        ("python:broken.py:f", "cannot be loaded: SyntaxError"),
        ("python:mine.txt:f", "is not a Python file"),
    ],
)
def test_a_wrong_metric_is_one_clear_error(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "mine.py").write_text(USER)
    (tmp_path / "mine.txt").write_text(USER)
    (tmp_path / "broken.py").write_text("def f(:\n")
    with pytest.raises(UsageError) as caught:
        validate(name, tmp_path)
    assert words in f"{caught.value} {caught.value.hint}"


def test_default_metrics() -> None:
    assert default_metrics("classification") == ("accuracy", "macro-f1")
    assert default_metrics("qa") == ("token-f1", "exact-match")
    assert default_metrics("summarization")[0] == "rougeL"
    assert default_metrics("extraction", ['{"a": 1}', "[]"]) == ("json-fields", "json-valid")
    assert default_metrics("extraction", ["Bonn"]) == ("exact-match", "token-f1")
    assert default_metrics("generation", ["so\n#### 18", "A: 3"]) == ("number",)
    assert default_metrics("qa", ["1,200", "$3"]) == ("number",)
    assert default_metrics("qa", ["in 1200", "3"]) == ("token-f1", "exact-match")
    assert default_metrics("classification", ["a|b", "a"]) == ("multilabel-f1",)


def test_every_metric_is_known_to_the_reports() -> None:
    assert set(METRICS) - {"python"} <= set(KNOWN)


def test_light_metrics_are_those_without_a_heavy_import() -> None:
    assert not any(is_light(name) for name in ("rougeL", "embedding-similarity", "python:a.py:f"))
    assert all(is_light(name) for name in ("accuracy", "macro-f1", "number", "contains:x", "json-fields"))


def test_retrieval_metrics() -> None:
    ranked = ["d", "a", "c", "b"]
    assert recall_at(2, ranked, {"a", "b"}) == 0.5
    assert reciprocal_rank(ranked, {"a", "b"}) == 0.5
    assert reciprocal_rank(ranked, {"z"}) == 0.0
    assert round(ndcg_at(4, ranked, {"a", "b"}), 4) == 0.6509
    assert ndcg_at(4, ["a", "b"], {"a", "b"}) == 1.0
    with pytest.raises(ValueError, match="no passage is known"):
        recall_at(2, ranked, set())
