"""read_table(): the one entry to all readers. Finds out what a file is by its bytes first, by its name second.

    table = read_table("eval.csv", base=project_folder)
    table.columns, len(table.rows), table.broken, table.notes

Never fills a gap and never drops a row unsaid: what cannot be read stands in `table.broken` with its place.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path

from baselines.columns import is_column_name
from baselines.formats import chat, promptfoo
from baselines.formats.binary import read_excel, read_parquet
from baselines.formats.decoding import decode, locate, read_bytes
from baselines.formats.delimited import read_delimited
from baselines.formats.json_text import read_json, read_jsonl
from baselines.formats.table import Table
from reports.errors import DataError

READABLE = "Readable are CSV, TSV, JSON, JSONL, their gzip, Parquet and Excel (.xlsx)."
_SUFFIX = {
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".tsv": "csv",
    ".tab": "csv",
    ".psv": "csv",
    ".txt": "csv",
    ".parquet": "parquet",
    ".xlsx": "excel",
    ".xlsm": "excel",
}
_OTHER = {".yaml", ".yml", ".toml", ".xml", ".html", ".htm", ".md", ".rst", ".py", ".pdf", ".docx", ".doc", ".zip"}
_FOREIGN = (
    (b"%PDF", "a PDF"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"\xd0\xcf\x11\xe0", "an Excel or Word file of the old format"),
    (b"SQLite format 3", "an SQLite database"),
    (b"ARROW1", "an Arrow file"),
)


def read_table(
    path: str | Path,
    base: Path = Path(),
    *,
    delimiter: str | None = None,
    header: bool | None = None,
    encoding: str | None = None,
    sheet: str | None = None,
    format: str | None = None,
    wanted: Collection[str] = (),
) -> Table:
    """The rows of a file below `base`. Raises DataError when it is missing, empty, of no known format or damaged.

    delimiter   one character; None detects it            header    whether the first row names the columns
    encoding    None detects it                           sheet     of an Excel file; None is the first one
    format      `csv`, `json`, `jsonl`, `parquet` or `excel`; None detects it. `records` keeps the file's own
                columns where a conversation, a preference pair or the like would be recognised
    wanted      columns that the project names: they help to see whether there is a header row
    """
    full, name = locate(path, base), str(path)
    data = read_bytes(full, name)
    kind = format if format and format != "records" else _kind(full, data, name)

    def known(cell: str) -> bool:
        return cell in wanted or is_column_name(cell)

    table = _read(kind, data, name, known, delimiter=delimiter, header=header, encoding=encoding, sheet=sheet)
    return table if format == "records" else promptfoo.recognise(chat.recognise(table))


def _read(
    kind: str,
    data: bytes,
    name: str,
    is_name: Callable[[str], bool],
    *,
    delimiter: str | None,
    header: bool | None,
    encoding: str | None,
    sheet: str | None,
) -> Table:
    if kind == "parquet":
        return read_parquet(data, name)
    if kind == "excel":
        return read_excel(data, name, sheet, is_name)
    decoded = decode(data, name, encoding)
    if kind == "jsonl" and _is_document(decoded.text):
        kind = "json"
    if kind == "json":
        table = read_json(decoded.text, name)
    elif kind == "jsonl":
        table = read_jsonl(decoded.text, name)
    else:
        table = read_delimited(decoded.text, name, delimiter, header, is_name)
    return replace(table, encoding=decoded.encoding, notes=(*decoded.notes, *table.notes))


def _is_document(text: str) -> bool:
    """Whether a file called .jsonl is one JSON document after all: a list, or an object over several lines."""
    start = text.lstrip("\ufeff \t\r\n")
    return start.startswith("[") or start.split("\n", 1)[0].strip() == "{"


def _kind(path: Path, data: bytes, name: str) -> str:
    """`csv`, `json`, `jsonl`, `parquet` or `excel`."""
    if data.startswith(b"PAR1"):
        return "parquet"
    if data.startswith(b"PK\x03\x04"):
        return _zipped(data, name)
    for magic, words in _FOREIGN:
        if data.startswith(magic):
            raise DataError(f"{name} is {words}, not rows", READABLE)
    suffixes = [s.casefold() for s in path.suffixes if s.casefold() not in {".gz", ".gzip"}]
    suffix = suffixes[-1] if suffixes else ""
    kind = _SUFFIX.get(suffix)
    if kind == "csv" and re.match(rb"\s*(\[\s*)?\{\s*\"", data):
        return "json"
    if kind in {"parquet", "excel"}:
        raise DataError(f"{name} is called {suffix} but is no {kind.title()} file", "Write or copy it again.")
    if kind:
        return kind
    if suffix in _OTHER:
        raise DataError(f"{name} is a {suffix} file, not rows", READABLE)
    return "json" if data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in {b"{", b"["} else "csv"


def _zipped(data: bytes, name: str) -> str:
    try:
        members = zipfile.ZipFile(io.BytesIO(data)).namelist()
    except zipfile.BadZipFile:
        raise DataError(f"{name} is a damaged zip or Excel file", "Copy or save it again.") from None
    if "xl/workbook.xml" in members:
        return "excel"
    raise DataError(f"{name} is a zip archive", f"Unpack it and name the file inside. {READABLE}")
