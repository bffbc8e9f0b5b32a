"""Token counts of a remote answer: as the endpoint reports them, or estimated here and marked so. Knows no network.

    read_usage({"prompt_tokens": 9, "completion_tokens": 1}, prompt="Input: hi", answer="hi", most=64)

A report that cannot be true (not whole numbers, more tokens than bytes, none at all) is not believed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

CHARACTERS_PER_TOKEN = 4
"""Of ASCII text, the rule of thumb that providers give for English."""
OVERHEAD = 4096
"""Tokens that a chat template, a gateway's own system prompt or hidden reasoning may add to what we see."""


@dataclass(frozen=True)
class Usage:
    """Tokens of one answer, as billed or as estimated."""

    prompt: int
    completion: int
    cached: int | None = None
    """Of the prompt's tokens, those billed as cache hits; None where the endpoint does not say."""
    estimated: bool = False


def estimate_tokens(text: str) -> int:
    """About four ASCII characters, or one other character, to a token: errs high for most scripts but never knows."""
    other = sum(1 for character in text if ord(character) > 127)
    return -(-(len(text) - other) // CHARACTERS_PER_TOKEN) + other


def most_tokens(text: str) -> int:
    """No tokenizer makes more tokens than bytes; the chat layout adds a few."""
    return len(text.encode("utf-8", "replace")) + 64


def read_usage(reported: object, *, prompt: str, answer: str, most: int) -> Usage:
    """The usage block of a response, or an estimate where it is absent or cannot be true.

    `most` is the limit of new tokens that was asked for.
    """
    estimate = Usage(estimate_tokens(prompt), estimate_tokens(answer), estimated=True)
    if not isinstance(reported, Mapping):
        return estimate
    prompted, completed = _count(reported.get("prompt_tokens")), _count(reported.get("completion_tokens"))
    if prompted is None or completed is None:
        return estimate
    bytes_of_answer = len(answer.encode("utf-8", "replace"))
    believable = (
        0 < prompted <= most_tokens(prompt) + OVERHEAD
        and (completed > 0 or not answer)
        and completed <= max(most, bytes_of_answer) + OVERHEAD
    )
    if not believable:
        return estimate
    cached = _cached(reported)
    return Usage(prompted, completed, cached if cached is not None and cached <= prompted else None)


def _cached(reported: Mapping[str, object]) -> int | None:
    """Where OpenAI and most gateways say it; else as DeepSeek does."""
    details = reported.get("prompt_tokens_details")
    said = _count(details.get("cached_tokens")) if isinstance(details, Mapping) else None
    return said if said is not None else _count(reported.get("prompt_cache_hit_tokens"))


def _count(value: object) -> int | None:
    """A whole number of tokens, or None."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
