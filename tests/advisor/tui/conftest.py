"""Fixtures for the app: stored runs that look real, and a window in which a screen about one is shown."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot

from advisor.tui.app import AdvisorApp
from advisor.tui.frame import StepScreen
from reports.run.store import RunStore
from reports.what_if import WhatIf
from tests.runs import synthetic

RUNS = Path(__file__).resolve().parents[2] / "runs"
SIZES = ((80, 24), (140, 40))
Shown = Callable[..., AbstractAsyncContextManager[Pilot[None]]]


@pytest.fixture(scope="session")
def stored_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of 60 cases and 8 approaches. Read-only: shared by the whole session."""
    folder = tmp_path_factory.mktemp("app-runs") / "stored"
    synthetic.write(folder, cases=60, groups=False).close()
    return folder


@pytest.fixture(scope="session")
def stored_numbers(stored_run: Path) -> WhatIf:
    """What the screens read of it: half a second of processor time that most tests need not spend again."""
    return WhatIf(RunStore.open(stored_run))


@pytest.fixture
def own_run(tmp_path: Path) -> Path:
    """A small run of the test's own, to be written to."""
    folder = tmp_path / "own"
    synthetic.write(folder, cases=52, contenders=3, groups=False).close()
    return folder


@pytest.fixture
def shown(stored_run: Path, stored_numbers: WhatIf) -> Shown:
    """`async with shown("results", run, size=(80, 24)) as pilot`: the app on that screen, its numbers read."""

    @asynccontextmanager
    async def show(screen: str, run: Path | None, size: tuple[int, int] = (80, 24)) -> AsyncIterator[Pilot[None]]:
        app = AdvisorApp()
        async with app.run_test(size=size) as pilot:
            app.session.show_run(run)
            app.session.asked = stored_numbers if run == stored_run else None
            await app.go(screen)
            await settled(pilot)
            yield pilot

    return show


async def settled(pilot: Pilot[None], rounds: int = 200) -> None:
    """Waits until no worker of the app is at work."""
    for _ in range(rounds):
        await pilot.pause(0.02)
        if not [worker for worker in pilot.app.workers if not worker.is_finished]:
            break
    await pilot.pause()


def seen(pilot: Pilot[None]) -> str:
    """What stands on the screen, line by line."""
    strips = pilot.app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in strips)


def step(pilot: Pilot[None]) -> StepScreen:
    """The screen, by its own type."""
    screen = pilot.app.screen
    assert isinstance(screen, StepScreen)
    return screen
