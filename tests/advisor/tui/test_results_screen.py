"""Results, by keys alone at both sizes: every view, dials that move the verdict, and messages where a run is broken."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from textual.widgets import Input, Static, TabbedContent

from reports.run.events import ApproachFailed
from reports.run.store import RunStore
from tests.advisor.tui.conftest import SIZES, Shown, seen, settled, step
from tests.runs import synthetic


@pytest.mark.parametrize("size", SIZES)
async def test_every_view_is_there_and_the_verdict_stays_above(
    shown: Shown, stored_run: Path, size: tuple[int, int]
) -> None:
    async with shown("results", stored_run, size) as pilot:
        first = seen(pilot)
        assert "▸ Use " in first
        assert "Because" in first
        for expected in ("95 % interval", "US dollars per 1,000", "points above zero-shot", "answers a day", "Because"):
            await pilot.press("right")
            await pilot.pause()
            assert expected in seen(pilot)
            assert "▸ Use " in seen(pilot)


@pytest.mark.parametrize("size", SIZES)
async def test_a_dial_moves_the_verdict_and_u_returns_to_the_rule_of_the_run(
    shown: Shown, stored_run: Path, size: tuple[int, int]
) -> None:
    async with shown("results", stored_run, size) as pilot:
        await pilot.press("w")
        await pilot.press("tab", *"99.9", "enter")
        await settled(pilot)
        tried = " ".join(seen(pilot).split())
        assert "None good enough" in tried
        assert "What if: quality at least 99.9 % instead of 80 %. By the run's own rule:" in tried
        await pilot.press("escape", "u")
        await settled(pilot)
        assert "What if:" not in seen(pilot)
        assert "▸ Use " in seen(pilot)


async def test_volume_climbs_by_plus_and_is_remembered_until_the_next_visit(shown: Shown, stored_run: Path) -> None:
    async with shown("results", stored_run, (140, 40)) as pilot:
        await pilot.press("plus", "plus")
        await settled(pilot)
        assert "queries a day 20,000 instead of 5,000" in seen(pilot)
        assert pilot.app.screen.query_one("#dial-queries_per_day", Input).value == "20000"
        await pilot.press("7")
        await settled(pilot)
        await pilot.press("6")
        await settled(pilot)
        assert "queries a day 20,000" in seen(pilot)


async def test_a_value_that_cannot_be_is_told_beside_the_dials(shown: Shown, stored_run: Path) -> None:
    async with shown("results", stored_run, (140, 40)) as pilot:
        await pilot.press("w", "tab", *"often", "enter")
        await settled(pilot)
        assert "is no number" in str(pilot.app.screen.query_one("#dial-problem", Static).visual)
        assert "What if:" not in seen(pilot)


async def test_y_copies_the_verdict(shown: Shown, stored_run: Path) -> None:
    async with shown("results", stored_run) as pilot:
        copied = step(pilot).copied() or ""
        assert copied.startswith("Use ")
        assert len(copied.splitlines()) == 4


async def test_resizing_at_any_time_keeps_the_view(shown: Shown, stored_run: Path) -> None:
    async with shown("results", stored_run, (140, 40)) as pilot:
        await pilot.press("right")
        for size in ((60, 18), (200, 50), (40, 10), (80, 24)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
        assert pilot.app.screen.query_one(TabbedContent).active == "table"
        assert "95 % interval" in seen(pilot)


async def test_a_run_that_is_not_finished_says_so_and_shows_the_numbers_so_far(shown: Shown, tmp_path: Path) -> None:
    with synthetic.write(tmp_path / "half", cases=52, contenders=3, groups=False, finished=False) as store:
        store.record(ApproachFailed(approach="few-shot", error="no memory [/left]", hint="a smaller batch"))
    async with shown("results", tmp_path / "half", (140, 40)) as pilot:
        assert "run not finished" in seen(pilot)
        await pilot.press("right")
        await pilot.pause()
        assert "Gave up: few-shot: no memory [/left]" in seen(pilot)


@pytest.mark.parametrize("name", ["results", "answers", "review", "report", "next"])
async def test_a_run_that_lost_its_cases_is_a_message_on_every_screen(shown: Shown, own_run: Path, name: str) -> None:
    (own_run / "data" / "cases.jsonl").unlink()
    async with shown(name, own_run) as pilot:
        said = " ".join(seen(pilot).split())
        assert "has lost cases.jsonl" in said
        assert "Restore data/" in said


async def test_a_run_whose_folder_went_away_is_a_message(shown: Shown, own_run: Path) -> None:
    shutil.rmtree(own_run)
    async with shown("results", own_run) as pilot:
        assert "holds no run" in " ".join(seen(pilot).split())


async def test_one_approach_without_answers_stands_in_the_table(shown: Shown, own_run: Path) -> None:
    (own_run / "answers" / "few-shot.jsonl").write_text("")
    (own_run / "scores" / "few-shot.jsonl").write_text("")
    assert RunStore.open(own_run).approaches[2] == "few-shot"
    async with shown("results", own_run) as pilot:
        await pilot.press("right")
        await pilot.pause()
        assert "not started" in seen(pilot)
