"""What counts as nearly the same, in any language, and what does not."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baselines.audit import Material, survey
from baselines.audit.near_duplicates import repeats, twins_of
from baselines.audit.repetition import duplicates, leaking, leaks
from baselines.audit.rows import Item
from baselines.audit.shingles import similar_pairs
from reports.run.schema import Case, Example, Question, Task

Build = Callable[..., Material]


def twin(a: str, b: str, **more: dict[str, str]) -> bool:
    items = [Item("train", "t", i, text, ("x",), more.get(f"context{i}", {})) for i, text in enumerate((a, b))]
    return bool(twins_of(items))


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("Where is my card?", "WHERE IS MY CARD"),
        ("My top-up failed", "my top up failed!!"),
        ("I'm waiting for the card", "Im waiting for the card"),
        ("How do I activate my card?", "How do I actvate my card?"),
        ("How do I activate my card?", "Hi there, how do I activate my card? Thanks!"),
        ("How do I change my PIN at an ATM?", "How can I change my PIN at an ATM?"),
        ("Wo ist meine neue Karte geblieben?", "Guten Tag, wo ist meine neue Karte geblieben? Vielen Dank"),
        ("Où est passée ma carte bancaire ?", "Bonjour, où est passée ma carte bancaire"),
        ("¿Dónde está mi tarjeta nueva?", "donde esta mi tarjeta nueva"),
        ("где моя новая карта", "Где моя новая карта?"),
        ("我的新信用卡什么时候能寄到", "我的新信用卡什么时候能寄到？"),
        ("ｗｈｅｒｅ ｉｓ ｍｙ ｃａｒｄ", "where is my card"),
    ],
)
def test_the_same_in_nearly_the_same_words(a: str, b: str) -> None:
    assert twin(a, b)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("Where is order 1234?", "Where is order 1235?"),
        ("Can I change my PIN?", "Can I unblock my PIN?"),
        ("I received the money", "I never received the money"),
        ("How is my card?", "Where is my card?"),
        ("", "card"),
        ("我的卡丢了怎么办", "我的卡坏了想换一张新的"),
    ],
)
def test_another_meaning_in_similar_words(a: str, b: str) -> None:
    assert not twin(a, b)


SAID = (
    "where is my card",
    "was my card lost",
    "can I send money",
    "what is my pin",
    "how do I add a card",
    "I was paid",
)
BANK = [f"{text} {word}" for text in SAID for word in ("today", "yesterday", "abroad", "again", "perhaps")]


@pytest.mark.parametrize(
    ("right", "typed", "found"),
    [
        ("How do I add a new card?", "How do I add a new acrd?", True),
        ("Why was it stopped?", "Why wsa it stopped?", True),
        ("Can friends send me money?", "Can friends snd me money?", True),
        ("Can I pay in dollars now?", "Can I pey in dollars now?", False),  # another letter in a word of three
        ("Can I get my card?", "Can I get my cart?", True),
        ("Where is my card?", "Where is my pin?", False),
    ],
)
def test_a_slip_in_a_very_short_text(material: Build, right: str, typed: str, found: bool) -> None:
    rows = material([(text, "a") for text in (*BANK, right)]).train
    again = material([(text, "a") for text in (*BANK, right, typed)]).train
    pairs = {(again[t.left].input, again[t.right].input) for t in twins_of(again)}
    assert ((right, typed) in pairs) is found
    assert leaking(again[-1:], rows[-1:]) == [] or found


def test_two_words_that_many_write_are_no_slip(material: Build) -> None:
    texts = ["Can I change it?", "Can I charge it?", *["I change", "I charge", "do change", "do charge"] * 4]
    rows = material([(text, "a") for text in texts]).train
    assert {(t.left, t.right) for t in twins_of(rows[:2])} == set(), "too few rows to know which word is right"
    assert (0, 1) not in {(t.left, t.right) for t in twins_of(rows)}


def test_where_a_deciding_word_differs_a_pair_comes_later(material: Build) -> None:
    said = "exchange one currency for another one in this app on my phone"
    texts = [f"Can I {said}", f"How can I {said}", f"Can I please do {said}"]
    found = twins_of(material([(text, "a") for text in texts]).train)
    assert next((t.left, t.right) for t in found) == (0, 2)
    assert (0, 1) in [(t.left, t.right) for t in found]


def test_the_same_question_about_another_passage_is_another_question() -> None:
    one, two = {"passage": "About Rome."}, {"passage": "About Oslo."}
    assert not twin("Who was the first mayor?", "Who was the first mayor?", context0=one, context1=two)
    assert twin("Who was the first mayor?", "Who was the first mayor?", context0=one, context1=one)


def test_a_row_repeats_the_earliest_that_stays_and_only_with_the_same_answer(material: Build) -> None:
    train = material(
        [
            ("How do I get a new card?", "new"),
            ("how do i get a new card", "new"),
            ("How do I get a new card??", "new"),
            ("How do I get a new card!", "lost"),
        ]
    ).train
    found = repeats(train, twins_of(train))
    assert {at: twin.left for at, twin in found.items()} == {1: 0, 2: 0}


def test_small_steps_do_not_swallow_a_topic(material: Build) -> None:
    said = "where can people find the nearest open branch of this bank in the old town today"
    words = said.split()
    chain = [(" ".join([*"zyxwvutsrq"[:step], *words[step:]]), "x") for step in range(10)]
    train = material(chain).train
    found = repeats(train, twins_of(train))
    assert 0 not in found
    assert len(found) < len(chain) - 1


def test_leaks_are_told_from_near_leaks(material: Build) -> None:
    rows = material(
        [("Where is my card?", "a"), ("Hello, where is my parcel?", "a"), ("where is my refund now", "b")],
        [("where is my card? ", "a"), ("Where is my parcel?", "a"), ("Where's my refund now", "a"), ("New", "b")],
    )
    found = leaks(rows, leaking(rows.learn, rows.eval))
    assert [(f.kind, f.count, [r.row for r in f.rows]) for f in found] == [("leaks", 1, [2]), ("near-leaks", 1, [3])]
    assert all(row.change == "remove" for f in found for row in f.rows)
    assert "eval.csv row 3" in found[1].rows[0].note


def test_a_plan_asks_for_the_near_leaks_alone() -> None:
    cases = [
        Case(question=Question(id=str(i), input=text), references=("a",))
        for i, text in enumerate(["Where is my card?", "My parcel has not arrived yet", "Something else"])
    ]
    examples = [Example(id="1", input="where is my card?", output="a"),
                Example(id="2", input="My parcel has not arived yet!", output="a")]  # fmt: skip
    found = survey(cases, examples, (), Task(type="generation"))
    assert found.leaked_near == ("1",)
    assert [(f.kind, f.count) for f in found.findings if "leaks" in f.kind] == [("leaks", 1), ("near-leaks", 1)]
    for none in (survey(cases, [], (), Task(type="generation")), survey([], examples, (), Task(type="generation"))):
        assert none.leaked_near == ()


def test_exact_and_near_repeats_are_two_findings(material: Build) -> None:
    rows = material([("My top up failed", "a"), ("my top up FAILED.", "a"), ("My top-up failled", "a"), ("Else", "b")])
    found = duplicates(rows, twins_of(rows.learn))
    assert [(f.kind, [r.row for r in f.rows]) for f in found] == [("duplicates", [3]), ("near-duplicates", [4])]


def brute(texts: list[str], alike: float) -> set[tuple[int, int]]:
    """All pairs by definition."""
    padded = [f" {text} ".ljust(5) for text in texts]
    sets = [{text[i : i + 5] for i in range(len(text) - 4)} for text in padded]
    return {
        (i, j)
        for i in range(len(texts))
        for j in range(i + 1, len(texts))
        if len(sets[i] & sets[j]) >= alike * len(sets[i] | sets[j])
    }


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text("abc é中", max_size=14), max_size=12))
def test_the_join_finds_what_comparing_all_pairs_finds(texts: list[str]) -> None:
    found = similar_pairs(texts, alike=0.5)
    assert set(zip(found.left.tolist(), found.right.tolist(), strict=True)) == brute(texts, 0.5)
    border = len(texts) // 2
    between = similar_pairs(texts[:border], texts[border:], alike=0.5)
    pairs = set(zip(between.left.tolist(), (between.right + border).tolist(), strict=True))
    assert pairs == {(i, j) for i, j in brute(texts, 0.5) if i < border <= j}


def test_long_texts_are_compared_by_a_sample_of_themselves() -> None:
    chance = np.random.default_rng(0)
    words = ["".join(chance.choice(list("abcdefghij"), 6)) for _ in range(4000)]
    long = [" ".join(words[i * 200 : i * 200 + 200]) for i in range(20)]
    changed = [text.replace(text.split()[50], "other") for text in long]
    found = similar_pairs(long, changed, alike=0.8)
    assert set(zip(found.left.tolist(), found.right.tolist(), strict=True)) == {(i, i) for i in range(20)}


def test_thousands_of_equal_rows_are_all_repeats_of_the_first(material: Build) -> None:
    text = "the very same text again and again"
    rows = material([(text, "a")] * 3000 + [(text[:-3] + "in", "a")], [(f"{text.capitalize()}!", "a")] * 3)
    found = repeats(rows.train, twins_of(rows.train))
    assert len(found) == 3000
    assert {twin.left for twin in found.values()} == {0}
    given = leaks(rows, leaking(rows.train, rows.eval))
    assert sum(len(finding.rows) for finding in given) == 3001


def test_portions_find_what_one_look_finds(material: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = material([(f"a question about {w} please", w) for w in "xyz"], [(f"A question about {w}", w) for w in "zyx"])
    whole = twins_of(rows.train, rows.eval)
    monkeypatch.setattr("baselines.audit.near_duplicates.MOST_CHARACTERS", 1)
    assert twins_of(rows.train, rows.eval) == whole
    assert len(whole) >= 3
