"""Answers of one case side by side: compact lines where they are short, columns where they are long.

sides = Sides(); sides.show(page.sides, passages=False)
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.containers import ItemGrid
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from advisor.tui.plain import line, plain
from advisor.tui.widgets.grid import fitted
from reports.reading import SidePage
from reports.run.schema import Passage

SHORT = 60
"""Characters up to which one line an approach is enough."""
COLUMN = 38
STYLES = {"right": "$success", "wrong": "$error", "": "$foreground-muted"}


class Side(Static, can_focus=True):
    """One approach's answer in a frame; y copies it."""

    def __init__(self, said: SidePage) -> None:
        super().__init__(body(said), classes="side")
        self._said = said
        self.border_title = line(said.approach, limit=40)
        self.border_subtitle = said.took

    def copied(self) -> str:
        return self._said.text


class Sides(Widget):
    """All answers of a case."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._sides: tuple[SidePage, ...] | None = None
        """None until a case was read."""
        self._passages = False

    def compose(self) -> ComposeResult:
        if self._sides is None:
            return
        if not self._sides:
            yield Static("No approach has answered this case.", classes="note")
            return
        if all(is_short(side) for side in self._sides):
            yield Static(compact(self._sides), id="compact", markup=False)
        else:
            with ItemGrid(min_column_width=COLUMN, regular=False):
                for side in self._sides:
                    yield Side(side)
        if self._passages:
            yield Static(passage_words(self._sides), id="passages", markup=False)

    def show(self, sides: Sequence[SidePage], *, passages: bool) -> None:
        """Another case."""
        self._sides, self._passages = tuple(sides), passages
        self.refresh(recompose=True)


def is_short(side: SidePage) -> bool:
    """Whether one line shows all of it."""
    return len(side.text) <= SHORT and "\n" not in side.text


def compact(sides: Sequence[SidePage]) -> Content:
    """One line an approach: name, verdict, answer."""
    names = min(24, max(cell_len(side.approach) for side in sides))
    verdicts = max(cell_len(side.verdict) for side in sides)
    lines = []
    for side in sides:
        said = Content(fitted(side.approach, names) + "  ")
        said += Content.styled(fitted(side.verdict, verdicts), STYLES[side.mark])
        lines.append(said + Content("  ") + plain(side.text or "(empty)", limit=400))
    return Content("\n").join(lines)


def body(side: SidePage) -> Content:
    """Verdict, other scores, and the whole answer."""
    head = Content.styled(side.verdict, f"bold {STYLES[side.mark]}".strip())
    for title, value in side.scores:
        head += plain(f"   {title} {value}", "$foreground-muted")
    return head + Content("\n") + plain(side.text or "(empty)")


def passage_words(sides: Sequence[SidePage]) -> Content:
    """The passages that retrieval gave to the model, each once, with who used it."""
    used: dict[tuple[str, int], tuple[Passage, list[str]]] = {}
    for side in sides:
        for passage in side.passages:
            used.setdefault((passage.document, passage.index), (passage, []))[1].append(side.approach)
    if not used:
        return Content.styled("No approach used passages in this case.", "$foreground-muted")
    parts = [Content.styled("Passages given to the model", "bold")]
    for (document, index), (passage, names) in used.items():
        score = f", similarity {passage.score:.2f}" if passage.score is not None else ""
        parts.append(line(f"{document}#{index}  {passage.title}  ({', '.join(names)}{score})", "$accent"))
        parts.append(plain(passage.text, limit=1_500))
    return Content("\n").join(parts)
