"""CSV in all its dialects: what was written comes back, and what is broken is located."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baselines.columns import is_column_name
from baselines.formats.delimited import DELIMITERS, NO_DELIMITER, has_header, read_delimited, sniff_delimiter
from baselines.formats.table import Table
from reports.errors import DataError


def read(text: str, **options: object) -> Table:
    return read_delimited(text, "eval.csv", is_column_name=is_column_name, **options)  # type: ignore[arg-type]


def cells(table: Table) -> list[list[object]]:
    return [list(row.cells.values()) for row in table.rows]


ANY_TEXT = st.text(st.characters(codec="utf-8"), max_size=30)


@given(
    rows=st.lists(st.tuples(ANY_TEXT, ANY_TEXT.map(lambda text: f"x{text}")), min_size=1, max_size=8),
    delimiter=st.sampled_from([*DELIMITERS, ":", "^", "\x1e", "ß", " "]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    ending=st.sampled_from(["\n", "\r\n", "\r"]),
)
@settings(deadline=None)
def test_any_dialect_comes_back_unchanged(
    rows: list[tuple[str, str]], delimiter: str, quoting: int, ending: str
) -> None:
    if quoting == csv.QUOTE_MINIMAL:  # the library's writer leaves the other line endings unquoted
        rows = [(a.replace("\r", " ").replace("\n", " "), b.replace("\r", " ").replace("\n", " ")) for a, b in rows]
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=delimiter, quoting=quoting, lineterminator=ending)  # type: ignore[arg-type]
    writer.writerow(["text", "label"])
    writer.writerows(rows)
    table = read(stream.getvalue(), delimiter=delimiter)
    assert cells(table) == [list(row) for row in rows]
    assert not table.broken
    assert table.columns == ("text", "label")


@given(
    rows=st.lists(
        st.tuples(st.text("abc ,;|\t\"\n'é", min_size=1, max_size=20), st.sampled_from(["ham", "spam"])),
        min_size=2,
        max_size=20,
    ),
    delimiter=st.sampled_from(DELIMITERS),
)
def test_the_delimiter_is_found_under_a_known_header(rows: list[tuple[str, str]], delimiter: str) -> None:
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=delimiter)
    writer.writerow(["text", "label"])
    writer.writerows(rows)
    table = read(stream.getvalue())
    assert table.delimiter == delimiter
    assert cells(table) == [list(row) for row in rows]


def test_a_delimiter_inside_the_texts_does_not_mislead() -> None:
    text = "meldung;absicht\nKarte weg, was nun, bitte?;verlust\nPIN, vergessen, leider;pin\n"
    assert sniff_delimiter(text) == ";"


def test_a_file_without_any_delimiter_is_one_column() -> None:
    text = "MIT License\n\nPermission is granted, free of charge, to any person\nobtaining a copy\n"
    assert sniff_delimiter(text) == NO_DELIMITER
    assert read(text).columns == ("MIT License",)


def test_rows_know_their_number_and_their_line() -> None:
    table = read('text,label\n"two\nlines",a\nplain,b\n')
    assert [(row.number, row.line) for row in table.rows] == [(2, 2), (3, 4)]
    assert table.rows[1].place == "eval.csv row 3 (line 4)"
    assert table.rows[0].place == "eval.csv row 2"


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        (["text", "label"], True),
        (["v1", "v2"], True),
        (["Question ID", "whatever"], True),
        (["ham", "Ok lar"], False),  # `ham` comes again below
        (["17", "Ok lar"], False),
        (["Where can I find my new card?", "arrival"], False),
        (["line\nbreak", "x"], False),
    ],
)
def test_a_header_is_told_from_data(first: list[str], expected: bool) -> None:
    assert has_header([first, ["ham", "one"], ["spam", "two"]], is_column_name) is expected


def test_without_header_columns_are_numbered_and_it_is_said() -> None:
    table = read("ham,Ok lar\nspam,Free entry\nham,See you\n")
    assert table.columns == ("column1", "column2")
    assert len(table.rows) == 3
    assert any("no header row" in note for note in table.notes)


def test_header_can_be_said() -> None:
    assert len(read("a,b\nc,d\n", header=False).rows) == 2
    assert len(read("ham,x\nham,y\n", header=True).rows) == 1


def test_a_row_with_too_many_cells_is_broken_and_located() -> None:
    good = "".join(f"text {i},a\n" for i in range(5))
    table = read(f"text,label\n{good}one, two,b\nlast,c\n")
    assert len(table.rows) == 6
    assert [str(problem) for problem in table.broken] == [
        "eval.csv row 7: has 3 cells where 2 are expected: is a text with the delimiter unquoted?"
    ]


def test_empty_cells_at_the_end_are_no_fault() -> None:
    table = read("text,label\nhello,a,,\nbye,b,\n")
    assert not table.broken
    assert cells(table) == [["hello", "a"], ["bye", "b"]]


@pytest.mark.parametrize("before", ["# exported in May\n", "Support export,\n,\n", "sep=,\n"])
def test_what_stands_before_the_header_is_not_read(before: str) -> None:
    table = read(f"{before}text,label\nhello,a\n")
    assert cells(table) == [["hello", "a"]]
    assert table.rows[0].number == before.count("\n") + 2


def test_the_separator_line_of_excel_is_obeyed() -> None:
    assert cells(read("sep=;\nx;y\n1,5;a\n2,5;b\n")) == [["1,5", "a"], ["2,5", "b"]]


def test_blank_lines_are_no_rows() -> None:
    assert cells(read("text,label\n\nhello,a\n\n\nbye,b\n\n")) == [["hello", "a"], ["bye", "b"]]


def test_quotation_marks_as_text_are_kept_where_that_fits_better() -> None:
    table = read('text\tlabel\n"Hello, she said\tgreeting\nThe 5" pipe\torder\n"Quoted"\torder\n')
    assert cells(table) == [['"Hello, she said', "greeting"], ['The 5" pipe', "order"], ['"Quoted"', "order"]]
    assert any("part of the text" in note for note in table.notes)


def test_backslash_escapes_are_read_where_that_fits_better() -> None:
    table = read('text,label\n"He said \\"hi, there\\" twice",a\nbye,b\n')
    assert cells(table) == [['He said "hi, there" twice', "a"], ["bye", "b"]]


def test_a_quotation_mark_that_never_closes_is_located() -> None:
    fine = "".join(f'"text {i}",a\n' for i in range(5))
    with pytest.raises(DataError, match=r"eval.csv row 7: a quotation mark opens here and is never closed"):
        read(f'text,label\n{fine}"open,b\nmore,b\n')


def test_rows_that_run_together_are_broken() -> None:
    fine = "".join(f'"text {i}",a\n' for i in range(5))
    table = read(f'text,label\n{fine}"open,b\n"closed",c\n"again",d\n')
    assert [row.number for row in table.rows] == [2, 3, 4, 5, 6, 8]
    assert str(table.broken[0]).startswith("eval.csv row 7: a quotation mark opens here and closes in another row")


def test_repeated_columns_become_a_list() -> None:
    table = read("text,ref,ref\nhello,hi,hey\nbye,ciao,\n")
    assert [row.cells["ref"] for row in table.rows] == [["hi", "hey"], ["ciao"]]
    assert any("repeats the columns ref" in note for note in table.notes)


def test_unnamed_columns_with_stray_text_are_noted() -> None:
    table = read("text,label,,\n" + "".join(f"text {i},a,,\n" for i in range(6)) + "cut,b,rest of it,\n")
    assert table.unnamed == {"column3", "column4"}
    assert any("hold text in 1 row, which is not read (rows 8)" in note for note in table.notes)


@pytest.mark.parametrize("text", ["text,label\n", "text,label", "text;label\r\n\r\n"])
def test_header_only_is_refused(text: str) -> None:
    with pytest.raises(DataError, match="has a header row and nothing below it"):
        read(text)


def test_ten_megabytes_in_one_cell_load() -> None:
    big = "x" * 10_000_000
    table = read(f"text,label\n{big},a\nshort,b\n")
    assert [len(str(row.cells["text"])) for row in table.rows] == [10_000_000, 5]


HOSTILE = [
    "[/foo]",
    "\x1b[31mred\x1b[0m",
    "</script>",
    "a\x00b",
    "\u202eabc",
    "=1+1",
    "@x",
    "{{name}}",
    "\u2028",
    "\x0b",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_passes_unharmed(text: str) -> None:
    assert cells(read(f"text,label\n{text},a\n{text}{text},b\n")) == [[text, "a"], [text * 2, "b"]]
