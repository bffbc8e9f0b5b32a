"""Accuracy, macro-F1 and multi-label F1: three metrics over one way of reading labels.

Macro-F1 and multi-label F1 exist for a whole set only: `reports.statistics` computes them from `predicted` and
`expected`. The value of one case is its own share: right or not, and the F1 of the two label sets.
A format failure counts as wrong and is marked: it is told apart from a wrong label.
"""

from __future__ import annotations

from baselines.scoring.contract import Reading
from baselines.scoring.labels import canonical, read_label, read_labels
from reports.run.schema import Case, Task

SEPARATOR = "|"
"""Joins the labels of one multi-label answer in `Score.predicted` and `Score.expected`."""


def accuracy(case: Case, text: str, task: Task) -> Reading:
    """1 where the answer names the label of a reference, else 0."""
    wanted = [canonical(reference, task.labels) for reference in case.references]
    read = read_label(text, task.labels)
    if read.label is None:
        return Reading(0.0, None, wanted[0], format_failure=True)
    hit = read.label in wanted
    return Reading(float(hit), read.label, read.label if hit else wanted[0])


def multilabel(case: Case, text: str, task: Task) -> Reading:
    """F1 between the labels named and those of the best reference; two empty sets agree (1)."""
    wanted = [_reference_labels(reference, task) for reference in case.references]
    found = read_labels(text, task.labels)
    if found is None:
        return Reading(0.0, None, _join(wanted[0]), format_failure=True)
    value, best = max(((_set_f1(found, want), want) for want in wanted), key=lambda pair: pair[0])
    return Reading(value, _join(found), _join(best))


def _reference_labels(reference: str, task: Task) -> frozenset[str]:
    if task.labels and reference.strip() in task.labels:
        return frozenset({reference.strip()})
    found = read_labels(reference, task.labels)
    return frozenset({canonical(reference, task.labels)}) if found is None else found


def _set_f1(found: frozenset[str], wanted: frozenset[str]) -> float:
    total = len(found) + len(wanted)
    return 2 * len(found & wanted) / total if total else 1.0


def _join(labels: frozenset[str]) -> str:
    return SEPARATOR.join(sorted(labels))
