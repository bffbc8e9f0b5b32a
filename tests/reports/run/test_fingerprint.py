"""Hashes are the same in every process, and differ where anything that matters differs."""

from __future__ import annotations

from pathlib import Path

import pytest

from reports.run.fingerprint import of_file, of_text, of_texts, of_value, short
from reports.run.schema import Task


def test_key_order_and_sequence_type_do_not_matter() -> None:
    assert of_value({"a": 1, "b": (1, 2)}) == of_value({"b": [1, 2], "a": 1})


def test_known_digest() -> None:
    assert short(of_value({"shots": 8})) == "bb3b3822a6c8"
    assert of_text("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.mark.parametrize(("one", "other"), [(1, "1"), (1, 2), (None, ""), ({"a": 1}, {"b": 1}), ([1, 2], [2, 1])])
def test_different_values_differ(one: object, other: object) -> None:
    assert of_value(one) != of_value(other)


def test_models_hash_by_their_fields() -> None:
    assert of_value(Task(type="qa")) == of_value(Task(type="qa", instruction=""))
    assert of_value(Task(type="qa")) != of_value(Task(type="qa", instruction="x"))


def test_borders_between_texts_count() -> None:
    assert of_texts(["ab", "c"]) != of_texts(["a", "bc"])


def test_a_file_hashes_like_its_text(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("abc")
    assert of_file(tmp_path / "f") == of_text("abc")


@pytest.mark.parametrize("value", [float("nan"), object(), {1: 2}])
def test_what_json_cannot_say_is_refused(value: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        of_value(value)
