"""Cases where two approaches differ: a rule that nobody can tune, and a word diff that loses no word."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.answers import case_items, filters
from reports.differing import EACH_WAY, differing, word_diff
from reports.run.store import RunStore
from reports.summary import Summary, summarise

WORDS = st.text(alphabet="ab ,.\n", max_size=40)


@given(WORDS, WORDS)
def test_the_diff_holds_the_answer_and_the_reference(answer: str, reference: str) -> None:
    pieces = word_diff(answer, reference)
    assert "".join(p.text for p in pieces if p.how != "missing") == answer
    if answer:
        assert len("".join(p.text for p in pieces if p.how != "added")) == len(reference)


def test_case_does_not_count_as_a_difference() -> None:
    assert [(p.how, p.text) for p in word_diff("The Cat sat", "the cat ran")] == [
        ("same", "The Cat "),
        ("missing", "ran"),
        ("added", "sat"),
    ]


def test_very_long_answers_are_shown_whole_without_a_diff() -> None:
    assert [p.how for p in word_diff("word " * 1000, "other")] == ["same"]


def test_up_to_eight_each_way_and_every_one_differs(summary: Summary, store: RunStore) -> None:
    chosen = differing(summary, store)
    assert chosen is not None
    assert "hash of the case's id" in chosen.rule
    sides = [tuple(side.mark for side in case.sides) for case in chosen.cases]
    assert set(sides) <= {("right", "wrong"), ("wrong", "right")}
    assert 0 < sides.count(("wrong", "right")) <= EACH_WAY
    assert sides.count(("right", "wrong")) <= EACH_WAY


def test_the_choice_does_not_depend_on_the_order_of_the_file(small_run: Path, tmp_path: Path, summary: Summary) -> None:
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(small_run, copy)
    for path in (copy / "answers").iterdir():
        path.write_bytes(b"".join(reversed(path.read_bytes().splitlines(keepends=True))))
    store = RunStore.open(copy)
    one, other = differing(summarise(store), store), differing(summary, RunStore.open(small_run))
    assert one is not None
    assert other is not None
    assert [case.id for case in one.cases] == [case.id for case in other.cases]


def test_identical_approaches_have_no_differing_cases(summary: Summary, store: RunStore) -> None:
    alone = summary.model_copy(update={"baseline": None})
    assert differing(alone, store) is None


def test_filters_count_the_cases_they_show(summary: Summary, store: RunStore) -> None:
    items = list(case_items(summary, store))
    counts = {item.id: item.count for item in filters(items)}
    assert counts["f-all"] == len(items) == summary.trust.cases
    assert counts["f-differ"] == sum("differ" in item.marks for item in items)
    assert counts["f-wrong"] >= counts.get("f-allwrong", 0)


@pytest.mark.parametrize("name", ["zero-shot", "rag"])
def test_lines_show_what_was_answered(summary: Summary, store: RunStore, name: str) -> None:
    item = next(case_items(summary, store))
    line = next(line for line in item.lines if line.approach == name)
    assert line.text.startswith(store.answers(name)[item.id].text)
    assert ("passages:" in line.text) == (name == "rag")
