"""Foreign text through every sink of the app: nothing crashes, nothing reaches the terminal that it would obey."""

from __future__ import annotations

from typing import cast

from rich.text import Text
from textual.app import App, ComposeResult
from textual.content import Content
from textual.pilot import Pilot
from textual.widgets import Button, DataTable, Input, Label, OptionList, Static
from textual.widgets.option_list import Option

from advisor.tui.browsing import Files
from advisor.tui.plain import cell, joined, line, plain, short, words
from advisor.tui.widgets.choices import Choices
from advisor.tui.widgets.sheet import fill

HOSTILE = (
    "[/foo] closes what is not open",
    "[bold red]loud[/] [link='x'",
    "\x1b[2J\x1b]0;title\x07\x1b[31mred",
    "\x00nul \x07bell \x9b31m",
    "right \u202eleft\u2069 tags \U000e0041",
    "\ud800 lonely",
    "😀 漢字 e\u0301 " * 20,
    "x" * 100_000,
    "\n" * 500,
    "",
)


class Sinks(App[None]):
    """One of every widget that foreign text goes to, for each text."""

    def compose(self) -> ComposeResult:
        for text in HOSTILE:
            yield Static(plain(text, limit=400), classes="static")
            yield Label(line(text))
            yield Button(line(text))
            yield OptionList(Option(line(text)), markup=False)
            yield Choices("field", [("value", text)], "value")
            yield Input(words(short(text, 40)), placeholder=words(short(text, 40)))
        yield DataTable(id="table")

    def on_mount(self) -> None:
        fill(self.query_one("#table", DataTable), [cell(text) for text in HOSTILE], [[cell(text) for text in HOSTILE]])
        for widget, text in zip(self.query(".static"), HOSTILE, strict=True):
            widget.border_title = line(text)
            widget.tooltip = plain(text)
            self.notify(words(text, 300), markup=False)


async def test_no_sink_crashes_or_lets_control_characters_through() -> None:
    app = Sinks()
    async with app.run_test(size=(80, 300)) as pilot:
        await pilot.pause()
        drawn = _drawn(pilot)
    assert "[/foo] closes" in drawn
    assert not {character for character in drawn if character != "\n" and ord(character) < 32}
    assert not {"\x9b", "\u202e", "\u2069", "\U000e0041"} & set(drawn)


def test_markup_is_text() -> None:
    assert plain("[/foo]").plain == "[/foo]"
    assert line("[b]x[/b]\nnext").plain == "[b]x[/b] next"
    assert isinstance(cell("[b]x"), Text)
    assert cell("[b]x").plain == "[b]x"
    assert joined("[b]", plain("[/b]")) == Content("[b][/b]")


def test_lengths_are_bounded() -> None:
    assert len(plain("x" * 100_000, limit=500).plain) <= 500
    assert len(line("y" * 100_000).plain) == 200
    assert short("a\tb\nc", 5) == "a b c"
    assert short("abcdef", 5) == "abcd…"


def test_file_names_of_a_tree_are_cleaned() -> None:
    label = Files.process_label(cast(Files, None), "[/x]\x1b[2J.csv")
    assert label.plain == "[/x].csv"


def _drawn(pilot: Pilot[None]) -> str:
    strips = pilot.app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip if not segment.control) for strip in strips)
