"""Dials: defaults derived, unknown keys named, values checked."""

from __future__ import annotations

import pytest

from finetune.recipe import Recipe
from reports.errors import UsageError


def test_defaults_follow_the_method() -> None:
    assert Recipe.from_options("qlora", {}).learning_rate == 2e-4
    assert Recipe.from_options("full", {}).learning_rate == 2e-5
    assert not Recipe.from_options("lora", {}).use_rslora
    assert Recipe.from_options("lora", {"rank": 64}).use_rslora


def test_yaml_numbers_in_text_are_read() -> None:
    recipe = Recipe.from_options("qlora", {"learning_rate": "2e-3", "epochs": "2", "targets": ["q_proj", "v_proj"]})
    assert (recipe.learning_rate, recipe.epochs, recipe.targets) == (2e-3, 2, "q_proj,v_proj")


@pytest.mark.parametrize(
    ("options", "message", "hint"),
    [
        ({"rnak": 8}, "rnak", "rank"),
        ({"rank": 1.5}, "whole number", ""),
        ({"rank": 0}, "above 0", ""),
        ({"epochs": True}, "whole number", ""),
        ({"learning_rate": "fast"}, "a number", ""),
        ({"learning_rate": float("nan")}, "a number", ""),
        ({"dropout": 1}, "below 1", ""),
        ({"schedule": "cosin"}, "cosine, linear", ""),
        ({"use_dora": "maybe"}, "yes or no", ""),
        ({"eval_share": 0}, "above 0", "Early stopping"),
        ({"warmup": -0.1}, "negative", ""),
    ],
)
def test_wrong_options_are_named(options: dict[str, object], message: str, hint: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        Recipe.from_options("qlora", options)
    assert hint in caught.value.hint


def test_lint_speaks_of_rates_made_for_the_other_method() -> None:
    assert any("full fine-tuning" in said for said in Recipe.from_options("lora", {"learning_rate": 2e-5}).lint())
    assert any("high" in said for said in Recipe.from_options("full", {"learning_rate": 2e-4}).lint())
    assert Recipe.from_options("qlora", {}).lint() == []
