"""Dialogs about data files: pick one by browsing or typing, say what columns are for, look at rows.

path = await self.app.push_screen_wait(Browse("Eval file", Path.cwd()))         # in a worker; None: cancelled
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import DataTable, DirectoryTree, Footer, Input, OptionList, Static
from textual.widgets.option_list import Option

from advisor.data_view import USES, FileView, Use
from advisor.tui.asking import PathSuggester
from advisor.tui.plain import MUTED, cell, joined, line, plain
from advisor.tui.widgets.sheet import fill

MOST_ROWS = 2_000
"""Rows of a dialog's table: a DataTable is fine to about 5,000."""


class Files(DirectoryTree):
    """A tree whose names are cleaned, without hidden files."""

    ICON_NODE = "▸ "  # the usual pictures are emoji, which many terminals draw as boxes
    ICON_NODE_EXPANDED = "▾ "
    ICON_FILE = "  "

    def process_label(self, label: object) -> Text:
        return cell(label)

    def filter_paths(self, paths: Iterable[Path]) -> Iterable[Path]:
        return [path for path in paths if not path.name.startswith((".", "__pycache__"))]


class Browse(ModalScreen[str | None]):
    """One path: type it, or walk through the folders; "" takes the file out where that is allowed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "give_up", "Cancel"),
        Binding("f2", "swap", "Type or browse", priority=True),
    ]

    def __init__(self, title: str, base: Path, value: str = "", *, folders: bool = False, none: bool = False) -> None:
        super().__init__()
        self._title, self._base, self._value, self._folders, self._none = title, base, value, folders, none

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(plain(self._title), classes="heading")
            said = "Type a path (Right completes it, Enter takes it) or go Down to browse."
            yield Static(said + (" Empty: none." if self._none else ""), classes="why")
            yield Input(self._value, suggester=PathSuggester(self._base), id="path", compact=True)
            yield Static("", id="problem", classes="problem")
            yield Files(self._base, id="tree")
        yield Footer()

    def on_mount(self) -> None:
        self.query_one("#path").focus()

    def on_key(self, event: object) -> None:
        if getattr(event, "key", "") == "down" and self.query_one("#path").has_focus:
            self.query_one("#tree").focus()

    def on_input_changed(self) -> None:
        self.query_one("#problem", Static).update("")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        said = event.value.strip()
        if said or self._none:
            self._take(said)

    def on_directory_tree_file_selected(self, event: DirectoryTree.FileSelected) -> None:
        self._take(str(event.path))

    def on_directory_tree_directory_selected(self, event: DirectoryTree.DirectorySelected) -> None:
        if self._folders:
            self.query_one("#path", Input).value = str(event.path)

    def _take(self, said: str) -> None:
        try:
            there = not said or (self._base / Path(said).expanduser()).exists() or bool(set("*?") & set(said))
        except (OSError, ValueError):
            there = False
        if there:
            self.dismiss(said)
        else:
            self.query_one("#problem", Static).update(plain(f"There is no {said}"))

    def action_swap(self) -> None:
        self.query_one("#tree" if self.query_one("#path").has_focus else "#path").focus()

    def action_give_up(self) -> None:
        self.dismiss(None)


class Columns(ModalScreen[tuple[tuple[str, Use], ...] | None]):
    """What each column is used for; Enter confirms and gives the changes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("i", "use('input')", "Input"),
        Binding("r", "use('reference')", "Answer"),
        Binding("d", "use('id')", "Id"),
        Binding("g", "use('group')", "Group"),
        Binding("x", "use('context')", "Context"),
        Binding("minus,delete", "use('')", "Not used"),
        Binding("enter", "done", "Done", priority=True),
        Binding("escape", "give_up", "Cancel"),
    ]
    WORDS: ClassVar[dict[Use, str]] = {
        "input": "input",
        "reference": "expected answer",
        "id": "id",
        "group": "group: rows that belong together",
        "context": "context: every approach may read it",
        "": "not used",
    }

    def __init__(self, view: FileView) -> None:
        super().__init__()
        self._view = view
        self._uses = dict(view.uses)
        self._changes: dict[str, Use] = {}

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(plain(f"Columns of {self._view.path}"), classes="heading")
            yield Static("Up and Down move; a letter says what the column is; Enter confirms.", classes="why said")
            yield OptionList(*self._options(), id="columns", markup=False)
        yield Footer()

    def _options(self) -> list[Option]:
        width = min(24, max((len(column) for column in self._view.columns), default=8))
        samples = self._view.rows[0] if self._view.rows else ("",) * len(self._view.columns)
        return [
            Option(
                joined(
                    line(column, "bold", 24),
                    " " * max(2, width + 2 - len(column)),
                    Content.styled(f"{self.WORDS[self._uses.get(column, '')]:<36}", "$accent"),
                    line(sample, MUTED, 24),
                )
            )
            for column, sample in zip(self._view.columns, samples, strict=False)
        ]

    def action_use(self, use: Use) -> None:
        columns = self.query_one("#columns", OptionList)
        if columns.highlighted is None or use not in USES:
            return
        column = self._view.columns[columns.highlighted]
        if use in ("id", "group"):
            self._uses = {name: kind for name, kind in self._uses.items() if kind != use}
        self._uses[column] = use
        self._changes[column] = use
        for index, option in enumerate(self._options()):
            columns.replace_option_prompt_at_index(index, option.prompt)

    def action_done(self) -> None:
        self.dismiss(tuple(self._changes.items()))

    def action_give_up(self) -> None:
        self.dismiss(None)


class Rows(ModalScreen[None]):
    """Rows to look at: a table with a heading."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "dismiss", "Close")]

    def __init__(self, title: str, said: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        super().__init__()
        self._title, self._said, self._head, self._rows = title, said, head, rows

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(plain(self._title), classes="heading")
            yield Static(plain(self._said), classes="said")
            yield DataTable(cursor_type="row", zebra_stripes=True, id="rows")
        yield Footer()

    def on_mount(self) -> None:
        table = self.query_one("#rows", DataTable)
        rows = [[cell(value) for value in row] for row in self._rows[:MOST_ROWS]]
        fill(table, [cell(name, "bold") for name in self._head], rows)
        table.focus()
