"""A training that ended too early is told, one that learnt or turned up is not."""

import pytest

from reports.run.schema import TrainingRecord, TrainingStep
from reports.undertrained import undertrained_caution


def training(*losses: float | None, best: int = -1, stopped: str = "all epochs") -> TrainingRecord:
    """One step for each validation loss; the best is the last unless said."""
    history = tuple(
        TrainingStep(step=at, epoch=float(at), loss=1.0, validation_loss=loss) for at, loss in enumerate(losses)
    )
    return TrainingRecord(
        method="qlora",
        examples=100,
        validation_examples=10,
        trained_tokens=1000,
        steps=27,
        epochs=3.0,
        best_step=best % len(losses),
        best_validation_loss=losses[best],
        stopped=stopped,
        seconds=1.0,
        history=history,
    )


def test_a_training_that_hardly_began_is_told_with_its_figures() -> None:
    (said,) = undertrained_caution("qlora", training(7.1, 5.9, None, 5.8))
    assert said.startswith("qlora may be undertrained: in 27 steps its validation loss fell only from 7.10 to 5.80")
    assert said.endswith("give it more epochs (it had 3).")


def test_a_small_model_that_hardly_began_may_take_a_higher_rate() -> None:
    small = training(7.1, 5.9, 5.8).model_copy(
        update={"trainable_parameters": 500_000, "recipe": {"learning_rate": 2e-4}}
    )
    (said,) = undertrained_caution("qlora", small)
    assert "or a higher learning_rate (it had 0.0002;" in said
    for change in ({"trainable_parameters": 9_000_000}, {"recipe": {"learning_rate": 3e-3}}, {"method": "full"}):
        (said,) = undertrained_caution("qlora", small.model_copy(update=change))
        assert "learning_rate" not in said


@pytest.mark.parametrize(
    "quiet",
    [
        None,
        training(3.09, 0.5, 0.013),
        training(7.1, 5.8, 5.9, best=1),
        training(7.1, 5.8, 5.9),
        training(0.3, 0.28, 0.26),
        training(7.1, 5.9, 5.8, stopped="diverged: loss rose"),
        training(7.1),
        training(None, 5.9, 5.8),
    ],
    ids=[
        "none",
        "learnt",
        "turned up",
        "turned up, kept",
        "knew it before",
        "stopped for another reason",
        "one point",
        "no base loss",
    ],
)
def test_all_others_are_silent(quiet: TrainingRecord | None) -> None:
    assert list(undertrained_caution("qlora", quiet)) == []
