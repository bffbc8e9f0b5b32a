"""What to do for each verdict: steps that fit it, commands that can be pasted, nothing that was done already."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest

from advisor.next_steps import Step, next_steps
from reports.review import ReviewResult
from reports.run.store import RunStore
from reports.summary import Summary, summarise

FROZEN = Path(__file__).resolve().parents[1] / "runs" / "v1-small"
FOLDER = Path("runs/my run")


@pytest.fixture(scope="module")
def frozen() -> Summary:
    with RunStore.open(FROZEN) as store:
        return summarise(store)


def under(summary: Summary, **verdict: Any) -> Summary:
    return summary.model_copy(update={"verdict": summary.verdict.model_copy(update=verdict)})


def titles(steps: tuple[Step, ...]) -> list[str]:
    return [step.title for step in steps]


def test_a_trained_model_is_handed_over(frozen: Summary) -> None:
    steps = next_steps(under(frozen, kind="fine-tuning", approach="qlora"), FOLDER)
    assert "Serve it" in titles(steps)
    serve = next(step for step in steps if step.title == "Serve it")
    assert "advisor export 'runs/my run' --to adapter --approach qlora" in serve.commands
    assert {shlex.split(command)[4] for step in steps for command in step.commands if " export " in command} == {
        "adapter", "merged", "ollama", "axolotl", "llamafactory", "trl",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "approach", "title"),
    [
        ("prompting", "few-shot", "Put few-shot to work"),
        ("retrieval", "rag", "Put rag to work"),
        ("classical", "classifier", "Put classifier to work"),
        ("existing system", "gpt-4-today", "Put gpt-4-today to work"),
    ],
)
def test_what_is_not_trained_is_put_to_work_and_watched(frozen: Summary, kind: str, approach: str, title: str) -> None:
    steps = next_steps(under(frozen, kind=kind, approach=approach), FOLDER)
    assert title in titles(steps)
    assert "Hold later versions to it" in titles(steps)
    assert not any(" export " in command for step in steps for command in step.commands)


@pytest.mark.parametrize(
    ("kind", "title"),
    [
        ("pilot only", "Collect more cases"),
        ("not shown", "Collect more cases, or ask for less"),
        ("none good enough", "Look at the limit, then at the model"),
    ],
)
def test_without_a_recommendation_it_says_what_would_bring_one(frozen: Summary, kind: str, title: str) -> None:
    steps = next_steps(under(frozen, kind=kind, approach=None), FOLDER)
    assert title in titles(steps)
    assert "Hold later versions to it" not in titles(steps)


def test_what_was_done_is_not_asked_for_again(frozen: Summary) -> None:
    result = ReviewResult(a="a", b="b", a_wins=10, b_wins=10, ties=0, win_rate=0.5)
    assert "Read answers" in titles(next_steps(frozen, FOLDER))
    assert "Read answers" not in titles(next_steps(frozen.model_copy(update={"reviews": (result,)}), FOLDER))


def test_an_unfinished_run_is_finished_first(frozen: Summary) -> None:
    half = frozen.model_copy(update={"trust": frozen.trust.model_copy(update={"finished": False})})
    first = next_steps(half, FOLDER)[0]
    assert first.title == "Finish the run"
    assert first.commands == ("advisor resume 'runs/my run'",)


def test_every_command_is_one_that_the_program_has(frozen: Summary) -> None:
    from advisor.cli import app

    known = {
        (command.name or (command.callback.__name__ if command.callback else "")) for command in app.registered_commands
    }
    for approach, kind in (
        ("qlora", "fine-tuning"),
        ("rag", "retrieval"),
        (None, "none good enough"),
        (None, "pilot only"),
    ):
        steps = next_steps(under(frozen, kind=kind, approach=approach), FOLDER)
        used = {shlex.split(command)[1] for step in steps for command in step.commands}
        assert used, "each verdict leads to a command"
        assert used <= known
