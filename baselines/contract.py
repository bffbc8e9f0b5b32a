"""What an approach is: `prepare()` once, then `answer(questions)`. It never sees a reference, a clock or a score.

approach = registry.create(spec, resources)
approach.prepare(emit)                       # index, train, load; idempotent: finds its artifacts again
for replies in approach.answer(questions):   # lists of replies, in any order, as they become ready
    ...
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from reports.run.events import Event
from reports.run.schema import ApproachSpec, Document, Example, Passage, Question, RunSpec, Status

if TYPE_CHECKING:
    from baselines.models.contract import Embedder, Model

Emit = Callable[[Event], None]


@dataclass(frozen=True)
class Reply:
    """What came back for one question. `evaluate()` adds time, attempts and fingerprint and makes it an Answer."""

    case: str
    text: str = ""
    status: Status = "ok"
    error: str | None = None
    prompt: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_prompt_tokens: int | None = None
    usage_estimated: bool = False
    passages: tuple[Passage, ...] = ()
    seconds: float | None = None
    """Service time of a remote call, where requests overlap and a batch clock would count them twice; else None."""
    waited_seconds: float = 0.0
    """Our own waits for a rate limit, and failed attempts: no caller of one request would see them."""
    ttft_seconds: float | None = None
    attempts: int = 1
    from_cache: bool = False


@dataclass(frozen=True)
class Resources:
    """What a job shares among its approaches."""

    spec: RunSpec
    train: Sequence[Example]
    dev: Sequence[Example]
    documents: Sequence[Document]
    artifacts: Path
    """Folder of this run for indexes and adapters: each approach uses artifacts / its name."""
    model: Callable[[ApproachSpec], Model]
    """The loaded model of an approach; one load per distinct ModelSpec."""
    embedder: Callable[[], Embedder]
    questions: Sequence[Question] = field(default=())
    """All eval questions (never references): for index warm-up and length planning only."""
    base_folder: Path = Path()
    """The project's folder: relative paths in options start here."""


class Approach(Protocol):
    """One contender."""

    @property
    def spec(self) -> ApproachSpec:
        """Its resolved entry in the run."""
        ...

    def prepare(self, emit: Emit) -> None:
        """Build or find again what answering needs. Raises AdvisorError with a hint when that cannot be."""
        ...

    def answer(self, questions: Sequence[Question]) -> Iterator[list[Reply]]:
        """Replies in lists as they become ready, every question exactly once, in any order."""
        ...

    def fingerprint(self) -> str:
        """Hash of everything that decides the answers, known before prepare()."""
        ...


@runtime_checkable
class AnswersAlone(Protocol):
    """An approach whose model has a path of its own for one request: never from a cache, with the first token timed."""

    def answer_one(self, question: Question) -> Reply:
        """One reply."""
        ...


@runtime_checkable
class AnswersTogether(Protocol):
    """An approach whose model times each of several requests at once by itself."""

    def answer_together(self, questions: Sequence[Question]) -> Iterator[list[Reply]]:
        """As `answer`, but every question leaves at once and none comes from a cache."""
        ...


@runtime_checkable
class AnswersCallers(AnswersAlone, Protocol):
    """An approach that may take a request while others run."""

    @property
    def takes_callers(self) -> bool:
        """False where its model takes one request, or one batch, after the other. Opens no model."""
        ...

    def open_to(self, callers: int) -> AbstractContextManager[None]:
        """While it is entered, `answer_one` may be called from so many threads."""
        ...


@runtime_checkable
class HasMergedForm(Protocol):
    """A fine-tuning whose adapter can be merged into the base weights, to be timed beside it."""

    def as_merged(self) -> Approach | None:
        """That form; None where the user did not ask for it."""
        ...


class NotApplicable(Exception):
    """The approach does not fit the task or lacks its data; the text says why, for the list of skipped ones."""
