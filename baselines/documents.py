"""The user's corpus: a folder of text, Markdown, HTML and PDF files, or a table with a text column. Cuts nothing.

    documents = load_documents("handbook/", base)
    documents.items[0].id, documents.items[0].title, documents.notes

What cannot be read is located in `broken`, what is of no readable kind is counted in `notes`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from baselines.columns import cell, known_columns, normal, require
from baselines.dataset import Loaded
from baselines.drafts import read_source
from baselines.formats.decoding import decode, locate, read_bytes, unreadable
from baselines.formats.markup import html_text
from baselines.formats.table import Problem, Row, Table, as_text, count, listed, refuse_if_broken
from baselines.merging import content_id
from baselines.source import ROW_INDEX, Source
from reports.errors import DataError, EnvironmentFault
from reports.run.schema import Document

_TEXT = {".txt", ".text", ".md", ".markdown", ".mdx", ".rst", ".adoc"}
_HTML = {".html", ".htm", ".xhtml"}
_SPELLED_OUT = 3
_TEXT_COLUMNS = ("text", "content", "body", "document", "passage", "paragraph", "page_content", "abstract", "article")
_TITLE_WORDS = ("title", "heading", "headline", "name", "subject", "section")
_ID_WORDS = ("id", "uri", "url", "link", "key", "slug", "file", "path")


def load_documents(source: Source | str, base: Path = Path(), allow_broken: bool = False) -> Loaded[Document]:
    """All documents of a folder (its subfolders too) or of a table file, in the order of their names or rows.

    A folder's document has its relative path as id. A table's columns are detected (text, title, id); `source.input`
    names the text column and `source.id` the ids. Raises DataError: nothing there, no text column, one id twice, over
    5 % unreadable unless `allow_broken`.
    """
    source = Source.model_validate(source)
    pattern = set("*?") & set(source.path) and not (base / source.path).exists()
    if not pattern:
        full = locate(source.path, base)
        if full.is_dir():
            return _folder(full, source.path, allow_broken)
        if full.suffix.casefold() in _TEXT | _HTML | {".pdf"}:
            return _files([full], full.parent, source.path, allow_broken)
    return _table(source, base, allow_broken)


# --- folders ------------------------------------------------------------------------------------------


def _folder(folder: Path, name: str, allow_broken: bool) -> Loaded[Document]:
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    shown = [p for p in files if not any(part.startswith(".") for part in p.relative_to(folder).parts)]
    if not shown:
        raise DataError(f"the folder {name} is empty", "Put text, Markdown, HTML or PDF files into it.")
    return _files(shown, folder, name, allow_broken)


def _files(files: list[Path], folder: Path, name: str, allow_broken: bool) -> Loaded[Document]:
    documents: list[Document] = []
    broken: list[Problem] = []
    said_of: list[str] = []
    other: Counter[str] = Counter()
    for path in files:
        relative = path.relative_to(folder).as_posix()
        reader = _reader(path)
        if reader is None:
            other[path.suffix.casefold() or "no suffix"] += 1
            continue
        try:
            title, text, said = reader(path, relative)
        except DataError as error:
            broken.append(Problem(relative, str(error).removeprefix(f"{relative} ")))
            continue
        if reason := _unusable(text):
            broken.append(Problem(relative, reason))
            continue
        said_of += said
        documents.append(Document(id=relative, text=text, title=title or path.stem, source=relative))
    notes = said_of[:_SPELLED_OUT]
    if len(said_of) > _SPELLED_OUT:
        notes.append(f"{name}: {len(said_of) - _SPELLED_OUT} more documents are not plain UTF-8 either.")
    if other:
        kinds = listed(f"{suffix} ({n})" for suffix, n in sorted(other.items()))
        notes.append(f"{name}: files that are not read as documents: {kinds}.")
    if not documents and not broken:
        raise DataError(
            f"{name} has no readable document: it holds {listed(other)}",
            "Readable are .txt, .md, .html and .pdf, or one JSONL or CSV file with a text column.",
        )
    refuse_if_broken(broken, len(documents) + len(broken), name, allow_broken, noun="document")
    return Loaded(tuple(documents), tuple(broken), (*notes, *_broken_note(broken, name)), len(documents) + len(broken))


_Read = Callable[[Path, str], tuple[str, str, tuple[str, ...]]]
"""(path, name) to (title, text, notes)."""


def _reader(path: Path) -> _Read | None:
    suffix = path.suffix.casefold()
    if suffix in _TEXT:
        return _plain
    if suffix in _HTML:
        return _html
    return _pdf if suffix == ".pdf" else None


def _plain(path: Path, name: str) -> tuple[str, str, tuple[str, ...]]:
    text, notes = _decoded(path, name)
    first = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return first.lstrip("#").strip() if first.startswith("#") else "", text, notes


def _html(path: Path, name: str) -> tuple[str, str, tuple[str, ...]]:
    markup, notes = _decoded(path, name)
    title, text = html_text(markup)
    return title, text, notes


def _decoded(path: Path, name: str) -> tuple[str, tuple[str, ...]]:
    """A file's text. Single bytes that are not UTF-8 become U+FFFD: one of them must not cost a whole document."""
    decoded = decode(read_bytes(path, name), name)
    text = re.sub("[\udc80-\udcff]", "\ufffd", decoded.text)
    return text, tuple(note.replace("their rows count as broken", "they are read as \ufffd") for note in decoded.notes)


def _pdf(path: Path, name: str) -> tuple[str, str, tuple[str, ...]]:
    """Text of all pages. pypdf (0.2 s) is imported for the first PDF only."""
    try:
        from pypdf import PdfReader
        from pypdf.errors import PyPdfError
    except ImportError:
        raise EnvironmentFault("PDF documents need the package pypdf", "pip install pypdf") from None
    try:
        reader = PdfReader(path)
        if reader.is_encrypted and not reader.decrypt(""):
            raise DataError(f"{name} is protected by a password", "Save it without one.")
        text = "\n\n".join(page.extract_text() for page in reader.pages)
        title = str(reader.metadata.title or "") if reader.metadata else ""
    except (PyPdfError, OSError, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise DataError(f"{name} is not a readable PDF: {error}", "Save it again, or as text.") from None
    if not text.strip():
        raise DataError(f"{name} holds no text (a scan?)", "Run text recognition on it first.")
    return title, text, ()


def _unusable(text: str) -> str | None:
    return "is empty" if not text.strip() else unreadable(text)


def _broken_note(broken: list[Problem], name: str) -> list[str]:
    shown = "; ".join(map(str, broken[:3])) + ("; …" if len(broken) > 3 else "")
    return [f"{name}: {count(len(broken), 'document')} cannot be read and are left out: {shown}"] if broken else []


# --- tables -------------------------------------------------------------------------------------------


def _table(source: Source, base: Path, allow_broken: bool) -> Loaded[Document]:
    table = read_source(source.model_copy(update={"format": source.format or "records"}), base)
    passages = table.shape == "squad" and not source.input
    text_column = table.passages[0] if passages else _text_column(table, source)
    rest = [c for c in table.columns if c != text_column and c not in table.unnamed]
    title_column = next((c for word in _TITLE_WORDS for c in rest if word in normal(c).split("_")), None)
    id_column = None if passages else _id_column(table, source, [c for c in rest if c != title_column])
    documents: dict[str, Document] = {}
    places: dict[str, str] = {}
    broken = list(table.broken)
    same = 0
    for index, row in enumerate(table.rows):
        document = _document(row, index, text_column, title_column, id_column)
        if reason := _unusable(document.text):
            broken.append(Problem(row.place, f"column {text_column} {reason}", row.number))
            continue
        before = documents.get(document.id)
        if before is None:
            documents[document.id], places[document.id] = document, row.place
        elif before.text == document.text:
            same += 1
        else:
            raise DataError(
                f"{places[document.id]} and {row.place} have the same id {document.id!r} and different texts",
                f'Name another column, or take ids from the content: {{path: {source.path}, id: ""}}.',
            )
    total = len(table.rows) + len(table.broken)
    refuse_if_broken(broken, total, table.file, allow_broken)
    notes = [*table.notes, *_broken_note(broken, table.file)]
    if passages:
        notes.append(f"{table.file}: its {len(documents)} paragraphs are the documents, without the questions.")
    elif same:
        notes.append(f"{table.file}: documents that repeat an earlier one word for word count once: {same}.")
    return Loaded(tuple(documents.values()), tuple(broken), tuple(notes), total, table.format)


def _document(row: Row, index: int, text: str, title: str | None, identity: str | None) -> Document:
    body = as_text(cell(row.cells, text))
    said = str(index) if identity == ROW_INDEX else as_text(cell(row.cells, identity)).strip() if identity else ""
    heading = as_text(cell(row.cells, title)).strip() if title else ""
    return Document(id=said or content_id(body), text=body, title=heading, source=row.place)


def _text_column(table: Table, source: Source) -> str:
    if source.input:
        return require(table, source.input[0], "the text")
    plain = {normal(c): c for c in reversed(table.columns)}
    found = next((plain[name] for name in _TEXT_COLUMNS if name in plain), None)
    if found is None and len(table.columns) == 1:
        found = table.columns[0]
    if found is None:
        raise DataError(
            f"{table.file}: no column looks like the text of a document. Its columns: {listed(known_columns(table))}.",
            f"Say which it is: {{path: {source.path}, input: COLUMN}}.",
        )
    return found


def _id_column(table: Table, source: Source, rest: list[str]) -> str | None:
    """The column of ids: said, or named like one and different in every row."""
    if source.id == ROW_INDEX:
        return ROW_INDEX
    if source.id is not None:
        return require(table, source.id, "the id") if source.id else None
    named = [c for word in _ID_WORDS for c in rest if word in normal(c).split("_")]
    for column in named:
        values = [as_text(row.cells.get(column)).strip() for row in table.rows]
        if all(values) and len(set(values)) == len(values):
            return column
    return None
