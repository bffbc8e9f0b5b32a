"""JSON and JSON Lines: every nesting people have, and what cannot be read."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from baselines.formats.json_text import read_json, read_jsonl
from baselines.formats.reading import read_table
from baselines.formats.table import Table
from reports.errors import DataError


def read(document: object) -> Table:
    return read_json(json.dumps(document), "a.json")


RECORDS = [{"text": "hello", "label": "a"}, {"text": "bye", "label": "b"}]


@pytest.mark.parametrize(
    "document",
    [
        RECORDS,
        {"data": RECORDS},
        {"version": "1", "rows": RECORDS},
        {"version": "1", "my_rows": RECORDS},
        {"rows": [{"row_idx": i, "row": record, "truncated_cells": []} for i, record in enumerate(RECORDS)]},
        {"nlu_data": {"common_examples": RECORDS}},
        {"text": ["hello", "bye"], "label": ["a", "b"]},
        {"text": {"0": "hello", "1": "bye"}, "label": {"0": "a", "1": "b"}},
    ],
)
def test_nestings_of_records(document: object) -> None:
    assert [row.cells for row in read(document).rows] == RECORDS


def test_an_object_keyed_by_id_gives_its_keys_as_ids() -> None:
    table = read(
        {"17": {"QUESTION": "why?", "final_decision": "yes"}, "18": {"QUESTION": "how?", "final_decision": "no"}}
    )
    assert [row.cells["id"] for row in table.rows] == ["17", "18"]
    assert table.columns == ("id", "QUESTION", "final_decision")


def test_an_object_of_bare_values_gives_ids_and_values() -> None:
    table = read({"a1": "yes", "a2": "no", "a3": None})
    assert [row.cells for row in table.rows][:2] == [{"id": "a1", "value": "yes"}, {"id": "a2", "value": "no"}]
    assert len(table.rows) == 3


def test_a_single_record_is_one_row_and_said() -> None:
    table = read({"input": "x", "output": "y"})
    assert len(table.rows) == 1
    assert table.notes == ("a.json holds a single record.",)


SQUAD = {
    "data": [
        {
            "title": "Bees",
            "paragraphs": [
                {
                    "context": "Bees fly.",
                    "qas": [
                        {"id": "q1", "question": "Who flies?", "answers": [{"text": "Bees"}, {"text": "bees"}]},
                        {"id": "q2", "question": "Who swims?", "answers": [], "is_impossible": True},
                        {"id": "q3", "question": " ", "answers": [{"text": "x"}]},
                    ],
                }
            ],
        }
    ]
}


def test_squad_gives_one_row_a_question() -> None:
    table = read(SQUAD)
    assert table.shape == "squad"
    assert [row.cells["answers"] for row in table.rows] == [["Bees", "bees"], [""]]
    assert table.rows[0].cells["context"] == "Bees fly."
    assert [str(problem) for problem in table.broken] == ["a.json question 3: `question` is empty"]
    assert "the paragraph has none, in 1 question." in table.notes[0]


def test_slots_give_the_gold_json() -> None:
    pieces = [
        {"text": "from "},
        {"text": "Bonn ", "entity": "city"},
        {"text": "to "},
        {"text": "Köln", "entity": "city"},
    ]
    table = read({"Travel": [{"data": pieces}, {"data": [{"text": "go"}]}]})
    assert [row.cells["text"] for row in table.rows] == ["from Bonn to Köln", "go"]
    assert json.loads(str(table.rows[0].cells["json"])) == {"intent": "Travel", "city": ["Bonn", "Köln"]}
    assert json.loads(str(table.rows[1].cells["json"])) == {"intent": "Travel"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[{"a": 1},\n {"a": 2,}]', r"a.json line 2, column 10: not valid JSON"),
        ('[{"a": 1},\n', r"a.json ends in the middle \(line 2\)"),
        ("[]", "is an empty list"),
        ("{}", "is an empty object"),
        ('"text"', "holds a single JSON value, 'text', not rows"),
        ('["x", "y"]', "is a list of 2 values that are not objects, such as 'x'"),
        ('{"q1": {"a": "x"}, "q1": {"a": "y"}}', "keys stand twice in one object: 'q1'"),
        ("[" * 100_000, "nests too deeply|ends in the middle"),
        ('[{"n": ' + "9" * 5000 + "}]", "is not readable JSON"),
        ('{"data": [{"paragraphs": []}]}', "no question in it"),
        ('{"train": [{"a": 1}], "test": [{"a": 2}]}', "holds several tables: train, test"),
    ],
)
def test_what_cannot_be_read_is_refused(text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_json(text, "a.json")


def test_items_that_are_no_objects_are_broken() -> None:
    table = read([*RECORDS, 17])
    assert [str(problem) for problem in table.broken] == ["a.json item 3: an object is expected, this is '17'"]


def test_broken_lines_are_located() -> None:
    table = read_jsonl('{"a": 1}\n\nnot json\n{"a": 2}\n[3]\n', "a.jsonl")
    assert [row.number for row in table.rows] == [1, 4]
    assert [problem.row for problem in table.broken] == [3, 5]
    assert str(table.broken[0]).startswith("a.jsonl line 3: not valid JSON at character 1")
    assert str(table.broken[1]) == "a.jsonl line 5: a JSON object is expected, this is '[3]'"


def test_raw_control_characters_and_missing_numbers_are_read() -> None:
    table = read_jsonl('{"text": "a\tb\x1b[0m\x00", "n": NaN}\n', "a.jsonl")
    assert table.rows[0].cells == {"text": "a\tb\x1b[0m\x00", "n": None}


@pytest.mark.parametrize("name", ["a.csv", "a.txt"])
def test_json_under_the_name_of_a_text_file(tmp_path: Path, name: str) -> None:
    for text in (json.dumps(RECORDS), "\n".join(map(json.dumps, RECORDS))):
        (tmp_path / name).write_text(text)
        assert [row.cells for row in read_table(name, tmp_path).rows] == RECORDS


def test_line_separators_inside_strings_do_not_split_lines() -> None:
    table = read_jsonl(json.dumps({"text": "a\u2028b\x85c"}, ensure_ascii=False), "a.jsonl")
    assert table.rows[0].cells == {"text": "a\u2028b\x85c"}


def test_jsonl_without_any_object_is_refused() -> None:
    with pytest.raises(DataError, match=r"a.jsonl line 1: not valid JSON"):
        read_jsonl("hello\nworld\n", "a.jsonl")


@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.ndjson", "data"])
@pytest.mark.parametrize("lines", [True, False])
def test_content_wins_over_the_file_name(tmp_path: Path, name: str, lines: bool) -> None:
    text = "\n".join(map(json.dumps, RECORDS)) if lines else json.dumps(RECORDS, indent=1)
    (tmp_path / name).write_text(text)
    table = read_table(name, tmp_path)
    assert [row.cells for row in table.rows] == RECORDS
    assert table.format == ("jsonl" if lines else "json")


@pytest.mark.parametrize("name", ["a.json.gz", "a.jsonl.gz"])
def test_gzip_of_json(tmp_path: Path, name: str) -> None:
    text = json.dumps(RECORDS) if name == "a.json.gz" else "\n".join(map(json.dumps, RECORDS))
    (tmp_path / name).write_bytes(gzip.compress(text.encode()))
    assert [row.cells for row in read_table(name, tmp_path).rows] == RECORDS


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.yaml", b"a: b\n", r"a.yaml is a .yaml file, not rows"),
        ("a.pdf", b"%PDF-1.7", "is a PDF, not rows"),
        ("a.csv", b"\x89PNG\r\n", "is a picture, not rows"),
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1", "old format"),
        ("a.parquet", b"text,label\na,b\n", "is called .parquet but is no Parquet file"),
        ("a.csv", b"PK\x03\x04rest", "is a damaged zip or Excel file"),
    ],
)
def test_other_kinds_of_files_are_refused(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_table(name, tmp_path)
