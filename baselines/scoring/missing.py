"""Which answers of a stored run still lack a score by the present version of a metric, and the scores for them.

for scored in missing_scores(store, "rag", ("accuracy",), tools): emit(scored)
"""

from __future__ import annotations

from collections.abc import Iterator

from baselines import scoring
from reports.run.events import NOT_ASKED, Scored
from reports.run.schema import Score
from reports.run.store import RunStore

PAID_AT_ONCE = 64
"""Verdicts of a judge that may be lost when the worker is killed."""


def missing_scores(store: RunStore, name: str, metrics: tuple[str, ...], tools: scoring.Tools) -> Iterator[Scored]:
    """Scores for the stored answers of an approach that lack one by the present version of the metric."""
    spec = store.header.spec
    cases = {case.question.id: case for case in store.cases()}
    for metric in metrics:
        version = scoring.find(metric, tools.folder, tools.judged_by)[0].version
        known = {c for c, s in store.scores(name, metric).items() if s.version == version and not _to_repeat(s)}
        pairs = [(cases[a.case], a) for a in store.answers(name).values() if a.case in cases and a.case not in known]
        part = PAID_AT_ONCE if metric == "judge" else max(len(pairs), 1)
        for start in range(0, len(pairs), part):
            for score in scoring.score_many(metric, pairs[start : start + part], spec.task, tools):
                yield Scored(score=score)


def _to_repeat(score: Score) -> bool:
    """True where only the way to the judge failed: other metrics read what is stored, and would read the same again."""
    return score.metric == "judge" and (score.unscored or "").startswith(NOT_ASKED)
