"""Case by case: filters count what they say, pages hold what a reader needs, search finds words anywhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from reports.answers import case_items
from reports.reading import Kept, Reading, pick
from reports.run.schema import Answer
from reports.run.store import RunStore
from reports.summary import Summary, summarise


@pytest.fixture(scope="module")
def reading(small_run: Path, summary: Summary) -> Reading:
    return Reading(RunStore.open(small_run), summary)


@pytest.fixture(scope="module")
def filters(reading: Reading) -> dict[str, Kept]:
    return {kept.id: kept for kept in reading.filters()}


def test_filters_hold_the_cases_that_the_page_marks(
    filters: dict[str, Kept], summary: Summary, small_run: Path
) -> None:
    items = list(case_items(summary, RunStore.open(small_run)))
    for mark in ("differ", "wrong", "failed", "unreadable"):
        assert filters[mark].cases == tuple(i for i, item in enumerate(items) if mark in item.marks)
    assert filters["all"].cases == tuple(range(120))


def test_one_approach_alone_is_right_where_all_others_are_not(reading: Reading, filters: dict[str, Kept]) -> None:
    kept = next(one for name, one in filters.items() if name.startswith("only "))
    alone = kept.id.removeprefix("only ")
    assert kept.cases
    for position in kept.cases:
        right = {side.approach for side in reading.page(position).sides if side.mark == "right"}
        assert right == {alone}


def test_labels_partition_the_cases(reading: Reading, filters: dict[str, Kept]) -> None:
    labelled = [kept for name, kept in filters.items() if name.startswith("label ")]
    assert sorted(i for kept in labelled for i in kept.cases) == list(range(120))
    assert {reading.cases[i].references for i in labelled[0].cases} == {(labelled[0].id.removeprefix("label "),)}


def test_a_page_shows_every_answer_with_scores_and_passages(reading: Reading) -> None:
    page = reading.page(0)
    assert [side.approach for side in page.sides] == list(reading.names)
    rag = next(side for side in page.sides if side.approach == "rag")
    assert rag.passages
    assert "tokens" in rag.took
    assert rag.verdict[0] in "✓✗"
    assert rag.scores[0][0] == "Macro F1"
    assert page.references == reading.cases[0].references


def test_search_wants_every_word_somewhere_in_the_case(reading: Reading) -> None:
    case = reading.cases[5]
    word = case.question.input.split()[-1]
    assert 5 in reading.search(f"{word.upper()} {case.references[0]}")
    assert reading.search("no-such-word-anywhere") == ()
    assert len(reading.search("")) == 120


def test_a_search_can_be_given_up(reading: Reading) -> None:
    asked: list[int] = []
    found = reading.search("", lambda: asked.append(1) or len(asked) > 3)  # type: ignore[func-returns-value]
    assert len(found) == 3


def test_an_unknown_filter_falls_back_to_every_case(reading: Reading) -> None:
    assert pick(reading.filters(), "gone").id == "all"


def test_an_approach_without_answers_has_no_side(make_run: Callable[..., RunStore]) -> None:
    with make_run(cases=10, contenders=2, finished=False) as store:
        (store.folder / "answers" / "zero-shot.jsonl").write_text("")
        found = Reading(store, summarise(store))
        assert [side.approach for side in found.page(0).sides] == ["floor"]


def test_hostile_answers_come_out_cleaned(make_run: Callable[..., RunStore]) -> None:
    with make_run(cases=3, contenders=2) as store:
        known = next(iter(store.cases())).question.id
        store.append_answer(Answer(case=known, approach="floor", text="\x1b[2Jboo\u202e[/x]", status="ok"))
        side = Reading(store, summarise(store)).page(0).sides[0]
    assert side.text == "boo⟨U+202E⟩[/x]"
