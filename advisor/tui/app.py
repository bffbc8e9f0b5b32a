"""The app: themes, keys, screens, palette, the one fan-out of run events. Computes nothing.

    AdvisorApp().run()

For screens: `app.session` is what is open, `await app.go(name)` changes the screen (and says why where it cannot),
`await app.start_run(launch)` begins or resumes a run, `await app.stop_run()` ends its worker. Each batch of events is
posted as frame.RunProgressed to every open screen, ten times a second at most.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import App
from textual.binding import BindingType

from advisor.tui import keys
from advisor.tui.actions import EVERYWHERE, bindings
from advisor.tui.aside import found
from advisor.tui.frame import PART_OF, SCREENS, STEPS, RunProgressed, Steps, StepScreen, load_screen
from advisor.tui.plain import words
from advisor.tui.session import Session
from advisor.tui.themes import DARK, LIGHT
from advisor.user_folders import typed
from reports.errors import AdvisorError

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.command import Provider

    from advisor.launch import Launch
    from reports.run.events import Event


def _palette() -> type[Provider]:
    from advisor.tui.palette import Actions  # 30 ms that the first paint does not wait for

    return Actions


class AdvisorApp(App[None], inherit_bindings=False):
    """One session of a team with the program."""

    TITLE = "Approach Advisor"
    CSS_PATH = "app.tcss"
    BINDINGS: ClassVar[list[BindingType]] = bindings(EVERYWHERE)
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {_palette}

    def __init__(self) -> None:
        super().__init__()
        self.session = Session()
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.theme = LIGHT.name if keys.remembered_theme() == LIGHT.name else DARK.name

    async def on_mount(self) -> None:
        self._read_keys()
        await self.push_screen(load_screen("welcome"))

    def _read_keys(self) -> None:
        """The user's own keys; what is wrong there is told and left out."""
        try:
            self.set_keymap(keys.read_keys())
        except AdvisorError as error:
            self.notify(words(f"{error}\n{error.hint}"), severity="warning", markup=False)

    # --- screens ----------------------------------------------------------------------------------------

    async def go(self, name: str) -> None:
        """Shows a screen, built anew, in the place of the present one; says why where it cannot be shown yet."""
        if isinstance(self.screen, StepScreen) and not await self.screen.leaving():
            return
        missing = self.session.lacks(name)
        if missing:
            self.notify(missing, severity="warning", markup=False)
            return
        await found(SCREENS[name])  # imported aside: charts bring packages of their own
        while len(self.screen_stack) > 2:  # dialogs above the step; the first is Textual's own empty screen
            self.pop_screen()
        self.switch_screen(load_screen(name))  # not awaited: the screen that asked would wait for its own end

    async def action_go(self, name: str) -> None:
        if not (isinstance(self.screen, StepScreen) and name == self.screen.STEP):
            await self.go(name)

    async def action_next(self) -> None:
        if isinstance(self.screen, StepScreen) and (name := self.screen.next_step()):
            await self.go(name)

    async def action_back(self) -> None:
        """Leaves a field first, then the step."""
        screen = self.screen
        if screen.focused is not None and _takes_text(screen.focused):
            screen.set_focus(None)
        elif isinstance(screen, StepScreen) and not screen.closed():
            names = [name for name, _ in STEPS]
            if screen.STEP in PART_OF:
                await self.go(PART_OF[screen.STEP])
            elif place := names.index(screen.STEP):
                await self.go(next((n for n in reversed(names[:place]) if not self.session.lacks(n)), "welcome"))

    async def action_help(self) -> None:
        from advisor.tui.dialogs import Help

        if isinstance(self.screen, StepScreen):
            await self.push_screen(Help(self.screen))

    def action_theme(self) -> None:
        self.theme = DARK.name if self.theme == LIGHT.name else LIGHT.name
        keys.remember_theme(self.theme)

    def action_copy(self) -> None:
        said = self.screen.copied() if isinstance(self.screen, StepScreen) else None
        if said:
            self.copy_to_clipboard(said)
            self.notify("Copied.", timeout=2)
        else:
            self.notify("Nothing here to copy: move to a text, an answer or a path first.", timeout=3)

    # --- the run ----------------------------------------------------------------------------------------

    async def start_run(self, launch: Launch) -> None:
        """Begins a run, or goes on with one, and shows it. One at a time: a run under way is stopped first."""
        kind = await found("advisor.tui.feed:Feed")
        await self.stop_run()
        feed = kind(launch, self._told)
        self.session.feed = feed
        self.session.show_run(feed.folder)
        feed.start()
        await self.go("run")

    async def stop_run(self) -> None:
        """Ends the worker of the run under way, if there is one; what is stored stays and can be resumed."""
        if self.session.feed is not None:
            await self.session.feed.stop()

    def _told(self, events: tuple[Event, ...]) -> None:
        feed = self.session.feed
        if feed is None or not self.is_running:
            return
        for screen in self.screen_stack:
            if isinstance(screen, StepScreen):
                screen.post_message(RunProgressed(events, feed))
        if feed.state != "running":
            for steps in self.screen.query(Steps):
                steps.draw()

    # --- the end ----------------------------------------------------------------------------------------

    async def action_quit(self) -> None:
        """Leaves; with a run under way it asks first and says how to resume."""
        from advisor.tui.dialogs import Confirm, stop_words

        feed = self.session.feed
        if not self.session.running or feed is None:
            self.exit()
            return

        async def answered(sure: bool | None) -> None:
            if sure:
                await self.stop_run()
                self.exit(message=f"interrupted; to go on: advisor resume {words(typed(feed.folder))}")

        if not isinstance(self.screen, Confirm):
            await self.push_screen(Confirm("Leave while the run is under way?", stop_words(feed.folder)), answered)


def _takes_text(widget: object) -> bool:
    from textual.widgets import Input, TextArea

    return isinstance(widget, (Input, TextArea))
