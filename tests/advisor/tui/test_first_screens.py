"""Welcome, interview, data and plan, by keys alone at both sizes; and what is wrong is told on the right screen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from textual.widgets import DataTable, OptionList, Static

from advisor import demo, project, recent
from advisor.questions import QUESTIONS
from advisor.tui.app import AdvisorApp
from advisor.tui.browsing import Browse, Columns, Rows
from advisor.tui.dialogs import Confirm
from advisor.tui.dials import Dials
from advisor.tui.screens.welcome import WelcomeScreen
from advisor.tui.widgets.asked import Asked
from tests.advisor.tui.conftest import SIZES, seen, settled, step


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("advisor.tui.screens.welcome.AFTER_PAINT", 0.001)


def small_project(folder: Path, rows: int = 60, **keys: object) -> Path:
    """A project that needs no model and no embedder."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [f"r{n},text number {n} of the set,{'red' if n % 3 else 'blue'}" for n in range(rows)]
    (folder / "eval.csv").write_text("id,text,label\n" + "\n".join(lines) + "\n")
    said = {
        "name": "small",
        "task": {"type": "classification"},
        "data": {"eval": "eval.csv"},
        "approaches": ["floor", "zero-shot"],
        "model": "demo",
    }
    (folder / "advisor.yaml").write_text("# kept\n" + yaml.safe_dump({**said, **keys}, sort_keys=False))
    return folder


@pytest.mark.parametrize("size", SIZES)
async def test_the_interview_is_also_a_form(size: tuple[int, int], tmp_path: Path) -> None:
    app = AdvisorApp()
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        app.session.opened(project.load(small_project(tmp_path / "small")))
        await pilot.press("2")
        await settled(pilot)
        await pilot.press("a")
        await settled(pilot)
        assert len(step(pilot).query(Asked)) == len(QUESTIONS)
        await pilot.press("enter", "down", "enter")  # an answer leads to the next question
        await settled(pilot)
        assert "Question 3 of 12" in seen(pilot)
        await pilot.press(*"sss")
        await settled(pilot)
        await pilot.press(*"250", "enter")
        await settled(pilot)
        assert "Question 6 of 12" in seen(pilot)
        assert len(app.session.interview) == 3
        assert app.session.interview["labels_today"] == 250.0
        await pilot.press("escape", "a")
        await settled(pilot)
        assert [asked.question for asked in step(pilot).query(Asked)] == [QUESTIONS[5]]
        assert "250" in seen(pilot)


@pytest.mark.parametrize("size", SIZES)
async def test_from_a_demo_to_the_question_whether_to_start(size: tuple[int, int], tmp_path: Path) -> None:
    app = AdvisorApp()
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        assert "New project" in seen(pilot)
        assert "This machine: " in seen(pilot)
        await pilot.press("down", "down", "down", "down", "enter")  # the orders demo
        await settled(pilot)
        assert step(pilot).STEP == "interview"
        assert "Question 1 of 12" in seen(pilot)
        await pilot.press("down", "down", "enter")
        await settled(pilot)
        assert "Question 2 of 12" in seen(pilot)
        await pilot.press(*"ssss")
        await settled(pilot)
        await pilot.press(*"250", "enter", "x", "enter")  # letters are no digits
        await settled(pilot)
        assert app.session.interview == {"task": "extraction", "labels_today": 250.0}
        if size[0] < 100:
            await pilot.press("v")
        await settled(pilot)
        assert "To try first" in seen(pilot)
        await pilot.press("escape", "ctrl+n")
        await settled(pilot)
        assert step(pilot).STEP == "data"
        assert "130 rows" in seen(pilot)
        assert "130 cases can show a difference" in seen(pilot)
        saved = project.load(tmp_path / "advisor-demo" / "orders")
        assert saved.interview == {"task": "extraction", "labels_today": 250}
        await pilot.press("n")
        await settled(pilot)
        assert step(pilot).STEP == "plan"
        for expected in ("zero-shot", "knn-few-shot", "together", "How it is decided"):
            assert expected in seen(pilot)
        await pilot.press("r")
        await settled(pilot, rounds=3)
        assert isinstance(app.screen, Confirm)
        assert "5 approaches on 130 cases." in seen(pilot)
    assert recent.overview(tmp_path)[0].name == "orders"


async def test_the_plan_turns_approaches_off_and_on_in_the_file(tmp_path: Path) -> None:
    folder = small_project(tmp_path / "p")
    app = AdvisorApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.session.opened(project.load(folder))
        await app.go("plan")
        await settled(pilot)
        await pilot.press("down", "space")
        await settled(pilot)
        assert project.load(folder).approaches == ("floor",)
        assert (folder / "advisor.yaml").read_text().startswith("# kept")
        await pilot.press("up", "space")
        await settled(pilot)
        assert "at least one approach must run" in _notices(app)
        table = app.screen.query_one(DataTable)
        names = [str(table.get_row_at(row)[1]) for row in range(table.row_count)]
        table.move_cursor(row=names.index("few-shot"))
        await pilot.press("space")
        await settled(pilot)
        assert project.load(folder).approaches == ("floor", "few-shot")
        table.move_cursor(row=1)
        await pilot.press("o")
        await settled(pilot, rounds=3)
        await pilot.press(*"3", "enter")
        await settled(pilot)
        assert project.load(folder).approaches == ("floor", {"few-shot": {"shots": 3}})
        await pilot.press("o")
        await settled(pilot, rounds=3)
        await pilot.press(*"000000", "enter")
        await settled(pilot, rounds=3)
        assert isinstance(app.screen, Dials)  # stays open and says what is wrong
        assert "shots" in str(app.screen.query_one("#problem", Static).render())
        await pilot.press("escape", "y")
        assert app.clipboard == "advisor run p"


@pytest.mark.parametrize("size", SIZES)
async def test_a_new_project_is_written_from_a_file_that_was_typed(size: tuple[int, int], tmp_path: Path) -> None:
    small_project(tmp_path / "source")
    app = AdvisorApp()
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        await pilot.press("p")
        await settled(pilot)
        await pilot.press("home", "shift+end", *"fresh", "enter")
        await settled(pilot)
        assert step(pilot).STEP == "interview"
        await pilot.press("3")
        await settled(pilot)
        await pilot.press("n")
        await pilot.pause()
        assert "Name the eval file first" in _notices(app)
        await pilot.press("e")
        await settled(pilot, rounds=3)
        assert isinstance(app.screen, Browse)
        await pilot.press(*"nothing", "enter")
        assert "There is no nothing" in seen(pilot)
        for _ in "nothing":
            await pilot.press("backspace")
        assert "There is no" not in seen(pilot)
        await pilot.press(*"source", "slash", *"eval", "full_stop", *"csv", "enter")
        await settled(pilot)
        assert "60 rows" in seen(pilot)
        await pilot.press("c")
        await settled(pilot, rounds=3)
        assert isinstance(app.screen, Columns)
        await pilot.press("minus", "enter")  # the first column is no id
        await settled(pilot)
        await pilot.press("n")
        await settled(pilot)
        assert step(pilot).STEP == "plan"
    written = project.load(tmp_path / "fresh")
    assert written.task.type == "classification"
    assert written.data.eval.path == "../source/eval.csv"
    assert written.data.eval.reference == ("label",)


async def test_findings_show_their_rows(tmp_path: Path) -> None:
    folder = small_project(tmp_path / "p")
    rows = [f"text number {n} of the set,{'red' if n % 3 else 'blue'}" for n in range(5)]
    (folder / "train.csv").write_text("text,label\n" + "\n".join([*rows, "[/x]\x1b[2J other,red"]) + "\n")
    small_project(folder, data={"eval": "eval.csv", "train": "train.csv"})
    app = AdvisorApp()
    async with app.run_test(size=(140, 40)) as pilot:
        app.session.opened(project.load(folder))
        await app.go("data")
        await settled(pilot)
        found = app.screen.query_one("#findings", OptionList)
        said = [str(found.get_option_at_index(n).prompt) for n in range(found.option_count)]
        place = next(n for n, text in enumerate(said) if "training data" in text)
        found.focus()
        found.highlighted = place
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(app.screen, Rows)
        assert "text number 0 of the set" in seen(pilot)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("name: x\ntask: {type: poetry}\n", "task.type"),
        ("name: [", "not valid YAML"),
        ("", "expected keys"),
        ("name: x\ntask: {type: qa}\ndata: {eval: gone.csv}\nnonsense: 1\n", "unknown key 'nonsense'"),
    ],
)
async def test_a_broken_project_file_is_told_on_the_first_screen(content: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "advisor.yaml").write_text(content)
    app = AdvisorApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.pause(0.05)
        await settled(pilot)
        await pilot.press("enter")
        await settled(pilot)
        assert step(pilot).STEP == "welcome"
        assert said in _notices(app)


async def test_missing_data_is_told_on_data_and_on_plan(tmp_path: Path) -> None:
    folder = small_project(tmp_path / "p")
    (folder / "eval.csv").unlink()
    app = AdvisorApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.session.opened(project.load(folder))
        await app.go("data")
        await settled(pilot)
        assert "✗ unreadable" in seen(pilot)
        assert "eval.csv does not exist" in seen(pilot)
        await pilot.press("n")
        await settled(pilot)
        assert step(pilot).STEP == "plan"
        assert "eval.csv" in seen(pilot)
        await pilot.press("r")
        await settled(pilot, rounds=3)
        assert "The plan is not ready" in _notices(app)


async def test_a_broken_list_of_recent_projects_and_a_broken_run_are_stepped_over(tmp_path: Path) -> None:
    folder = small_project(tmp_path / "p")
    (folder / "runs" / "bad").mkdir(parents=True)
    (folder / "runs" / "bad" / "run.json").write_text("{")
    for content in ("{", "[1, null, 3]", json.dumps({"a": 1}), json.dumps(["\u0000", "/nowhere", str(folder)])):
        (tmp_path / "state" / "approach-advisor").mkdir(parents=True, exist_ok=True)
        (tmp_path / "state" / "approach-advisor" / "recent.json").write_text(content)
        entries = recent.overview(tmp_path)
        assert [entry.name for entry in entries] == ["p"]
        assert entries[0].runs[0].state == "unreadable"
    screen = WelcomeScreen()
    rows = screen._rows(0, entries[0])
    assert "unreadable" in str(rows[1].prompt)
    recent.remember(folder)
    assert json.loads((tmp_path / "state" / "approach-advisor" / "recent.json").read_text())[0] == str(folder)


def test_ages_are_told_in_words() -> None:
    from datetime import UTC, datetime

    now = datetime(2026, 1, 2, tzinfo=UTC)
    assert recent.ago("2026-01-01T23:59:50+00:00", now) == "just now"
    assert recent.ago("2026-01-01T23:48:00+00:00", now) == "12 minutes ago"
    assert recent.ago("2025-12-30T00:00:00+00:00", now) == "3 days ago"
    assert recent.ago("yesterday", now) == ""
    assert recent.ago("2026-01-01T00:00:00", now) == ""


@pytest.mark.parametrize("name", demo.PROJECTS)
def test_every_demo_says_what_it_shows(name: str) -> None:
    assert demo.SHOWS[name].endswith(".")


def _notices(app: AdvisorApp) -> str:
    return "\n".join(notice.message for notice in app._notifications)
