"""Exported data: read back equal by our own loaders whatever the text, split as our training splits, defused."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from advisor.export_trainers import check_data
from finetune.chat import Layout, Message, layout_of
from finetune.data import Pair
from finetune.export.formats import RENDERED, SEGMENTS, equal_tokens, split_pairs, write_formats
from finetune.recipe import Recipe
from reports.errors import DataError
from tests.interop.templates import PAIRS, TEMPLATES, read_layout, write_tokenizer

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
ANSWER = TEXT.map(str.strip).filter(bool)


@pytest.fixture(scope="module")
def layout(tiny_model: Path) -> Layout:
    from finetune.model_files import load_tokenizer

    return layout_of(load_tokenizer("tiny", tiny_model))


@given(st.lists(st.tuples(TEXT, ANSWER), min_size=1, max_size=6))
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_format_reads_back_equal(layout: Layout, texts: list[tuple[str, str]]) -> None:
    pairs = [
        Pair(layout.defused(f"Input: {text}\n\nName it."), layout.defused(answer).strip()) for text, answer in texts
    ]
    with tempfile.TemporaryDirectory() as folder:
        write_formats(pairs, Path(folder), layout)
        assert check_data(Path(folder), pairs).passed


def test_a_changed_file_is_noticed(layout: Layout, tmp_path: Path) -> None:
    pairs = [Pair(f"Input: {i}\n\nName it.", f"label {i}") for i in range(12)]
    write_formats(pairs, tmp_path, layout)
    file = tmp_path / "messages.jsonl"
    file.write_text(file.read_text().replace("label 7", "label 8"))
    with pytest.raises(DataError, match=r"messages\.jsonl does not read back equal: example 8 of 12"):
        check_data(tmp_path, pairs)


def test_the_split_is_our_own_and_loses_nothing(layout: Layout) -> None:
    pairs = [Pair(f"Input: order {i % 30}\n\nName it.", "refund" if i % 2 else "card") for i in range(60)]
    recipe = Recipe(eval_share=0.2)
    parts = split_pairs(pairs, layout, recipe, context=512)
    assert (len(parts.train), len(parts.validation)) == (len(parts.prepared.train), len(parts.prepared.validation))
    both = Counter((p.prompt, p.answer) for p in (*parts.train, *parts.validation))
    assert both == Counter((p.prompt, p.answer) for p in pairs)
    held_out = {sample.ids for sample in parts.prepared.validation}
    for pair in parts.validation:
        prompt, completion = layout.pair_ids(pair.prompt, pair.answer)
        assert (*prompt, *completion) in held_out


def test_too_long_pairs_are_left_out_as_in_training(layout: Layout) -> None:
    pairs = [Pair(f"Input: {i}\n\nName it.", "card") for i in range(20)]
    parts = split_pairs([*pairs, Pair("Input: " + "word " * 400, "card")], layout, Recipe(), context=128)
    assert len(parts.train) + len(parts.validation) == 20
    assert "longer than 128 tokens" in " ".join(parts.prepared.warnings)


def test_control_tokens_in_the_data_stay_defused(layout: Layout) -> None:
    pairs = [Pair(f"Input: {i} <|end|><|user|>\n\nName it.", "card") for i in range(12)]
    parts = split_pairs(pairs, layout, Recipe(), context=512)
    texts = [layout.prompt_text(pair.prompt) for pair in parts.train]
    assert all(text.count("<|user|>") == 1 and "<|end|>" not in text for text in texts)


@pytest.mark.parametrize("name", TEMPLATES)
def test_trainers_are_given_text_that_becomes_our_tokens(tmp_path: Path, name: str) -> None:
    layout = read_layout(write_tokenizer(tmp_path, name), name)
    assert equal_tokens(layout, PAIRS) == len(PAIRS)
    write_formats(PAIRS, tmp_path, layout)
    rows: list[dict[str, Any]] = json.loads((tmp_path / RENDERED).read_text())
    for pair, row in zip(PAIRS, rows, strict=True):
        prompt, completion = layout.pair_ids(pair.prompt, pair.answer)
        assert layout.tokenizer(row["instruction"], add_special_tokens=False)["input_ids"] == prompt
        assert layout.tokenizer(row["output"], add_special_tokens=False)["input_ids"] == completion
    lines = (tmp_path / SEGMENTS).read_text().split("\n")[:-1]
    assert [[(part["label"], part["text"]) for part in json.loads(line)["segments"]] for line in lines] == [
        [(False, row["instruction"]), (True, row["output"])] for row in rows
    ]


def test_a_tokenizer_that_marks_the_start_of_every_text_is_not_called_equal(layout: Layout) -> None:
    """Metaspace tokenizers put a blank before a text of its own: an answer encoded alone begins with it."""

    class Marking:
        """Adds a token to the front of every text."""

        def __getattr__(self, name: str) -> Any:
            return getattr(layout.tokenizer, name)

        def __call__(self, texts: list[str], **said: Any) -> dict[str, list[list[int]]]:
            return {"input_ids": [[9, *ids] for ids in layout.tokenizer(texts, **said)["input_ids"]]}

    marked = replace(layout, tokenizer=Marking())
    assert equal_tokens(marked, PAIRS) == 0


def talks(count: int) -> list[Pair]:
    """Conversations of which every third gives its earlier answer no weight."""
    return [
        Pair(
            f"User: order {i}\nAssistant: hello {i}\nUser: and now",
            "refund" if i % 2 else "card",
            messages=(
                Message("system", "Name it."),
                Message("user", f"order {i} <|end|>"),
                Message("assistant", f"hello {i}", trained=i % 3 > 0),
                Message("user", "and now"),
            ),
        )
        for i in range(count)
    ]


@pytest.mark.parametrize("name", TEMPLATES)
def test_conversations_are_handed_over_in_roles_and_become_our_tokens(tmp_path: Path, name: str) -> None:
    layout = read_layout(write_tokenizer(tmp_path, name), name)
    parts = split_pairs(talks(30), layout, Recipe(eval_share=0.1), context=512)
    assert len(parts.train) + len(parts.validation) == 30
    assert equal_tokens(layout, parts.train) == len(parts.train)
    write_formats(parts.train, tmp_path, layout)
    assert check_data(tmp_path, parts.train).passed
    rows = [json.loads(line)["messages"] for line in (tmp_path / "messages.jsonl").read_text().splitlines()]
    if name == "chatml":
        assert {tuple(turn["role"] for turn in row) for row in rows} == {
            ("system", "user", "assistant", "user", "assistant")
        }
        trained = sum(len(sample.earlier) for sample in parts.prepared.train)
        assert trained == sum("weight" not in row[2] for row in rows) > 0
        rendered = json.loads((tmp_path / RENDERED).read_text())
        assert sum(len(row.get("history", ())) for row in rendered) == trained
