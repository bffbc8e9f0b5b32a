"""Which cases of two runs are the same, and the scores of both on them as one table. Knows no wording.

pairing = pair_cases(list(a.cases()), list(b.cases())); pooled(outcomes_a, outcomes_b, ("rag", "rag"), pairing)
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reports.run.schema import Case
from reports.statistics import Outcomes
from reports.statistics.outcomes import Bools

A, B = "A", "B"
"""Names of the two sides in a pooled table."""


@dataclass(frozen=True)
class Pairing:
    """Rows of A and B that are the same case: same question, context fields and references."""

    rows_a: tuple[int, ...]
    rows_b: tuple[int, ...]
    """Row i of B is the case of row i of A."""
    under_another_id: int
    question_changed: tuple[str, ...]
    reference_changed: tuple[str, ...]
    only_a: tuple[str, ...]
    only_b: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.rows_a)


def pair_cases(a: Sequence[Case], b: Sequence[Case]) -> Pairing:
    """Joins by id where the content is the same; what is left by content (row numbers shift when a row is added).

    A case whose id stands in both runs with another question or another reference is not the same case: its answers
    do not compare. The same content several times is paired in the order of the files.
    """
    by_id = {case.question.id: i for i, case in enumerate(b)}
    found: dict[int, int] = {}
    for i, case in enumerate(a):
        j = by_id.get(case.question.id)
        if j is not None and _content(case) == _content(b[j]):
            found[i] = j
    by_content: dict[object, deque[int]] = defaultdict(deque)
    taken = set(found.values())
    for j, case in enumerate(b):
        if j not in taken:
            by_content[_content(case)].append(j)
    renamed = 0
    for i, case in enumerate(a):
        if i not in found and by_content[_content(case)]:
            found[i] = by_content[_content(case)].popleft()
            renamed += 1
    return _rest(a, b, found, renamed)


def _rest(a: Sequence[Case], b: Sequence[Case], found: dict[int, int], renamed: int) -> Pairing:
    """What has no partner: changed under its id, or on one side only."""
    left = {case.question.id: case for i, case in enumerate(a) if i not in found}
    taken = set(found.values())
    right = {case.question.id: case for j, case in enumerate(b) if j not in taken}
    both = [name for name in left if name in right]
    same_question = [name for name in both if _question(left[name]) == _question(right[name])]
    rows = sorted(found)
    return Pairing(
        rows_a=tuple(rows),
        rows_b=tuple(found[i] for i in rows),
        under_another_id=renamed,
        question_changed=tuple(name for name in both if name not in same_question),
        reference_changed=tuple(same_question),
        only_a=tuple(name for name in left if name not in right),
        only_b=tuple(name for name in right if name not in left),
    )


def pooled(a: Outcomes, b: Outcomes, names: tuple[str, str], pairing: Pairing) -> Outcomes:
    """One approach of each run on the shared cases, as approaches "A" and "B" of one table; groups are those of B."""
    rows = list(pairing.rows_a), list(pairing.rows_b)
    sides = ((A, a, names[0], rows[0]), (B, b, names[1], rows[1]))

    def masks(part: str) -> dict[str, Bools]:
        return {
            side: np.asarray(getattr(table, part)[name], dtype=bool)[picked]
            for side, table, name, picked in sides
            if name in getattr(table, part)
        }

    return Outcomes(
        metric=b.metric,
        kind=b.kind,
        scores={side: table.scores[name][picked] for side, table, name, picked in sides},
        failed=masks("failed"),
        format_failed=masks("format_failed"),
        predicted={side: [table.predicted[name][i] for i in picked] for side, table, name, picked in sides},
        expected=[b.expected[j] for j in rows[1]],
        groups=None if b.groups is None else [b.groups[j] for j in rows[1]],
        seed=b.seed,
        # What opens an interval in a report opens it here too.
        stopped=frozenset(side for side, table, name, _ in sides if name in table.stopped),
        trainings={side: table.trainings[name] for side, table, name, _ in sides if name in table.trainings},
        repeated={
            side: tuple([labels[i] for i in picked] for labels in table.repeated[name])
            for side, table, name, picked in sides
            if name in table.repeated
        },
        ranks=next(([table.ranks[i] for i in picked] for _, table, name, picked in sides if name in table.stopped), ()),
    )


def _question(case: Case) -> object:
    return case.question.input, tuple(sorted(case.question.context.items()))


def _content(case: Case) -> object:
    return _question(case), tuple(sorted(case.references))
