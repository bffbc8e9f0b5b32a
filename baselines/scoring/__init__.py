"""Scores answers: a pass of its own, after answering. It knows texts and references, no approach and no clock.

    score("accuracy", case, answer, task)                      # one Score
    score_many("rougeL", pairs, task, tools)                   # many at once: what heavy metrics want

A failed answer is unscored with the reason, never 0. A truncated one is scored: its text is what a user would get.
"""

from __future__ import annotations

from collections.abc import Sequence

from baselines.scoring.contract import Reading, Tools
from baselines.scoring.registry import METRICS, default_metrics, find, validate
from reports.run.schema import Answer, Case, Score, Task

__all__ = ["METRICS", "Tools", "default_metrics", "find", "is_light", "score", "score_many", "validate"]

SCORED = ("ok", "truncated")
"""Statuses whose text is scored."""


def score(metric: str, case: Case, answer: Answer, task: Task, tools: Tools | None = None) -> Score:
    """One metric on one answer. Raises UsageError for an unknown metric; a user's failing function does not raise."""
    return score_many(metric, [(case, answer)], task, tools)[0]


def score_many(
    metric: str, pairs: Sequence[tuple[Case, Answer]], task: Task, tools: Tools | None = None
) -> list[Score]:
    """One score a pair, in order. Raises UsageError for an unknown metric."""
    tools = tools or Tools()
    found, argument = find(metric, tools.folder, tools.judged_by)
    reasons = [_unscored(case, answer, found.needs_reference) for case, answer in pairs]
    readable = [(case, answer.text) for (case, answer), reason in zip(pairs, reasons, strict=True) if reason is None]
    readings = iter(found.read(readable, task, tools, argument) if readable else [])
    return [
        _as_score(metric, found.version, answer, next(readings) if reason is None else Reading(None, unscored=reason))
        for (_, answer), reason in zip(pairs, reasons, strict=True)
    ]


def is_light(metric: str) -> bool:
    """True where scoring costs microseconds and imports nothing heavy. Raises KeyError for an unknown metric."""
    return METRICS[metric.partition(":")[0]].light


def _unscored(case: Case, answer: Answer, needs_reference: bool) -> str | None:
    if answer.status not in SCORED:
        return f"no answer ({answer.status})"
    if needs_reference and not case.references:
        return "the case has no reference"
    return None


def _as_score(metric: str, version: int, answer: Answer, reading: Reading) -> Score:
    return Score(
        case=answer.case,
        approach=answer.approach,
        metric=metric,
        version=version,
        value=reading.value,
        unscored=reading.unscored,
        predicted=reading.predicted,
        expected=reading.expected,
        format_failure=reading.format_failure,
    )
