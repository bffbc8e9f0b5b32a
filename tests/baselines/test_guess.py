"""What `advisor new` proposes, on real and made-up files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from baselines.dataset import Source
from baselines.guess import Guess, guess
from reports.errors import DataError

BANKING = "banking77/raw/banking_data"
XQUAD = "xquad_en_de/raw/google-deepmind__xquad/xquad.en.json"
REAL: list[tuple[str, str, tuple[str, ...], int, int]] = [
    (f"{BANKING}/test.csv", "classification", ("accuracy", "macro-f1"), 77, 3080),
    (
        "formats_dev/raw/mohitgupta-omg__Kaggle-SMS-Spam-Collection-Dataset-/spam.csv",
        "classification",
        ("macro-f1", "accuracy"),
        2,
        5169,
    ),
    (XQUAD, "qa", ("token-f1", "exact-match"), 0, 1190),
    ("pubmedqa/raw/data/ori_pqal.json", "classification", ("accuracy", "macro-f1"), 3, 1000),
    (
        "snips_slots/raw/2017-06-custom-intent-engines/*/validate_*.json",
        "extraction",
        ("json-fields", "json-valid"),
        0,
        697,
    ),
    ("e2e_nlg_dev/raw/devset.csv", "generation", ("rougeL", "rouge1"), 0, 547),
    ("gsm8k/raw/grade_school_math/data/test.jsonl", "qa", ("number",), 0, 1319),
    ("formats_dev/raw/visioninhope__promptfoo/examples/simple-csv/tests.csv", "generation", ("contains",), 0, 4),
]


@pytest.mark.parametrize(("path", "task", "metrics", "labels", "cases"), REAL)
def test_real_files(shared_data: Path, path: str, task: str, metrics: tuple[str, ...], labels: int, cases: int) -> None:
    found = guess(path, shared_data)
    assert (found.task, found.metrics, len(found.labels), found.cases) == (task, metrics, labels, cases)
    assert {"task", "metrics", "input", "reference"} <= {reason.part for reason in found.reasons}


def test_train_and_documents_are_looked_at(shared_data: Path) -> None:
    found = guess(f"{BANKING}/test.csv", shared_data, train=f"{BANKING}/train.csv")
    assert reason(found, "train").why == "it holds 10003 training pairs (text → category)"
    found = guess(XQUAD, shared_data, documents="xquad_en_de/corpus_en/articles")
    assert reason(found, "documents").why == "it holds 48 documents"
    assert reason(found, "context").choice == "not context"


def test_two_possible_references_are_both_named(shared_data: Path) -> None:
    path = "mts_dialog/raw/Main-Dataset/MTS-Dialog-ValidationSet.csv"
    with pytest.raises(
        DataError, match=r"could be section_header \(classification\) or section_text \(summarization\)"
    ):
        guess(path, shared_data)
    assert guess(Source(path=path, reference=("section_text",)), shared_data).task == "summarization"
    assert guess(Source(path=path, reference=("section_header",)), shared_data).task == "classification"


def reason(found: Guess, part: str) -> Any:
    return next(reason for reason in found.reasons if reason.part == part)


def made(folder: Path, records: list[dict[str, Any]]) -> Guess:
    (folder / "eval.json").write_text(json.dumps(records))
    return guess("eval.json", folder)


def test_lists_of_labels_ask_for_multilabel_f1(tmp_path: Path) -> None:
    records = [{"text": f"text {i}", "labels": ["a", "b"] if i % 2 else ["c"]} for i in range(20)]
    found = made(tmp_path, records)
    assert (found.task, found.metrics, found.labels) == ("classification", ("multilabel-f1",), ("a", "b", "c"))


def test_alternative_answers_are_not_labels(tmp_path: Path) -> None:
    records = [{"question": f"q {i}?", "answers": [f"a {i}", f"b {i}"]} for i in range(20)]
    assert made(tmp_path, records).task == "qa"


def test_numeric_labels_are_labels_and_amounts_are_not(tmp_path: Path) -> None:
    assert made(tmp_path, [{"text": f"t {i}", "label": i % 3} for i in range(30)]).task == "classification"
    found = made(tmp_path, [{"question": f"t {i}", "answer": str(i * 7)} for i in range(30)])
    assert (found.task, found.metrics) == ("qa", ("number",))


def test_a_common_instruction_becomes_the_tasks(tmp_path: Path) -> None:
    records = [{"instruction": "Name the mood.", "input": f"text {i}", "output": "ab"[i % 2]} for i in range(20)]
    found = made(tmp_path, records)
    assert found.instruction == "Name the mood."
    assert found.eval.input == ("input",)
    from baselines.dataset import load_cases

    assert load_cases(found.eval, found.task, tmp_path).items[0].question.input == "text 0"


def test_a_customer_column_becomes_the_group(tmp_path: Path) -> None:
    records = [{"text": f"t {i}", "label": "ab"[i % 2], "customer_id": i // 4, "id": i} for i in range(20)]
    found = made(tmp_path, records)
    assert (found.eval.group, found.eval.id) == ("customer_id", "id")
    assert reason(found, "group").why.startswith("its 5 values come again in 20 rows")


def test_answers_copied_from_the_inputs_are_an_extraction(tmp_path: Path) -> None:
    records = [{"text": f"please send {i} red apples to mister {i}", "output": f"{i}; apples"} for i in range(20)]
    found = made(tmp_path, records)
    assert (found.task, found.metrics) == ("extraction", ("exact-match", "token-f1"))


def test_summaries_are_recognised_by_length(tmp_path: Path) -> None:
    records = [{"text": f"word{i} " * 200, "target": f"a short version of text {i}"} for i in range(10)]
    assert made(tmp_path, records).task == "summarization"


def test_the_guess_loads_as_it_stands(shared_data: Path) -> None:
    from baselines.dataset import load_cases

    for path, *_, cases in REAL:
        found = guess(path, shared_data)
        assert len(load_cases(found.eval, found.task, shared_data).items) == cases
