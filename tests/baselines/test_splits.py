"""Splits: nothing lost, nothing twice, groups whole, the same whatever the order of the rows."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baselines.audit import survey
from baselines.dataset import Source, load_cases, load_examples
from baselines.overlap import bare_text, overlap, repeats
from baselines.splits import dev_split, examples_of, split
from reports.errors import DataError
from reports.run.schema import Case, Example, Question, Task


def example(
    number: int, text: str | None = None, label: str = "", group: str | None = None, passage: str = ""
) -> Example:
    context = {"passage": passage} if passage else {}
    said = text if text is not None else f"text {number}"
    return Example(id=str(number), input=said, output=label or f"out {number}", group=group, context=context)


ITEMS = st.lists(
    st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("xyz"), st.none() | st.sampled_from("123456")), max_size=60
).map(lambda rows: [example(i, text, label, group) for i, (text, label, group) in enumerate(rows)])


@given(items=ITEMS, seed=st.integers(0, 5), share=st.sampled_from([0.05, 0.1, 0.3, 0.5]))
def test_a_split_is_complete_disjoint_and_keeps_clusters_whole(items: list[Example], seed: int, share: float) -> None:
    rest, dev = dev_split(items, share, seed)
    assert sorted(e.id for e in (*rest, *dev)) == sorted(e.id for e in items)
    assert not {e.input for e in rest} & {e.input for e in dev}
    assert not {e.group for e in rest if e.group} & {e.group for e in dev if e.group}


@given(items=ITEMS, seed=st.integers(0, 5), order=st.randoms(use_true_random=False))
def test_a_split_does_not_depend_on_the_order_of_rows(items: list[Example], seed: int, order: random.Random) -> None:
    before = dev_split(items, 0.3, seed)
    order.shuffle(items)
    after = dev_split(items, 0.3, seed)
    assert [sorted(e.input for e in part) for part in before] == [sorted(e.input for e in part) for part in after]


@given(items=ITEMS)
def test_three_parts_are_complete_and_disjoint(items: list[Example]) -> None:
    items += [example(1000 + i, f"one more {i}") for i in range(3)]
    parts = split(items)
    assert sorted(e.id for part in (parts.train, parts.dev, parts.test) for e in part) == sorted(e.id for e in items)
    assert parts.train
    assert parts.test


def test_shares_and_labels_are_even() -> None:
    items = [example(i, label="ham" if i % 5 else "spam") for i in range(500)]
    parts = split(items)
    sizes = {part: Counter(e.output for e in getattr(parts, part)) for part in ("train", "dev", "test")}
    for part, share in (("train", 0.6), ("dev", 0.1), ("test", 0.3)):
        assert abs(sizes[part]["ham"] - 400 * share) <= 1
        assert abs(sizes[part]["spam"] - 100 * share) <= 1


def test_parts_keep_the_order_of_the_file() -> None:
    items = [example(i) for i in range(50)]
    assert [int(e.id) for e in split(items).train] == sorted(int(e.id) for e in split(items).train)


def test_another_seed_gives_another_split_and_the_same_seed_the_same() -> None:
    items = [example(i) for i in range(100)]
    assert split(items, 1) == split(items, 1)
    assert split(items, 1).test != split(items, 2).test
    assert split(items, 1).hashes == split(items[::-1], 1).hashes
    assert split(items, 1).hashes["test"] != split(items, 2).hashes["test"]


def test_appended_rows_move_few_others() -> None:
    items = [example(i) for i in range(300)]
    before = {e.id for e in split(items).test}
    after = {e.id for e in split([*items, *(example(i) for i in range(900, 905))]).test} - {
        str(i) for i in range(900, 905)
    }
    assert len(before ^ after) <= 10


def test_rare_labels_reach_every_part_over_the_whole_set() -> None:
    parts = split([example(i, label=f"label {i % 100}") for i in range(300)])
    assert 20 <= len(parts.dev) <= 40
    assert 75 <= len(parts.test) <= 105


def test_items_of_one_passage_stay_together_but_a_shared_system_text_does_not_tie() -> None:
    items = [example(i, passage=f"passage {i // 4} " * 30) for i in range(80)]
    parts = split(items)
    assert parts.clusters == 20
    assert not {e.context["passage"] for e in parts.train} & {e.context["passage"] for e in parts.test}
    shared = [e.model_copy(update={"context": {"system": "You are kind. " * 30}}) for e in items]
    assert split(shared).clusters == 80
    schema = [e.model_copy(update={"context": {"schema": "CREATE TABLE " * 30}}) for e in items]
    assert split(schema).clusters == 80


def test_inputs_that_differ_in_blanks_and_case_stay_together() -> None:
    assert bare_text("Where is  my CARD?") == bare_text("where is my card")
    assert bare_text("?!") == "?!"
    items = [example(0, "Where is my card?"), example(1, "where is my  CARD"), *(example(i) for i in range(2, 9))]
    assert split(items).clusters == 8


def test_too_few_rows_are_refused() -> None:
    with pytest.raises(DataError, match=r"^4 rows in 2 groups cannot be split"):
        split([example(i, group="ab"[i % 2]) for i in range(4)])


def test_dev_of_nothing_and_of_one_cluster_is_empty() -> None:
    items = [example(i, "same") for i in range(5)]
    assert dev_split(items, 0.5) == (tuple(items), ())
    assert dev_split(items, 0) == (tuple(items), ())
    with pytest.raises(ValueError, match="between 0 and 1"):
        dev_split(items, 1.5)


def case(identity: str, text: str) -> Case:
    return Case(question=Question(id=identity, input=text, group="g"), references=("x", "y"), row=3)


def test_cases_become_examples() -> None:
    made = examples_of([case("1", "a")])[0]
    assert (made.id, made.input, made.output, made.group, made.row) == ("1", "a", "x", "g", 3)


def test_leaks_are_found_exactly_and_nearly() -> None:
    cases = [
        case("1", "Where is it?"),
        case("2", "Never seen"),
        case("3", "where's it going"),
        case("4", " WHERE is it? "),
    ]
    examples = [example(1, "where is it?\n"), example(2, "Wheres it,  going")]
    assert overlap(cases, examples) == ("1", "4")
    assert survey(cases, examples, (), Task(type="classification")).leaked_near == ("3",)


def test_banking77_leaks_six_texts_and_repeats_four(shared_data: Path) -> None:
    folder = shared_data / "banking77" / "raw" / "banking_data"
    cases = load_cases(Source(path="test.csv"), "classification", folder).items
    examples = load_examples(Source(path="train.csv"), "classification", folder).items
    assert len(overlap(cases, examples)) == 6
    assert repeats(examples) == 4


def test_banking77_dev_split_has_every_label(shared_data: Path) -> None:
    folder = shared_data / "banking77" / "raw" / "banking_data"
    examples = load_examples(Source(path="train.csv"), "classification", folder).items
    rest, dev = dev_split(examples, 0.1, seed=0)
    assert len({e.output for e in dev}) == len({e.output for e in rest}) == 77
    assert abs(len(dev) - 1000) <= 3


def test_xquad_paragraphs_never_straddle(shared_data: Path) -> None:
    folder = shared_data / "xquad_en_de" / "raw" / "google-deepmind__xquad"
    parts = split(load_cases(Source(path="xquad.en.json"), "qa", folder).items)
    seen = [{c.question.context["context"] for c in part} for part in (parts.train, parts.dev, parts.test)]
    assert not seen[0] & (seen[1] | seen[2])
    assert not seen[1] & seen[2]
    assert abs(len(parts.test) / 1190 - 0.3) < 0.02
