"""A stored run full of hostile text, through every screen about it: nothing crashes, nothing the terminal obeys."""

from __future__ import annotations

from pathlib import Path

from textual.app import App

from reports.run.events import ApproachFailed, Warned
from reports.run.schema import (
    Answer,
    ApproachSpec,
    Case,
    DataFacts,
    Document,
    Environment,
    Finished,
    Passage,
    Question,
    RunHeader,
    RunSpec,
    Score,
    SkippedApproach,
    Task,
)
from reports.run.store import RunStore
from tests.advisor.tui.conftest import Shown, seen, settled

HOSTILE = "[/x] [bold]b[/] [@click=app.bell]c[/] \x1b[2J\x1b]0;t\x07 \x00 \u202e \x9b31m 界🏴\u200d☠️ \ud800 \\["
SAID = HOSTILE.replace("\ud800", "")
"""What a project file can hold: YAML knows no lone surrogates."""
LONG = HOSTILE + " " + "y" * 100_000
NAMES = (f"a {SAID}", "b [/b]", "c")
FORBIDDEN = {"\x1b", "\x00", "\x07", "\x9b", "\u202e", "\ud800"}


def write(folder: Path) -> None:
    """Sixty cases whose every text is hostile."""
    labels = (f"one {SAID}", "two [/two]")
    spec = RunSpec(
        name=SAID,
        task=Task(type="classification", instruction=SAID, labels=labels),
        metrics=("accuracy",),
        approaches=tuple(
            ApproachSpec(name=name, kind=kind) for name, kind in zip(NAMES, ("floor", "zero-shot", "rag"), strict=True)
        ),
        skipped=(SkippedApproach(name=SAID, kind="qlora", reason=SAID),),
        data=DataFacts(eval_cases=60, train_examples=0, dev_examples=0, documents=1, notes=(SAID,), leaked=("case 1",)),
        project_folder=f"/p/{SAID}",
    )
    header = RunHeader(
        run="hostile",
        started="2026-01-02T03:04:05Z",
        spec=spec,
        environment=Environment(python="3", platform="x", packages={}, device="cpu"),
    )
    cases = [
        Case(
            question=Question(id=f"case {i} {HOSTILE}", input=LONG if i == 0 else f"{i} {HOSTILE}", group=HOSTILE),
            references=(labels[i % 2],),
        )
        for i in range(60)
    ]
    with RunStore.create(folder, header, cases, documents=[Document(id=HOSTILE, text=HOSTILE)]) as store:
        for place, name in enumerate(NAMES):
            for i, case in enumerate(cases):
                known = case.question.id
                text = LONG if i == 0 else f"{place} {i % (place + 2)} {HOSTILE}"
                passages = (Passage(document=HOSTILE, index=0, text=LONG, title=HOSTILE),) if place == 2 else ()
                store.append_answer(
                    Answer(case=known, approach=name, text=text, passages=passages, prompt=HOSTILE, seconds=0.01)
                )
                right = float((i * (place + 1)) % 3 == 0)
                store.append_score(
                    Score(case=known, approach=name, metric="accuracy", version=1, value=right, predicted=HOSTILE)
                )
        store.record(Warned(approach=NAMES[2], text=HOSTILE, hint=HOSTILE))
        store.record(ApproachFailed(approach=NAMES[0], error=HOSTILE))
        store.finish(Finished(finished="2026-01-02T03:05:05Z", seconds=60.0, failed=(NAMES[0],)))


async def test_no_screen_crashes_and_no_sequence_reaches_the_terminal(shown: Shown, tmp_path: Path) -> None:
    write(tmp_path / "hostile")
    keys = {
        "6": ["right", "right", "right", "right", "plus"],
        "7": ["right", "p", "f", "down", "enter", "slash", *"[/x]", "enter"],
        "v": ["left", "right", "t", "c", "enter", "e", "e"],
        "8": ["space", "w"],
        "n": ["tab"],
    }
    async with shown("results", tmp_path / "hostile", (100, 30)) as pilot:
        for screen, presses in keys.items():
            if screen == "v":
                await pilot.press("7")
                await settled(pilot)
            await pilot.press(screen)
            await settled(pilot)
            _clean(pilot.app, seen(pilot))
            for key in presses:
                await pilot.press(key)
                _clean(pilot.app, seen(pilot))
            await settled(pilot)
            _clean(pilot.app, seen(pilot))
        assert "advisor resume" in seen(pilot)


def _clean(app: App[None], shown: str) -> None:
    assert not FORBIDDEN & set(shown)
    assert app.is_running
