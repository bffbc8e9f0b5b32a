"""Answers, blind review, report and next steps, by keys alone at both sizes."""

from __future__ import annotations

from pathlib import Path

import pytest

from advisor.tui.screens.answers import AnswersScreen
from reports.errors import EnvironmentFault
from reports.review import FILE, Review
from reports.run.store import RunStore
from tests.advisor.tui.conftest import SIZES, Shown, seen, settled, step


@pytest.mark.parametrize("size", SIZES)
async def test_answers_are_read_one_key_a_case(shown: Shown, stored_run: Path, size: tuple[int, int]) -> None:
    async with shown("answers", stored_run, size) as pilot:
        assert "1 of 60  every case" in seen(pilot)
        assert "Reference" in seen(pilot)
        for approach in ("floor", "zero-shot", "qlora", "gpt-4-today"):
            assert approach in seen(pilot)
        await pilot.press("right", "space", "j", "left")
        await settled(pilot)
        assert "3 of 60" in seen(pilot)
        await pilot.press("end", "right")
        await settled(pilot)
        assert "60 of 60" in seen(pilot)


async def test_a_filter_and_a_search_keep_some_cases(shown: Shown, stored_run: Path) -> None:
    async with shown("answers", stored_run, (80, 30)) as pilot:
        await pilot.press("f")
        await settled(pilot)
        assert "approaches differ" in seen(pilot)
        await pilot.press("down", "enter")
        await settled(pilot)
        assert "approaches differ" in seen(pilot)
        assert "1 of 60" not in seen(pilot)
        await pilot.press("slash", *"refund", "enter")
        await settled(pilot)
        assert "with 'refund'" in seen(pilot)
        await pilot.press("slash", *"nobodywroteit", "enter")
        await settled(pilot)
        assert "with 'refund'" in seen(pilot)  # nothing was found: the cases stay
        await pilot.press("p")
        await settled(pilot)
        screen = pilot.app.screen
        assert isinstance(screen, AnswersScreen)
        assert "reference: " in (screen.copied() or "")
        assert "Passages given to the model" in seen(pilot)


@pytest.mark.parametrize("size", SIZES)
async def test_five_blind_picks_are_stored_and_counted(shown: Shown, own_run: Path, size: tuple[int, int]) -> None:
    async with shown("review", own_run, size) as pilot:
        first = seen(pilot)
        assert "few-shot" not in first
        assert "zero-shot" not in first
        assert "◀ Left" in first
        await pilot.press("left", "right", "t", "s", "u", "r")
        await settled(pilot)
        assert "Reference  " in seen(pilot)
        await pilot.press("right", "left")
        await settled(pilot)
        assert "5 of " in seen(pilot)
        await pilot.press("e")
        await settled(pilot)
        assert "Readers who did not see which was which" in seen(pilot)
        await pilot.press("8")
        await settled(pilot)
    with RunStore.open(own_run) as store:
        picks = [review.pick for review in store.appended(FILE, Review)]
    assert picks == ["left", "right", "tie", "skip", "withdrawn", "right", "left"]


async def test_a_review_of_a_run_that_another_process_writes_says_so(shown: Shown, own_run: Path) -> None:
    with RunStore.open(own_run, write=True):
        async with shown("review", own_run) as pilot:
            await pilot.press("left")
            assert "writ" in seen(pilot)
            assert not (own_run / "reviews.jsonl").exists()


async def test_a_report_is_written_and_its_path_is_there(shown: Shown, own_run: Path) -> None:
    async with shown("report", own_run) as pilot:
        await pilot.press("space", "w")  # the page is not wanted, Markdown stays
        await settled(pilot)
        assert "✓ Written" in seen(pilot)
        assert (step(pilot).copied() or "").endswith("report.md")
        await pilot.press("n")
        await settled(pilot)
        assert "Read answers" in seen(pilot)
        await pilot.press("down")
        assert "advisor" in seen(pilot)
    assert (own_run / "report" / "report.md").read_text().startswith("# ")


async def test_a_full_disk_is_told_where_the_report_was_asked_for(
    shown: Shown, own_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise EnvironmentFault("No space left to write report.md", "free disk space")

    monkeypatch.setattr("reports.run.atomic.write", refuse)
    async with shown("report", own_run) as pilot:
        await pilot.press("space", "w")
        await settled(pilot)
        said = seen(pilot)
        assert "No space left to write report.md" in said
        assert "free disk space" in said
        assert "✓" not in said.replace("[✓]", "")
