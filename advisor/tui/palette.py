"""The command palette: every action of the screen and of the app, by title and sentence."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider

from advisor.tui.actions import EVERYWHERE, Action, of_screen
from advisor.tui.frame import StepScreen


class Actions(Provider):
    """What the registry holds for where one stands."""

    async def discover(self) -> Hits:
        for action in self._all():
            yield DiscoveryHit(f"{action.title}  {_shown(action)}", partial(self._do, action), help=action.tooltip)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for action in self._all():
            said = f"{action.title}: {action.tooltip}"
            score = matcher.match(said)
            if score > 0:
                yield Hit(score, matcher.highlight(said), partial(self._do, action), help=f"key {_shown(action)}")

    def _all(self) -> Iterator[Action]:
        screen = self.screen
        if isinstance(screen, StepScreen):
            yield from of_screen(screen.STEP)
        yield from (action for action in of_screen(EVERYWHERE) if action.id != "palette")

    async def _do(self, action: Action) -> None:
        where = self.app if action.screen == EVERYWHERE else self.screen
        await self.app.run_action(action.does, default_namespace=where)


def _shown(action: Action) -> str:
    return action.keys.split(",")[0].replace("question_mark", "?")
