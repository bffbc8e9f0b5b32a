"""The gate: what passes, what fails, what cannot be told, and its JUnit file."""

from __future__ import annotations

from collections.abc import Callable
from xml.etree import ElementTree

import pytest

from reports.errors import UsageError
from reports.gate import GateResult, GateRules, judge, lines
from reports.junit import render_junit
from reports.run.store import RunStore

MakeRun = Callable[..., RunStore]


def verdicts(result: GateResult) -> list[str]:
    return [check.verdict for check in result.checks]


@pytest.mark.parametrize(
    ("limit", "at", "verdict"),
    [
        (0.85, "lower", "pass"),
        (0.93, "lower", "cannot tell"),
        (0.99, "lower", "fail"),
        (0.93, "estimate", "pass"),
        (0.98, "estimate", "fail"),
    ],
)
def test_the_least_quality(store: RunStore, limit: float, at: str, verdict: str) -> None:
    result = judge(store, GateRules(min_quality=limit, at="estimate" if at == "estimate" else "lower"), "qlora")
    assert verdicts(result) == [verdict]
    assert result.passed == (verdict == "pass")
    check = result.checks[0]
    assert check.low is not None
    assert check.high is not None
    assert check.low < 0.93 < check.high


def test_what_cannot_be_told_fails_unless_allowed(store: RunStore) -> None:
    rules = GateRules(min_quality=0.93)
    assert not judge(store, rules, "qlora").passed
    assert judge(store, rules, "qlora", allow_unsure=True).passed
    assert not judge(store, GateRules(min_quality=0.99), "qlora", allow_unsure=True).passed


def test_the_recommended_approach_is_the_default(store: RunStore) -> None:
    assert judge(store, GateRules(min_quality=0.5)).approach == "knn-few-shot"


def test_not_worse_is_shown_by_pairs(store: RunStore, make_run: MakeRun) -> None:
    other = make_run("other", cases=120)
    same = judge(store, GateRules(reference=other, margin=0.05), "qlora")
    assert verdicts(same) == ["pass"]
    assert same.checks[0].value == 0
    better = judge(store, GateRules(reference=other, reference_approach="zero-shot"), "qlora")
    assert verdicts(better) == ["pass"]
    worse = judge(store, GateRules(reference=other, reference_approach="qlora"), "zero-shot")
    assert verdicts(worse) == ["fail"]
    assert "shown to be worse by more than 2 points" in worse.checks[0].text
    tight = judge(store, GateRules(reference=other, reference_approach="qlora", margin=0.0), "qlora")
    assert verdicts(tight) == ["cannot tell"]


def test_a_pilot_shows_nothing_but_may_fail(make_run: MakeRun) -> None:
    small = make_run("small", cases=30)
    assert verdicts(judge(small, GateRules(min_quality=0.5), "qlora")) == ["cannot tell"]
    assert verdicts(judge(small, GateRules(min_quality=0.99), "zero-shot")) == ["fail"]


def test_an_unfinished_run_does_not_pass(make_run: MakeRun) -> None:
    partial = make_run("partial", cases=60, contenders=7, finished=False)
    path = partial.folder / "answers" / "qlora.jsonl"
    path.write_text("".join(path.read_text("utf-8").splitlines(keepends=True)[:55]), "utf-8")
    result = judge(RunStore.open(partial.folder), GateRules(min_quality=0.5), "qlora")
    assert verdicts(result) == ["cannot tell"]
    assert "the approach is not finished" in result.checks[0].text


def test_what_cannot_be_asked_is_a_usage_error(store: RunStore, make_run: MakeRun) -> None:
    other = make_run("other", cases=20, seed=99, contenders=3)
    for rules, name, words in (
        (GateRules(), None, "no rule"),
        (GateRules(min_quality=0.5), "nope", "no approach 'nope'"),
        (GateRules(reference=other, reference_approach="nope"), "qlora", "no approach 'nope'"),
        (GateRules(reference=other), "qlora", "recommends none"),
    ):
        with pytest.raises(UsageError, match=words):
            judge(store, rules, name)
    with pytest.raises(UsageError, match="recommends no approach"):
        judge(make_run("tiny", cases=20), GateRules(min_quality=0.5))
    with pytest.raises(UsageError, match="share no case"):
        judge(store, GateRules(reference=make_run("else", cases=60, seed=99)), "qlora")


def test_junit_is_well_formed_whatever_the_names_hold(store: RunStore) -> None:
    result = judge(store, GateRules(min_quality=0.93), "qlora")
    hostile = result.model_copy(update={"run": 'a"<&>\x00\x1b[31m\ufffe\ud800]]>', "approach": "</testcase>"})
    root = ElementTree.fromstring(render_junit(hostile).encode("utf-8"))
    suite = root.find("testsuite")
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures")) == ("1", "1")
    failure = suite.find("testcase/failure")
    assert failure is not None
    assert failure.get("type") == "cannot tell"
    allowed = judge(store, GateRules(min_quality=0.93), "qlora", allow_unsure=True)
    assert ElementTree.fromstring(render_junit(allowed)).find(".//failure") is None


def test_the_lines_end_with_the_outcome(store: RunStore) -> None:
    said = lines(judge(store, GateRules(min_quality=0.93), "qlora"))
    assert said[-1] == "gate failed: 0 of 1 rule met, 1 cannot be told"
    assert said[0].startswith("cannot tell: min-quality: Accuracy of qlora is ")
