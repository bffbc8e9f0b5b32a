"""Outcomes that compute each answer once: summary and verdict ask the same questions of one table many times.

table = Remembered(metric="accuracy", kind="binary", scores=…); table.compare("a", "b") is table.compare("a", "b")

1,000 cases and 8 approaches in 300 groups: summary and verdict take 0.4 s instead of 0.8, and a verdict under another
rule (see `reports.what_if`) a fraction of that.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from reports.statistics import multiplicity
from reports.statistics.comparison import spoken
from reports.statistics.outcomes import Floats, Outcomes
from reports.statistics.results import Interval, PairedResult


@dataclass(frozen=True, eq=False)
class Remembered(Outcomes):
    """The same results as `Outcomes`; its arrays must not be changed afterwards."""

    def quality(self, name: str, level: float = 0.95) -> Interval:
        """See `Outcomes`."""
        key = name, level
        if key not in self._intervals:
            self._intervals[key] = super().quality(name, level)
        return self._intervals[key]

    def compare(self, a: str, b: str, margin: float = 0.0) -> PairedResult:
        """See `Outcomes`. Another margin is another word for the same figures."""
        key = a, b, margin
        if key not in self._results:
            if (a, b) not in self._figures:
                self._figures[a, b] = super().compare(a, b, margin)
            self._results[key] = spoken(replace(self._figures[a, b], margin=margin))
        return self._results[key]

    def only(self, names: Sequence[str]) -> Outcomes:
        """See `Outcomes`. The same names give the same table, with what it remembers."""
        key = tuple(name for name in names if name in self.scores)
        if key == self.names:
            return self
        if key not in self._parts:
            self._parts[key] = super().only(key)
        return self._parts[key]

    def against(
        self,
        baseline: str,
        names: Sequence[str] | None = None,
        margin: float = 0.0,
        references: Collection[str] = (),
    ) -> tuple[PairedResult, ...]:
        """See `Outcomes`."""
        key = baseline, tuple(self.names if names is None else names), margin, frozenset(references)
        if key not in self._families:
            self._families[key] = super().against(baseline, names, margin, references)
        return self._families[key]

    def subset(self, mask: ArrayLike) -> Outcomes:
        """See `Outcomes`. The same cases give the same table, with what it remembers."""
        key = np.asarray(mask, dtype=bool).tobytes()
        if key not in self._cases:
            self._cases[key] = super().subset(mask)
        return self._cases[key]

    def could_be_best(self, names: Sequence[str] | None = None) -> tuple[str, ...]:
        """See `Outcomes`. Groups are drawn once for all approaches: a subset of them is a subset of the columns."""
        chosen = tuple(names if names is not None else self.names)
        if chosen not in self._best:
            self._best[chosen] = self._could_be_best(chosen)
        return self._best[chosen]

    def _could_be_best(self, chosen: tuple[str, ...]) -> tuple[str, ...]:
        grouped = self.kind != "set" and self.n_clusters is not None
        if len(chosen) < 2 or self.cases == 0 or not grouped or not self.asked(*chosen).all():
            return super().could_be_best(chosen)
        values, draws = self._draws
        columns = [self.names.index(name) for name in chosen]
        noisy = self.with_seed_noise(chosen, draws[:, columns])
        return multiplicity.could_be_best(chosen, values[columns], noisy, units=self.n_clusters)

    @cached_property
    def _intervals(self) -> dict[Hashable, Interval]:
        return {}

    @cached_property
    def _results(self) -> dict[Hashable, PairedResult]:
        return {}

    @cached_property
    def _figures(self) -> dict[tuple[str, str], PairedResult]:
        return {}

    @cached_property
    def _best(self) -> dict[tuple[str, ...], tuple[str, ...]]:
        return {}

    @cached_property
    def _parts(self) -> dict[tuple[str, ...], Outcomes]:
        return {}

    @cached_property
    def _families(self) -> dict[Hashable, tuple[PairedResult, ...]]:
        return {}

    @cached_property
    def _cases(self) -> dict[bytes, Outcomes]:
        return {}

    @cached_property
    def _draws(self) -> tuple[Floats, Floats]:
        return self.group_draws()
