"""Parquet and Excel."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from baselines.formats.reading import read_table
from reports.errors import DataError

openpyxl = pytest.importorskip("openpyxl")
pa = pytest.importorskip("pyarrow")


def excel(path: Path, **sheets: list[list[object]]) -> None:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        page = book.create_sheet(name)
        for row in rows:
            page.append(row)
    book.save(path)


def test_excel_rows_have_the_numbers_of_the_sheet(tmp_path: Path) -> None:
    excel(tmp_path / "a.xlsx", S=[["text", "label"], ["hello", 1], [None, None], ["bye", True], ["x", None]])
    table = read_table("a.xlsx", tmp_path)
    assert [(row.number, row.cells) for row in table.rows] == [
        (2, {"text": "hello", "label": 1}),
        (4, {"text": "bye", "label": True}),
        (5, {"text": "x", "label": None}),
    ]


def test_excel_dates_are_iso(tmp_path: Path) -> None:
    excel(tmp_path / "a.xlsx", S=[["text", "date"], ["x", datetime.datetime(2024, 5, 6, 7, 8)]])
    assert read_table("a.xlsx", tmp_path).rows[0].cells["date"] == "2024-05-06T07:08:00"


def test_a_sheet_can_be_named(tmp_path: Path) -> None:
    excel(tmp_path / "a.xlsx", One=[["text"], ["first"]], Two=[["text"], ["second"]])
    table = read_table("a.xlsx", tmp_path)
    assert table.rows[0].cells == {"text": "first"}
    assert table.notes == ("a.xlsx: sheet 'One' of 2 is read.",)
    assert read_table("a.xlsx", tmp_path, sheet="Two").rows[0].cells == {"text": "second"}
    with pytest.raises(DataError, match="has no sheet 'Tow'") as error:
        read_table("a.xlsx", tmp_path, sheet="Tow")
    assert error.value.hint == "Did you mean Two?"


def test_excel_by_content_whatever_its_name(tmp_path: Path) -> None:
    excel(tmp_path / "a.xlsx", S=[["text", "label"], ["hello", "a"]])
    (tmp_path / "a.xlsx").rename(tmp_path / "a.csv")
    assert read_table("a.csv", tmp_path).format == "excel"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "is empty"),
        ([["text", "label"]], "a header row and nothing below it"),
        ([["text", "text"], ["a", "b"]], "two columns of the same name: text"),
    ],
)
def test_unusable_sheets(tmp_path: Path, rows: list[list[object]], message: str) -> None:
    excel(tmp_path / "a.xlsx", S=rows)
    with pytest.raises(DataError, match=message):
        read_table("a.xlsx", tmp_path)


def test_parquet_keeps_nested_values(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    rows = [
        {"text": "a", "labels": ["x", "y"], "n": 1, "f": float("nan")},
        {"text": "b", "labels": [], "n": None, "f": 0.5},
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    table = read_table("a.parquet", tmp_path)
    assert [row.cells for row in table.rows] == [
        {"text": "a", "labels": ["x", "y"], "n": 1, "f": None},
        {"text": "b", "labels": [], "n": None, "f": 0.5},
    ]


def test_parquet_without_rows_and_damaged(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"text": pa.array([], pa.string())}), tmp_path / "a.parquet")
    with pytest.raises(DataError, match="has columns and no rows"):
        read_table("a.parquet", tmp_path)
    (tmp_path / "b.parquet").write_bytes((tmp_path / "a.parquet").read_bytes()[:50])
    with pytest.raises(DataError, match="is not a readable Parquet file"):
        read_table("b.parquet", tmp_path)
