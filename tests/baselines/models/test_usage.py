"""Token counts of a response: believed, estimated, and the prompt's cache hits in the forms in which they are told."""

from __future__ import annotations

from typing import Any

import pytest

from baselines.models.usage import Usage, read_usage

PLAIN = {"prompt_tokens": 9, "completion_tokens": 1}
ESTIMATE = Usage(3, 1, estimated=True)


@pytest.mark.parametrize(
    ("more", "cached"),
    [
        ({}, None),
        ({"prompt_tokens_details": None}, None),
        ({"prompt_tokens_details": {"cached_tokens": 4}}, 4),
        ({"prompt_tokens_details": {"cached_tokens": 0}, "prompt_cache_hit_tokens": 5}, 0),
        ({"prompt_cache_hit_tokens": 5, "prompt_cache_miss_tokens": 4}, 5),
        ({"prompt_tokens_details": {"cached_tokens": 10}}, None),
        ({"prompt_tokens_details": {"cached_tokens": "all"}}, None),
    ],
)
def test_cache_hits_are_read_where_they_can_be_true(more: dict[str, Any], cached: int | None) -> None:
    assert read_usage({**PLAIN, **more}, prompt="Input: hello", answer="hi", most=64) == Usage(9, 1, cached)


@pytest.mark.parametrize(
    "reported",
    [
        None,
        [],
        {},
        {"prompt_tokens": 9},
        {"prompt_tokens": 9.5, "completion_tokens": 1},
        {"prompt_tokens": True, "completion_tokens": 1},
        {"prompt_tokens": 0, "completion_tokens": 1},
        {"prompt_tokens": 9, "completion_tokens": 0},
        {"prompt_tokens": 10**6, "completion_tokens": 1},
        {"prompt_tokens": 9, "completion_tokens": 10**6},
    ],
)
def test_what_is_absent_or_cannot_be_true_is_estimated_and_marked(reported: object) -> None:
    assert read_usage(reported, prompt="Input: hello", answer="hi", most=64) == ESTIMATE
