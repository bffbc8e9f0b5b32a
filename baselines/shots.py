"""Chooses the few examples that every prompt of an approach shares. Fixed by content: row order changes nothing.

    balanced(examples, 8)     # labels in turn, the frequent ones first
    diverse(examples, 4)      # short ones that share few words

Never sees a question: what is near to one is the business of `retrieval.ExampleIndex`.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence

from baselines.overlap import bare_text
from reports.run.fingerprint import of_texts
from reports.run.schema import Example, Question, TaskType

VERSION = 1
"""Raised with every change that chooses other examples."""
MOST_CANDIDATES = 300
"""Of the short examples so many, in hash order, are compared with each other."""
_WORD = re.compile(r"\w+")


def choose(examples: Sequence[Example], shots: int, task_type: TaskType, seed: int = 0) -> tuple[Example, ...]:
    """The shots of a task: balanced over labels for classification, diverse and short else."""
    pick = balanced if task_type == "classification" else diverse
    return pick(examples, shots, seed)


def balanced(examples: Sequence[Example], shots: int, seed: int = 0) -> tuple[Example, ...]:
    """One example of each label in turn until there are enough. With fewer shots than labels: the frequent labels.

    Labels are mixed in the result, so that no run of one label stands before the question.
    """
    frequency = Counter(e.output for e in examples)
    by_label: dict[str, list[Example]] = defaultdict(list)
    for example in _ranked(examples, seed):
        by_label[example.output].append(example)
    labels = sorted(by_label, key=lambda label: (-frequency[label], of_texts([str(seed), label])))
    chosen: list[Example] = []
    for turn in range(shots):
        row = [by_label[label][turn] for label in labels if turn < len(by_label[label])]
        if not row or len(chosen) >= shots:
            break
        chosen += row[: shots - len(chosen)]
    return tuple(_ranked(chosen, seed + 1))


def diverse(examples: Sequence[Example], shots: int, seed: int = 0) -> tuple[Example, ...]:
    """Short examples, each the one that shares fewest words (Jaccard) with those already chosen."""
    ranked = _ranked(examples, seed)
    lengths = sorted(_length(e) for e in ranked)
    limit = lengths[len(lengths) // 2] if lengths else 0
    pool = [e for e in ranked if _length(e) <= limit][:MOST_CANDIDATES]
    words = [set(_WORD.findall(f"{e.input} {e.output}".casefold())) for e in pool]
    nearest = [0.0] * len(pool)
    left = list(range(len(pool)))
    chosen: list[int] = []
    while left and len(chosen) < shots:
        best = min(left, key=lambda i: (nearest[i], i))
        left.remove(best)
        chosen.append(best)
        for i in left:
            union = len(words[i] | words[best])
            nearest[i] = max(nearest[i], len(words[i] & words[best]) / union if union else 1.0)
    return tuple(pool[i] for i in chosen)


def asked(item: Example | Question) -> str:
    """What two items must share to ask the same: letters and digits of the input and of what the row brings along."""
    return bare_text("\n".join((item.input, *item.context.values())))


def _ranked(examples: Sequence[Example], seed: int) -> list[Example]:
    """In the order of their content's hash, repeated inputs once."""
    order = sorted(examples, key=lambda e: (of_texts([str(seed), e.input, e.output]), e.id))
    return list({asked(e): e for e in reversed(order)}.values())[::-1]


def _length(example: Example) -> int:
    return len(example.input) + len(example.output) + sum(map(len, example.context.values()))
