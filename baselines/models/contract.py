"""One interface to a language model and one to an embedding model. No torch, no openai here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from baselines.prompts import Prompt
from reports.run.schema import Status

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Decoding:
    """How to continue a prompt. The same for every approach of a run."""

    max_new_tokens: int = 64
    temperature: float = 0.0
    """0 is greedy."""
    seed: int = 0
    stop: tuple[str, ...] = ()
    """Texts that end the answer besides the model's own end token."""


@dataclass(frozen=True)
class Generation:
    """One continuation. `index` is the position of its prompt in the call."""

    index: int
    text: str = ""
    status: Status = "ok"
    error: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_prompt_tokens: int | None = None
    usage_estimated: bool = False
    seconds: float | None = None
    """Service time where requests overlap (remote); None where the caller's clock is right (local)."""
    waited_seconds: float = 0.0
    """Before that: for a rate limit, for attempts that failed."""
    ttft_seconds: float | None = None
    attempts: int = 1
    from_cache: bool = False


class Model(Protocol):
    """A loaded language model, or an endpoint."""

    name: str
    fingerprint: str
    """Hash of id, revision, weights, precision, chat template, adapter."""

    def generate(self, prompts: Sequence[Prompt], decoding: Decoding) -> Iterator[list[Generation]]:
        """Lists of generations as they become ready, each prompt exactly once, in any order."""
        ...

    def generate_one(self, prompt: Prompt, decoding: Decoding) -> Generation:
        """One prompt alone, never cached, with `ttft_seconds`: the latency pass."""
        ...

    def count_tokens(self, text: str) -> int: ...

    def with_adapter(self, folder: Path) -> Model:
        """The same weights with a PEFT adapter beside them. Raises UsageError for an endpoint."""
        ...

    @property
    def context_length(self) -> int: ...

    @property
    def device(self) -> str:
        """`cpu`, `cuda:0`, or `remote`."""
        ...


class Embedder(Protocol):
    """Texts to unit vectors."""

    name: str
    fingerprint: str
    max_tokens: int

    def embed(self, texts: Sequence[str], *, query: bool = False) -> np.ndarray:
        """float32, shape (len(texts), dimensions), rows of length 1."""
        ...
