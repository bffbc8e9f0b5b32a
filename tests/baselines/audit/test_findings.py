"""Each look at the rows alone: conflicts, label noise, labels, boilerplate, lengths, paraphrases."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from baselines.audit import Material, examine
from baselines.audit.balance import balance
from baselines.audit.boilerplate import boilerplate, phrase_in
from baselines.audit.conflicts import conflicts
from baselines.audit.findings import Finding
from baselines.audit.label_noise import Unsure, suspects, why_not
from baselines.audit.lengths import TEMPLATE_TOKENS, TokenBudget, counter, lengths
from baselines.audit.near_duplicates import twins_of
from baselines.audit.paraphrases import own_paraphrases, paraphrases
from reports.errors import DataError
from reports.run.schema import Task

Build = Callable[..., Material]
TASK = Task(type="classification", instruction="Name it.", labels=("a", "b"))


def kinds(findings: list[Finding | None]) -> dict[str, Finding]:
    return {found.kind: found for found in findings if found is not None}


# --- conflicts ----------------------------------------------------------------------------------------


def test_a_majority_stays_and_a_tie_leaves_nobody(material: Build) -> None:
    rows = material(
        [("one", "a"), ("One!", "a"), ("ONE", "b"), ("two", "a"), ("two", "b"), ("three", "a")],
        [("four", "a"), ("four", "b")],
    )
    found = kinds(list(conflicts(rows, twins_of(rows.learn))))["conflicts"]
    assert found.count == 3
    assert [row.row for row in found.rows if row.change == "remove"] == [4, 5, 6]
    assert {row.part for row in found.rows if row.change is None} == {"train", "eval"}
    assert "“a” (2)" in next(row.note for row in found.rows if row.row == 4 and row.part == "train")


def test_nearly_the_same_with_another_answer_is_shown_and_only_set_aside(material: Build) -> None:
    rows = material(
        [("I lost the card you sent to my old home", "a"), ("I lost the cards you sent to my old home", "b")]
    )
    found = kinds(list(conflicts(rows, twins_of(rows.learn))))
    assert set(found) == {"near-conflicts"}
    assert [(row.row, row.change) for row in found["near-conflicts"].rows] == [(3, "set-aside")]


def test_free_answers_do_not_conflict(material: Build) -> None:
    rows = material([("one", "a"), ("one", "b")], task="generation")
    assert conflicts(rows, twins_of(rows.learn)) == []


# --- label noise --------------------------------------------------------------------------------------

TOPICS = {
    "card": "card chip magnet plastic contactless payment terminal",
    "loan": "loan interest rate mortgage repay monthly credit",
    "app": "app login password screen update phone crash",
}


def topical(flipped: int) -> list[tuple[str, str]]:
    chance = random.Random(3)
    rows = [(" ".join(chance.sample(words.split(), 4)), name) for name, words in TOPICS.items() for _ in range(60)]
    chance.shuffle(rows)
    names = list(TOPICS)
    return [
        (text, names[(names.index(label) + 1) % 3] if at < flipped else label) for at, (text, label) in enumerate(rows)
    ]


def test_flipped_labels_are_found_with_the_label_they_had(material: Build) -> None:
    items = material(topical(8)).learn
    found = suspects(items)
    assert {s.at for s in found} <= set(range(8))
    assert len(found) >= 6
    names = list(TOPICS)
    assert all(names[(names.index(s.suggested) + 1) % 3] == items[s.at].output for s in found)


def test_clean_labels_raise_hardly_a_suspicion(material: Build) -> None:
    assert len(suspects(material(topical(0)).learn)) <= 2


def test_a_classifier_that_knows_nothing_doubts_nothing(material: Build) -> None:
    chance = random.Random(5)
    rows = material([(f"{chance.choice('xyz')} text {n}", chance.choice("abcd")) for n in range(200)])
    with pytest.raises(Unsure, match="agrees with"):
        suspects(rows.learn)
    audit = examine(rows, TASK)
    assert audit.finding("label-noise") is None
    assert any("its doubts say more of it" in reason for reason in audit.skipped)


def test_embeddings_are_used_where_they_are_given(material: Build) -> None:
    items = material([(f"text number {n}", "ab"[n % 2] if n > 5 else "ba"[n % 2]) for n in range(200)]).learn
    vectors = np.array([[1.0, 0.0] if n % 2 else [0.0, 1.0] for n in range(200)])
    assert {s.at for s in suspects(items, vectors)} >= set(range(6))


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([("x", "a")] * 20, "too few"),
        ([(f"x {n}", "a") for n in range(200)], "fewer than two labels"),
        ([(f"x {n}", str(n)) for n in range(200)], "fewer than two labels"),
    ],
)
def test_where_noise_cannot_be_looked_for_it_says_why(material: Build, rows: list[tuple[str, str]], said: str) -> None:
    assert said in (why_not(material(rows).learn) or "")


# --- labels -------------------------------------------------------------------------------------------


def test_labels_written_two_ways_become_the_usual_one(material: Build) -> None:
    train = [("x", "card_lost")] * 3 + [("y", "Card lost"), ("z", "refund|card-lost")]
    found = kinds(balance(material(train, [("q", "CARD LOST")])))["label-spelling"]
    assert found.count == 1
    assert [(row.part, row.change, row.value) for row in found.rows] == [
        ("train", "relabel", "card_lost"),
        ("train", "relabel", "refund|card_lost"),
        ("eval", None, "card_lost"),
    ]


def test_rare_unseen_and_dominant_labels(material: Build) -> None:
    train = [(f"x {n}", "usual") for n in range(60)] + [("y", "rare")]
    found = kinds(balance(material(train, [("q", "usual"), ("r", "new")])))
    assert found["rare-labels"].rows[0].row == 62
    assert found["unseen-labels"].severity == "serious"
    assert "98.4 %" in found["imbalance"].text
    assert [(row.row, row.note) for row in found["imbalance"].rows] == [(62, "“rare”")], "what the score rests on"
    assert "too-few" not in found


def test_training_rows_of_one_label_teach_nothing(material: Build) -> None:
    found = kinds(balance(material([(f"x {n}", "only") for n in range(12)], [("q", "only"), ("r", "other")])))
    assert found["imbalance"].severity == "serious"
    assert "all 12 training rows have the label “only”" in found["imbalance"].text


@pytest.mark.parametrize(("rows", "severity"), [(9, "serious"), (10, "warning"), (49, "warning"), (50, None)])
def test_few_rows_are_said(material: Build, rows: int, severity: str | None) -> None:
    found = kinds(balance(material([(f"x {n}", "ab"[n % 2]) for n in range(rows)]))).get("too-few")
    assert (found.severity if found else None) == severity
    assert len(found.rows if found else ()) == (rows if severity else 0)


# --- boilerplate --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "As an AI language model, I do not have feelings.",
        "I'm sorry, but I can't help with that.",
        "I cannot fulfill this request.",
        "Als KI-Sprachmodell kann ich das nicht.",
        "En tant qu'IA, je ne peux pas.",
        "Lo siento, pero no puedo ayudar con eso.",
        "作为一个AI语言模型，我无法回答。",
        "My knowledge cutoff is 2021.",
    ],
)
def test_a_chat_model_that_gives_no_answer(text: str) -> None:
    found = phrase_in(text)
    assert found is not None
    assert found.grave


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry to hear that. Your parcel arrives on Monday.",
        "The AI model was trained on maths.",
        "You cannot fulfil an order twice.",
        "As an airline we refund tickets.",
        "Here is the news: rates fall."[8:],
    ],
)
def test_plain_answers_are_no_boilerplate(text: str) -> None:
    assert phrase_in(text) is None


def test_only_rows_that_are_no_answer_are_removed(material: Build) -> None:
    rows = [("q", "As an AI, I cannot say."), ("r", "Sure! Here is the summary: rain."), ("s", "Rain.")]
    found = boilerplate(material(rows, task="generation"))
    assert found is not None
    assert [(row.row, row.change) for row in found.rows] == [(2, "remove"), (3, None)]
    letters = [(f"q{n}", f"Your order {n} is on its way. Let me know if you need more.") for n in range(5)]
    assert boilerplate(material(letters, task="generation")) is None, "where most close so, it is the house style"


# --- lengths ------------------------------------------------------------------------------------------


def test_rows_that_do_not_fit_the_context(material: Build) -> None:
    folder = Path(__file__).resolve().parents[3] / "advisor" / "demo" / "model"
    rows = material([("short", "a"), ("word " * 2000, "b")], [("q", "a"), ("word " * 900, "b")])
    found = lengths(rows, TASK, TokenBudget("demo", 512, 16, counter("demo", folder)))
    assert found is not None
    assert [(row.part, row.row) for row in found.rows] == [("train", 3), ("eval", 3)]
    assert "fine-tuning leaves these training rows out" in found.effect
    assert "fail" in found.effect
    assert lengths(rows, TASK, TokenBudget("tiny", 100_000, 16)) is None


def test_a_tokenizer_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(DataError, match=r"tokenizer\.json cannot be read"):
        counter("m", tmp_path)(["text"])
    assert counter("m", tmp_path)([]) == []


def test_room_is_left_for_the_answer_of_a_case_and_for_the_template(material: Build) -> None:
    words = TokenBudget("w", 100 + TEMPLATE_TOKENS, 10, lambda texts: [len(text.split()) for text in texts])
    task = Task(type="generation", instruction="Go.")
    for part, fits in (("train", 97), ("eval", 88)):  # Input: … Go. are two words more, the output one
        for size, expected in ((fits, None), (fits + 1, 1)):
            pair = [("word " * (size - 1) + "word", "out")]
            built = material(pair, task="generation") if part == "train" else material((), pair, "generation")
            found = lengths(built, task, words)
            assert (found.count if found else None) == expected, (part, size)


def test_paraphrases_need_nearness_and_the_same_answer(material: Build) -> None:
    rows = material([("lost my card", "a"), ("app crashes", "b")], [("card is gone", "a"), ("it crashes", "a")])
    vectors = np.array([[1, 0], [0, 1], [0.999, 0.04], [0, 1]], dtype=np.float32)
    found = paraphrases(rows, vectors)
    assert found is not None
    assert [(row.part, row.row, row.change) for row in found.rows] == [("train", 2, "set-aside")]
    assert "eval.csv row 2" in found.rows[0].note
    assert paraphrases(rows, vectors, {0}) is None


def test_paraphrases_within_the_training_data(material: Build) -> None:
    near = [1.0, 0.0], [0.999, 0.04]
    texts = [
        ("lost my card", "a", near[0]),
        ("my card is gone", "a", near[1]),
        ("no card any more", "b", near[1]),
        ("where is my card", "a", near[1]),
        ("lost 2 cards", "a", near[0]),
        ("app crashes", "a", [0.0, 1.0]),
    ]
    rows = material([(text, label) for text, label, _ in texts])
    vectors = np.array([vector for *_, vector in texts], dtype=np.float32)
    found = own_paraphrases(rows, vectors)
    assert found is not None
    assert {row.row: row.note.partition(" (")[0] for row in found.rows} == {
        3: "means about the same as train.csv row 2", 5: "means about the same as train.csv row 2",
    }  # fmt: skip
    assert found.count == 2
    told = own_paraphrases(rows, vectors, {1})
    assert told is not None
    assert [row.row for row in told.rows] == [5]


def test_a_deep_look_compares_training_rows_with_each_other(material: Build) -> None:
    rows = material([("lost my card", "a"), ("the plastic is gone", "a")], [("app crashes", "a")])
    vectors = np.array([[1, 0], [0.999, 0.04], [0, 1]], dtype=np.float32)
    found = examine(rows, TASK, embed=lambda _: vectors).finding("own-paraphrases")
    assert found is not None
    assert [row.row for row in found.rows] == [3]


# --- all of it ----------------------------------------------------------------------------------------


def test_the_gravest_stands_first_and_what_was_not_looked_at_is_said(material: Build) -> None:
    rows = material([("hi there you", "a"), ("hi there you", "a"), ("my mail is x@posteo.de", "b")], [("new one", "c")])
    audit = examine(rows, TASK)
    gravity = [("serious", "warning", "note").index(found.severity) for found in audit.findings]
    assert gravity == sorted(gravity)
    assert {f.kind for f in audit.findings} >= {"personal-data", "duplicates", "unseen-labels", "too-few"}
    assert any("--deep" in reason for reason in audit.skipped)
    assert all(found.effect and found.remedy and found.text for found in audit.findings)
    assert "posteo" not in audit.model_dump_json()


def test_an_audit_without_training_data(material: Build) -> None:
    audit = examine(material((), [("one", "a"), ("two", "b")]), TASK)
    assert audit.findings == ()
    assert any("no training data" in reason for reason in audit.skipped)
