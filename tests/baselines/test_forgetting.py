"""The forgetting probe: what it counts as right, when it says kept, lost or neither, and that it asks once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from baselines import forgetting
from baselines.forgetting import judge, own_items, probe, right, warning
from baselines.models.contract import Decoding, Generation
from baselines.probe_items import GENERAL, Item
from baselines.prompts import Prompt
from reports.errors import DataError
from reports.forgotten import forgetting_cautions, forgetting_words, sampled_words
from reports.run.schema import TrainingRecord, TrainingStep

TRAINED = TrainingRecord(
    method="lora",
    examples=1,
    validation_examples=1,
    trained_tokens=1,
    steps=8,
    epochs=2,
    best_step=4,
    best_validation_loss=1.0,
    stopped="all epochs",
    seconds=1.0,
)


def items(count: int) -> tuple[Item, ...]:
    return tuple(Item(f"What is {i}?", (f"number {i}",), "test") for i in range(count))


def answers(count: int, wrong: set[int] | range = range(0)) -> list[str]:
    return ["?" if i in wrong else f"It is Number {i}." for i in range(count)]


class Fake:
    """Answers with what it was given, and counts how often it is asked."""

    def __init__(self, fingerprint: str, texts: Sequence[str]) -> None:
        self.fingerprint = fingerprint
        self.texts = list(texts)
        self.asked = 0

    def generate(self, prompts: Sequence[Prompt], decoding: Decoding) -> Iterator[list[Generation]]:
        self.asked += 1
        yield [Generation(i, text=self.texts[i % len(self.texts)]) for i in reversed(range(len(prompts)))]


def test_the_general_set_is_fixed_and_every_item_can_be_checked() -> None:
    assert len(GENERAL) == 120
    assert len({item.prompt for item in GENERAL}) == 120
    assert Counter(item.kind for item in GENERAL)["reading"] == 20
    for item in GENERAL:
        assert all(right(item, f"The answer: {accepted}.") for accepted in item.accepted)
        assert not right(item, "xyzzy")


@pytest.mark.parametrize(
    ("accepted", "answer", "expected"),
    [("9", "90", False), ("9", "It is 9.", True), ("Mara Holm", "mara  holm", True), ("ice", "juice", False)],
)
def test_an_accepted_text_counts_as_whole_words(accepted: str, answer: str, expected: bool) -> None:
    assert right(Item("?", (accepted,), "test"), answer) is expected


@pytest.mark.parametrize(
    ("wrong_before", "wrong_after", "words"),
    [
        (range(0), range(0), "kept"),
        (range(40), range(40), "kept"),
        (range(0), range(30), "lost"),
        (range(0), range(3), "not shown"),
        (range(30), range(0), "kept"),
    ],
)
def test_non_inferiority_at_three_points(wrong_before: range, wrong_after: range, words: str) -> None:
    found = judge("general", items(120), answers(120, wrong_before), answers(120, wrong_after))
    assert found.words == words
    assert found.before == pytest.approx(1 - len(wrong_before) / 120)
    assert found.lost_count == len(set(wrong_after) - set(wrong_before))
    assert bool(warning(found)) is (words == "lost")


def test_few_tasks_never_show_that_all_is_kept() -> None:
    found = judge("own", items(20), answers(20), answers(20))
    assert found.words == "not shown"
    assert "too few tasks" in forgetting_words(found)


def test_what_was_asked_is_not_asked_again(tmp_path: Path) -> None:
    base: Any = Fake("base", ["Paris"])
    tuned: Any = Fake("tuned", ["London"])
    first = probe(base, tuned, items(3), "mine.csv", tmp_path)
    again = probe(base, tuned, items(3), "mine.csv", tmp_path)
    assert first == again
    assert [found.name for found in first] == ["general instructions", "own tasks (mine.csv)"]
    assert (base.asked, tuned.asked) == (2, 2)


def test_own_tasks_come_from_any_usual_file(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("question,answer\nWho?,Mara\nWhere?,the mill\n", encoding="utf-8")
    found = own_items("mine.csv", tmp_path)
    assert [(item.prompt, item.accepted) for item in found] == [("Who?", ("Mara",)), ("Where?", ("the mill",))]
    (tmp_path / "none.csv").write_text("question,answer\nWho?,\n", encoding="utf-8")
    with pytest.raises(DataError):
        own_items("none.csv", tmp_path)


def test_a_loss_is_a_caution_of_the_report() -> None:
    lost = judge("general instructions", items(120), answers(120), answers(120, range(30)))
    record = TRAINED.model_copy(update={"forgetting": (lost,)})
    (said,) = forgetting_cautions("qlora", record)
    assert said == "qlora forgot: of 120 tasks (general instructions) it solves 75 % instead of 100 %."
    assert "lost: 30 tasks" in forgetting_words(lost)
    assert forgetting.warning(lost).endswith("among the training data.")
    assert list(forgetting_cautions("qlora", None)) == []


def test_what_the_sample_answers_were_like_is_a_fact_of_the_method() -> None:
    def point(step: int, rate: float, repetition: float) -> TrainingStep:
        return TrainingStep(step=step, epoch=step / 4, loss=1.0, format_rate=rate, repetition=repetition)

    record = TRAINED.model_copy(update={"history": (point(0, 0.5, 0.25), point(4, 1.0, 0.0), point(8, 0.75, 0.5))})
    assert sampled_words(record) == "100 % keep the form of the data (50 % before), none repeats itself"
    assert sampled_words(record.model_copy(update={"best_step": 8})).endswith("50 % repeat themselves")
    assert sampled_words(TRAINED) == ""
