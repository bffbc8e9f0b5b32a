"""Gibberish told from a hard task: repetition, entropy, format."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from finetune.recipe import Recipe
from finetune.sampling import Form, Heard, Sampler, repeats

FINE = Heard(repetition=0.0, entropy=0.4, format_rate=0.9)


def sampler() -> Sampler:
    found: Any = Sampler.__new__(Sampler)
    found.tokenizer = ["token"] * 2000
    found.first, found.best_format, found.told = None, 0.0, False
    one: Sampler = found
    return one


def alarm(*heard: Heard) -> str:
    one = sampler()
    one.first = heard[0]
    return [one.judge(each, Recipe(learning_rate=2e-2)) for each in heard][-1]


@pytest.mark.parametrize(
    ("heard", "words"),
    [
        ((FINE, Heard(0.8, 0.1, 0.9)), "80% of the sample answers repeat"),
        ((FINE, Heard(0.0, 1.0, 0.2)), "20% of the sample answers keep the form"),
        ((FINE, Heard(0.0, 7.4, 0.9)), "are noise"),
    ],
)
def test_what_falls_apart_is_called_a_high_learning_rate(heard: tuple[Heard, ...], words: str) -> None:
    said = alarm(*heard)
    assert words in said
    assert "Lower learning_rate first: try 0.002 instead of 0.02" in said


@pytest.mark.parametrize(
    "heard",
    [
        (FINE, Heard(0.1, 0.2, 0.8)),
        (Heard(0.9, 3.0, 0.0), Heard(0.9, 2.0, 0.1)),  # the base model itself repeats: not the training's doing
        (Heard(0.0, 2.0, 0.0), Heard(0.0, 1.0, 0.0)),  # the form is not learnt yet
    ],
)
def test_a_hard_task_raises_no_alarm(heard: tuple[Heard, ...]) -> None:
    assert alarm(*heard) == ""


def test_it_is_told_once() -> None:
    assert alarm(FINE, Heard(0.9, 0.1, 0.0), Heard(0.9, 0.1, 0.0)) == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("the the the the the the the the the the", True),
        ("aaaaaaaaaaaaaaaaaaaa", True),
        ("refund", False),
        ("The parcel left on Monday and will be with you by the end of this week, says the carrier.", False),
    ],
)
def test_repetition(text: str, expected: bool) -> None:
    assert repeats(text) is expected


def test_the_form_of_the_data() -> None:
    labels = Form.of(["a", "b"] * 20)
    assert labels.holds("a")
    assert not labels.holds("c")
    fields = Form.of([f'{{"n": {i}}}' for i in range(100)])
    assert fields.holds('{"n": 1}')
    assert not fields.holds("n is 1")
    assert Form.of([f"sentence {i}" for i in range(100)]).holds("anything")


def test_a_training_listens_at_every_validation_and_ends_at_the_same_weights(tiny_model: Path, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    from finetune import train as module
    from tests.finetune.resuming import pairs
    from tests.finetune.test_train import QUICK

    recipe = Recipe.from_options("lora", {**QUICK, "epochs": 1})
    record = module.train(pairs(), str(tiny_model), recipe, tmp_path / "heard", device="cpu")
    points = [p for p in record.history if p.validation_loss is not None]
    assert len(points) >= 3
    assert all(p.format_rate is not None and p.entropy and p.entropy > 0 for p in points)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "Sampler", lambda *_: SimpleNamespace(listen=lambda *_: None, facts=None))
        module.train(pairs(), str(tiny_model), recipe, tmp_path / "deaf", device="cpu")
    one, two = (load_file(tmp_path / name / "adapter" / "adapter_model.safetensors") for name in ("heard", "deaf"))
    assert all(torch.equal(one[key], two[key]) for key in one)


def test_long_answers_are_heard_to_their_end(tiny_model: Path, tmp_path: Path) -> None:
    """JSON of more than 32 tokens never ended within them: its format rate was 0 throughout."""
    from finetune.data import Pair
    from finetune.train import train

    answer = '{"order": "0 1 2 3 4 5 6 7 8 9", "card": "order number 1234 was shipped on monday to the wrong address"}'
    pairs = [Pair(f"Input: order {i}", answer) for i in range(24)]
    recipe = Recipe.from_options("full", {"learning_rate": 5e-3, "epochs": 8, "batch": 4, "patience": 0})
    record = train(pairs, str(tiny_model), recipe, tmp_path, device="cpu")
    heard = [point.format_rate for point in record.history if point.format_rate is not None]
    assert heard[0] == 0.0
    assert heard[-1] == 1.0
