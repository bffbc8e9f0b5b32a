"""Which weights a training keeps: those of the lowest validation loss, or its last."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from finetune.course import Course, Validation
from finetune.recipe import Recipe


def judged(points: list[tuple[int, float, float]], **options: Any) -> Course:
    """A course of 30 steps that was validated at these: (step, loss, share of right tokens)."""
    import torch

    model = torch.nn.Linear(1, 1, bias=False)
    course = Course(model, Recipe.from_options("lora", options), on_step=lambda *_: None)
    course._total = 30
    for step, loss, right in points:
        course.outcome.step = step
        course.watch.recent.clear()
        course.watch.recent.append(1 / step)  # the training loss falls
        model.weight.data.fill_(float(step))
        course._judge(Validation(loss, right), SimpleNamespace(should_training_stop=False))
    course._before = course._started = 0.0
    course.on_train_end()
    assert model.weight.item() == course.outcome.best_step
    return course


@pytest.mark.parametrize(
    ("last", "kept"),
    [
        ((30, 0.16, 0.95), 30),  # the loss of a few confident mistakes
        ((30, 0.16, 0.90), 30),
        ((30, 0.16, 0.85), 10),
        ((30, 0.05, 0.85), 30),
        ((25, 0.16, 0.95), 10),  # no end: the rate was high
    ],
)
def test_the_last_weights_are_kept_where_they_predict_as_much(last: tuple[int, float, float], kept: int) -> None:
    course = judged([(10, 0.12, 0.90), (20, 0.14, 0.95), last], patience=0)
    assert course.outcome.best_step == kept
    assert course.outcome.best_loss == (last[1] if kept == last[0] else 0.12)


def test_a_rate_that_does_not_fall_gives_the_last_weights_no_advantage() -> None:
    assert judged([(10, 0.12, 0.90), (30, 0.16, 0.95)], patience=0, schedule="constant").outcome.best_step == 10


def test_a_training_that_is_stopped_keeps_what_it_stopped_for() -> None:
    course = judged([(5, 0.12, 0.90), (10, 0.3, 0.95), (15, 0.5, 0.95)], patience=2)
    assert course.outcome.stopped == "validation loss stopped falling"
    assert course.outcome.best_step == 5


@pytest.mark.parametrize(
    ("points", "said"),
    [
        ([(5, 0.12, 0.90), (10, 0.3, 0.9), (20, 0.4, 0.9), (30, 0.5, 0.8)], True),
        ([(5, 0.12, 0.90), (10, 0.3, 0.9), (20, 0.4, 0.9), (30, 0.5, 0.9)], False),  # the last ones are as right
        ([(5, 0.12, 0.90), (10, 0.3, 0.9), (20, 0.4, 0.9), (30, 0.1, 0.9)], False),  # it came down again
        ([(5, 0.3, 0.90), (10, 0.2, 0.9), (20, 0.12, 0.9), (30, 0.5, 0.8)], False),  # one rise may be chance
    ],
)
def test_a_training_that_may_not_stop_is_called_overfitted_once_and_at_its_end(
    points: list[tuple[int, float, float]], said: bool
) -> None:
    outcome = judged(points, patience=0).outcome
    assert [text.split(":")[0] for text in outcome.warnings] == (["Overfitting from step 5 on"] if said else [])
