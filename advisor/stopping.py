"""`decision.stop_early`: which approaches need no more answers after a round, and why.

    rule = StoppingRule.of(spec, cases)               # None where the rule is not wanted or does not apply
    rule.saw(score); rule.decide(live, rule.looks[0]) # the approaches to end, each with its rival and the reason

All approaches of a job answer the same first cases of the run's seeded order, then it is looked:

- An approach is ended where its comparison with a rival is settled against it by the e-process of
  `reports.statistics.sequential`, and it trails by more than the margin of the decision (what is worse by less may
  still be the one to use, as the cheaper one).
- The leader is ended where every other contender is out or clearly worse by the same test, and, if the project sets a
  least quality, a confidence sequence valid at any look says on which side of it the leader lies: the decision is made,
  further answers would only narrow its interval. One with trainings beside it (a curve, seeds) answers every case.

Every look may be the last, so all that may ever be settled, every pair of approaches of which one can be ended and
every approach's side of the limit, shares 5 %: in at most 5 % of the runs anything at all is ended wrongly, however
many approaches there are. Knows no worker and no clock; sees scores, never answers.
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
from reports.statistics.sequential import is_settled, win_share

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
    """Named by the project as the one that others are compared with: ended only with the whole contest."""
    min_quality: float | None = None
    parents: frozenset[str] = frozenset()
    """Approaches with trainings beside them, which answer every case: so must they."""
    right: dict[str, NDArray[np.int8]] = field(default_factory=dict)
    """Approach to its scores by place in the order: 1 right, 0 wrong or failed, -1 not answered yet."""
    out: set[str] = field(default_factory=set)
    """Approaches that were ended, failed or skipped: no rivals any more."""
    beaten: set[str] = field(default_factory=set)
    """Those that were ended as clearly worse. One that failed may come back: while one has, nobody has won."""

    @classmethod
    def of(cls, spec: RunSpec, cases: Iterable[Case]) -> StoppingRule | None:
        """The rule of a run. Points of learning curves and repeated seeds are no contenders: they always finish."""
        questions = [case.question for case in cases]
        if not spec.decision.stop_early or why_not(spec.metrics[0], spec.data.groups) is not None:
            return None
        contenders = [item for item in spec.approaches if item.part_of is None]
        order = [question.id for question in in_order(questions, spec.seed)]
        decision, parents = spec.decision, frozenset(item.part_of for item in spec.approaches if item.part_of)
        return cls(
            spec.metrics[0], decision.margin, order, contenders, decision.baseline, decision.min_quality, parents
        )

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
        endable = [n for n in live if n in self._kinds and self._kinds[n] not in FREE and n != self.baseline]
        found = []
        for name in sorted(endable, key=lambda name: -self._hits(name, done)):
            rivals = sorted(self._kinds, key=lambda rival: -self._hits(rival, done))
            stopped = next(filter(None, (self._beaten(name, rival, done) for rival in rivals)), None)
            if stopped:
                found.append(stopped)
                self.out.add(name)
                self.beaten.add(name)
        return [*found, *self._contest_over([name for name in live if name not in self.out], done)]

    @cached_property
    def _kinds(self) -> dict[str, str]:
        return {item.name: item.kind for item in self.contenders}

    @cached_property
    def comparisons(self) -> int:
        """How many statements share the 5 %: pairs with an approach that can be ended, and sides of the limit."""
        free = sum(kind in FREE for kind in self._kinds.values())
        paid = len(self._kinds) - free
        return max(1, paid * (paid - 1) // 2 + paid * free + (paid if self.min_quality is not None else 0))

    def _contest_over(self, live: Sequence[str], done: int) -> list[StoppedEarly]:
        """The leader, and a named baseline that still answers, where nothing is left to find out."""
        leader = max((n for n in self._kinds if n not in self.out), key=lambda n: self._hits(n, done), default=None)
        if (
            leader is None
            or leader not in live
            or leader in self.parents
            or self._kinds[leader] in FREE
            or len(self._kinds) < 2
        ):
            return []
        others = [name for name in self._kinds if name != leader and name not in self.beaten]
        side = self._side(leader, done)
        if side is None or not all(self._is_beaten(name, leader, done) for name in others):
            return []
        rival = max((name for name in self._kinds if name != leader), key=lambda n: self._hits(n, done))
        won = StoppedEarly(
            approach=leader,
            answered=done,
            total=len(self.order),
            rival=rival,
            settled=True,
            reason=f"all others are clearly worse{side}: further answers would not change the decision",
        )
        paid = [name for name in live if self._kinds.get(name, FREE[0]) not in FREE and name not in self.parents]
        late = [self._beaten(name, leader, done) for name in paid if name in others]
        ended = [*filter(None, late), won]
        self.out |= {event.approach for event in ended}
        return ended

    def _side(self, name: str, done: int) -> str | None:
        """On which side of the least quality the approach is shown to lie, in words; None where that is open."""
        if self.min_quality is None:
            return ""
        hits = self._hits(name, done)
        seen = win_share(done - hits, hits, ALPHA / self.comparisons)
        if seen.low >= self.min_quality:
            return " and its quality is shown to reach the limit"
        return " and its quality is shown to be below the limit" if seen.high < self.min_quality else None

    @cached_property
    def _places(self) -> dict[str, int]:
        return {case: place for place, case in enumerate(self.order)}

    def _row(self, name: str) -> NDArray[np.int8]:
        return self.right.setdefault(name, np.full(len(self.order), -1, dtype=np.int8))

    def _hits(self, name: str, done: int) -> int:
        return int((self._row(name)[:done] == 1).sum())

    def _is_beaten(self, name: str, rival: str, done: int) -> bool:
        """Whether the rival is clearly better on the first `done` cases, all of which both answered."""
        own, other = self._row(name)[:done], self._row(rival)[:done]
        if name == rival or min(own.min(), other.min()) < 0:
            return False
        lost, won = self._lost_and_won(name, rival, done)
        clear = lost > won and lost - won >= self.margin * done
        return clear and is_settled(lost, won, ALPHA, self.comparisons)

    def _lost_and_won(self, name: str, rival: str, done: int) -> tuple[int, int]:
        own, other = self._row(name)[:done], self._row(rival)[:done]
        return int((other > own).sum()), int((own > other).sum())

    def _beaten(self, name: str, rival: str, done: int) -> StoppedEarly | None:
        """The event where the rival is clearly better and still in the contest."""
        if rival in self.out or not self._is_beaten(name, rival, done):
            return None
        lost, won = self._lost_and_won(name, rival, done)
        return StoppedEarly(
            approach=name,
            answered=done,
            total=len(self.order),
            rival=rival,
            reason=f"clearly worse than {rival}: {lost} of the {done} cases were right there alone, {won} here alone",
        )
