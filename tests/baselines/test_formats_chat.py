"""Conversations, preference pairs, instructions and promptfoo tests to columns."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from baselines.formats import chat, promptfoo
from baselines.formats.delimited import read_delimited
from baselines.formats.json_text import read_json
from baselines.formats.table import Table


def recognised(*records: dict[str, Any]) -> Table:
    return chat.recognise(read_json(json.dumps(records), "a.json"))


def pairs(table: Table) -> list[tuple[object, object]]:
    return [(row.cells["input"], row.cells["output"]) for row in table.rows]


def openai(*turns: tuple[str, Any], **more: Any) -> dict[str, Any]:
    return {"messages": [{"role": role, "content": content} for role, content in turns], **more}


def sharegpt(*turns: tuple[str, str], **more: Any) -> dict[str, Any]:
    return {"conversations": [{"from": role, "value": value} for role, value in turns], **more}


@pytest.mark.parametrize(
    ("asks", "answers"),
    [
        ("user", "assistant"),
        ("human", "gpt"),
        ("Human", "Assistant"),
        ("USER", "chatgpt"),
        ("customer", "bot"),
        ("user", "model"),
    ],
)
def test_usual_spellings_of_roles(asks: str, answers: str) -> None:
    assert pairs(recognised(sharegpt((asks, "hi"), (answers, "hello")))) == [("hi", "hello")]


def test_an_unknown_role_is_named() -> None:
    table = recognised(openai(("user", "hi"), ("assistant", "ho")), openai(("narrator", "hi"), ("assistant", "hello")))
    assert [str(problem) for problem in table.broken] == ["a.json item 2: message 1 has the unknown role 'narrator'"]


def test_system_text_and_tools_become_context() -> None:
    record = openai(("system", "Be brief."), ("user", "hi"), ("assistant", "hello"), tools='[{"name": "f"}]')
    table = recognised(record, openai(("user", "a"), ("assistant", "b"), system="Be kind.", tools="[]"))
    assert table.context == ("system", "tools")
    assert [row.cells["system"] for row in table.rows] == ["Be brief.", "Be kind."]
    assert [row.cells["tools"] for row in table.rows] == ['[{"name": "f"}]', ""]


def test_the_last_answer_is_the_output_and_the_turns_before_it_the_input() -> None:
    turns = [("human", "a"), ("function_call", "f()"), ("observation", "7"), ("gpt", "b"), ("human", "c"), ("gpt", "d")]
    table = recognised(sharegpt(*turns))
    assert pairs(table) == [("User: a\nTool call: f()\nTool result: 7\nAssistant: b\nUser: c", "d")]
    assert "in 1 conversation of several turns" in table.notes[0]


def test_rows_keep_a_conversation_with_the_weight_of_its_answers() -> None:
    talk = [{"role": r, "content": t} for r, t in (("system", "s"), ("user", "a"), ("assistant", "b"), ("user", "c"))]
    silent = [*talk[:2], {**talk[2], "weight": 0}, talk[3]]
    said = [recognised({"messages": [*turns, {"role": "assistant", "content": "d"}]}) for turns in (talk, silent)]
    heard = [[(turn.role, turn.text, turn.counts) for turn in table.rows[0].turns] for table in said]
    assert heard[0] == [("user", "a", True), ("assistant", "b", True), ("user", "c", True)]
    assert heard[1] == [("user", "a", True), ("assistant", "b", False), ("user", "c", True)]


def test_one_turn_and_tool_calls_are_text_alone() -> None:
    calls = [("human", "a"), ("function_call", "f()"), ("observation", "7"), ("gpt", "b"), ("human", "c"), ("gpt", "d")]
    assert recognised(sharegpt(*calls)).rows[0].turns == ()
    assert recognised(sharegpt(("human", "a"), ("gpt", "b"))).rows[0].turns == ()


def test_turns_after_the_last_answer_are_noted() -> None:
    table = recognised(openai(("user", "a"), ("assistant", "b"), ("user", "thanks")))
    assert pairs(table) == [("a", "b")]
    assert "is not read (1 row)" in table.notes[0]


def test_parts_and_weights() -> None:
    parts = [{"type": "text", "text": "two "}, {"type": "text", "value": "parts"}]
    record = openai(("user", parts), ("assistant", "counts"), ("user", "more"), ("assistant", "has no weight"))
    record["messages"][3]["weight"] = 0
    assert pairs(recognised(record)) == [("two parts", "counts")]


def test_gemini_contents() -> None:
    record = {
        "contents": [{"role": "user", "parts": [{"text": "hi"}]}, {"role": "model", "parts": [{"text": "hello"}]}]
    }
    assert pairs(recognised(record)) == [("hi", "hello")]


def test_a_tool_call_can_be_the_answer() -> None:
    record = openai(("user", "weather?"), ("assistant", None))
    record["messages"][1]["tool_calls"] = [{"function": {"name": "weather"}}]
    assert pairs(recognised(record)) == [("weather?", '[{"function": {"name": "weather"}}]')]


def test_an_answer_in_a_field_of_its_own() -> None:
    record = {**openai(("system", "s"), ("user", "capital of France?")), "ideal": "Paris"}
    assert pairs(recognised(record)) == [("capital of France?", "Paris")]


@pytest.mark.parametrize(
    "record",
    [
        {"input": [{"role": "user", "content": "hi"}], "ideal": "hello"},
        {"prompt": [{"role": "user", "content": "hi"}], "completion": [{"role": "assistant", "content": "hello"}]},
        {"items": [{"from": "human", "value": "hi"}, {"from": "gpt", "value": "hello"}]},
    ],
)
def test_other_homes_of_messages(record: dict[str, Any]) -> None:
    assert pairs(recognised(record)) == [("hi", "hello")]


def test_messages_as_json_inside_a_csv_cell() -> None:
    cell = json.dumps(openai(("user", "hi"), ("assistant", "hello"))["messages"]).replace('"', '""')
    table = chat.recognise(read_delimited(f'id,messages\n1,"{cell}"\n', "a.csv"))
    assert pairs(table) == [("hi", "hello")]


@pytest.mark.parametrize(
    ("turns", "reason"),
    [
        ([("system", "x"), ("assistant", "y")], "no message of the user before the answer"),
        ([("user", "x")], "no answer of the assistant"),
        (
            [("user", [{"type": "image_url", "image_url": "u"}]), ("assistant", "y")],
            "a part that is not text ('image_url')",
        ),
        ([("user", None), ("assistant", "y")], "message 1 has no text"),
    ],
)
def test_unusable_conversations_are_broken(turns: Sequence[tuple[str, Any]], reason: str) -> None:
    table = recognised(openai(("user", "a"), ("assistant", "b")), openai(*turns))
    assert len(table.rows) == 1
    assert reason in str(table.broken[0])


@pytest.mark.parametrize(
    "record",
    [
        {"prompt": "hi", "chosen": "hello", "rejected": "go away"},
        {"question": "hi", "chosen": "hello", "rejected": "go away"},
        {"prompt": "hi", "chosen": [{"role": "assistant", "content": "hello"}], "rejected": []},
        {
            "prompt": [{"role": "user", "content": "hi"}],
            "chosen": [{"role": "assistant", "content": "hello"}],
            "rejected": [],
        },
        {"chosen": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}], "rejected": []},
        {
            "conversations": [{"from": "human", "value": "hi"}],
            "chosen": {"from": "gpt", "value": "hello"},
            "rejected": {},
        },
        {"chosen": "\n\nHuman: hi\n\nAssistant: hello", "rejected": "\n\nHuman: hi\n\nAssistant: go away"},
        {"chosen_messages": openai(("user", "hi"), ("assistant", "hello"))["messages"], "rejected_messages": []},
    ],
)
def test_of_a_preference_pair_the_chosen_answer_counts(record: dict[str, Any]) -> None:
    table = recognised(record)
    assert pairs(table) == [("hi", "hello")]
    assert table.shape == "preference"
    assert "go away" not in str(table.rows[0].cells)


def test_instruction_and_input_are_the_input() -> None:
    table = recognised({"instruction": "Translate.", "input": "Haus", "output": "house", "history": [["a", "b"]]})
    assert (table.shape, table.input, table.reference) == ("instruction", ("instruction", "input"), ("output",))
    assert table.rows[0].cells["history"] == "User: a\nAssistant: b"


def test_plain_records_are_left_alone() -> None:
    table = read_json(json.dumps([{"prompt": "a", "completion": "b", "messages": []}]), "a.json")
    assert chat.recognise(table) is table


# --- promptfoo ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Paris", ("equals", "Paris")),
        ("equals:Paris", ("equals", "Paris")),
        ("contains: algorithm", ("contains", "algorithm")),
        ("icontains:bonjour", ("icontains", "bonjour")),
        ("regex:^\\d+$", ("regex", "^\\d+$")),
        ("similar(0.8):a house", ("similar", "a house")),
        ("Note: keep this", ("equals", "Note: keep this")),
        ("is-json", ("is-json", None)),
        ("javascript:output.length > 3", ("javascript", None)),
        ("python:file://check.py", ("python", None)),
        ("llm-rubric:Is it kind?", ("llm-rubric", None)),
        ("grade:Is it kind?", ("grade", None)),
        ("not-contains:badly", ("not-contains", None)),
        ("contains-any:a,b", ("contains-any", None)),
    ],
)
def test_assertions(text: str, expected: tuple[str, str | None]) -> None:
    assert promptfoo.assertion(text) == expected


def test_promptfoo_rows() -> None:
    header = "language,body,__expected1,__expected2,__metadata:x"
    text = f"{header}\nFrench,Hi,icontains:salut,llm-rubric:kind,1\nDutch,Hi,is-json,,2\n"
    table = promptfoo.recognise(read_delimited(text, "tests.csv"))
    assert table.columns == ("language", "body", "expected")
    assert [row.cells.get("expected") for row in table.rows] == [["salut"], None]
    assert table.metrics == ("contains",)
    assert "llm-rubric (1), is-json (1)" in table.notes[0]


def test_promptfoo_outputs_are_unwrapped() -> None:
    assert (
        promptfoo.unwrapped("[PASS] (1.00)\n\nBonjour\nle monde.\n\nPass Reason: No assertions") == "Bonjour\nle monde."
    )
    assert promptfoo.unwrapped("plain [PASS] text") == "plain [PASS] text"
