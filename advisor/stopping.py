"""`decision.stop_early`: which approaches are ended after a round, as clearly worse than another one that goes on.

    rule = StoppingRule.of(spec, cases)               # None where the rule is not wanted or does not apply
    rule.saw(score); rule.decide(live, rule.looks[0]) # the approaches to end, each with its rival and the reason

All approaches of a job answer the same first cases of the run's seeded order, then it is looked: an approach is ended
where its comparison with a rival is settled against it by the e-process of `reports.statistics.sequential`, and it
trails by more than the margin of the decision (what is worse by less may still be the one to use, as the cheaper one).
Every look may be the last, and the best approach is ended with a probability of at most 5 %: an approach is held
against all its rivals, so 5 % are shared out among them. What leads goes on to the end: its quality is what is
reported. Knows no worker and no clock; sees scores, never answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from baselines import scoring
from baselines.evaluate import in_order
from reports.run.events import StoppedEarly
from reports.run.schema import ApproachSpec, Case, RunSpec, Score
from reports.statistics.outcomes import BINARY_METRICS
from reports.statistics.sequential import is_settled

ALPHA = 0.05
FIRST_LOOK = 50
"""Cases below which nothing is said: as many as a verdict takes."""
LOOK_EVERY = 25
FREE = ("floor", "recorded")
"""Kinds whose answers cost no generation: they are rivals and are never ended."""


def why_not(metric: str, groups: int) -> str | None:
    """Why `stop_early` does not apply to a run that is decided by this metric; None where it does."""
    if metric.partition(":")[0] not in BINARY_METRICS:
        return f"it needs a metric that is right or wrong on each case, and {metric} is not"
    if not scoring.is_light(metric):
        return f"{metric} is scored after all answers"
    if groups:
        return "cases that share a group are not independent of each other"
    return None


@dataclass
class StoppingRule:
    """Right or wrong by approach and case, and who may still win."""

    metric: str
    margin: float
    order: Sequence[str]
    """Case ids in the order of the run."""
    contenders: Sequence[ApproachSpec]
    baseline: str | None = None
    """Named by the project as the one that others are compared with: never ended."""
    right: dict[str, NDArray[np.int8]] = field(default_factory=dict)
    """Approach to its scores by place in the order: 1 right, 0 wrong or failed, -1 not answered yet."""
    out: set[str] = field(default_factory=set)
    """Approaches that were ended, failed or skipped: no rivals any more."""

    @classmethod
    def of(cls, spec: RunSpec, cases: Iterable[Case]) -> StoppingRule | None:
        """The rule of a run. Points of learning curves and repeated seeds are no contenders: they always finish."""
        questions = [case.question for case in cases]
        if not spec.decision.stop_early or why_not(spec.metrics[0], spec.data.groups) is not None:
            return None
        contenders = [item for item in spec.approaches if item.part_of is None]
        order = [question.id for question in in_order(questions, spec.seed)]
        return cls(spec.metrics[0], spec.decision.margin, order, contenders, spec.decision.baseline)

    @property
    def looks(self) -> tuple[int, ...]:
        """After how many cases it is looked; the last round needs no look."""
        return tuple(range(FIRST_LOOK, len(self.order), LOOK_EVERY))

    def saw(self, score: Score) -> None:
        """Takes a score in; other metrics are let pass."""
        if score.metric == self.metric:
            self._row(score.approach)[self._places[score.case]] = score.value is not None and score.value > 0.5

    def decide(self, live: Sequence[str], done: int) -> list[StoppedEarly]:
        """Which of the approaches that answered the first `done` cases are ended; they are no rivals from then on."""
        kinds = {item.name: item.kind for item in self.contenders}
        endable = [n for n in live if n in kinds and kinds[n] not in FREE and n != self.baseline]
        found = []
        for name in sorted(endable, key=lambda name: -self._hits(name, done)):
            rivals = sorted(kinds, key=lambda rival: -self._hits(rival, done))
            stopped = next(filter(None, (self._settled(name, rival, done) for rival in rivals)), None)
            if stopped:
                found.append(stopped)
                self.out.add(name)
        return found

    @cached_property
    def _places(self) -> dict[str, int]:
        return {case: place for place, case in enumerate(self.order)}

    def _row(self, name: str) -> NDArray[np.int8]:
        return self.right.setdefault(name, np.full(len(self.order), -1, dtype=np.int8))

    def _hits(self, name: str, done: int) -> int:
        return int((self._row(name)[:done] == 1).sum())

    def _settled(self, name: str, rival: str, done: int) -> StoppedEarly | None:
        """The event where the rival is clearly better on the first `done` cases, all of which both answered."""
        own, other = self._row(name)[:done], self._row(rival)[:done]
        if name == rival or rival in self.out or min(own.min(), other.min()) < 0:
            return None
        lost, won = int((other > own).sum()), int((own > other).sum())
        comparisons = max(1, len(self.contenders) - 1)
        if lost - won < self.margin * done or lost <= won or not is_settled(lost, won, ALPHA, comparisons):
            return None
        return StoppedEarly(
            approach=name,
            answered=done,
            total=len(self.order),
            rival=rival,
            reason=f"clearly worse than {rival}: {lost} of the {done} cases were right there alone, {won} here alone",
        )
