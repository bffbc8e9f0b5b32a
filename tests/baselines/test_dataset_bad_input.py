"""Bad input: each one clear message that says where, and what to do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from baselines.dataset import Source, check_labels, load_cases, load_examples
from reports.errors import AdvisorError, DataError
from reports.run.schema import TaskType


def write(folder: Path, name: str, content: str | bytes | list[Any]) -> Path:
    data = json.dumps(content) if isinstance(content, list) else content
    (folder / name).write_bytes(data.encode() if isinstance(data, str) else data)
    return folder


CSV = "text,label\n" + "".join(f"text {i},{'ab'[i % 2]}\n" for i in range(40))

REFUSED: list[tuple[str, Any, TaskType, dict[str, Any], str, str]] = [
    # file, content, task, said by the project, message, hint
    ("eval.csv", "", "qa", {}, r"eval.csv is empty", "holds rows"),
    ("eval.csv", "text,label\n", "qa", {}, r"eval.csv has a header row and nothing below it", "holds rows"),
    (
        "eval.csv",
        "text,label\na,x\nb,x\n",
        "classification",
        {},
        r"all 2 cases have the label 'x'",
        "at least two labels",
    ),
    (
        "eval.csv",
        CSV,
        "classification",
        {"reference": "lable"},
        r"no column 'lable', named as the reference",
        "Did you mean label",
    ),
    ("eval.csv", CSV, "qa", {"input": "zzz"}, r"no column 'zzz', named as the input", "Its columns: text, label"),
    ("eval.csv", CSV, "qa", {"id": "nr"}, r"no column 'nr', named as the id", "Its columns"),
    ("eval.csv", CSV, "qa", {"group": "kunde"}, r"no column 'kunde', named as the group", "Its columns"),
    ("eval.csv", CSV, "qa", {"context": ["schema"]}, r"no column 'schema', named as context", "Its columns"),
    (
        "eval.csv",
        "name,question\nA,b?\nC,d?\n",
        "qa",
        {},
        r"no column looks like the expected answer",
        "reference: COLUMN",
    ),
    (
        "eval.csv",
        "label,x,y\nA,b,c\nC,d,e\n",
        "qa",
        {},
        r"no column looks like the input\. Its columns: label, x, y",
        "input: COLUMN",
    ),
    ("eval.csv", "one\ntwo\n", "qa", {}, r"has one column only", "delimiter"),
    (
        "eval.csv",
        b"text,label\n\x81\x8d,x\n",
        "qa",
        {},
        r"neither UTF-8 nor Windows-1252: .* offset 11 \(line 2",
        "encoding",
    ),
    (
        "eval.json",
        [{"question": "q\ud800", "answer": "a"}],
        "qa",
        {},
        r"item 1: holds half of a surrogate pair",
        "Repair",
    ),
    (
        "eval.csv",
        CSV + "no label,\n" * 3,
        "qa",
        {},
        r"3 of 43 rows cannot be used:\n  eval.csv row 42: column label is empty",
        "--allow",
    ),
    ("eval.csv", CSV + ",a\n" * 3, "qa", {}, r"row 42: column text is empty", "--allow-broken"),
    ("eval.csv", CSV + "a,b,c\n" * 3, "qa", {}, r"row 42: has 3 cells where 2 are expected", "Repair"),
    ("eval.csv", "id,text,label\n1,a,x\n,b,y\n", "qa", {"id": "id"}, r"row 3: column id is empty", "Repair"),
    ("eval.json", [{"question": None, "answer": "a"}], "qa", {}, r"item 1: column question is empty", "Repair"),
    (
        "eval.csv",
        "text,label\n" + '"x",a\n' * 6 + '"y,b\nz,c\n',
        "qa",
        {},
        r"row 8: a quotation mark opens here",
        "Close it",
    ),
]


@pytest.mark.parametrize(("name", "content", "task", "said", "message", "hint"), REFUSED)
def test_refused_with_place_and_hint(
    tmp_path: Path, name: str, content: Any, task: TaskType, said: dict[str, Any], message: str, hint: str
) -> None:
    write(tmp_path, name, content)
    with pytest.raises(DataError, match=message) as error:
        load_cases(Source(path=name, **said), task, tmp_path)
    assert hint in error.value.hint
    assert name in str(error.value)
    assert str(tmp_path) not in str(error.value) + error.value.hint
    assert error.value.exit_code == 2


def test_a_missing_file_names_the_nearest(tmp_path: Path) -> None:
    write(tmp_path, "eval.csv", CSV)
    with pytest.raises(DataError, match=r"evals.csv does not exist") as error:
        load_cases(Source(path="evals.csv"), "qa", tmp_path)
    assert error.value.hint == "Did you mean eval.csv?"


def test_up_to_five_percent_are_left_out_counted_and_shown(tmp_path: Path) -> None:
    write(tmp_path, "eval.csv", CSV + "no label,\n,no text\n")
    loaded = load_cases(Source(path="eval.csv"), "classification", tmp_path)
    assert (loaded.rows, len(loaded.items)) == (42, 40)
    assert [problem.row for problem in loaded.broken] == [42, 43]
    assert "2 of 42 rows broken and left out: eval.csv row 42: column label is empty" in loaded.notes[-1]


def test_more_is_left_out_only_when_told(tmp_path: Path) -> None:
    write(tmp_path, "eval.csv", CSV + "no label,\n" * 20)
    with pytest.raises(DataError, match="20 of 60 rows") as error:
        load_cases(Source(path="eval.csv"), "qa", tmp_path)
    assert str(error.value).count("\n") == 6
    assert "and 15 more" in str(error.value)
    loaded = load_cases(Source(path="eval.csv"), "qa", tmp_path, allow_broken=True)
    assert (len(loaded.items), len(loaded.broken)) == (40, 20)


def test_all_rows_broken_is_refused_whatever_is_allowed(tmp_path: Path) -> None:
    write(tmp_path, "eval.json", [{"question": "", "answer": "a"}, {"question": "b", "answer": ""}])
    with pytest.raises(DataError, match="none of its rows can be used"):
        load_cases(Source(path="eval.json"), "qa", tmp_path, allow_broken=True)


def test_bytes_that_are_not_utf8_break_their_row_only(tmp_path: Path) -> None:
    good = "".join(f"Tür {i},{'ab'[i % 2]}\n" for i in range(40))
    write(tmp_path, "eval.csv", f"text,label\n{good}".encode() + b"caf\xe9,a\n")
    loaded = load_cases(Source(path="eval.csv"), "classification", tmp_path)
    assert len(loaded.items) == 40
    assert str(loaded.broken[0]) == "eval.csv row 42: holds the byte 0xE9, which is not UTF-8"


def test_ten_megabytes_in_one_cell_load(tmp_path: Path) -> None:
    write(tmp_path, "eval.csv", f"text,label\n{'x' * 10_000_000},a\nshort,b\n")
    loaded = load_cases(Source(path="eval.csv"), "classification", tmp_path)
    assert [len(case.question.input) for case in loaded.items] == [10_000_000, 5]


def test_labels_unknown_to_training_are_named_with_their_rows(tmp_path: Path) -> None:
    write(tmp_path, "eval.csv", CSV + "new,c\nnewer,c\n")
    write(tmp_path, "train.csv", CSV)
    cases = load_cases(Source(path="eval.csv"), "classification", tmp_path).items
    examples = load_examples(Source(path="train.csv"), "classification", tmp_path).items
    assert check_labels(cases, examples) == ("Label 'c' (2 cases, rows 42, 43) does not stand in the training data.",)
    assert check_labels(cases[:-1], examples) == ("Label 'c' (1 case, row 42) does not stand in the training data.",)
    assert check_labels(cases, [], ["a", "b", "c"]) == ()
    with pytest.raises(
        DataError, match=r"no label of the eval set stands in the project's list of labels: a, b, c here, A"
    ):
        check_labels(cases, [], ["A"])


def test_training_data_of_one_label_is_said(tmp_path: Path) -> None:
    write(tmp_path, "eval.csv", CSV)
    write(tmp_path, "train.csv", "text,label\none,a\ntwo,a\nthree,a\n")
    cases = load_cases(Source(path="eval.csv"), "classification", tmp_path).items
    examples = load_examples(Source(path="train.csv"), "classification", tmp_path).items
    first, *_ = check_labels(cases, examples)
    assert first == "All 3 training examples have the label 'a': whatever learns from them learns to say that, always."


@pytest.mark.parametrize(
    "content", [b"\x00" * 50, b"{", b"[", b'{"a"', b"PAR1", b"PK\x03\x04", b"\x1f\x8b\x08", b"\xff\xfe", b'"', b",,,\n"]
)
@pytest.mark.parametrize("name", ["e.csv", "e.json", "e.jsonl", "e.parquet", "e.xlsx", "e"])
def test_damaged_files_never_end_in_a_traceback(tmp_path: Path, name: str, content: bytes) -> None:
    write(tmp_path, name, content)
    with pytest.raises(AdvisorError) as error:
        load_cases(Source(path=name), "qa", tmp_path)
    assert error.value.hint
