"""Real recorded outputs give the published counts."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from baselines.scoring import score
from baselines.scoring.registry import default_metrics
from reports.run.schema import Answer, Case, Question, Task

GSM8K_CORRECT = {"6b_finetuning": 286, "6b_verification": 515, "175b_finetuning": 458, "175b_verification": 742}
XQUAD = {  # system: exact matches, EM and F1 over the answered ids, answered ids
    "BERT (ensemble) (Google AI Language)": (891, 74.87, 86.32, 1190),
    "r-net+ (ensemble) (Microsoft Research Asia)": (866, 72.77, 83.41, 1190),
    "SLQA+ (ensemble) (Alibaba iDST NLP)": (859, 72.18, 82.85, 1190),
    "Match-LSTM with Ans-Ptr (Boundary+Ensemble) (Singapore Management University)": (727, 61.09, 72.67, 1190),
    "Logistic Regression Baseline (Stanford University)": (411, 34.60, 45.93, 1188),
}


def _case(key: str, *references: str) -> Case:
    return Case(question=Question(id=key, input="?"), references=references)


def test_gsm8k_verdicts_equal_upstream(shared_data: Path) -> None:
    lines = (shared_data / "gsm8k/raw/grade_school_math/data/example_model_solutions.jsonl").read_text().splitlines()
    task = Task(type="generation")
    right = dict.fromkeys(GSM8K_CORRECT, 0)
    disagree = []
    for number, line in enumerate(lines):
        row = json.loads(line)
        case = _case(str(number), row["ground_truth"])
        for system in GSM8K_CORRECT:
            answer = Answer(case=str(number), approach=system, text=row[system]["solution"])
            value = score("number", case, answer, task).value
            right[system] += int(value == 1.0)
            if (value == 1.0) != row[system]["is_correct"]:
                disagree.append((number, system))
    assert right == GSM8K_CORRECT
    assert disagree == []
    assert len(lines) * len(right) == 5276


def test_gsm8k_gold_of_the_test_file_is_read_as_numbers(shared_data: Path) -> None:
    folder = shared_data / "gsm8k/raw/grade_school_math/data"
    gold = [json.loads(line)["answer"] for line in (folder / "test.jsonl").read_text().splitlines()]
    solutions = (folder / "example_model_solutions.jsonl").read_text().splitlines()
    truths = {json.loads(line)["question"]: json.loads(line)["ground_truth"] for line in solutions}
    questions = [json.loads(line)["question"] for line in (folder / "test.jsonl").read_text().splitlines()]
    assert default_metrics("qa", gold) == ("number",)
    values = [
        score(
            "number", _case("1", answer), Answer(case="1", approach="a", text=truths[question]), Task(type="qa")
        ).value
        for question, answer in zip(questions, gold, strict=True)
        if question in truths
    ]
    assert len(values) == 1319
    assert values.count(1.0) == len(values)


@pytest.mark.parametrize("system", XQUAD)
def test_xquad_exact_match_and_f1(shared_data: Path, system: str) -> None:
    folder = shared_data / "xquad_en_de/raw"
    predictions = json.loads((folder / f"rajpurkar__SQuAD-explorer/models/1.1/{system}.json").read_text())
    nested = json.loads((folder / "google-deepmind__xquad/xquad.en.json").read_text())
    questions = [qa for item in nested["data"] for paragraph in item["paragraphs"] for qa in paragraph["qas"]]
    task = Task(type="qa")
    exact: list[float | None] = []
    f1: list[float | None] = []
    for qa in questions:
        case = _case(qa["id"], *(answer["text"] for answer in qa["answers"]))
        found = predictions.get(qa["id"])
        answer = Answer(
            case=qa["id"], approach=system, text=found or "", status="error" if found is None else "ok", error="missing"
        )
        exact.append(score("exact-match", case, answer, task).value)
        f1.append(score("token-f1", case, answer, task).value)
    scored = [value for value in exact if value is not None]
    scored_f1 = [value for value in f1 if value is not None]
    count, em, token_f1, answered = XQUAD[system]
    assert (len(exact), len(scored), len(scored_f1)) == (1190, answered, answered)
    assert sum(scored) == count
    assert round(100 * sum(scored) / answered, 2) == em
    assert round(100 * sum(scored_f1) / answered, 2) == token_f1
    if answered < len(exact):
        assert round(100 * sum(scored) / len(exact), 2) == 34.54


def test_pubmedqa_annotators_and_always_yes(shared_data: Path) -> None:
    from reports.statistics.sets import set_counts

    rows = json.loads((shared_data / "pubmedqa/raw/data/ori_pqal.json").read_text())
    gold = json.loads((shared_data / "pubmedqa/raw/data/test_ground_truth.json").read_text())
    task = Task(type="classification", labels=("yes", "no", "maybe"))
    texts = {
        "reasoning_required": {key: rows[key]["reasoning_required_pred"] for key in gold},
        "reasoning_free": {key: rows[key]["reasoning_free_pred"] for key in gold},
        "always yes": dict.fromkeys(gold, "Yes."),
    }
    found = {}
    for system, text in texts.items():
        scores = [
            score("macro-f1", _case(key, want), Answer(case=key, approach=system, text=text[key]), task)
            for key, want in gold.items()
        ]
        counts = set_counts("macro-f1", [s.predicted for s in scores], [s.expected or "" for s in scores])
        mean = sum(s.value or 0.0 for s in scores) / len(scores)
        found[system] = (round(mean, 3), round(float(counts.value(counts.columns.sum(axis=0, keepdims=True))[0]), 4))
    assert found == {
        "reasoning_required": (0.78, 0.7219),
        "reasoning_free": (0.904, 0.8418),
        "always yes": (0.552, 0.2371),
    }


def test_icl_accuracy_equals_the_published_table_in_every_file(shared_data: Path) -> None:
    """The files hold upstream's verdict (a test on token prefixes): read as labels, their mean is the published one."""
    root = shared_data / "icl_predictions_banking77/raw/final-results/mistralai+Mistral-7B-Instruct-v0.2"
    task = Task(type="classification", labels=("True", "False"))
    published, measured = {}, {}
    for folder in (root / "banking77", root / "banking77-retrieval"):
        with (folder / "combined_results.csv").open(newline="") as stream:
            for row in csv.DictReader(stream):
                published[folder.name, row["n_shots"], row["run_num"]] = round(float(row["accuracy"]), 1)
        for path in sorted(folder.glob("*run=*.csv")):
            with path.open(newline="") as stream:
                rows = list(csv.DictReader(stream))
            values = [
                score(
                    "accuracy", _case(row["id"], "True"), Answer(case="1", approach="a", text=row["correct"]), task
                ).value
                for row in rows
            ]
            key = (folder.name, rows[0]["n_shots"], rows[0]["run_number"])
            measured[key] = round(100 * sum(value or 0.0 for value in values) / len(values), 1)
    assert len(measured) == 56
    assert measured == {key: published[key] for key in measured}
