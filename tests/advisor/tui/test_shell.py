"""The app around its screens: keys, help, palette, themes, sizes, the way back, leaving during a run."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from textual.command import CommandPalette
from textual.widgets import Input

from advisor.tui import keys
from advisor.tui.actions import ACTIONS, EVERYWHERE, bindings
from advisor.tui.app import AdvisorApp
from advisor.tui.dialogs import Confirm, Help
from advisor.tui.frame import PART_OF, SCREENS, STEPS, load_screen
from advisor.tui.opening import serve
from advisor.tui.themes import LIGHT
from reports.errors import EnvironmentFault, UsageError
from tests.advisor.tui.conftest import seen, settled, step


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)


def test_every_action_has_a_screen_a_sentence_and_keys_that_terminals_know() -> None:
    ids = [action.id for action in ACTIONS]
    assert len(ids) == len(set(ids))
    for action in ACTIONS:
        assert action.screen in {EVERYWHERE, *SCREENS}
        assert action.tooltip.endswith(".")
        assert not re.search(r"ctrl\+(enter|h|m|j)\b", action.keys)
    for screen in SCREENS:
        taken = [key for action in ACTIONS if action.screen == screen for key in action.keys.split(",")]
        assert len(taken) == len(set(taken)), screen


@pytest.mark.parametrize("name", SCREENS)
def test_every_screen_has_help_and_a_method_for_each_of_its_actions(name: str) -> None:
    screen = load_screen(name)
    assert name == screen.STEP
    assert screen.HELP
    assert PART_OF.get(name, name) in dict(STEPS)
    for action in ACTIONS:
        if action.screen == name:
            where, _, method = action.does.partition("(")[0].rpartition(".")
            owner = AdvisorApp if where == "app" else type(screen)
            assert hasattr(owner, f"action_{method}"), action.does
    assert {binding.id for binding in bindings(name)} == {a.id for a in ACTIONS if a.screen == name}  # type: ignore[union-attr]


async def test_help_and_palette_name_what_can_be_done() -> None:
    app = AdvisorApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("question_mark")
        assert isinstance(app.screen, Help)
        assert "On this screen" in seen(pilot)
        assert "Begin a project from your own files." in seen(pilot)
        await pilot.press("escape", "ctrl+p")
        await pilot.pause(0.3)
        assert isinstance(app.screen, CommandPalette)
        app.screen.query_one(Input).value = "light and the dark"
        await pilot.pause(0.6)
        await pilot.press("enter", "enter")
        await pilot.pause(0.3)
        assert app.theme == LIGHT.name
    assert AdvisorApp().theme == LIGHT.name  # remembered


async def test_a_small_window_says_so_and_a_larger_one_comes_back() -> None:
    app = AdvisorApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        for size, small in (((59, 24), True), ((60, 18), False), ((80, 17), True), ((200, 60), False)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            assert ("too small" in seen(pilot)) is small, size
            assert ("New project" in seen(pilot)) is not small, size


async def test_steps_that_lack_something_say_what() -> None:
    app = AdvisorApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        for key, said in (("4", "Open a project first"), ("5", "No run is under way"), ("6", "no run to show")):
            await pilot.press(key)
            await pilot.pause()
            assert step(pilot).STEP == "welcome"
            assert said in "\n".join(notice.message for notice in app._notifications)


async def test_leaving_during_a_run_asks_and_says_how_to_resume() -> None:
    class UnderWay:
        state = "running"
        folder = Path("runs/one")
        stopped = False

        async def stop(self) -> None:
            self.stopped = True

    app = AdvisorApp()
    feed = UnderWay()
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        app.session.feed = feed  # type: ignore[assignment]
        await pilot.press("q")
        assert isinstance(app.screen, Confirm)
        assert "advisor resume runs/one" in seen(pilot)
        await pilot.press("n")
        assert not isinstance(app.screen, Confirm)
        assert not feed.stopped
        await pilot.press("q", "y")
        await pilot.pause()
    assert feed.stopped
    assert not app.is_running


async def test_the_user_s_own_keys_are_in_force(tmp_path: Path) -> None:
    folder = tmp_path / "config" / "approach-advisor"
    folder.mkdir(parents=True)
    (folder / "keys.json").write_text(json.dumps({"help": "f12"}))
    app = AdvisorApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("question_mark")
        assert not isinstance(app.screen, Help)
        await pilot.press("f12")
        assert isinstance(app.screen, Help)
        assert "f12" in seen(pilot)


@pytest.mark.parametrize(
    ("text", "said"),
    [("{", "not valid JSON"), ('{"nothing": "x"}', "no action 'nothing'"), ('["a"]', "must be like"), ("\xff", "JSON")],
)
def test_a_broken_keys_file_is_told_with_its_name(text: str, said: str, tmp_path: Path) -> None:
    folder = tmp_path / "config" / "approach-advisor"
    folder.mkdir(parents=True)
    (folder / "keys.json").write_text(text)
    with pytest.raises(UsageError, match=said) as raised:
        keys.read_keys()
    assert "keys.json" in str(raised.value)


def test_the_first_screen_needs_nothing_heavier_than_textual() -> None:
    code = (
        "import sys\nimport advisor.cli, advisor.tui.opening, advisor.tui.app, advisor.tui.screens.welcome\n"
        "heavy = {'pydantic', 'numpy', 'torch', 'pandas', 'plotext', 'sklearn', 'yaml', 'jinja2', 'openai'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_without_a_terminal_the_help_is_printed(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "advisor.cli"], capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
    )
    assert done.returncode == 2
    assert "Usage: advisor" in done.stderr
    assert done.stdout == ""


def test_a_browser_needs_the_extra_and_a_free_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "textual_serve.server", None)
    with pytest.raises(EnvironmentFault, match="extra web") as raised:
        serve()
    assert "pip install" in raised.value.hint
    served: list[tuple[str, str, int]] = []

    class Server:
        def __init__(self, command: str, *, host: str, port: int, title: str) -> None:
            served.append((command, host, port))

        def serve(self) -> None:
            return

    monkeypatch.setitem(sys.modules, "textual_serve.server", SimpleNamespace(Server=Server))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(EnvironmentFault, match="is taken"):
            serve(taken.getsockname()[1])
    assert served == []
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    serve(port)
    assert served[0][1:] == ("127.0.0.1", port)
    assert served[0][0].endswith("-P -m advisor.tui")
