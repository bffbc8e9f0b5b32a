"""Which jobs may run at the same time, on machines that need not exist."""

from __future__ import annotations

from typing import Any

import pytest

from advisor.gpus import Gpu
from advisor.placement import MOST, Needs, Place, Room, addressable, asked_for, needs_of, spread_over
from reports.run.schema import ApproachSpec, DataFacts, Expected, ModelSpec, RunSpec, Task

GB = 10**9


def card(token: str, gigabytes: int = 24, part: bool = False) -> Gpu:
    return Gpu("card", gigabytes * GB, gigabytes * GB, (8, 0), "1", token, part)


TWO, FOUR = (card("0"), card("1")), tuple(card(str(n)) for n in range(4))
CUT = (card("MIG-1", 10, True), card("MIG-2", 10, True), card("3", 80))


def item(kind: str, model: str | None = None, name: str = "", **options: Any) -> ApproachSpec:
    address = "http://127.0.0.1:8000/v1" if model and model.startswith("openai:local") else None
    spec = ModelSpec(id=model, base_url=address) if model else None
    return ApproachSpec(name=name or kind, kind=kind, model=spec, options=options)


def needs(*items: ApproachSpec, cards: tuple[Gpu, ...] = (), gigabytes: float = 1.0) -> Needs:
    spec = RunSpec(
        name="x",
        task=Task(type="qa"),
        metrics=("exact-match",),
        approaches=items,
        data=DataFacts(eval_cases=1, train_examples=0, dev_examples=0, documents=0),
    )
    expected = {one.name: Expected(approach=one.name, memory_bytes=gigabytes * GB) for one in items}
    return needs_of([one.name for one in items], spec, expected, cards)


def started(room: Room, waiting: list[Needs]) -> list[tuple[int, tuple[str, ...]]]:
    """(number of the job, its cards), as many as start at once."""
    left, found = list(enumerate(waiting)), []
    while (chosen := room.next([each for _, each in left])) is not None:
        found.append((left.pop(chosen[0])[0], tuple(one.token for one in chosen[1].cards)))
    return found


LOCAL, OTHER = item("zero-shot", "small"), item("few-shot", "small")
OPENAI, AGAIN, SERVER = (item("zero-shot", f"openai:{name}") for name in ("a", "b", "local"))


def test_without_cards_one_job_computes_and_what_only_waits_runs_beside_it() -> None:
    waiting = [
        needs(item("floor"), item("recorded")),
        needs(item("classifier")),
        needs(LOCAL),
        needs(OPENAI),
        needs(SERVER),
        needs(item("qlora", "small")),
    ]
    room = Room(())
    assert started(room, waiting) == [(0, ()), (1, ()), (3, ()), (4, ())]
    room.give_back(room.taken[1])
    assert started(room, [waiting[2], waiting[5]]) == [(0, ())]


def test_what_embeds_for_an_endpoint_keeps_away_from_what_is_measured_on_the_processor_alone() -> None:
    beside = needs(item("rag", "openai:a"))
    assert started(Room(()), [needs(LOCAL), beside]) == [(0, ())]
    assert started(Room(()), [beside, needs(item("rag", "openai:local"))]) == [(0, ()), (1, ())]


def test_jobs_of_one_endpoint_follow_each_other_whatever_model_they_ask() -> None:
    assert started(Room(()), [needs(OPENAI), needs(AGAIN), needs(SERVER)]) == [(0, ()), (2, ())]
    own = ApproachSpec(
        name="x", kind="zero-shot", model=ModelSpec(id="openai:c", base_url="https://USER@API.openai.com/v1/")
    )
    assert needs(own).endpoints == needs(OPENAI).endpoints
    with_cards = [needs(item("rag", "openai:a"), cards=TWO), needs(item("rag", "openai:b"), cards=TWO)]
    assert started(Room(TWO), with_cards) == [(0, ("0",))]


def test_each_job_that_computes_has_a_card_of_its_own_and_others_none() -> None:
    waiting = [needs(one, cards=TWO) for one in (LOCAL, OPENAI, item("classifier"), OTHER)]
    room = Room(TWO)
    assert started(room, waiting) == [(0, ("0",)), (1, ()), (2, ("1",))]
    assert [place.environment["CUDA_VISIBLE_DEVICES"] for place in room.taken] == ["0", "", "1"]


def test_with_a_single_card_the_environment_stays_as_it_is() -> None:
    room = Room(TWO[:1])
    assert started(room, [needs(LOCAL, cards=TWO[:1]), needs(OTHER, cards=TWO[:1])]) == [(0, ("0",))]
    assert (room.taken[0].environment, room.taken[0].names, Place().environment) == ({}, (), {})


@pytest.mark.parametrize(("most", "at_once"), [(0, 4), (1, 1), (3, 3)])
def test_no_more_than_the_project_says(most: int, at_once: int) -> None:
    assert len(started(Room(FOUR, most), [needs(item("zero-shot", str(n)), cards=FOUR) for n in range(6)])) == at_once


def test_where_nothing_is_said_workers_are_bounded_all_the_same() -> None:
    assert len(started(Room(()), [Needs() for _ in range(30)])) == MOST


def test_a_large_job_is_not_passed_by_small_ones_that_want_cards_too() -> None:
    room = Room(TWO)
    small, large = needs(LOCAL, cards=TWO), needs(item("zero-shot", "big"), cards=TWO, gigabytes=40)
    assert large.cards == 2
    assert started(room, [small, large, small, Needs()]) == [(0, ("0",)), (3, ())]
    room.give_back(room.taken[0])
    assert started(room, [large, small]) == [(0, ("0", "1"))]


@pytest.mark.parametrize(
    ("gigabytes", "cards", "count"),
    [(10, FOUR, 1), (24, FOUR, 1), (30, FOUR, 2), (50, FOUR, 4), (500, FOUR, 4), (30, TWO[:1], 1), (15, CUT, 1),
     (200, CUT, 1), (10, (), 1)],
)  # fmt: skip
def test_as_few_cards_as_hold_it_by_powers_of_two_and_never_parts(
    gigabytes: float, cards: tuple[Gpu, ...], count: int
) -> None:
    expected = Expected(approach="x", memory_bytes=gigabytes * GB)
    assert spread_over(item("zero-shot", "big"), expected, cards) == count
    assert spread_over(item("zero-shot", "big"), None, cards) == 1
    assert spread_over(item("qlora", "big"), expected, cards) == 1
    assert spread_over(item("zero-shot", "openai:big"), expected, cards) == 1


@pytest.mark.parametrize(("asked", "cards", "count"), [(2, FOUR, 2), (8, FOUR, 4), (None, FOUR, 1), (2, CUT, 1)])
def test_a_training_may_ask_for_cards(asked: int | None, cards: tuple[Gpu, ...], count: int) -> None:
    assert max(1, asked_for(item("qlora", "small", devices=asked), cards)) == count
    assert needs(item("qlora", "small", devices=asked), cards=cards).cards == count


def test_of_unlike_cards_the_smallest_that_is_large_enough_is_taken() -> None:
    small, large = needs(LOCAL, cards=CUT, gigabytes=5), needs(OTHER, cards=CUT, gigabytes=30)
    room = Room(CUT)
    assert started(room, [large, small, small]) == [(0, ("3",)), (1, ("MIG-1",)), (2, ("MIG-2",))]
    assert started(Room(CUT), [needs(LOCAL, cards=CUT, gigabytes=500)]) == [(0, ("MIG-1",))], "it says so itself"


def test_cards_that_cannot_be_named_are_not_shared_out() -> None:
    assert addressable(TWO) == TWO
    assert addressable((card(""), card(""))) == (card(""),)
    assert addressable((card("0"), card("0"))) == (card("0"),)
