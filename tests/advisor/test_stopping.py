"""The stopping rule: who is ended after a round, by what margin, and what it never touches."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from advisor import orchestrator, plan, project
from advisor.demo import project_folder
from advisor.stopping import FIRST_LOOK, LOOK_EVERY, StoppingRule, why_not
from reports.run.events import Answered, ApproachFailed, Event, StoppedEarly
from reports.run.schema import ApproachSpec, Case, DataFacts, Decision, Question, RunSpec, Score, Task
from reports.run.store import RunStore
from reports.summary import summarise

CASES = [Case(question=Question(id=f"q{n}", input=f"text {n}"), references=("a",)) for n in range(200)]


def rule_for(*kinds: str, **decision: Any) -> StoppingRule:
    """Approaches named like their kinds; a name before a colon stands for a part of a curve of what follows."""
    approaches = tuple(
        ApproachSpec(name=kind, kind=kind.partition("@")[0], options={"curve_of": "qlora"} if "@" in kind else {})
        for kind in kinds
    )
    spec = RunSpec(
        name="test",
        task=Task(type="classification", labels=("a", "b")),
        metrics=("accuracy",),
        approaches=approaches,
        decision=Decision(**{"stop_early": True, **decision}),
        data=DataFacts(eval_cases=len(CASES), train_examples=0, dev_examples=0, documents=0),
    )
    rule = StoppingRule.of(spec, CASES)
    assert rule is not None
    return rule


def answer(rule: StoppingRule, name: str, share: float, upto: int, seed: int = 1) -> None:
    """The first cases of the order, right with this probability."""
    hits = np.random.default_rng(seed).random(len(rule.order)) < share
    for case, hit in list(zip(rule.order, hits, strict=True))[:upto]:
        rule.saw(Score(case=case, approach=name, metric="accuracy", version=1, value=float(hit)))


def test_a_clear_loser_is_ended_and_the_leader_goes_on() -> None:
    rule = rule_for("zero-shot", "rag", "few-shot")
    answer(rule, "zero-shot", 0.2, 50, 1)
    answer(rule, "rag", 0.9, 50, 2)
    answer(rule, "few-shot", 0.85, 50, 3)
    (ended,) = rule.decide(("zero-shot", "rag", "few-shot"), 50)
    assert (ended.approach, ended.rival, ended.answered, ended.total) == ("zero-shot", "rag", 50, 200)
    assert "clearly worse than rag" in ended.reason
    assert rule.decide(("rag", "few-shot"), 50) == []


def test_what_is_worse_by_less_than_the_margin_goes_on() -> None:
    def decided(margin: float) -> list[Any]:
        rule = rule_for("zero-shot", "rag", margin=margin)
        for place, case in enumerate(rule.order[:150]):
            rule.saw(Score(case=case, approach="zero-shot", metric="accuracy", version=1, value=float(place >= 12)))
            rule.saw(Score(case=case, approach="rag", metric="accuracy", version=1, value=1.0))
        return rule.decide(("zero-shot",), 150)

    assert decided(0.1) == []
    assert [event.approach for event in decided(0.02)] == ["zero-shot"]


@pytest.mark.parametrize("untouchable", ["floor", "recorded", "qlora@1/2"])
def test_what_costs_no_generation_or_is_part_of_a_curve_is_never_ended(untouchable: str) -> None:
    rule = rule_for(untouchable, "rag")
    answer(rule, untouchable, 0.0, 200)
    answer(rule, "rag", 1.0, 200)
    assert untouchable not in {event.approach for event in rule.decide((untouchable, "rag"), 200)}


def test_the_baseline_that_the_project_names_is_ended_with_the_contest_only() -> None:
    rule = rule_for("zero-shot", "rag", "few-shot", baseline="zero-shot")
    answer(rule, "zero-shot", 0.0, 200)
    answer(rule, "rag", 0.99, 200, 1)
    answer(rule, "few-shot", 0.99, 200, 2)
    assert rule.decide(("zero-shot", "rag", "few-shot"), 50) == []
    rule = rule_for("zero-shot", "rag", baseline="zero-shot")
    answer(rule, "zero-shot", 0.0, 200)
    answer(rule, "rag", 1.0, 200)
    assert [(e.approach, e.settled) for e in rule.decide(("zero-shot", "rag"), 50)] == [
        ("zero-shot", False),
        ("rag", True),
    ]


def test_the_leader_is_ended_once_all_others_are() -> None:
    rule = rule_for("floor", "zero-shot", "rag")
    for name, share, seed in (("floor", 0.1, 3), ("zero-shot", 0.3, 1), ("rag", 0.95, 2)):
        answer(rule, name, share, 50, seed)
    first, last = rule.decide(("zero-shot", "rag"), 50)
    assert (first.approach, first.settled) == ("zero-shot", False)
    assert (last.approach, last.settled, last.rival) == ("rag", True, "zero-shot")
    assert "further answers would not change the decision" in last.reason


def test_the_leader_goes_on_while_a_rival_has_not_answered_or_has_failed() -> None:
    for absent in ("not answered", "failed"):
        rule = rule_for("zero-shot", "rag", "qlora")
        answer(rule, "zero-shot", 0.1, 50, 1)
        answer(rule, "rag", 0.95, 50, 2)
        if absent == "failed":
            rule.out.add("qlora")
        assert [event.approach for event in rule.decide(("zero-shot", "rag"), 50)] == ["zero-shot"], absent


def test_the_leader_goes_on_while_it_may_miss_the_limit() -> None:
    def ended(limit: float, share: float) -> list[str]:
        rule = rule_for("zero-shot", "rag", min_quality=limit)
        answer(rule, "zero-shot", 0.05, 150, 1)
        answer(rule, "rag", share, 150, 2)
        return [event.reason for event in rule.decide(("zero-shot", "rag"), 150) if event.settled]

    assert ended(0.8, 0.8) == []
    assert "shown to reach the limit" in ended(0.5, 0.8)[0]
    assert "shown to be below the limit" in ended(0.99, 0.8)[0]


def test_a_leader_with_trainings_beside_it_answers_every_case() -> None:
    rule = rule_for("zero-shot", "qlora", "qlora@1/2")
    answer(rule, "zero-shot", 0.05, 50, 1)
    answer(rule, "qlora", 0.95, 50, 2)
    assert [event.approach for event in rule.decide(("zero-shot", "qlora"), 50)] == ["zero-shot"]


def test_all_that_may_be_settled_shares_the_error() -> None:
    assert rule_for("zero-shot", "rag").comparisons == 1
    assert rule_for("floor", "zero-shot", "rag", "recorded").comparisons == 1 + 2 * 2
    assert rule_for("zero-shot", "rag", "qlora", min_quality=0.8).comparisons == 3 + 3


def test_a_failed_answer_counts_as_wrong() -> None:
    rule = rule_for("zero-shot", "rag")
    answer(rule, "rag", 1.0, 50)
    for case in rule.order[:50]:
        rule.saw(Score(case=case, approach="zero-shot", metric="accuracy", version=1, value=None, unscored="timeout"))
    assert [event.approach for event in rule.decide(("zero-shot",), 50)] == ["zero-shot"]


def test_an_ended_or_failed_approach_ends_no_other() -> None:
    rule = rule_for("zero-shot", "rag")
    answer(rule, "zero-shot", 0.1, 50)
    answer(rule, "rag", 0.9, 50)
    rule.out.add("rag")
    assert rule.decide(("zero-shot",), 50) == []


def test_only_the_cases_up_to_the_look_count_whatever_else_is_stored() -> None:
    calm, resumed = (rule_for("zero-shot", "rag") for _ in range(2))
    for rule, stored in ((calm, 50), (resumed, 200)):
        answer(rule, "zero-shot", 0.5, stored, 1)
        answer(rule, "rag", 0.75, stored, 2)
    assert calm.decide(("zero-shot", "rag"), 50) == resumed.decide(("zero-shot", "rag"), 50)


def test_looks_begin_where_a_verdict_may_be_given_and_leave_the_last_round_alone() -> None:
    rule = rule_for("zero-shot")
    assert rule.looks[0] == FIRST_LOOK
    assert rule.looks[-1] == 200 - LOOK_EVERY


@pytest.mark.parametrize(
    ("metric", "groups", "words"),
    [
        ("macro-f1", 0, "right or wrong"),
        ("rougeL", 0, "right or wrong"),
        ("token-f1", 0, "right or wrong"),
        ("accuracy", 12, "share a group"),
    ],
)
def test_where_it_does_not_apply_it_says_why(metric: str, groups: int, words: str) -> None:
    assert words in (why_not(metric, groups) or "")


@pytest.mark.parametrize("metric", ["accuracy", "exact-match", "number", "contains:yes"])
def test_it_applies_to_right_or_wrong(metric: str) -> None:
    assert why_not(metric, 0) is None


@pytest.mark.slow
def test_a_run_ends_what_is_clearly_worse_and_keeps_to_it_after_a_resume(tmp_path: Path) -> None:
    source = project_folder("tickets")
    rows = (source / "eval.csv").read_text(encoding="utf-8").splitlines(keepends=True)[:91]
    (tmp_path / "eval.csv").write_text("".join(rows), encoding="utf-8")
    (tmp_path / "train.csv").write_text((source / "train.csv").read_text(encoding="utf-8"), encoding="utf-8")
    said = yaml.safe_load((source / "advisor.yaml").read_text(encoding="utf-8"))
    said["data"] = {"eval": said["data"]["eval"], "train": said["data"]["train"]}
    said |= {"approaches": ["classifier", {"recorded": {"path": "eval.csv", "answer": "queue", "id": "id"}}]}
    said |= {"decision": {"stop_early": True}, "latency_samples": 0}
    (tmp_path / "advisor.yaml").write_text(yaml.safe_dump(said), encoding="utf-8")

    def run(store: RunStore, resumed: bool) -> list[Event]:
        async def consume() -> list[Event]:
            return [event async for event in orchestrator.run(store, {}, resumed=resumed)]

        return asyncio.run(consume())

    with orchestrator.create(plan.prepare(project.load(tmp_path)), tmp_path / "run") as store:
        (ended,) = [event for event in run(store, False) if isinstance(event, StoppedEarly)]
        again = run(store, True)
        found = summarise(store)
    assert (ended.approach, ended.answered, ended.total) == ("classifier", 50, 90)
    assert not [event for event in again if isinstance(event, (StoppedEarly, Answered, ApproachFailed))]
    assert (found.approach("classifier").state, found.approach("classifier").quality.n) == ("stopped early", 50)
    assert found.approach("recorded").quality.n == 90
    (compared,) = found.comparisons
    assert (compared.n, compared.a, compared.words) == (50, "recorded", "worse")
