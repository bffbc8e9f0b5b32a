"""The words on real recorded outputs: GSM8K solutions, XQuAD predictions, Banking77 with retrieved examples."""

from __future__ import annotations

import csv
import json
import re
import string
from pathlib import Path

import numpy as np
import pytest

from reports import statistics


@pytest.fixture(scope="module")
def gsm8k(shared_data: Path) -> dict[str, np.ndarray]:
    path = shared_data / "gsm8k/raw/grade_school_math/data/example_model_solutions.jsonl"
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    systems = [key for key in rows[0] if key not in ("question", "ground_truth")]
    return {name: np.array([float(row[name]["is_correct"]) for row in rows]) for name in systems}


def test_gsm8k_verified_small_model_beats_the_tuned_large_one(gsm8k: dict[str, np.ndarray]) -> None:
    result = statistics.compare(gsm8k["175b_finetuning"], gsm8k["6b_verification"], margin=0.02)
    assert (result.a_only, result.b_only, result.n) == (152, 209, 1319)
    assert result.p_exact == pytest.approx(0.0032, abs=5e-5)
    assert result.words == "better"
    assert statistics.adjust([result] * 4)[0].words == "better"


def test_gsm8k_best_set(gsm8k: dict[str, np.ndarray]) -> None:
    outcomes = statistics.Outcomes("number", "binary", gsm8k)
    assert outcomes.could_be_best() == ("175b_verification",)
    assert {round(1319 * outcomes.quality(name).value) for name in outcomes.names} == {286, 515, 458, 742}


def normalised(text: str) -> str:
    """SQuAD v1.1: lower case, no punctuation, no articles, single blanks."""
    plain = "".join(ch for ch in text.lower() if ch not in string.punctuation)
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", plain).split())


def test_xquad_winner_is_not_shown(shared_data: Path) -> None:
    folder = shared_data / "xquad_en_de/raw"
    data = json.loads((folder / "google-deepmind__xquad/xquad.en.json").read_text("utf-8"))["data"]
    questions = [q for article in data for p in article["paragraphs"] for q in p["qas"]]
    scores = []
    for system in ("BERT (ensemble)", "r-net+ (ensemble)"):
        path = next((folder / "rajpurkar__SQuAD-explorer/models/1.1").glob(f"{system}*.json"))
        answers = json.loads(path.read_text("utf-8"))
        gold = [{normalised(a["text"]) for a in q["answers"]} for q in questions]
        given = [normalised(answers.get(q["id"], "")) for q in questions]
        scores.append(np.array([float(g in w) for g, w in zip(given, gold, strict=True)]))
    result = statistics.compare(scores[1], scores[0], margin=0.02)
    assert (result.b_only, result.a_only, result.n) == (99, 74, 1190)
    assert result.p_exact == pytest.approx(0.068, abs=5e-4)
    assert result.words == "not shown"


def test_more_retrieved_examples_are_not_shown_to_help(shared_data: Path) -> None:
    pattern = "icl_predictions_banking77/raw/final-results/*/banking77-retrieval/*n_shots={}+run=0.csv"
    correct = {}
    for shots in (25, 50):
        path = next(shared_data.glob(pattern.format(shots)))
        with path.open(encoding="utf-8", newline="") as file:
            correct[shots] = {row["id"]: float(row["correct"] == "True") for row in csv.DictReader(file)}
    ids = sorted(correct[25])
    result = statistics.compare(*([correct[shots][i] for i in ids] for shots in (25, 50)), margin=0.02)
    assert (result.a_only, result.b_only, result.n) == (8, 5, 250)
    assert result.p_exact == pytest.approx(0.58, abs=5e-3)
    assert result.words == "not shown"
