"""Pairs to samples: what carries loss, what is left out, and in which order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from finetune.chat import Layout, layout_of
from finetune.data import Pair, Sample, plan_epoch, prepare, split_step
from finetune.recipe import Recipe
from reports.errors import DataError


@pytest.fixture(scope="module")
def layout(tiny_model: Path) -> Layout:
    from transformers import AutoTokenizer

    return layout_of(AutoTokenizer.from_pretrained(tiny_model))


def pairs(count: int, **changes: Any) -> list[Pair]:
    return [Pair(f"Input: order {i}", f"label {i % 3}", where=f"row {i + 2}", **changes) for i in range(count)]


def test_only_the_answer_and_its_end_carry_loss(layout: Layout) -> None:
    prepared = prepare(pairs(20), layout, Recipe(), context=512)
    for sample in (*prepared.train, *prepared.validation):
        assert layout.tokenizer.decode(sample.ids[sample.start :])[:7] == " label "
        assert sample.ids[-1] == layout.end_id
        assert layout.tokenizer.pad_token_id not in sample.ids
    assert prepared.trained_tokens == sum(sample.trained for sample in prepared.train)


def test_the_split_is_95_to_5_and_the_same_each_time(layout: Layout) -> None:
    first = prepare(pairs(200), layout, Recipe(), context=512)
    assert (len(first.train), len(first.validation)) == (190, 10)
    assert prepare(pairs(200), layout, Recipe(), context=512) == first
    assert prepare(pairs(200), layout, Recipe(seed=1), context=512).validation != first.validation


def test_groups_stay_on_one_side(layout: Layout) -> None:
    grouped = [Pair(f"Input: {g} {i}", g, group=g) for g in "abcdefghij" for i in range(10)]
    prepared = prepare(grouped, layout, Recipe(eval_share=0.1), context=512)
    held = {layout.tokenizer.decode(sample.ids[sample.start : -1]) for sample in prepared.validation}
    left = {layout.tokenizer.decode(sample.ids[sample.start : -1]) for sample in prepared.train}
    assert held
    assert not held & left


def test_one_giant_group_is_split_rather_than_lost(layout: Layout) -> None:
    prepared = prepare(pairs(40, group="one"), layout, Recipe(), context=512)
    assert len(prepared.validation) == 2
    assert len(prepared.train) == 38


def test_too_few_examples_are_refused(layout: Layout) -> None:
    with pytest.raises(DataError, match="at least 10 examples; the training data has 7"):
        prepare(pairs(7), layout, Recipe(), context=512)


def test_few_examples_are_warned_about(layout: Layout) -> None:
    assert any("Only 20 examples" in warning for warning in prepare(pairs(20), layout, Recipe(), 512).warnings)


def test_empty_outputs_are_refused_with_their_rows(layout: Layout) -> None:
    broken = [*pairs(20), *(Pair("Input: x", "  ", where=f"row {i}") for i in range(30, 37))]
    with pytest.raises(DataError, match=r"7 of 27 training outputs are empty: row 30, .* and 2 more"):
        prepare(broken, layout, Recipe(), context=512)


def test_long_examples_are_left_out_and_named_never_cut(layout: Layout) -> None:
    mixed = [*pairs(60), Pair("word " * 300, "x", where="row 99")]
    prepared = prepare(mixed, layout, Recipe(), context=100)
    assert len(prepared.train) + len(prepared.validation) == 60
    assert any("1 of 61" in warning and "row 99" in warning for warning in prepared.warnings)
    with pytest.raises(DataError, match="Only 0 of 20 examples fit into 5 tokens"):
        prepare(pairs(20), layout, Recipe(max_length=5), context=512)


def samples(lengths: list[int]) -> list[Sample]:
    return [Sample(tuple(range(length)), start=length - 1) for length in lengths]


def test_every_example_comes_once_an_epoch_in_steps_of_a_batch() -> None:
    data = samples([*range(5, 58)])
    for epoch in range(3):
        plan = plan_epoch(data, Recipe(batch=8), epoch)
        assert sorted(i for step in plan for i in step) == list(range(53))
        assert [len(step) for step in plan].count(8) >= 6
    assert plan_epoch(data, Recipe(), 0) == plan_epoch(data, Recipe(), 0)
    assert plan_epoch(data, Recipe(), 1) != plan_epoch(data, Recipe(), 2)


def test_the_longest_example_is_in_the_first_step_and_neighbours_have_like_lengths() -> None:
    data = samples([10] * 40 + [100] * 40 + [140])
    plan = plan_epoch(data, Recipe(batch=8), 0)
    assert 80 in plan[0]
    padded = sum(len(step) * max(len(data[i].ids) for i in step) for step in plan)
    assert padded < 1.25 * sum(len(sample.ids) for sample in data)


def test_labels_whose_lengths_differ_by_a_token_are_mixed_in_a_step() -> None:
    data = samples([13, 14] * 40)
    steps = plan_epoch(data, Recipe(batch=8), 0)
    mixed = [step for step in steps if 2 <= sum(len(data[i].ids) == 13 for i in step) <= 6]
    assert len(mixed) >= 6 == 0.6 * len(steps)


def test_a_step_is_split_by_padded_tokens_and_keeps_all() -> None:
    data = samples([50, 40, 30, 20, 10, 200])
    pieces = split_step([0, 1, 2, 3, 4, 5], data, 100)
    assert pieces == [[5], [0, 1], [2, 3, 4]]
