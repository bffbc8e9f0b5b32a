"""The one way that foreign text enters a widget: cleaned, without markup, of bounded length.

    Static(plain(answer.text)); option = Option(plain(name)); button.label = plain(title)
    table.add_row(cell(name), cell(score, "bold"))          # DataTable wants rich's Text
    self.notify(words(error), markup=False)                 # what only takes a str, with its markup switched off

Measured with Textual 8.2.8: a bare str with `[/foo]` in it ends the app in Static, Label, OptionList, Select, Button,
Collapsible, border titles and DataTable; ESC and NUL pass to the terminal. Foreign is what a user, a file or a model
wrote: answers, labels, column and file names, error messages that quote them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from reports.text import clean, one_line

if TYPE_CHECKING:
    from rich.text import Text

MUTED = "$foreground 60%"
"""For what explains. `$text-muted` works in .tcss alone: as a style of Content it is drawn bright (Textual 8.2.8)."""
LONGEST = 20_000
"""Characters that a widget is given at once: laying out a longer text is felt at the next key."""


def words(text: object, limit: int = LONGEST) -> str:
    """Cleaned text as a str, only for what has markup switched off (`notify(..., markup=False)`, TextArea, Log)."""
    return clean(str(text), limit)


def plain(text: object, style: str = "", limit: int = LONGEST) -> Content:
    """Cleaned text as content that knows no markup. `style`: one of Textual's, such as 'bold' or MUTED."""
    said = Content(words(text, limit))
    return said.stylize(style) if style else said


def line(text: object, style: str = "", limit: int = 200) -> Content:
    """The same on one line, for titles, labels of buttons and rows of lists."""
    said = Content(short(text, limit))
    return said.stylize(style) if style else said


def short(text: object, limit: int) -> str:
    """Cleaned text on one line, its beginning where it is longer than `limit` characters."""
    said = one_line(str(text)[: 4 * limit + 400], 4 * limit + 400)
    return said if len(said) <= limit else said[: limit - 1] + "…"


def cell(text: object, style: str = "", limit: int = 200) -> Text:
    """One line for a DataTable. `style`: one of rich's, such as 'bold' or 'dim'."""
    from rich.text import Text

    return Text(short(text, limit), style=style, no_wrap=True)


def joined(*parts: Content | str) -> Content:
    """Contents one after another; a str is our own wording and taken as it stands, never as markup."""
    return Content("").join([Content(part) if isinstance(part, str) else part for part in parts])
