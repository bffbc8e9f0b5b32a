"""The trivial answer that everyone must beat: no model, no search, the best of a few fixed rules.

Classification: the most frequent label of the training data (the first of a tie in label order); without training
data the first label of the list. The eval references are never looked at.

Elsewhere the rule is chosen on the training data, by the metric that decides the run where it is a light one, by token
F1 otherwise, over at most 300 examples. Without training data a rule stands for each task type (`UNSEEN`).

    copy           the input as it is          lead-1, lead-3   its first one or three sentences
    lead-words     its first five words        last-number      the last number in it
    most-frequent  the output that the training data has most often

Rules read the input; where the row brings context fields (a passage), `context lead-1` and so on read those.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from baselines.contract import Emit, NotApplicable, Reply, Resources
from baselines.prompting import hash_of_examples
from baselines.scoring import is_light, score_many
from reports.run.fingerprint import of_value
from reports.run.schema import Answer, ApproachSpec, Case, Example, Question, TaskType

VERSION = 1
MOST_EXAMPLES = 300
"""Of the training data so many, spread evenly, judge the rules."""
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")
_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")


def _lead(sentences: int) -> Callable[[str], str]:
    return lambda text: " ".join([s for s in _SENTENCE_END.split(text.strip()) if s.strip()][:sentences])


RULES: dict[str, Callable[[str], str]] = {
    "copy": str.strip,
    "lead-1": _lead(1),
    "lead-3": _lead(3),
    "lead-words": lambda text: " ".join(text.split()[:5]),
    "last-number": lambda text: (_NUMBER.findall(text) or [""])[-1],
}
UNSEEN: dict[TaskType, str] = {
    "extraction": "copy",
    "qa": "context lead-words",
    "summarization": "lead-3",
    "generation": "copy",
}
"""The rule of a task without training data."""


class Floor:
    """Kind `floor`."""

    def __init__(self, spec: ApproachSpec, resources: Resources) -> None:
        self.spec = spec
        self._run = resources.spec
        self._examples = tuple({e.id: e for e in (*resources.train, *resources.dev)}.values())
        self._constant: str | None = None
        self._rule = ""
        self.facts: dict[str, str | int | float] = {}
        """What prepare() chose, for the report."""

    def prepare(self, emit: Emit) -> None:
        """Chooses the rule. Raises NotApplicable where neither labels nor training data say what could be answered."""
        if self._run.task.type == "classification":
            self._constant = _majority_label(self._examples, self._run.task.labels)
            self.facts = {"always": self._constant}
            return
        self._rule, self._constant = self._best_rule()
        self.facts = {"rule": self._rule}

    def answer(self, questions: Sequence[Question]) -> Iterator[list[Reply]]:
        if self._constant is None and not self._rule:
            self.prepare(lambda event: None)
        yield [
            Reply(q.id, text=_apply(self._rule, q.input, q.context) if self._constant is None else self._constant)
            for q in questions
        ]

    def fingerprint(self) -> str:
        said = {"kind": "floor", "examples": hash_of_examples(self._examples), "version": VERSION}
        task = self._run.task
        return of_value({**said, "type": task.type, "labels": task.labels, "metric": self._run.metrics[0]})

    def _best_rule(self) -> tuple[str, str | None]:
        """The rule with the highest mean on the training data, and the constant text where the rule is one."""
        task = self._run.task
        if not self._examples:
            return UNSEEN[task.type], None
        metric = self._run.metrics[0] if is_light(self._run.metrics[0]) else "token-f1"
        step = max(1, len(self._examples) // MOST_EXAMPLES)
        sample = self._examples[::step][:MOST_EXAMPLES]
        frequent = Counter(e.output for e in self._examples).most_common(1)[0][0]
        rules = [*RULES, *(f"context {rule}" for rule in RULES if any(e.context for e in sample))]
        texts = {rule: [_apply(rule, e.input, e.context) for e in sample] for rule in rules}
        texts["most-frequent"] = [frequent] * len(sample)
        means = {rule: self._mean(metric, sample, answers) for rule, answers in texts.items()}
        best = max(means, key=lambda rule: (means[rule], -list(means).index(rule)))
        return best, frequent if best == "most-frequent" else None

    def _mean(self, metric: str, sample: Sequence[Example], answers: Sequence[str]) -> float:
        pairs = [
            (
                Case(question=Question(id=e.id, input=e.input), references=(e.output,)),
                Answer(case=e.id, approach="floor", text=text),
            )
            for e, text in zip(sample, answers, strict=True)
        ]
        scored = [s.value for s in score_many(metric, pairs, self._run.task) if s.value is not None]
        return sum(scored) / len(scored) if scored else 0.0


def create(spec: ApproachSpec, resources: Resources) -> Floor:
    """Kind `floor`."""
    return Floor(spec, resources)


def _majority_label(examples: Sequence[Example], labels: Sequence[str]) -> str:
    if examples:
        counts = Counter(example.output for example in examples)
        return min(counts, key=lambda label: (-counts[label], label))
    if labels:
        return labels[0]
    raise NotApplicable("neither a list of labels nor training data says which labels there are")


def _apply(rule: str, text: str, context: dict[str, str]) -> str:
    """The rule's answer; a context rule reads the context fields, the input where the row has none."""
    if rule.startswith("context "):
        return RULES[rule.removeprefix("context ")]("\n".join(context.values()) or text)
    return RULES[rule](text)
