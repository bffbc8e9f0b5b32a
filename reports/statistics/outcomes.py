"""Every approach on the same cases, and what can be asked of that table: quality, paired difference, the best set.

    outcomes = Outcomes(metric="accuracy", kind="binary", scores={"zero-shot": [1, 0, …], "rag": [1, 1, …]})
    outcomes.quality("rag"); outcomes.compare("zero-shot", "rag", margin=0.02); outcomes.could_be_best()

Rows of all arrays are the same cases in the same order. A failed answer is marked in `failed` and counts as wrong;
`answered_only()` gives the other reading. A case that an approach was never asked (stopped early) is NaN there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from reports.statistics.results import ScoreKind

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Outcomes:
    """Scores of one metric. For kind "set" the labels decide and `scores` holds per-case hits for the counts only."""

    metric: str
    kind: ScoreKind
    scores: Mapping[str, Floats]
    """Approach to its scores, shape (n,): 0 where the answer failed, NaN where the case was not asked."""
    failed: Mapping[str, Bools] = field(default_factory=dict)
    """Approach to a mask, shape (n,): the answer failed (error, timeout, refusal)."""
    format_failed: Mapping[str, Bools] = field(default_factory=dict)
    """Approach to a mask, shape (n,): an answer came, but could not be read as asked."""
    predicted: Mapping[str, Sequence[str | None]] = field(default_factory=dict)
    """For kind "set": what the metric read out of each answer, None where nothing; labels joined by '|'."""
    expected: Sequence[str] = ()
    groups: Sequence[str] | None = None
    """Group of each case, None where there is no group column."""

    # Written next (names and results are settled):
    #   answered_only() -> Outcomes                          failed answers become "not asked"
    #   subset(mask) -> Outcomes                             a slice: one label, one language, short inputs
    #   quality(name, level=0.95) -> Interval
    #   compare(a, b, margin=0.0) -> PairedResult            B minus A; see statistics.adjust() for Holm
    #   against(baseline, names=None, margin=0.0) -> tuple[PairedResult, ...]     Holm-adjusted family, words set
    #   could_be_best(names=None) -> tuple[str, ...]         max-t bootstrap, joint over cases or groups
