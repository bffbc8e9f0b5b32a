"""Real recorded outputs through the whole product: scores, paired p-values and words that are known beforehand."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from advisor import orchestrator, plan, project
from reports.summary import Summary, summarise

SYSTEMS = ("6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification")


def measured(folder: Path, said: dict[str, Any]) -> Summary:
    """A project run in this process's orchestrator, without a latency pass."""
    (folder / "advisor.yaml").write_text(yaml.safe_dump(said | {"latency_samples": 0}), encoding="utf-8")
    loaded = project.load(folder)

    async def consume() -> None:
        async for _ in orchestrator.run(store, {}):
            pass

    with orchestrator.create(plan.prepare(loaded), folder / "run") as store:
        asyncio.run(consume())
        assert store.finished is not None
        assert store.finished.failed == ()
        return summarise(store)


def right(summary: Summary, name: str) -> int:
    """Cases that the approach got right."""
    quality = summary.approach(name).quality
    assert quality.value is not None
    return round(quality.value * quality.n)


@pytest.fixture(scope="module")
def gsm8k(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Summary:
    data = shared_data / "gsm8k" / "raw" / "grade_school_math" / "data"
    recorded = [
        {"recorded": {"as": name, "path": str(data / "example_model_solutions.jsonl"), "answer": f"{name}.solution"}}
        for name in SYSTEMS
    ]
    said = {
        "name": "gsm8k",
        "task": {"type": "generation"},
        "data": {"eval": str(data / "test.jsonl")},
        "approaches": recorded,
        "metrics": ["number"],
        "decision": {"baseline": "6b_verification"},
    }
    return measured(tmp_path_factory.mktemp("gsm8k"), said)


def test_gsm8k_recorded_outputs_reproduce_their_published_counts(gsm8k: Summary) -> None:
    assert [right(gsm8k, name) for name in SYSTEMS] == [286, 515, 458, 742]


def test_gsm8k_pairs_get_the_words_that_they_deserve(gsm8k: Summary) -> None:
    pairs = {frozenset((c.a, c.b)): c for c in gsm8k.comparisons}
    verified = pairs[frozenset(("6b_verification", "175b_finetuning"))]
    assert {verified.a_only, verified.b_only} == {152, 209}
    assert verified.p == pytest.approx(0.0032, abs=0.0006)  # mid-p; the exact test gives .0032
    assert (verified.a, verified.b, verified.words) == ("6b_verification", "175b_finetuning", "worse")
    large = pairs[frozenset(("175b_finetuning", "175b_verification"))]
    assert {large.a_only, large.b_only} == {76, 360}


def test_xquad_predictions_reproduce_em_f1_and_the_missing_ids(shared_data: Path, tmp_path: Path) -> None:
    raw = shared_data / "xquad_en_de" / "raw"
    models = raw / "rajpurkar__SQuAD-explorer" / "models" / "1.1"
    known = {"BERT": (891, 86.32), "r-net+": (866, 83.41), "SLQA+": (859, 82.85), "Logistic": (411, None)}
    files = {name: next(p for p in models.iterdir() if p.name.startswith(name)) for name in known}
    said = {
        "name": "xquad",
        "task": {"type": "qa"},
        "data": {"eval": str(raw / "google-deepmind__xquad" / "xquad.en.json")},
        "approaches": [{"recorded": {"as": name, "path": str(file)}} for name, file in files.items()],
        "metrics": ["exact-match", "token-f1"],
        "decision": {"baseline": "r-net+"},
    }
    summary = measured(tmp_path, said)
    for name, (exact, f1) in known.items():
        assert right(summary, name) == exact
        if f1 is not None:
            value = summary.approach(name).metrics["token-f1"].value
            assert value is not None
            assert 100 * value == pytest.approx(f1, abs=0.006)
    assert summary.approach("Logistic").quality.failed == 2
    pairs = {frozenset((c.a, c.b)): c for c in summary.comparisons}
    close = pairs[frozenset(("BERT", "r-net+"))]
    assert {close.a_only, close.b_only} == {74, 99}
    assert close.words == "not shown"
    document = summary.document()
    assert json.loads(json.dumps(document))["approaches"][0]["quality"]["n"] == 1190
