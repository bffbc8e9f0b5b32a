"""Approach names become file names that exist on every system and stay distinct."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from reports.run.naming import file_name


@given(st.text(max_size=300), st.text(max_size=300))
def test_distinct_names_stay_distinct_and_harmless(one: str, other: str) -> None:
    names = file_name(one), file_name(other)
    assert (names[0] == names[1]) == (one == other)
    for name in names:
        assert name
        assert len(name) < 200
        assert not name.startswith(".")
        assert not set(name) & set('/\\\0:*?"<>| \n')


def test_usual_names_stay_as_they_are() -> None:
    assert file_name("rag+few-shot") == "rag+few-shot"
    assert file_name("../x y") == "%2E.%2Fx%20y"
