"""Parquet and Excel to a Table. pyarrow (0.3 s) and openpyxl (0.2 s) are imported here, and only when asked for.

read_parquet(path.read_bytes(), "eval.parquet")
read_excel(path.read_bytes(), "eval.xlsx", sheet="Tickets")
"""

from __future__ import annotations

import datetime
import io
import math
from collections.abc import Callable

from baselines.formats.delimited import has_header
from baselines.formats.table import JSON, Row, Table, listed, nearest
from reports.errors import DataError, EnvironmentFault


def read_parquet(data: bytes, name: str) -> Table:
    """All rows. Raises DataError when the file is damaged or holds no rows."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise EnvironmentFault("Parquet files need the package pyarrow", "pip install pyarrow") from None
    try:
        records = pq.read_table(pa.BufferReader(data)).to_pylist()
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise DataError(f"{name} is not a readable Parquet file: {error}", "Copy or write it again.") from None
    if not records:
        raise DataError(f"{name} has columns and no rows", "Name a file that holds rows.")
    rows = tuple(Row(name, i, {str(k): _plain(v) for k, v in r.items()}, "row") for i, r in enumerate(records, start=1))
    return Table(name, rows, tuple(rows[0].cells), "parquet", encoding="")


def read_excel(
    data: bytes, name: str, sheet: str | None = None, is_column_name: Callable[[str], bool] = lambda name: False
) -> Table:
    """The rows of a sheet (the first one unless said). Row numbers are the sheet's own. Raises DataError."""
    try:
        from openpyxl import load_workbook
        from openpyxl.utils.exceptions import InvalidFileException
    except ImportError:
        raise EnvironmentFault("Excel files need the package openpyxl", "pip install openpyxl") from None
    import warnings
    import zipfile
    import zlib

    damage = (
        InvalidFileException,
        zipfile.BadZipFile,
        zlib.error,
        SyntaxError,  # of the XML inside
        *(KeyError, ValueError, OSError, EOFError, TypeError, AttributeError, IndexError, NotImplementedError),
    )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and validations, which are of no concern here
            book = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
            pages = {page.title: page for page in book.worksheets}
            if sheet is not None and sheet not in pages:
                near = nearest(sheet, list(pages))
                hint = f"Did you mean {near}?" if near else f"Its sheets: {listed(pages)}."
                raise DataError(f"{name} has no sheet {sheet!r}", hint)
            chosen = sheet or next(iter(pages))
            lines = [(i, list(cells)) for i, cells in enumerate(pages[chosen].iter_rows(values_only=True), start=1)]
            book.close()
    except damage as error:
        raise DataError(f"{name} is not a readable Excel file: {error}", "Save it again as .xlsx or as CSV.") from None
    notes = [f"{name}: sheet {chosen!r} of {len(pages)} is read."] if len(pages) > 1 else []
    return _sheet(name, [(i, cells) for i, cells in lines if any(c is not None for c in cells)], notes, is_column_name)


def _sheet(
    name: str, lines: list[tuple[int, list[object]]], notes: list[str], is_column_name: Callable[[str], bool]
) -> Table:
    if not lines:
        raise DataError(f"{name} is empty", "Name a sheet that holds rows: {path: …, sheet: …}.")
    width = max(len(cells) for _, cells in lines)
    texts = [["" if c is None else str(c) for c in cells] for _, cells in lines[:200]]
    header = has_header(texts, is_column_name)
    if header and len(lines) == 1:
        raise DataError(f"{name} has a header row and nothing below it", "Name a file that holds rows.")
    titles = [t.strip() for t in texts[0]] if header else []
    titles += [""] * (width - len(titles))
    columns = [title or f"column{i}" for i, title in enumerate(titles, start=1)]
    if len(set(columns)) < width:
        twice = listed(sorted({c for c in columns if columns.count(c) > 1}))
        raise DataError(f"{name} has two columns of the same name: {twice}", "Rename one of them.")
    if not header:
        notes.append(f"{name} has no header row: its columns are called column1, column2, … here.")
    rows = []
    for number, cells in lines[1:] if header else lines:
        padded = [*cells, *[None] * (width - len(cells))]
        rows.append(Row(name, number, {c: _plain(v) for c, v in zip(columns, padded, strict=True)}, "row"))
    unnamed = frozenset(c for c, t in zip(columns, titles, strict=True) if not t)
    return Table(name, tuple(rows), tuple(columns), "excel", notes=tuple(notes), encoding="", unnamed=unnamed)


def _plain(value: object) -> JSON:
    """A cell as a JSON value: dates in ISO 8601, bytes as UTF-8, NaN as nothing."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return None if math.isnan(value) else value
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return str(value)
