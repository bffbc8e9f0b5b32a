"""Training of the bundled model on its own tickets: what the product promises of a fine-tuning, at small size."""

from __future__ import annotations

import contextlib
import csv
import random
from pathlib import Path

import pytest

from baselines.models.contract import Decoding
from baselines.models.local import LocalModel, load
from baselines.prompts import Prompt, render
from finetune.data import Pair
from finetune.recipe import Method, Recipe
from reports.errors import UsageError
from reports.run.schema import ModelSpec, Question, Task, TrainingStep

DEMO = Path(__file__).resolve().parents[2] / "advisor" / "demo"
FOUR = ("Where is my order", "The card was charged twice", "I forgot the password", "Please cancel the contract")


@pytest.fixture(scope="module")
def base() -> Path:
    folder = DEMO / "model"
    if not (folder / "model.safetensors").is_file():
        pytest.skip("the bundled model's weights are not in this checkout")
    return folder


@pytest.fixture(scope="module")
def tickets() -> list[Pair]:
    """Real training prompts of the demo project `tickets`."""
    with (DEMO / "projects" / "tickets" / "train.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    task = Task(type="classification", instruction="Name the queue.", labels=tuple(sorted({r["queue"] for r in rows})))
    asked = [render(task, Question(id=str(i), input=row["ticket"])).text for i, row in enumerate(rows)]
    return [Pair(text, row["queue"], f"row {i + 2}") for i, (text, row) in enumerate(zip(asked, rows, strict=True))]


@pytest.fixture(scope="module")
def easy() -> list[Pair]:
    """A scheme that is learnt in seconds: four fixed sentences, four names."""
    chance = random.Random(0)
    names = ("amber", "birch", "copper", "delta")
    return [
        Pair(f"Input: {FOUR[i % 4]}, number {chance.randint(100, 999)}\n\nName the queue.", names[i % 4], f"row {i}")
        for i in range(96)
    ]


def answers(model: LocalModel, pairs: list[Pair]) -> list[str]:
    batches = model.generate([Prompt(pair.prompt) for pair in pairs], Decoding(max_new_tokens=16))
    found = {g.index: g.text for batch in batches for g in batch}
    return [found[i] for i in range(len(pairs))]


@pytest.mark.parametrize(("method", "rate"), [("lora", 5e-3), ("qlora", 5e-3), ("full", 2e-3)])
def test_every_method_learns_a_house_scheme(
    base: Path, easy: list[Pair], tmp_path: Path, method: Method, rate: float
) -> None:
    from finetune.adapter import merge
    from finetune.train import train

    recipe = Recipe.from_options(method, {"learning_rate": rate, "epochs": 6, "batch": 8, "patience": 0})
    train(easy[:80], str(base), recipe, tmp_path, device="cpu")
    untrained = load(ModelSpec(id=str(base)), device="cpu")
    before = sum(a == pair.answer for a, pair in zip(answers(untrained, easy[80:]), easy[80:], strict=True))
    if method == "full":
        trained = load(ModelSpec(id=str(tmp_path / "model")), device="cpu")
    else:
        trained = untrained.with_adapter(tmp_path / "adapter")
    found = answers(trained, easy[80:])
    after = sum(a == pair.answer for a, pair in zip(found, easy[80:], strict=True))
    assert after >= before + 8
    assert after >= 12
    if method != "full":
        # Into the weights that the adapter answers beside: NF4 ones, dequantised, are others and answer otherwise.
        merge(str(base), tmp_path / "adapter", tmp_path / "merged", dtype="float32", into="full precision")
        assert answers(load(ModelSpec(id=str(tmp_path / "merged")), device="cpu"), easy) == answers(trained, easy)


@pytest.mark.slow
def test_a_learning_rate_of_2e_2_is_called_too_high_before_a_fifth_of_the_steps(
    base: Path, tickets: list[Pair], tmp_path: Path
) -> None:
    """Called so while training goes on, or stopped for it: which comes first depends on the processor's rounding."""
    from finetune.train import train

    called: list[str] = []
    at: list[int] = [0]

    class Enough(Exception):
        """A fifth of the steps is over, or the alarm was given."""

    def on_step(point: TrainingStep, steps_in_all: int, _: float | None) -> None:
        at[:] = [point.step]
        if called or point.step >= steps_in_all / 5:
            raise Enough

    def on_warning(text: str) -> None:
        called.extend([text] if "Lower learning_rate first" in text else [])

    recipe = Recipe.from_options("qlora", {"learning_rate": 2e-2, "epochs": 8})
    with contextlib.suppress(Enough, UsageError):  # UsageError: it diverged before the first validation
        train(tickets[:400], str(base), recipe, tmp_path, device="cpu", on_step=on_step, on_warning=on_warning)
    assert called, f"nothing was said up to step {at[0]}"
    assert "too high" in called[0] or "diverged" in called[0]


def test_a_rate_that_learns_raises_no_alarm(base: Path, easy: list[Pair], tmp_path: Path) -> None:
    from finetune.train import train

    said: list[str] = []
    recipe = Recipe.from_options("lora", {"learning_rate": 2e-3, "epochs": 3})
    train(easy, str(base), recipe, tmp_path, device="cpu", on_warning=said.append)
    assert not [text for text in said if "Lower learning_rate" in text]


@pytest.mark.slow
def test_twenty_epochs_on_a_hundred_examples_are_stopped_as_overfitting(
    base: Path, tickets: list[Pair], tmp_path: Path
) -> None:
    from finetune.train import train

    # Twenty validation examples: five of them rise and fall by chance at a high rate, which is no overfitting.
    recipe = Recipe.from_options("lora", {"learning_rate": 2e-3, "epochs": 20, "eval_share": 0.2})
    record = train(tickets[:100], str(base), recipe, tmp_path, device="cpu")
    assert record.stopped == "validation loss stopped falling"
    assert record.epochs < 20
    assert record.best_step < record.steps
    assert any(text.startswith("Overfitting from step") for text in record.warnings)
    losses = [point.validation_loss for point in record.history if point.validation_loss is not None]
    assert record.best_validation_loss == min(losses[1:])


@pytest.mark.slow
def test_the_forgetting_probe_shows_that_over_training_hurts(base: Path, easy: list[Pair], tmp_path: Path) -> None:
    """The bundled model reads notes and orders; trained on four names for long, it answers those names."""
    from baselines.forgetting import judge
    from baselines.probe_items import GENERAL
    from finetune.train import train

    known = [item for item in GENERAL if item.kind in {"reading", "orders", "largest"}]
    asked = [Pair(item.prompt, item.accepted[0]) for item in known]
    recipe = Recipe.from_options("lora", {"learning_rate": 1e-2, "epochs": 3, "batch": 8, "patience": 0})
    train(easy, str(base), recipe, tmp_path, device="cpu")
    model = load(ModelSpec(id=str(base)), device="cpu")
    found = judge("known", known, answers(model, asked), answers(model.with_adapter(tmp_path / "adapter"), asked))
    assert found.before >= 0.25
    assert found.words == "lost"
    assert found.after < found.before / 2
