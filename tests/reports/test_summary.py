"""Stored run to numbers: failures count, leaks are taken out, unfinished runs say so, nothing is invented."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from reports.prior import PriorRecord
from reports.run.events import ApproachFailed, ApproachFinished, JobStarted, Warned
from reports.run.schema import (
    Answer,
    ApproachSpec,
    Case,
    DataFacts,
    Decision,
    Environment,
    Finished,
    LatencySample,
    Question,
    RunHeader,
    RunSpec,
    Score,
    Task,
)
from reports.run.store import RunStore
from reports.summary import Summary, summarise

Outcome = float | str | None
"""A score, None for an answer that could not be scored, or the status of a failed answer."""


def run(
    folder: Path,
    outcomes: Mapping[str, Sequence[Outcome]],
    *,
    metric: str = "accuracy",
    kinds: Mapping[str, str] | None = None,
    finished: bool = True,
    cases: int | None = None,
    **spec: object,
) -> RunStore:
    """A run whose approaches have these outcomes on cases 0, 1, …; its store is open for writing."""
    n = cases or max(map(len, outcomes.values()))
    kinds = kinds or {}
    values: dict[str, object] = {
        "name": "tiny",
        "task": Task(type="qa"),
        "metrics": (metric,),
        "approaches": tuple(ApproachSpec(name=name, kind=kinds.get(name, name)) for name in outcomes),
        "data": DataFacts(eval_cases=n, train_examples=0, dev_examples=0, documents=0),
    }
    header = RunHeader(
        run=folder.name,
        started="2026-01-02T03:04:05Z",
        spec=RunSpec.model_validate(values | spec),
        environment=Environment(python="3.11", platform="linux", packages={}, device="cpu"),
    )
    items = [Case(question=Question(id=str(i), input=f"input {i}"), references=("yes",)) for i in range(n)]
    store = RunStore.create(folder, header, items)
    for name, results in outcomes.items():
        for i, outcome in enumerate(results):
            status = outcome if isinstance(outcome, str) else "ok"
            store.append_answer(Answer.model_validate({"case": str(i), "approach": name, "status": status}))
            if not isinstance(outcome, str):
                store.append_score(Score(case=str(i), approach=name, metric=metric, version=1, value=outcome))
    if finished:
        store.finish(Finished(finished="2026-01-02T03:05:05Z", seconds=60))
    return store


def summary_of(store: RunStore) -> Summary:
    store.close()
    return summarise(RunStore.open(store.folder))


def test_failed_answers_count_as_wrong_and_are_told_apart(tmp_path: Path) -> None:
    outcomes: list[Outcome] = [*[1.0] * 60, *[0.0] * 20, *["timeout"] * 15, *["error"] * 5]
    found = summary_of(run(tmp_path / "r", {"zero-shot": outcomes}))
    approach = found.approach("zero-shot")
    assert approach.quality.value == pytest.approx(0.60)
    assert (approach.quality.n, approach.quality.failed) == (100, 20)
    assert approach.quality_answered.value == pytest.approx(0.75)
    assert (approach.quality_answered.n, approach.quality_answered.failed) == (80, 0)
    assert approach.statuses == {"error": 5, "ok": 80, "timeout": 15}


def test_an_answer_without_a_score_is_a_failure_not_a_zero_that_vanishes(tmp_path: Path) -> None:
    quality = summary_of(run(tmp_path / "r", {"zero-shot": [1.0] * 50 + [None] * 50})).approaches[0].quality
    assert (quality.value, quality.failed) == (0.5, 50)


def test_an_approach_whose_every_answer_failed_has_quality_zero_and_is_compared(tmp_path: Path) -> None:
    found = summary_of(run(tmp_path / "r", {"zero-shot": [1.0] * 60, "rag": ["timeout"] * 60}))
    quality = found.approach("rag").quality
    assert (quality.value, quality.n, quality.failed) == (0.0, 60, 60)
    assert [c.words for c in found.comparisons] == ["worse"]
    assert found.trust.failed_answers == 60


def test_answers_that_were_not_scored_yet_are_no_failures(tmp_path: Path) -> None:
    store = run(tmp_path / "r", {"zero-shot": [1.0] * 60, "rag": []}, finished=False)
    store.append_answer(Answer(case="0", approach="rag", text="yes"))
    quality = summary_of(store).approach("rag").quality
    assert (quality.value, quality.failed) == (None, 0)


def test_wilson_interval_of_a_known_proportion(tmp_path: Path) -> None:
    quality = summary_of(run(tmp_path / "r", {"zero-shot": [1.0] * 45 + [0.0] * 5})).approaches[0].quality
    assert quality.low == pytest.approx(0.7864, abs=1e-4)
    assert quality.high == pytest.approx(0.9565, abs=1e-4)


def test_paired_counts_and_words(tmp_path: Path) -> None:
    pairs = [(1.0, 1.0)] * 120 + [(1.0, 0.0)] * 12 + [(0.0, 1.0)] * 28 + [(0.0, 0.0)] * 40
    store = run(tmp_path / "r", {"zero-shot": [a for a, _ in pairs], "rag": [b for _, b in pairs]})
    (only,) = summary_of(store).comparisons
    assert (only.a, only.b, only.a_only, only.b_only, only.n) == ("zero-shot", "rag", 12, 28, 200)
    assert only.difference == pytest.approx(0.08)
    assert only.p == pytest.approx(0.0115, abs=1e-4)
    assert (only.words, only.primary) == ("better", True)


def test_the_baseline_is_the_simplest_that_ran_and_other_pairs_are_exploratory(tmp_path: Path) -> None:
    outcomes = {name: [1.0, 0.0] * 40 for name in ("qlora", "floor", "few-shot", "rag")}
    found = summary_of(run(tmp_path / "r", outcomes))
    assert found.baseline == "few-shot"
    assert {(c.b, c.primary) for c in found.comparisons if c.a == "few-shot"} == {
        ("qlora", True),
        ("floor", True),
        ("rag", True),
    }
    others = [c for c in found.comparisons if c.a != "few-shot"]
    assert {(c.a, c.b) for c in others} == {("qlora", "rag")}
    assert all(not c.primary and c.p_adjusted == c.p for c in others)  # one pair: nothing to share


def test_the_project_names_the_baseline(tmp_path: Path) -> None:
    outcomes = {"zero-shot": [1.0] * 60, "rag": [1.0] * 60}
    assert summary_of(run(tmp_path / "r", outcomes, decision=Decision(baseline="rag"))).baseline == "rag"


def test_an_unfinished_run_is_measured_on_what_was_asked(tmp_path: Path) -> None:
    outcomes: dict[str, Sequence[Outcome]] = {"zero-shot": [1.0] * 80, "rag": [1.0, 0.0] * 20, "qlora": []}
    found = summary_of(run(tmp_path / "r", outcomes, finished=False))
    assert [a.state for a in found.approaches] == ["complete", "partial", "not started"]
    assert (found.approach("rag").quality.value, found.approach("rag").quality.n) == (0.5, 40)
    assert found.approach("qlora").quality.value is None
    assert found.comparisons[0].n == 40
    assert not found.trust.finished


def test_answers_missing_from_a_finished_run_count_as_wrong(tmp_path: Path) -> None:
    found = summary_of(run(tmp_path / "r", {"recorded": [1.0] * 90}, cases=100))
    quality = found.approaches[0].quality
    assert quality.value == pytest.approx(0.9)
    assert (quality.n, quality.failed) == (100, 10)
    assert found.approaches[0].statuses["missing"] == 10


def test_an_approach_that_gave_up_says_why_unless_a_later_attempt_finished(tmp_path: Path) -> None:
    store = run(tmp_path / "r", {"zero-shot": [1.0] * 60, "rag": [1.0] * 30, "qlora": [1.0] * 60}, finished=False)
    store.record(ApproachFailed(approach="rag", error="out of memory"))
    store.record(ApproachFailed(approach="qlora", error="killed"))
    store.record(ApproachFinished(approach="qlora", answered=60, failed=0))
    store.finish(Finished(finished="x", seconds=1))
    found = summary_of(store)
    assert (found.approach("rag").state, found.approach("rag").error) == ("failed", "out of memory")
    assert found.approach("rag").quality.n == 30
    assert found.approach("qlora").state == "complete"


def test_quality_without_the_leaked_cases_stands_beside(tmp_path: Path) -> None:
    facts = DataFacts(eval_cases=60, train_examples=5, dev_examples=0, documents=0, leaked=("0", "1", "2", "3"))
    found = summary_of(run(tmp_path / "r", {"zero-shot": [1.0] * 4 + [0.0] * 56}, data=facts))
    assert found.approaches[0].quality.value == pytest.approx(4 / 60)
    without = found.approaches[0].without_leaks
    assert without is not None
    assert (without.value, without.n) == (0.0, 56)
    assert found.trust.leaked == 4


@pytest.mark.parametrize(
    ("metric", "values", "kind", "unit"),
    [
        ("rougeL", [0.0, 1.0] * 30, "bounded", "share"),
        ("python:own.py:score", [0.0, 1.0] * 30, "binary", "share"),
        ("python:own.py:score", [0.0, 0.4] * 30, "bounded", "share"),
        ("judge", [1.0, 5.0] * 30, "bounded", "number"),
    ],
)
def test_how_a_metric_is_treated(tmp_path: Path, metric: str, values: list[float], kind: str, unit: str) -> None:
    found = summary_of(run(tmp_path / "r", {"zero-shot": values}, metric=metric)).primary
    assert (found.kind, found.unit) == (kind, unit)


def test_latency_percentiles_leave_out_cold_and_concurrent_requests(tmp_path: Path) -> None:
    store = run(tmp_path / "r", {"zero-shot": [1.0] * 60})
    for i in range(100):
        store.append_latency(LatencySample(case=str(i), approach="zero-shot", seconds=(i + 1) / 100, ttft_seconds=0.01))
    store.append_latency(LatencySample(case="0", approach="zero-shot", seconds=99, phase="cold"))
    store.append_latency(LatencySample(case="0", approach="zero-shot", seconds=50, concurrency=4))
    latency = summary_of(store).approaches[0].latency
    assert latency.n == 100
    assert (latency.p95_low, latency.p95_high) == pytest.approx((0.9090, 0.9911), abs=5e-5)  # ranks 90 to 100
    assert latency.ttft_p50_seconds == 0.01
    assert latency.cold_p50_seconds == 99
    assert latency.concurrency == ((4, 1, 50.0),)
    assert [(level.concurrency, level.n) for level in latency.levels] == [(1, 100), (4, 1)]
    assert "100 requests one at a time, then 1 request 4 at a time, in turns" in latency.how
    assert "the model's part alone" in latency.how, "older samples left the search out"


def test_too_few_requests_give_no_p95(tmp_path: Path) -> None:
    store = run(tmp_path / "r", {"zero-shot": [1.0] * 60})
    for i in range(10):
        store.append_latency(LatencySample(case=str(i), approach="zero-shot", seconds=0.1))
    latency = summary_of(store).approaches[0].latency
    assert (latency.p50_seconds, latency.p95_seconds) == (0.1, None)
    assert "72" in latency.p95_refused


def test_cached_answers_do_not_count_for_time(tmp_path: Path) -> None:
    store = run(tmp_path / "r", {"zero-shot": [1.0, 1.0]})
    store.append_answer(Answer(case="0", approach="zero-shot", text="yes", seconds=9.0, from_cache=True))
    store.append_answer(Answer(case="1", approach="zero-shot", text="yes", seconds=0.5))
    found = summary_of(store).approaches[0]
    assert (found.cached, found.seconds_per_answer) == (1, 0.5)


def test_two_cards_of_a_job_cost_twice_as_much(tmp_path: Path) -> None:
    found = []
    for name, cards in (("none", ()), ("one", ("0",)), ("two", ("0", "GPU-1"))):
        store = run(tmp_path / name, {"zero-shot": [1.0, 1.0]})
        store.record(JobStarted(job="j", approaches=("zero-shot",), cards=cards))
        store.append_answer(Answer(case="0", approach="zero-shot", text="yes", seconds=0.5))
        found.append(summary_of(store).approaches[0].cost.per_1000_usd or 0.0)
    assert 0 < found[0] == found[1] == pytest.approx(found[2] / 2)


def test_pilot_warnings_and_the_prior_are_passed_on(tmp_path: Path) -> None:
    store = run(tmp_path / "r", {"zero-shot": [1.0] * 49})
    store.record(Warned(approach="zero-shot", text="slow disk"))
    prior = PriorRecord(
        ranking=("prompting",),
        score=-1,
        probability=0.4,
        probability_frontier=0.2,
        tier="low",
        tier_reason="",
        reasons=(),
    )
    store.write_prior(prior)
    found = summary_of(store)
    assert found.trust.pilot
    assert found.trust.warnings == ("zero-shot: slow disk",)
    assert found.prior == prior
    assert found.verdict.kind == "pilot only"


def test_slices_find_where_the_gain_is(tmp_path: Path) -> None:
    outcomes = {"zero-shot": [0.0] * 60 + [1.0] * 60, "rag": [1.0] * 120}
    store = run(tmp_path / "r", outcomes)
    items = [
        Case(
            question=Question(id=str(i), input="same", context={"language": "de" if i < 60 else "en"}),
            references=("y",),
        )
        for i in range(120)
    ]
    path = store.folder / "data" / "cases.jsonl"
    path.write_text("".join(item.model_dump_json() + "\n" for item in items))
    slices = {part.value: part for part in summary_of(store).slices if part.by == "language"}
    assert slices["de"].comparison.low > 0
    assert slices["en"].comparison.difference == 0
    assert slices["de"].n == slices["en"].n == 60


def test_the_document_has_the_agreed_keys_and_is_stable(summary: Summary, small_run: Path) -> None:
    document = summary.document()
    assert {"schema_version", "run", "task", "primary_metric", "approaches", "comparisons", "verdict", "prior"} <= set(
        document
    )
    assert isinstance(document["prior_agreed"], bool)
    approach = document["approaches"][1]
    assert {"value", "low", "high", "n", "failed"} <= set(approach["quality"])
    assert {"p50_seconds", "p95_seconds", "ttft_p50_seconds", "n"} <= set(approach["latency"])
    assert {"per_1000_usd", "one_off_usd", "monthly_usd"} <= set(approach["cost"])
    keys = {"a", "b", "difference", "low", "high", "p", "p_adjusted", "n", "a_only", "b_only", "words"}
    assert keys <= set(document["comparisons"][0])
    assert {"kind", "approach", "because", "would_change_if", "warnings"} <= set(document["verdict"])
    again = summarise(RunStore.open(small_run)).document()
    assert json.dumps(document, allow_nan=False) == json.dumps(again, allow_nan=False)


def test_neither_summary_nor_page_import_what_a_run_needs(small_run: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from reports.run.store import RunStore\n"
        "from reports.exports import write_report\n"
        "write_report(RunStore.open(Path(sys.argv[1])), ('html', 'md', 'csv', 'json'), Path(sys.argv[2]))\n"
        "heavy = {'torch', 'transformers', 'sklearn', 'pandas', 'statsmodels', 'textual', 'openai', 'faiss'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(small_run), str(small_run.parent / "out")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"
