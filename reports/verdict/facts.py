"""What a verdict is decided from, and what it is: plain typed values. Knows neither files nor how a run was made.

decide(Evidence(approaches=(…,), outcomes=outcomes), decision, traffic) -> Verdict
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from reports import metrics
from reports.costs import CostEstimate, PriceNeeded
from reports.statistics import Outcomes
from reports.text import Unit

VerdictKind = Literal[
    "prompting",
    "retrieval",
    "fine-tuning",
    "fine-tuning with retrieval",
    "classical",
    "existing system",
    "not shown",
    "none good enough",
    "pilot only",
]
ThresholdKind = Literal["volume", "margin", "price", "building", "cases", "quality floor", "latency", "budget"]


@dataclass(frozen=True)
class ApproachFacts:
    """One approach of the run, apart from its scores (those are in `Outcomes`, under the same name)."""

    name: str
    kind: str
    """The registered kind (`zero-shot`, `rag`, `qlora+rag`, …); `floor` is the trivial answer."""
    cost: CostEstimate | PriceNeeded
    p95_seconds: float | None = None
    """95th percentile of the latency pass; None where it was not measured."""
    p95_low_seconds: float | None = None
    p95_high_seconds: float | None = None
    """Upper end of its interval; None where too few requests were measured (below 72) for one."""
    model: str = ""
    """Id of the model it used; empty for approaches without one."""
    batch: bool = False
    """Its traffic goes through a batch API: answers come within hours, so no limit on seconds is kept."""
    seeds: int = 1
    """Number of training seeds behind a fine-tuned approach."""
    seed_sd: float | None = None
    """Standard deviation of its quality between seeds, where several ran."""
    train_examples: int | None = None
    """Labelled examples that it was trained on; None where it was not trained."""
    stopped_early: bool = False
    """Sequential stopping ended it as clearly worse: its estimate leans away from zero difference."""
    settled: bool = False
    """It led, and was ended because nothing was left to decide: it stands, and its estimate leans too."""


@dataclass(frozen=True)
class Evidence:
    """A finished run as the verdict sees it."""

    approaches: tuple[ApproachFacts, ...]
    outcomes: Outcomes
    """Scores of every approach on the same cases; failed answers marked, never dropped."""
    baseline: str | None = None
    """The approach that the run declared to hold the others against; None: no comparison was declared."""
    demo_model: bool = False
    leaked: int = 0
    """Eval cases whose input also stands in the training data."""
    leaked_near: int = 0
    """Further cases that stand there nearly word for word."""
    unleaked: Outcomes | None = None
    """The scores without the leaked cases; None where none leaked, and where no other case is left."""
    unleaked_near: Outcomes | None = None
    """The same without near copies too; None where there are none, and where no other case is left."""
    notes: tuple[str, ...] = ()
    """Further warnings that the reader must see, in plain words."""

    def over(self, outcomes: Outcomes) -> Evidence:
        """The same approaches by other scores: another reading of failures, fewer cases."""
        return replace(self, outcomes=outcomes)

    @property
    def unit(self) -> Unit:
        """Whether the metric is a share (read in percent and points) or another number."""
        return metrics.facts(self.outcomes.metric, self._ends).unit

    @property
    def span(self) -> float:
        """From the lowest score that was seen to the highest; 1 for shares."""
        return 1.0 if self.unit == "share" else max(self._ends, default=1.0) - min(self._ends, default=0.0)

    @property
    def _ends(self) -> list[float]:
        known = [scores[~np.isnan(scores)] for scores in self.outcomes.scores.values()]
        return [float(end) for part in known if len(part) for end in (part.min(), part.max())]


@dataclass(frozen=True)
class Threshold:
    """One thing that would change the verdict, with the computed value at which it does."""

    kind: ThresholdKind
    text: str
    """A sentence for a decision maker."""
    value: float
    unit: str
    """`queries per day`, `points`, `usd per 1000`, `usd once`, `cases`, `seconds`, `usd per month`, `score`."""
    approach: str | None = None
    """What would be recommended beyond it; None where nothing would be, or where that cannot be said."""
    becomes: str = ""
    """The verdict's kind beyond it."""
    now: float | None = None
    """The same thing today; None where there is no such limit, or it is not known."""


@dataclass(frozen=True)
class Verdict:
    """The recommendation. `approach` is None for kinds that recommend nothing."""

    kind: VerdictKind
    approach: str | None
    headline: str
    """One plain sentence: what to do, or why that cannot be said."""
    because: tuple[str, ...]
    """Three numbers, each in a sentence: quality, difference, money."""
    would_change_if: tuple[Threshold, ...]
    warnings: tuple[str, ...]
    rule: str
    """The rule as the user set it before the run, in words."""
    could_be_best: tuple[str, ...] = ()
    """Approaches that may be the best one, by the data, among those that meet the constraints."""
    acceptable: tuple[str, ...] = ()
    """Those, and what is equivalent to the best within the margin: the cheapest of them is recommended."""
    excluded: tuple[tuple[str, str], ...] = ()
    """Name of an approach and the constraint that it breaks."""
