"""One family of tests in the whole report: contenders only, the same number wherever a p is adjusted."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from reports import statistics, text
from reports.diff import diff_runs
from reports.diff.wording import lines
from reports.html import render_html
from reports.method import method_blocks
from reports.run.events import ApproachFailed
from reports.run.schema import Decision, Finished
from reports.run.store import RunStore
from reports.statistics import PairedResult
from reports.summary import Summary, summarise
from reports.tables import comparison_table
from tests.reports.test_summary import run

CONTENDERS = 7
"""Of the made-up run, its floor left out."""


def result(p: float, n: int = 100) -> PairedResult:
    return PairedResult(difference=0.1, low=0.01, high=0.19, p=p, n=n)


def test_references_and_pairs_without_cases_are_kept_and_not_counted() -> None:
    found = statistics.declared(
        {"rag": result(0.03), "floor": result(0.0001), "qlora": result(0.02), "late": result(1.0, n=0)}, ("floor",)
    )
    assert list(found) == ["rag", "floor", "qlora", "late"]
    assert {name: (one.p_adjusted, one.family) for name, one in found.items()} == {
        "rag": (0.04, 2),
        "floor": (None, 0),
        "qlora": (0.04, 2),
        "late": (None, 0),
    }


def test_page_because_and_document_count_the_contenders(summary: Summary, store: RunStore) -> None:
    declared = [c for c in summary.document()["comparisons"] if c["primary"]]
    assert {c["b"] for c in declared if c["p_adjusted"] is None} == {"floor"}
    assert [c["family"] for c in declared if c["b"] != "floor"] == [CONTENDERS - 1] * (CONTENDERS - 1)
    assert f"adjusted for {CONTENDERS - 1} comparisons" in summary.verdict.because[1]
    (block,) = [block for block in method_blocks(summary, store) if block.title == "How differences are tested"]
    pairs = (CONTENDERS - 1) * (CONTENDERS - 2) // 2
    for said in (" ".join(block.lines), comparison_table(summary).caption):
        assert f"each other contender against zero-shot, {CONTENDERS - 1} comparisons." in said
        assert "floor is a reference, not a contender: compared, not counted" in said
        assert f"The {pairs} other pairs of contenders are exploratory" in said
    page = render_html(summary, store)
    assert block.lines[0] in page
    assert "reference, not adjusted" in page


def test_two_runs_side_by_side_count_each_contender_once(tmp_path: Path) -> None:
    """The floor moved too; it is no contender there either."""
    few, many = [1.0] * 30 + [0.0] * 70, [1.0] * 60 + [0.0] * 40
    before = run(tmp_path / "a", {"floor": few, "zero-shot": few, "rag": few, "qlora": few})
    after = run(tmp_path / "b", {"floor": many, "zero-shot": many, "rag": many, "qlora": few})
    diff = diff_runs(before, after)
    assert {item.name: item.family for item in diff.approaches} == {"zero-shot": 2, "rag": 2, "qlora": 0}
    assert any("p adjusted over 2 comparisons" in line for line in lines(diff))


def test_a_pair_with_the_baseline_has_one_adjusted_p(tmp_path: Path) -> None:
    """Against zero-shot rag is unclear and qlora p = 0.04, so 0.08 after Holm; qlora beats rag clearly."""
    n = 300
    zero = [1.0] * 200 + [0.0] * 100
    tuned = [0.0] * 19 + [1.0] * 181 + [1.0] * 34 + [0.0] * 66
    worse = [1.0] * 40 + [0.0] * 12 + [1.0] * 148 + [0.0] * 94 + [1.0] * 6
    found = summarise(run(tmp_path / "r", {"zero-shot": zero, "rag": worse, "qlora": tuned}, cases=n))
    pair = next(c for c in found.comparisons if (c.a, c.b) == ("zero-shot", "qlora"))
    clear = next(c for c in found.comparisons if {c.a, c.b} == {"rag", "qlora"})
    assert pair.p < 0.05 < (pair.p_adjusted or 0.0)
    assert clear.p < 0.02
    assert (pair.family, pair.words) == (2, "not shown")
    assert "zero-shot" in found.verdict.could_be_best
    said = next(line for line in found.verdict.because if line.startswith("Against "))
    assert text.p_value(pair.p_adjusted) in said
    assert "adjusted for 2 comparisons" in said


def test_an_approach_that_failed_as_a_whole_is_not_counted(tmp_path: Path) -> None:
    right = [1.0, 0.0] * 50
    store = run(tmp_path / "r", {"zero-shot": right, "rag": right, "qlora": right, "few-shot": right}, finished=False)
    store.record(ApproachFailed(approach="qlora", error="out of memory"))
    store.finish(Finished(finished="x", seconds=1))
    found = summarise(store)
    assert {c.b: c.family for c in found.comparisons if c.primary} == {"rag": 2, "few-shot": 2, "qlora": 0}
    assert "adjusted for 2 comparisons" in found.verdict.because[1]


def test_against_the_trivial_answer_as_baseline_every_contender_counts(tmp_path: Path) -> None:
    rows = {"floor": [0.0] * 90 + [1.0] * 10, "zero-shot": [1.0, 0.0] * 50, "rag": [1.0] * 70 + [0.0] * 30}
    found = summarise(run(tmp_path / "r", rows, decision=Decision(baseline="floor")))
    assert {c.b: c.family for c in found.comparisons if c.primary} == {"zero-shot": 2, "rag": 2}
    assert not any(re.search("reference", line) for line in found.verdict.warnings)


@pytest.mark.parametrize("names", [("zero-shot", "rag"), ("zero-shot", "rag", "floor")])
def test_one_comparison_is_not_adjusted(tmp_path: Path, names: tuple[str, ...]) -> None:
    rows = {"zero-shot": [1.0] * 30 + [0.0] * 70, "rag": [1.0] * 60 + [0.0] * 40, "floor": [0.0] * 100}
    found = summarise(run(tmp_path / "r", {name: rows[name] for name in names}))
    (pair,) = [c for c in found.comparisons if c.family]
    assert (pair.p_adjusted, pair.family) == (pair.p, 1)
    assert "adjusted for" not in found.verdict.because[1]
