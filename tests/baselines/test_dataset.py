"""Rows to cases and examples: ids, references, grouping, context, what is said about it."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from baselines.dataset import Loaded, Source, content_hash, load_cases, load_examples
from baselines.drafts import references_of
from reports.errors import DataError
from reports.run.schema import Case, Example, TaskType


def cases_of(folder: Path, content: str | list[Any], task: TaskType = "qa", **said: Any) -> Loaded[Case]:
    return load_cases(_source(folder, content, said), task, folder)


def examples_of(folder: Path, content: str | list[Any], task: TaskType = "qa", **said: Any) -> Loaded[Example]:
    return load_examples(_source(folder, content, said), task, folder)


def _source(folder: Path, content: str | list[Any], said: dict[str, Any]) -> Source:
    name = "eval.csv" if isinstance(content, str) else "eval.json"
    text = content if isinstance(content, str) else json.dumps(content)
    (folder / name).write_text(text, encoding="utf-8", newline="")
    return Source(path=name, **said)


def test_a_bare_text_is_the_path() -> None:
    assert Source.model_validate("eval.csv") == Source(path="eval.csv")
    assert Source.model_validate({"path": "a", "input": "x", "context": []}).input == ("x",)


@pytest.mark.parametrize("delimiter", ["", ";;", '"', "\n"])
def test_a_delimiter_is_one_character(delimiter: str) -> None:
    with pytest.raises(ValidationError, match="one character"):
        Source(path="a", delimiter=delimiter)
    assert Source(path="a", delimiter="tab").delimiter == "\t"


def test_cases_keep_row_and_text(tmp_path: Path) -> None:
    loaded = cases_of(tmp_path, "question,answer\n  Why?  ,  Because.\nHow?,So\n")
    assert [(c.question.input, c.references, c.row) for c in loaded.items] == [
        ("  Why?  ", ("  Because.",), 2),
        ("How?", ("So",), 3),
    ]


def test_labels_lose_the_blanks_around_them(tmp_path: Path) -> None:
    loaded = cases_of(tmp_path, "text,label\na, ham \nb,spam\n", "classification")
    assert [c.references for c in loaded.items] == [("ham",), ("spam",)]


def test_ids_come_from_the_content_and_survive_another_order(tmp_path: Path) -> None:
    rows = [f"question {i},answer {i}" for i in range(20)]
    first = cases_of(tmp_path, "\n".join(["question,answer", *rows]))
    random.Random(0).shuffle(rows)
    second = cases_of(tmp_path, "\n".join(["question,answer", *rows, "new,row"]))
    ids = {c.question.input: c.question.id for c in second.items}
    assert all(ids[c.question.input] == c.question.id for c in first.items)
    assert len(set(ids.values())) == 21


def test_an_id_column_is_used(tmp_path: Path) -> None:
    loaded = cases_of(tmp_path, "ID,question,answer\n7,a,b\n8,c,d\n")
    assert [c.question.id for c in loaded.items] == ["7", "8"]
    assert [c.question.id for c in cases_of(tmp_path, "n,question,answer\n7,a,b\n", id="n").items] == ["7"]
    assert [c.question.id for c in cases_of(tmp_path, "question,answer\na,b\nc,d\n", id="@index").items] == ["0", "1"]
    assert len(cases_of(tmp_path, "id,question,answer\n7,a,b\n", id="").items[0].question.id) == 16


def test_one_id_with_two_contents_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"eval.csv row 2 and eval.csv row 4 have the same id '7' and different content"
    ):
        cases_of(tmp_path, "id,question,answer\n7,a,b\n8,c,d\n7,x,y\n")


def test_a_column_that_only_might_be_ids_is_let_go(tmp_path: Path) -> None:
    loaded = cases_of(tmp_path, "doc_id,question,answer\nd1,a,b\nd1,c,d\n")
    assert len({c.question.id for c in loaded.items}) == 2
    assert "rows 2 and 3 share the id 'd1'" in loaded.notes[0]


def test_repeated_inputs_become_one_case_with_all_references(tmp_path: Path) -> None:
    loaded = cases_of(tmp_path, "mr,ref\na,one\nb,x\na,two\na,one\n", "generation")
    assert [c.references for c in loaded.items] == [("one", "two"), ("x",)]
    assert loaded.rows == 4
    assert "repeats of an earlier row count once: 1 (rows 5)" in loaded.notes[0]
    assert "another expected answer: 1. They are gathered in 2 cases" in loaded.notes[1]


def test_contradicting_labels_are_pointed_out(tmp_path: Path) -> None:
    loaded = cases_of(tmp_path, "text,label\nhi,a\nbye,b\nhi,b\n", "classification")
    assert loaded.items[0].references == ("a", "b")
    assert "another label: 1 (rows 4)" in loaded.notes[0]


def test_same_input_with_its_own_ids_stays_apart(tmp_path: Path) -> None:
    loaded = cases_of(tmp_path, "id,question,answer\n1,a,b\n2,a,c\n")
    assert [c.question.id for c in loaded.items] == ["1", "2"]


@pytest.mark.parametrize("header", ["question,answer,answer", "question,answer 1,answer 2", "question,ref1,ref2"])
def test_repeated_reference_columns(tmp_path: Path, header: str) -> None:
    loaded = cases_of(tmp_path, f"{header}\nq,x,y\nr,z,\n")
    assert [c.references for c in loaded.items] == [("x", "y"), ("z",)]


@pytest.mark.parametrize(
    ("value", "task", "expected"),
    [
        (["x", "y", "x", ""], "qa", ("x", "y")),
        ({"text": ["x", "y"], "answer_start": [1, 2]}, "qa", ("x", "y")),
        ([{"text": "x"}, {"text": "y"}], "qa", ("x", "y")),
        ('["x", "y"]', "qa", ("x", "y")),
        ("[not json", "qa", ("[not json",)),
        (["a", " b "], "classification", ("a|b",)),
        ({"city": "Bonn"}, "extraction", ('{"city": "Bonn"}',)),
        (["Bonn", "Köln"], "extraction", ('["Bonn", "Köln"]',)),
        ('["Bonn"]', "extraction", ('["Bonn"]',)),
        (7, "qa", ("7",)),
        (0, "classification", ("0",)),
        (True, "qa", ("true",)),
        (None, "qa", ()),
        ("  ", "qa", ()),
        ([], "qa", ()),
    ],
)
def test_references_of_a_cell(value: Any, task: TaskType, expected: tuple[str, ...]) -> None:
    assert references_of(value, task) == expected


def test_nested_fields_and_several_input_columns(tmp_path: Path) -> None:
    record = {"meta": {"q": {"subject": "Invoice"}}, "body": "Where is it?", "out": {"final": "billing"}}
    loaded = cases_of(tmp_path, [record], input=["meta.q.subject", "body"], reference="out.final")
    assert loaded.items[0].question.input == "Invoice\n\nWhere is it?"
    assert loaded.items[0].references == ("billing",)


PASSAGE = [{"question": "Who?", "context": "It was me.", "answer": "me"}]


def test_a_passage_is_context_unless_the_project_has_documents(tmp_path: Path) -> None:
    source = _source(tmp_path, PASSAGE, {})
    assert load_cases(source, "qa", tmp_path).items[0].question.context == {"context": "It was me."}
    assert load_cases(source, "qa", tmp_path, own_passages=False).items[0].question.context == {}
    said = Source(path="eval.json", context=("context",))
    assert load_cases(said, "qa", tmp_path, own_passages=False).items[0].question.context == {"context": "It was me."}
    assert cases_of(tmp_path, PASSAGE, context=[]).items[0].question.context == {}


def test_columns_that_may_tell_the_answer_never_become_context(tmp_path: Path) -> None:
    text = "question,style,correct_source,__expected\nWho?,kind,book 3,equals:me\nWhy?,,x,equals:so\n"
    assert cases_of(tmp_path, text).items[0].question.context == {"style": "kind"}


def test_group_column(tmp_path: Path) -> None:
    loaded = cases_of(tmp_path, "question,answer,customer\na,b,ann\nc,d,\n", group="customer")
    assert [c.question.group for c in loaded.items] == ["ann", None]


def test_examples_are_pairs_and_identical_ones_count_once(tmp_path: Path) -> None:
    loaded = examples_of(tmp_path, "text,label\na,x\na,y\na,x\nb,x\n", "classification")
    assert [(e.input, e.output) for e in loaded.items] == [("a", "x"), ("a", "y"), ("b", "x")]
    assert len({e.id for e in loaded.items}) == 3


def test_of_several_references_the_first_is_trained_on(tmp_path: Path) -> None:
    loaded = examples_of(tmp_path, [{"question": "q", "answers": ["x", "y"]}, {"question": "r", "answers": ["z"]}])
    assert [e.output for e in loaded.items] == ["x", "z"]
    assert loaded.notes == ("eval.json: of several references the first is trained on, in 1 training pair.",)


def test_columns_by_content_are_noted(tmp_path: Path) -> None:
    rows = "".join(f"this is text number {i},{'ham' if i % 2 else 'spam'}\n" for i in range(12))
    loaded = cases_of(tmp_path, f"v2,v1\n{rows}", "classification")
    assert loaded.items[1].references == ("ham",)
    assert "the columns were chosen by what stands in them: input v2, expected answer v1" in loaded.notes[0]


@pytest.mark.parametrize(
    ("text", "task", "given", "expected"),
    [
        (
            "a,b\nshort?,a rather long answer\nbrief?,another rather long one\n",
            "generation",
            "short?",
            "a rather long answer",
        ),
        (
            "a,b\nshort,a rather long text\nbrief,another rather long text\n",
            "summarization",
            "a rather long text",
            "short",
        ),
        ("Frage;Antwort\nWo?;hier\nWer?;ich\n", "qa", "Wo?", "hier"),
    ],
)
def test_two_columns_without_known_names(tmp_path: Path, text: str, task: TaskType, given: str, expected: str) -> None:
    case = cases_of(tmp_path, text, task).items[0]
    assert (case.question.input, case.references) == (given, (expected,))


def test_choices_are_context_of_a_question(tmp_path: Path) -> None:
    loaded = cases_of(tmp_path, [{"question": "Which?", "choices": ["this", "that"], "answer": "this"}])
    assert loaded.items[0].question.context == {"choices": "this\nthat"}


def test_several_files_of_one_layout(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for i in (2, 1):
        (tmp_path / "in" / f"part{i}.csv").write_text(f"question,answer\nq{i},a{i}\n")
    loaded = load_cases(Source(path="in/part*.csv"), "qa", tmp_path)
    assert [c.question.input for c in loaded.items] == ["q1", "q2"]
    with pytest.raises(DataError, match="no file matches"):
        load_cases(Source(path="in/*.tsv"), "qa", tmp_path)
    (tmp_path / "in" / "part3.csv").write_text("question,__expected\nq,equals:a\n")
    with pytest.raises(DataError, match="laid out differently"):
        load_cases(Source(path="in/part*.csv"), "qa", tmp_path)


def test_content_hash_of_files_and_folders(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "b.txt").write_text("two")
    before = content_hash(tmp_path)
    (tmp_path / ".hidden").write_text("x")
    assert content_hash(tmp_path) == before
    (tmp_path / "sub" / "b.txt").rename(tmp_path / "sub" / "c.txt")
    assert content_hash(tmp_path) != before
    assert content_hash(tmp_path / "a.txt") != content_hash(tmp_path / "sub" / "c.txt")


HOSTILE = [
    "[/foo] [red]",
    "\x1b[31mred",
    "</script><b>",
    "a\x00b",
    "\u202eabc",
    "{{name}} {% x %}",
    "\u2028x\x85y",
    "💥",
]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("form", ["csv", "json"])
def test_hostile_text_passes_unharmed(tmp_path: Path, text: str, form: str) -> None:
    if form == "csv":
        loaded = cases_of(tmp_path, f"question,answer,id\n{text},{text},{text}\nb,c,d\n")
    else:
        loaded = cases_of(tmp_path, [{"question": text, "answer": text, "id": text}])
    case = loaded.items[0]
    assert (case.question.id, case.question.input, case.references) == (text.strip(), text, (text,))
    assert Case.model_validate_json(case.model_dump_json()) == case


TEXT = st.text(st.characters(codec="utf-8"), min_size=1).filter(str.strip)


@given(records=st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=10, unique_by=lambda pair: pair[0]))
def test_any_text_survives_json(tmp_path_factory: pytest.TempPathFactory, records: list[tuple[str, str]]) -> None:
    folder = tmp_path_factory.mktemp("any")
    loaded = cases_of(folder, [{"question": q, "answer": a} for q, a in records], "generation")
    single = [(c.question.input, c.references[0]) for c in loaded.items if not c.references[0].startswith('["')]
    assert single == [(q, a) for q, a in records if not a.startswith('["')]


def test_importing_and_reading_text_files_needs_no_heavy_package(tmp_path: Path) -> None:
    (tmp_path / "eval.csv").write_text("text,label\na,x\nb,y\n")
    program = (
        "import sys, pathlib; import baselines.documents, baselines.recordings, baselines.splits, baselines.guess\n"
        "from baselines.dataset import *\n"
        "load_cases(Source(path='eval.csv'), 'classification', pathlib.Path(sys.argv[1]))\n"
        "heavy = {'pandas', 'pyarrow', 'openpyxl', 'numpy', 'torch', 'sklearn', 'rouge_score', 'pypdf', 'scipy'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


TALK = [{"role": r, "content": t} for r, t in (("user", "a"), ("assistant", "b"), ("user", "c"))]


def test_cases_and_examples_carry_the_turns_beside_the_text(tmp_path: Path) -> None:
    rows = [{"messages": [*TALK, {"role": "assistant", "content": f"d{i}"}]} for i in range(2)]
    rows[1]["messages"][0] = {"role": "user", "content": "other"}
    case = cases_of(tmp_path, rows, "generation").items[0]
    example = examples_of(tmp_path, rows, "generation").items[0]
    assert case.question.input == example.input == "User: a\nAssistant: b\nUser: c"
    assert [(turn.role, turn.text) for turn in case.question.turns] == [
        ("user", "a"),
        ("assistant", "b"),
        ("user", "c"),
    ]
    assert example.turns == case.question.turns
    assert Case.model_validate_json(case.model_dump_json()) == case


def test_records_without_turns_are_stored_as_ever(tmp_path: Path) -> None:
    case = cases_of(tmp_path, "input,output\nx,y\n").items[0]
    assert "turns" not in case.model_dump_json()
    assert "turns" not in case.model_dump()["question"]


@pytest.mark.parametrize(("task", "kept"), [("generation", True), ("summarization", False), ("extraction", False)])
def test_a_conversation_that_is_read_is_not_one_that_is_continued(tmp_path: Path, task: TaskType, kept: bool) -> None:
    rows = [{"messages": [{**TALK[0], "content": str(i)}, *TALK[1:]], "label": f"{{}}{i}"} for i in range(3)]
    question = cases_of(tmp_path, rows, task).items[0].question
    assert bool(question.turns) is kept
    assert not any(turn.counts for turn in question.turns if turn.role == "assistant")
