"""Pairs to samples: what carries loss, what is left out, and in which order."""

from __future__ import annotations

import json
from dataclasses import asdict
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from finetune.chat import Layout, Message, layout_of
from finetune.data import Pair, Sample, hash_pairs, plan_epoch, prepare, sample_of, split_step
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
    data = samples([20 + i % 101 for i in range(404)] + [140])
    for batch, most in ((8, 1.1), (16, 1.2)):
        plan = plan_epoch(data, Recipe(batch=batch), 0)
        assert 404 in plan[0]
        padded = sum(len(step) * max(len(data[i].ids) for i in step) for step in plan)
        assert padded < most * sum(len(sample.ids) for sample in data)


def test_other_examples_meet_in_a_step_of_another_epoch_and_every_length_comes_soon() -> None:
    data = samples([20 + i % 101 for i in range(404)])
    first, second = (plan_epoch(data, Recipe(batch=8), epoch) for epoch in (1, 2))
    met = {frozenset(pair) for step in first for pair in combinations(step, 2)}
    again = [frozenset(pair) in met for step in second for pair in combinations(step, 2)]
    assert sum(again) < 0.15 * len(again)  # sorted all together it would be a fifth
    for at in range(0, 48, 12):
        middles = [sum(len(data[i].ids) for i in step) / len(step) for step in first[at : at + 12]]
        assert min(middles) < 40
        assert max(middles) > 100


def test_labels_whose_lengths_differ_by_a_token_are_mixed_in_a_step() -> None:
    data = samples([13, 14] * 40)
    steps = plan_epoch(data, Recipe(batch=8), 0)
    mixed = [step for step in steps if 2 <= sum(len(data[i].ids) == 13 for i in step) <= 6]
    assert len(mixed) >= 6 == 0.6 * len(steps)


def test_a_step_is_split_by_padded_tokens_and_keeps_all() -> None:
    data = samples([50, 40, 30, 20, 10, 200])
    pieces = split_step([0, 1, 2, 3, 4, 5], data, 100)
    assert pieces == [[5], [0, 1], [2, 3, 4]]


def talk(number: int, *, weight: bool = True, first: str = "hello there") -> Pair:
    messages = (
        Message("system", "Name it."),
        Message("user", f"order {number}"),
        Message("assistant", first, trained=weight),
        Message("user", "and now"),
    )
    return Pair(f"User: order {number}\nAssistant: {first}\nUser: and now", "refund", f"row {number}", None, messages)


CHATML = (
    "{% for m in messages %}<|user|>{{ m['role'] }}\n{{ m['content'] }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|user|>assistant\n{% endif %}"
)
NO_SYSTEM = (
    "{% for m in messages %}{% if m['role'] == 'system' %}{{ raise_exception('no system') }}{% endif %}"
    "<|user|>{{ m['role'] }}\n{{ m['content'] }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|user|>assistant\n{% endif %}"
)
FORGETS = (
    "{% for m in messages %}<|user|>{{ m['role'] }}\n"
    "{% if m['role'] == 'assistant' and not loop.last %}{{ m['content'].split('</think>')[-1] }}"
    "{% else %}{{ m['content'] }}{% endif %}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|user|>assistant\n{% endif %}"
)


def laid_out(tiny_model: Path, template: str | None) -> Layout:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    tokenizer.chat_template = template
    return layout_of(tokenizer)


@pytest.mark.parametrize("template", [CHATML, NO_SYSTEM])
def test_every_answer_of_a_conversation_carries_loss_in_the_templates_own_tokens(
    tiny_model: Path, template: str
) -> None:
    layout = laid_out(tiny_model, template)
    pair = talk(1)
    sample = sample_of(pair, layout)
    heard = [layout.tokenizer.decode(sample.ids[start:end]) for start, end in sample.spans]
    assert heard == ["hello there<|end|>", "refund<|end|>"]
    said = [{"role": m.role, "content": m.text} for m in pair.messages]
    if template == NO_SYSTEM:  # what the template refuses as a role stands before the user's first words
        said = [{"role": "user", "content": "Name it.\n\norder 1"}, *said[2:]]
    whole = layout.tokenizer.apply_chat_template(
        [*said, {"role": "assistant", "content": "refund"}], tokenize=True, return_dict=False
    )
    assert list(sample.ids) == whole[: len(sample.ids)]
    assert layout.prompt_ids([pair.prompt], [pair.messages]) == [list(sample.ids[: sample.start])]
    assert sample.trained == sum(end - start for start, end in sample.spans)


def test_an_earlier_answer_is_learnt_as_it_would_be_answered(tiny_model: Path) -> None:
    layout = laid_out(tiny_model, CHATML)
    pair = talk(1)
    ((start, end), _) = sample_of(pair, layout).spans
    shorter = Pair("", "hello there", messages=pair.messages[:2])
    assert sample_of(shorter, layout).ids == sample_of(pair, layout).ids[:end]
    assert sample_of(shorter, layout).start == start


def test_a_turn_without_weight_carries_no_loss(tiny_model: Path) -> None:
    layout = laid_out(tiny_model, CHATML)
    sample = sample_of(talk(1, weight=False), layout)
    assert sample.earlier == ()
    assert "hello there" in layout.tokenizer.decode(sample.ids[: sample.start])
    assert not prepare([talk(i, weight=False) for i in range(60)], layout, Recipe(), context=512).warnings


@pytest.mark.parametrize("template", [FORGETS, None])
def test_where_earlier_answers_are_not_as_given_the_last_one_is_trained_and_it_is_said(
    tiny_model: Path, template: str | None
) -> None:
    layout = laid_out(tiny_model, template)
    prepared = prepare([talk(i, first="<think>a</think>b") for i in range(60)], layout, Recipe(), context=512)
    assert all(sample.earlier == () for sample in prepared.train)
    (warning,) = prepared.warnings
    assert warning.startswith("In 60 of 60 conversations only the last answer is trained")
    assert ("no chat template" in warning) == (template is None)


def test_pairs_without_turns_keep_their_hash_and_turns_survive_json(layout: Layout) -> None:
    assert hash_pairs([Pair("a", "b"), Pair("c", "d", group="g")], "layout") == "d5ea6ea81eb02e59"
    pair = talk(1)
    assert Pair.read(json.loads(json.dumps(asdict(pair)))) == pair
    assert hash_pairs([pair], "x") != hash_pairs([talk(1, weight=False)], "x")


@pytest.mark.parametrize("template", [CHATML, NO_SYSTEM])
def test_a_conversation_may_begin_with_the_assistant(tiny_model: Path, template: str) -> None:
    layout = laid_out(tiny_model, template)
    system, *others = talk(1).messages
    pair = Pair("flat", "refund", messages=(system, Message("assistant", "hi", trained=True), *others))
    sample = sample_of(pair, layout)
    heard = [layout.tokenizer.decode(sample.ids[start:end]) for start, end in sample.spans]
    assert heard == ["hi<|end|>", "hello there<|end|>", "refund<|end|>"]


def test_many_epochs_over_many_examples_are_called_unusual() -> None:
    from finetune.data import _epochs

    assert _epochs(20_001, Recipe(epochs=3))
    assert not _epochs(20_001, Recipe(epochs=2))
    assert not _epochs(20_000, Recipe(epochs=3))
