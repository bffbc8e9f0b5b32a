"""Approaches that answer by prompting a model: zero-shot, few-shot, few-shot with retrieved examples.

One path for all of them, RAG and fine-tuned models included: a `Prompting` builds the prompts, `PromptedApproach`
sends them and turns generations into replies.

    approach = PromptedApproach(spec, resources, ZeroShot(resources.spec.task))
    approach.prepare(print)
    for replies in approach.answer(questions): ...

Examples that do not fit the model's context are dropped from the front, passages from the end, and said so.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from baselines import shots
from baselines.contract import Emit, NotApplicable, Reply, Resources
from baselines.prompts import Prompt, own_task, render
from baselines.retrieval import ExampleIndex
from baselines.vectors import FOLDER, embed_stored
from reports.run.events import Progressed, Warned
from reports.run.fingerprint import of_texts, of_value
from reports.run.schema import ApproachSpec, Example, Passage, Question, RunSpec, Task, is_endpoint

if TYPE_CHECKING:
    from baselines.models.contract import Decoding, Generation, Model

VERSION = 1
"""Raised with every change that moves a prompt or a reply."""
TURNS_VERSION = 1
"""The same for prompts in roles: it stands in fingerprints where questions are conversations, and only there."""
TEMPLATE_TOKENS = 64
"""Left free in the context for what the chat template adds."""
TURN_TOKENS = 8
"""And for what it adds to each turn of a conversation."""


@dataclass(frozen=True)
class Material:
    """What a prompt is made of besides the question."""

    examples: tuple[Example, ...] = ()
    """In the order of the prompt: the last one stands right before the question."""
    passages: tuple[Passage, ...] = ()
    """Best first."""
    shared: bool = True
    """True where all questions have the same examples."""


class Prompting(Protocol):
    """Finds the material of prompts."""

    def prepare(self, emit: Emit) -> None:
        """Chooses, embeds, indexes; idempotent."""
        ...

    def material(self, questions: Sequence[Question]) -> list[Material]:
        """One for each question, in order."""
        ...

    def fingerprint(self) -> str:
        """Of everything that decides the material; known before prepare()."""
        ...


class PromptedApproach:
    """The answering path of every approach that uses a language model."""

    def __init__(
        self,
        spec: ApproachSpec,
        resources: Resources,
        prompting: Prompting,
        model: Callable[[], Model] | None = None,
        model_fingerprint: Callable[[], str] | None = None,
    ) -> None:
        """`model` says where answers come from, where that is not the spec's own model but an adapter that prepare()
        makes; `model_fingerprint` is then what is known of it before."""
        self.spec = spec
        self.prompting = prompting
        self._run = resources.spec
        self._turns = has_turns(resources)
        self._task = own_task(resources.spec.task, spec.options)
        self._first = bool(spec.options.get("instruction_first"))
        self._model = model or (lambda: resources.model(spec))
        self._model_fingerprint = model_fingerprint or (lambda: self._model().fingerprint)
        self._emit: Emit = lambda event: None
        self._asking = threading.Lock()

    def prepare(self, emit: Emit) -> None:
        self._emit = emit
        self.prompting.prepare(emit)

    def answer(self, questions: Sequence[Question]) -> Iterator[list[Reply]]:
        """Replies as the model finishes them; prompts of all questions are built first, so that it can sort them."""
        model = self._model()
        asked = self.ask(questions, model)
        for generations in model.generate([a.prompt for a in asked], decoding_of(self._run)):
            yield [_reply(questions[g.index], asked[g.index], g) for g in generations]

    def answer_one(self, question: Question) -> Reply:
        """One question alone, never from a cache, with the time to its first token: for the latency pass."""
        model = self._model()
        with self._asking:  # tokenizers cannot be borrowed twice; a service that embeds and searches queues there, too
            asked = self.ask([question], model)[0]
        return _reply(question, asked, model.generate_one(asked.prompt, decoding_of(self._run)))

    @property
    def takes_callers(self) -> bool:
        """Whether requests go to an endpoint: a local engine owns its model for a whole batch."""
        return is_endpoint(self.spec.model)

    def open_to(self, callers: int) -> AbstractContextManager[None]:
        """For `answer_one` from so many threads, where `takes_callers`."""
        model: Any = self._model()
        opened: AbstractContextManager[None] = model.open_to(callers)
        return opened

    def answer_together(self, questions: Sequence[Question]) -> Iterator[list[Reply]]:
        """All at once, as one batch of a local model, each timed."""
        model = self._model()
        asked = self.ask(questions, model)
        together: Callable[..., Iterator[list[Generation]]] = getattr(model, "generate_together", model.generate)
        for generations in together([a.prompt for a in asked], decoding_of(self._run)):
            yield [_reply(questions[g.index], asked[g.index], g) for g in generations]

    def ask(self, questions: Sequence[Question], model: Model) -> list[Asked]:
        """The prompts, cut to what the model's context holds; one warning where something had to go."""
        budget = model.context_length - self._run.max_answer_tokens - TEMPLATE_TOKENS
        found = self.prompting.material(questions)
        asked = [
            fitted(self._task, question, material, budget, model.count_tokens, instruction_first=self._first)
            for question, material in zip(questions, found, strict=True)
        ]
        cut = [a for a in asked if a.dropped]
        if cut:
            self._emit(
                Warned(
                    approach=self.spec.name,
                    text=f"{len(cut)} of {len(asked)} prompts were too long for the context of "
                    f"{model.context_length} tokens: up to {max(a.dropped for a in cut)} examples or passages left out",
                    hint="use fewer shots or passages, or a model with a longer context",
                )
            )
        return asked

    def fingerprint(self) -> str:
        task = self._task
        return of_value(
            {
                "kind": self.spec.kind,
                "options": self.spec.options,
                "model": self._model_fingerprint(),
                "material": self.prompting.fingerprint(),
                "task": {"type": task.type, "instruction": task.instruction, "labels": task.labels},
                "decoding": decoding_of(self._run),
                "version": VERSION,
                **({"turns": TURNS_VERSION} if self._turns else {}),
            }
        )


@dataclass(frozen=True)
class Asked:
    """One prompt as sent."""

    prompt: Prompt
    passages: tuple[Passage, ...] = ()
    dropped: int = 0
    """Examples and passages that did not fit."""


def decoding_of(run: RunSpec) -> Decoding:
    """How every approach of a run decodes."""
    from baselines.models.contract import Decoding

    return Decoding(max_new_tokens=run.max_answer_tokens, seed=run.seed)


def fitted(
    task: Task,
    question: Question,
    material: Material,
    budget: int,
    count: Callable[[str], int],
    *,
    instruction_first: bool = False,
) -> Asked:
    """The prompt with as much of its material as fits `budget` tokens; the question itself is never cut.

    Examples go first, from the front: the ones nearest to the question stay. Then passages, the worst first.
    """
    examples, passages = material.examples, material.passages
    budget -= TURN_TOKENS * len(question.turns)

    def prompt(dropped: int) -> tuple[Prompt, tuple[Passage, ...]]:
        kept = examples[dropped:]
        found = passages[: len(passages) - max(0, dropped - len(examples))]
        whole = material.shared and dropped == 0
        text = render(
            task,
            question,
            examples=kept,
            passages=found,
            examples_shared=whole,
            instruction_first=instruction_first,
        )
        return text, found

    def fits(dropped: int) -> bool:
        text = prompt(dropped)[0].length_text
        # No tokenizer makes more tokens than bytes: most prompts need no counting.
        return len(text.encode("utf-8", "surrogatepass")) <= budget or count(text) <= budget

    low, high = 0, len(examples) + len(passages)
    if not fits(0):
        while low < high:  # the fewest that must go
            middle = (low + high) // 2
            low, high = (low, middle) if fits(middle) else (middle + 1, high)
    text, found = prompt(low)
    return Asked(text, found, low)


def has_turns(resources: Resources) -> bool:
    """Whether any question is a conversation of several turns; of examples their own hash tells."""
    return any(question.turns for question in resources.questions)


def pool_of(resources: Resources) -> tuple[Example, ...]:
    """The labelled examples that an approach may learn from: train and dev, without what the eval set asks.

    Raises NotApplicable where nothing is left.
    """
    taken = {shots.asked(question) for question in resources.questions}
    every = {e.id: e for e in (*resources.train, *resources.dev)}
    pool = tuple(e for e in every.values() if shots.asked(e) not in taken)
    if not pool:
        raise NotApplicable(
            "every training example is also an eval case, so there is nothing to learn from"
            if every
            else "it needs training examples, and the project has none (data.train)"
        )
    return pool


def hash_of_examples(examples: Sequence[Example]) -> str:
    """Of inputs, outputs, context and turns, in order."""
    return of_texts(
        text
        for e in examples
        for text in (e.input, e.output, e.group or "", *(t for p in e.context.items() for t in p), *_turns(e))
    )


def _turns(example: Example) -> list[str]:
    return [text for t in example.turns for text in (t.role, t.text, "1" if t.counts else "0")]


class ZeroShot:
    """The question and the instruction alone."""

    def prepare(self, emit: Emit) -> None:
        """Nothing to prepare."""

    def material(self, questions: Sequence[Question]) -> list[Material]:
        return [Material()] * len(questions)

    def fingerprint(self) -> str:
        return of_value({"prompting": "zero-shot"})


class FewShot:
    """The same examples before every question."""

    def __init__(self, resources: Resources, count: int) -> None:
        self.examples = shots.choose(pool_of(resources), count, resources.spec.task.type, resources.spec.seed)

    def prepare(self, emit: Emit) -> None:
        """Nothing to prepare: the choice costs milliseconds."""

    def material(self, questions: Sequence[Question]) -> list[Material]:
        return [Material(examples=self.examples)] * len(questions)

    def fingerprint(self) -> str:
        return of_value({"prompting": "few-shot", "examples": hash_of_examples(self.examples)})


class NearestShots:
    """For each question the training examples nearest to it, found with FAISS, the nearest last."""

    def __init__(self, spec: ApproachSpec, resources: Resources, count: int) -> None:
        self._name = spec.name
        self._resources = resources
        self._count = count
        self._pool = pool_of(resources)
        self._index: ExampleIndex | None = None

    def prepare(self, emit: Emit) -> None:
        if self._index is None:
            embedder = self._resources.embedder()
            vectors = embed_stored(
                embedder,
                [example.input for example in self._pool],
                self._resources.artifacts / FOLDER,
                progress(emit, self._name, "embedding the training examples"),
            )
            self._index = ExampleIndex(self._pool, embedder, vectors)

    def material(self, questions: Sequence[Question]) -> list[Material]:
        if self._index is None:
            self.prepare(lambda event: None)
        assert self._index is not None
        return [Material(examples=found, shared=False) for found in self._index.search(questions, self._count)]

    def fingerprint(self) -> str:
        embedder = self._resources.embedder().fingerprint
        said = {"prompting": "knn", "count": self._count, "pool": hash_of_examples(self._pool), "embedder": embedder}
        return of_value(said)


def zero_shot(spec: ApproachSpec, resources: Resources) -> PromptedApproach:
    """Kind `zero-shot`."""
    return PromptedApproach(spec, resources, ZeroShot())


def few_shot(spec: ApproachSpec, resources: Resources) -> PromptedApproach:
    """Kind `few-shot`."""
    return PromptedApproach(spec, resources, FewShot(resources, int(spec.options["shots"])))


def knn_few_shot(spec: ApproachSpec, resources: Resources) -> PromptedApproach:
    """Kind `knn-few-shot`."""
    return PromptedApproach(spec, resources, NearestShots(spec, resources, int(spec.options["shots"])))


def progress(emit: Emit, approach: str, what: str) -> Callable[[int, int], None]:
    """Turns (done, total) into events."""
    return lambda done, total: emit(Progressed(approach=approach, what=what, done=done, total=total))


def _reply(question: Question, asked: Asked, generation: Generation) -> Reply:
    return Reply(
        case=question.id,
        text=generation.text.strip(),
        status=generation.status,
        error=generation.error,
        prompt=asked.prompt.text,
        prompt_tokens=generation.prompt_tokens,
        completion_tokens=generation.completion_tokens,
        cached_prompt_tokens=generation.cached_prompt_tokens,
        usage_estimated=generation.usage_estimated,
        passages=asked.passages,
        seconds=generation.seconds,
        waited_seconds=generation.waited_seconds,
        ttft_seconds=generation.ttft_seconds,
        attempts=generation.attempts,
        from_cache=generation.from_cache,
    )
