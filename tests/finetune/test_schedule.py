"""The learning rate over a training: a rise from above zero, then the schedule down to zero."""

from __future__ import annotations

import pytest

from finetune.recipe import Recipe, Schedule
from finetune.schedule import rate_share


@pytest.mark.parametrize(
    ("schedule", "middle", "last"), [("cosine", 0.5, 0.0), ("linear", 0.5, 0.0), ("constant", 1.0, 1.0)]
)
def test_it_rises_in_equal_parts_and_then_follows_the_schedule(schedule: Schedule, middle: float, last: float) -> None:
    recipe = Recipe(schedule=schedule, warmup=0.1)
    shares = [rate_share(recipe, step, 100) for step in range(101)]
    assert shares[:10] == pytest.approx([(step + 1) / 10 for step in range(10)])
    assert shares[10] == 1.0
    assert shares[55] == pytest.approx(middle)
    assert shares[100] == pytest.approx(last)
    assert shares[10:] == sorted(shares[10:], reverse=True)


def test_the_first_step_always_learns() -> None:
    assert rate_share(Recipe(warmup=0.0), 0, 3) == 1.0
