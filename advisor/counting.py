"""How many tokens a project's prompts, answers and training examples have, before anything runs.

    lengths = Lengths.of(prepared, spec, folder)
    lengths.prompt, lengths.answer, lengths.pair        # means, in tokens

Counts a sample with the model's own tokenizer where its file is here (the fast one alone, without transformers), else
by characters. Never raises for a model that cannot be read: then it counts by characters.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from baselines.prompts import own_task, render
from reports.run.schema import ApproachSpec, Example, Question

if TYPE_CHECKING:
    from advisor.plan import Prepared

CHARACTERS = 3.8
"""A token, in English text with the tokenizers of today."""
TEMPLATE = 12
"""Tokens that a chat template adds."""
SAMPLE = 120

Count = Callable[[str], int]
T = TypeVar("T")


@dataclass(frozen=True)
class Lengths:
    """Mean tokens, over a sample."""

    prompt: float
    """Of a question with what its approach puts before it."""
    answer: float
    """Of a reference."""
    pair: float
    """Of a training prompt with its answer; 0 where the approach does not train."""
    longest: int
    """Of the training pairs of the sample."""
    exact: bool
    """Counted with the model's tokenizer."""
    shared: float = 0.0
    """Of `prompt`: what stands before every question alike, and is computed once on this machine."""
    pairs: float = 0.0
    """Training examples that are used."""

    @classmethod
    def of(cls, prepared: Prepared, spec: ApproachSpec, folder: Path | None) -> Lengths:
        """The lengths of one approach."""
        count, exact = counter(folder)
        options = spec.options
        task = own_task(prepared.spec.task, options)
        first = bool(options.get("instruction_first"))
        pool = (*prepared.train, *prepared.dev)
        cases = spread(prepared.cases)
        bare = mean([count(render(task, case.question).text) for case in cases]) + TEMPLATE
        head = [render(task, case.question, instruction_first=True) for case in cases[:1]] if first else []
        answer = mean([count(case.references[0]) for case in cases if case.references]) + 1
        shots = 0.0
        if "shots" in options and pool:
            one = mean([count(f"Input: {e.input}\nAnswer: {e.output}\n\n") for e in spread(pool)])
            shots = one * min(int(options["shots"]), len(pool))
        passages = _passages(prepared, spec, count)
        pairs = [_pair(prepared, example, count) + passages for example in spread(pool)] if _trains(spec) else []
        return cls(
            prompt=bare + shots + passages,
            answer=answer,
            pair=mean(pairs),
            longest=math.ceil(max(pairs, default=0.0)),
            exact=exact,
            shared=mean([count(p.text[: p.shared]) for p in head]) + (0.0 if spec.kind == "knn-few-shot" else shots),
            pairs=len(pool) * float(options.get("share") or 1.0),
        )


def counter(folder: Path | None) -> tuple[Count, bool]:
    """(tokens of a text, whether by the model's tokenizer)."""
    file = folder / "tokenizer.json" if folder else None
    if file is not None and file.is_file():
        from tokenizers import Tokenizer

        try:
            tokenizer = Tokenizer.from_file(str(file))
        except Exception as error:
            if type(error) is not Exception:  # what the Rust side raises for a file that it cannot read
                raise
            return by_characters, False  # `check` tells of the file; the estimate says that it is by characters
        return lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids), True
    return by_characters, False


def by_characters(text: str) -> int:
    """A rough count."""
    return math.ceil(len(text) / CHARACTERS)


def document_tokens(prepared: Prepared) -> float:
    """Of the whole corpus, by characters."""
    return sum(len(document.text) for document in prepared.documents) / CHARACTERS


def pool_tokens(prepared: Prepared) -> float:
    """Of the inputs that are embedded: every training example and every question."""
    texts = [*(e.input for e in prepared.train), *(e.input for e in prepared.dev)]
    return (sum(map(len, texts)) + sum(len(case.question.input) for case in prepared.cases)) / CHARACTERS


def spread(items: Sequence[T]) -> list[T]:
    """At most SAMPLE of them, evenly spaced."""
    step = max(1, math.ceil(len(items) / SAMPLE))
    return list(items[::step])


def mean(values: Sequence[float]) -> float:
    """0 for nothing."""
    return sum(values) / len(values) if values else 0.0


def _trains(spec: ApproachSpec) -> bool:
    return "epochs" in spec.options


def _pair(prepared: Prepared, example: Example, count: Count) -> float:
    question = Question(id=example.id, input=example.input, context=example.context)
    return count(render(prepared.spec.task, question).text) + count(example.output) + TEMPLATE + 1


def _passages(prepared: Prepared, spec: ApproachSpec, count: Count) -> float:
    """Of the passages in a prompt: as many as asked for, no longer than documents are."""
    if "passages" not in spec.options or not prepared.documents:
        return 0.0
    whole = mean([count(document.text) for document in spread(prepared.documents)])
    return float(spec.options["passages"]) * min(0.8 * float(spec.options["chunk_tokens"]), whole)
