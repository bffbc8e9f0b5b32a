"""Data files as a reader looks at them before a run: rows, columns, what was detected, what each column is used for.

    view = look("eval", Source(path="eval.csv"), base, "classification")
    view.columns, view.uses["ticket"], view.rows[0]
    source = with_use(source, view, "answer", "reference")     # what the reader says instead

Shows and changes nothing on disk. A file that cannot be read gives a view with `problem` and `hint`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from reports.errors import AdvisorError
from reports.text import clean, count

if TYPE_CHECKING:
    from baselines.detection import Parts
    from baselines.formats.table import Table
    from baselines.guess import Guess
    from baselines.source import Source
    from reports.run.schema import TaskType

Role = Literal["eval", "train", "dev", "documents"]
Use = Literal["input", "reference", "id", "group", "context", ""]
USES: tuple[Use, ...] = ("input", "reference", "id", "group", "context", "")
ROLES: dict[Role, str] = {
    "eval": "Cases that everything is measured on",
    "train": "Examples to learn from",
    "dev": "Examples to tune on",
    "documents": "Texts to look things up in",
}
SAID = "the project says"
"""Beginning of a reason that tells a reader nothing that the columns do not show."""
SHOWN_ROWS = 200
SHOWN_CHARACTERS = 80


@dataclass(frozen=True)
class FileView:
    """One data file, or why it cannot be read."""

    role: Role
    path: str
    words: str = ""
    """Rows, format, delimiter, encoding in one line."""
    columns: tuple[str, ...] = ()
    uses: dict[str, Use] = field(default_factory=dict)
    """Column to what it is used for; columns that are not used are left out."""
    rows: tuple[tuple[str, ...], ...] = ()
    """The first rows, one text a column, on one line each and cut."""
    notes: tuple[str, ...] = ()
    """Why columns were chosen, how the file was read."""
    broken: tuple[str, ...] = ()
    """Rows that cannot be used, with place and reason."""
    problem: str = ""
    hint: str = ""


def look(role: Role, source: Source, base: Path, task: TaskType | None) -> FileView:
    """The view of one file. Never raises for what is wrong with the file or its name: the view says it."""
    try:
        return _documents(source, base) if role == "documents" else _table(role, source, base, task)
    except AdvisorError as error:
        return FileView(role, source.path, problem=str(error), hint=error.hint)
    except OSError as error:
        return FileView(role, source.path, problem=f"{source.path} cannot be read: {error.strerror}")


def with_use(source: Source, view: FileView, column: str, use: Use) -> Source:
    """The source with one column used for something else; all columns in use are named from then on."""
    uses = {name: kind for name, kind in view.uses.items() if name != column}
    if use in ("id", "group"):
        uses = {name: kind for name, kind in uses.items() if kind != use}
    if use:
        uses[column] = use
    chosen = [
        (kind, tuple(c for c in view.columns if uses.get(c) == kind)) for kind in ("input", "reference", "context")
    ]
    single = {kind: next((c for c in view.columns if uses.get(c) == kind), None) for kind in ("id", "group")}
    return source.model_copy(update={**dict(chosen), **single})


def said(source: Source) -> str | dict[str, Any]:
    """The source as the project file says it: the path alone, or with what differs from the defaults."""
    given = source.model_dump(exclude_defaults=True) | {"path": source.path}
    if len(given) == 1:
        return source.path
    ordered = {"path": given.pop("path"), **given}
    return {key: _single(value) if key != "context" else list(value) for key, value in ordered.items()}


def propose(sources: dict[Role, Source], base: Path, task: TaskType | None) -> Guess:
    """What the files are for, as `advisor new` guesses it; another task type than the guessed one where it is said."""
    from dataclasses import replace

    from baselines.guess import Reason, guess
    from baselines.scoring.registry import default_metrics

    found = guess(sources["eval"], base, sources.get("train"), sources.get("documents"))
    if task is None or task == found.task:
        return found
    reasons = tuple(reason for reason in found.reasons if reason.part not in ("task", "metrics"))
    reasons = (Reason("task", task, "that was said in the app"), *reasons)
    return replace(found, task=task, metrics=default_metrics(task), reasons=reasons)


# --- one kind of file ---------------------------------------------------------------------------------


def _table(role: Role, source: Source, base: Path, task: TaskType | None) -> FileView:
    from baselines.detection import detect, require_both
    from baselines.drafts import drafts_of, read_source

    table = read_source(source, base)
    parts = detect(table, source, task)
    shown = _cells(table)
    view = FileView(
        role,
        source.path,
        words=_words(table),
        columns=table.columns,
        uses=_uses(parts),
        rows=shown,
        notes=(*(f"{part}: {why}" for part, why in parts.reasons if not why.startswith(SAID)), *table.notes),
    )
    try:
        require_both(table, parts)
        _, broken = drafts_of(table, parts, task)
    except AdvisorError as error:
        return FileView(**{**vars(view), "problem": str(error), "hint": "Say below which column is which."})
    return FileView(**{**vars(view), "broken": tuple(clean(str(problem)) for problem in (*table.broken, *broken))})


def _documents(source: Source, base: Path) -> FileView:
    from baselines.documents import load_documents

    found = load_documents(source, base, allow_broken=True)
    rows = tuple(
        (
            _short(document.title or document.source),
            _short(document.text),
            f"{len(document.text):,}",
        )
        for document in found.items[:SHOWN_ROWS]
    )
    return FileView(
        "documents",
        source.path,
        words=count(len(found.items), "document"),
        columns=("document", "beginning", "characters"),
        rows=rows,
        notes=found.notes,
        broken=tuple(clean(str(problem)) for problem in found.broken),
    )


def _cells(table: Table) -> tuple[tuple[str, ...], ...]:
    from baselines.formats.table import as_text

    return tuple(
        tuple(_short(as_text(row.cells.get(column))) for column in table.columns) for row in table.rows[:SHOWN_ROWS]
    )


def _short(text: str) -> str:
    """A cell of a preview: one line, its beginning."""
    plain = " ".join(clean(text[: 4 * SHOWN_CHARACTERS]).split())
    return plain if len(plain) <= SHOWN_CHARACTERS else plain[: SHOWN_CHARACTERS - 1] + "…"


def _words(table: Table) -> str:
    parts = [count(len(table.rows) + len(table.broken), "row"), table.format]
    if table.shape not in ("records", table.format):
        parts.append(f"as {table.shape}")
    if table.delimiter and table.delimiter != ",":
        parts.append({"\t": "parted by tabs"}.get(table.delimiter, f"parted by {table.delimiter}"))
    if table.encoding.lower().replace("-", "") not in ("utf8", "utf8sig", "ascii"):
        parts.append(table.encoding)
    return ", ".join(parts)


def _uses(parts: Parts) -> dict[str, Use]:
    uses: dict[str, Use] = dict.fromkeys(parts.context, "context")
    if parts.group:
        uses[parts.group] = "group"
    if parts.id and not parts.id.startswith("@"):
        uses[parts.id] = "id"
    return {**uses, **dict.fromkeys(parts.reference, "reference"), **dict.fromkeys(parts.input, "input")}


def _single(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return value[0] if len(value) == 1 else list(value)
    return value
