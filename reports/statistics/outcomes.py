"""Every approach on the same cases, and what can be asked of that table: quality, paired difference, the best set.

    outcomes = Outcomes(metric="accuracy", kind="binary", scores={"zero-shot": [1, 0, …], "rag": [1, 1, …]})
    outcomes.quality("rag"); outcomes.compare("zero-shot", "rag", margin=0.02); outcomes.could_be_best()

Rows of all arrays are the same cases in the same order. A failed answer is marked in `failed` and counts as wrong;
`answered_only()` gives the other reading. A case that an approach was never asked (stopped early) is NaN there.
Knows no run directory.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import compress
from typing import TypeVar, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reports.statistics import bounded, multiplicity, sets
from reports.statistics.clusters import clustered_mean, group_codes
from reports.statistics.comparison import compare, compare_sets, declared, spoken, usable_groups
from reports.statistics.proportions import clustered_wilson, t_value, wilson, z_value
from reports.statistics.resampling import Sample, default_resamples, mean_of_samples, mean_samples, resample_sums
from reports.statistics.results import Interval, PairedResult, ScoreKind
from reports.statistics.seeds import SeedNoise, widened, widened_difference
from reports.statistics.sequential import looked_at

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
T = TypeVar("T")

BINARY_METRICS = frozenset({"accuracy", "exact-match", "number", "contains", "regex", "json-valid"})


def score_kind(metric: str, scores: Sequence[float]) -> ScoreKind:
    """How a metric's scores behave: by its name, else by whether all of them are 0 or 1."""
    if metric in sets.SET_METRICS:
        return "set"
    if metric in BINARY_METRICS or all(score in (0.0, 1.0) for score in scores):
        return "binary"
    return "bounded"


@dataclass(frozen=True, eq=False)
class Outcomes:
    """Scores of one metric. For kind "set" the labels decide and `scores` says which cases were asked."""

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
    groups: Sequence[str] | Ints | None = None
    """Group of each case, None where there is no group column; kept as numbers, since only who shares one counts."""
    seed: int = 0
    stopped: frozenset[str] = frozenset()
    """Approaches that the stopping rule ended: comparisons with them are valid at any look."""
    trainings: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """The metric after each training of an approach that was trained with several seeds: see `averaged`."""
    repeated: Mapping[str, tuple[Sequence[str | None], ...]] = field(default_factory=dict)
    """For kind "set": what the metric read out of the answers of these trainings, all but the first."""
    ranks: Sequence[int] = ()
    """Place of each case in the order of the run; needed where an approach was stopped."""
    _samples: dict[str, Sample] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        """Arrays of one length. Raises ValueError where they are not, or where a set metric lacks its labels."""
        object.__setattr__(self, "scores", {k: np.asarray(v, dtype=float) for k, v in self.scores.items()})
        if self.groups is not None and not isinstance(self.groups, np.ndarray):  # names would be sorted at every look
            object.__setattr__(self, "groups", group_codes(self.groups)[0])
        lengths = {len(v) for v in self.scores.values()}
        lengths |= {len(v) for part in (self.failed, self.format_failed, self.predicted) for v in part.values()}
        lengths |= {len(self.groups)} if self.groups is not None else set()
        if len(lengths) > 1:
            raise ValueError(f"approaches differ in their number of cases: {sorted(lengths)}")
        if self.kind == "set" and (set(self.predicted) != set(self.scores) or len(self.expected) != self.cases):
            raise ValueError(f"{self.metric} needs predicted labels of every approach and all expected labels")

    @property
    def names(self) -> tuple[str, ...]:
        """The approaches, in the order given."""
        return tuple(self.scores)

    @property
    def cases(self) -> int:
        """Number of cases."""
        return len(next(iter(self.scores.values()), ()))

    @cached_property
    def n_clusters(self) -> int | None:
        """Number of groups where cases share one; None where every case stands alone."""
        usable = usable_groups(self.groups, self.cases)
        return None if usable is None else group_codes(usable)[1]

    def asked(self, *names: str) -> Bools:
        """Cases that all the named approaches were asked, mask of shape (n,)."""
        mask = np.ones(self.cases, dtype=bool)
        for name in names:
            mask &= ~np.isnan(self.scores[name])
        return mask

    def failures(self, name: str) -> int:
        """Number of answers that failed."""
        return int(np.sum(self.failed[name])) if name in self.failed else 0

    def format_failures(self, name: str) -> int:
        """Number of answers that came but could not be read as asked."""
        return int(np.sum(self.format_failed[name])) if name in self.format_failed else 0

    def answered_only(self) -> Outcomes:
        """The other reading of failures: failed answers count as not asked instead of wrong."""
        scores = {k: np.where(self.failed[k], np.nan, v) if k in self.failed else v for k, v in self.scores.items()}
        return replace(self, scores=scores, failed={})

    def subset(self, mask: ArrayLike) -> Outcomes:
        """The cases where `mask`, shape (n,), is true: a label, a language, short inputs."""
        keep = np.asarray(mask, dtype=bool)
        kept: list[bool] = keep.tolist()

        def pick(values: Sequence[T]) -> tuple[T, ...]:
            return tuple(compress(values, kept))

        return replace(
            self,
            scores={k: v[keep] for k, v in self.scores.items()},
            failed={k: np.asarray(v)[keep] for k, v in self.failed.items()},
            format_failed={k: np.asarray(v)[keep] for k, v in self.format_failed.items()},
            predicted={k: pick(v) for k, v in self.predicted.items()},
            repeated={k: tuple(map(pick, v)) for k, v in self.repeated.items()},
            expected=pick(self.expected) if len(self.expected) else (),
            groups=None if self.groups is None else np.asarray(self.groups)[keep],
            ranks=pick(self.ranks) if len(self.ranks) else (),
        )

    def only(self, names: Sequence[str]) -> Outcomes:
        """The table with some of its approaches."""

        def keep(part: Mapping[str, T]) -> dict[str, T]:
            return {k: part[k] for k in names if k in part}

        return replace(
            self,
            scores=keep(self.scores),
            failed=keep(self.failed),
            format_failed=keep(self.format_failed),
            predicted=keep(self.predicted),
            trainings=keep(self.trainings),
            repeated=keep(self.repeated),
        )

    def averaged(self, repeats: Mapping[str, Sequence[str]]) -> Outcomes:
        """Each approach named here as the mean over its trainings: its own and those of the approaches beside it.

        Scores are averaged case by case, so that differences stay paired; a metric of the whole set is averaged as a
        whole. Which answers failed is told of the first training alone.
        """
        every = {name: (name, *others) for name, others in repeats.items() if others}
        means = {name: np.mean([self.scores[each] for each in names], axis=0) for name, names in every.items()}
        return replace(
            self,
            scores={name: means.get(name, scores) for name, scores in self.scores.items()},
            trainings={name: tuple(self.quality(each).value for each in names) for name, names in every.items()},
            repeated={
                name: tuple(self.predicted[each] for each in names[1:] if each in self.predicted)
                for name, names in every.items()
            },
        )

    def seed_noise(self, name: str) -> SeedNoise:
        """What the approach's mean owes to its seeds: nothing for one that was not trained several times."""
        return SeedNoise.of(self.trainings.get(name, ()))

    def quality(self, name: str, level: float = 0.95) -> Interval:
        """The metric of one approach over the cases it was asked, with the default interval of its kind.

        Where several training seeds ran, it is their mean, and the interval holds for trainings with other seeds.
        """
        found, noise = self._quality(name, level), self.seed_noise(name)
        if not noise.variance:
            return found
        wide = widened(found, noise)
        return _inside(wide) if found.low >= 0 and found.high <= 1 else wide

    def _quality(self, name: str, level: float) -> Interval:
        view = self._asked_view(name)
        x = view.scores[name]
        groups = usable_groups(view.groups, len(x))
        if len(x) == 0:
            return Interval(float("nan"), 0.0, 1.0, 0, level, "nothing was scored")
        if self._right_or_wrong(x):
            return wilson(int(x.sum()), len(x), level) if groups is None else clustered_wilson(x, groups, level)
        if self.kind == "set":
            return _inside(_never_certain(view.sample(name).interval(level), len(x), level))
        if groups is not None:
            found = clustered_mean(x, groups, level)[0]
        else:
            found = bounded.mean_interval(x, level, view.sample(name))
        units = len(x) if view.n_clusters is None else view.n_clusters
        return _inside(_never_certain(found, units, level)) if x.min() >= 0 and x.max() <= 1 else found

    def compare(self, a: str, b: str, margin: float = 0.0) -> PairedResult:
        """B against A over the cases both were asked; unadjusted: see `against` for a family."""
        found, noise = self._compare(a, b, margin), self.seed_noise(a).plus(self.seed_noise(b))
        return spoken(widened_difference(found, noise)) if noise.variance else found

    def _compare(self, a: str, b: str, margin: float) -> PairedResult:
        view = self._asked_view(a, b)
        if view.cases == 0:
            return PairedResult(float("nan"), -1.0, 1.0, 1.0, 0, method="no common cases", a=a, b=b)
        if self.kind == "set":
            return compare_sets(
                cast(sets.SetMetric, self.metric),
                view.labels(a),
                view.labels(b),
                view.expected,
                view.groups,
                margin=margin,
                names=(a, b),
                samples=(view.sample(a), view.sample(b)),
            )
        scores = view.scores[a], view.scores[b]
        kind: ScoreKind = "binary" if all(map(self._right_or_wrong, scores)) else "bounded"
        plain_numbers = kind == "bounded" and view.n_clusters is None
        samples = (view.sample(a), view.sample(b)) if plain_numbers else None
        found = compare(*scores, view.groups, kind=kind, margin=margin, names=(a, b), samples=samples)
        if self.kind == "binary" and self.stopped & {a, b}:
            order = np.argsort(view.ranks)
            return spoken(looked_at(found, scores[0][order], scores[1][order]))
        return found

    def against(
        self,
        baseline: str,
        names: Sequence[str] | None = None,
        margin: float = 0.0,
        references: Collection[str] = (),
    ) -> tuple[PairedResult, ...]:
        """Every other approach against the baseline, Holm-adjusted over the contenders: see `declared`."""
        others = [name for name in (names if names is not None else self.names) if name != baseline]
        return tuple(declared({name: self.compare(baseline, name, margin) for name in others}, references).values())

    def could_be_best(self, names: Sequence[str] | None = None) -> tuple[str, ...]:
        """Approaches that the data cannot rule out as the best, over the cases all of them were asked."""
        chosen = tuple(names if names is not None else self.names)
        view = self._asked_view(*chosen)
        if len(chosen) < 2 or view.cases == 0:
            return chosen
        if self.kind == "set" or view.n_clusters is None:
            samples = [view.sample(name) for name in chosen]
            values, draws = np.array([s.value for s in samples]), np.column_stack([s.draws for s in samples])
        else:
            values, draws = view.only(chosen).group_draws()
        noisy = self.with_seed_noise(chosen, draws)
        return multiplicity.could_be_best(chosen, values, noisy, units=view.n_clusters or view.cases)

    def with_seed_noise(self, names: Sequence[str], draws: Floats) -> Floats:
        """Resampled means, shape (B, k), each as trainings with other seeds would have it."""
        noises = [self.seed_noise(name) for name in names]
        if not any(noise.variance for noise in noises):
            return draws
        # As much wider than normal noise as Student's t is, so that one draw of a heavy tail decides for nobody.
        sds = [
            noise.variance**0.5 * t_value(0.95, noise.df_with(items)) / z_value(0.95) if noise.variance else 0.0
            for noise, items in zip(noises, draws.var(axis=0).tolist(), strict=True)
        ]
        noisy: Floats = draws + np.random.default_rng(self.seed).normal(size=draws.shape) * np.array(sds)
        return noisy

    def labels(self, name: str) -> tuple[Sequence[str | None], ...]:
        """For kind "set": what was read out of the answers of each training, the first one's before the others'."""
        return self.predicted[name], *self.repeated.get(name, ())

    def _right_or_wrong(self, scores: Floats) -> bool:
        """True where all are 0 or 1: a mean over trainings of a binary metric need not be."""
        return self.kind == "binary" and bool(np.isin(scores, (0.0, 1.0)).all())

    def group_draws(self) -> tuple[Floats, Floats]:
        """Means, shape (k,), and joint resamples of them over whole groups, shape (B, k)."""
        codes, g = group_codes(cast(Ints, self.groups))
        columns = np.column_stack([*self.scores.values(), np.ones(self.cases)])
        sums = resample_sums(columns, codes, default_resamples(g), self.seed)
        return columns[:, :-1].mean(axis=0), sums[:, :-1] / sums[:, -1:]

    def sample(self, name: str) -> Sample:
        """The resampled metric of one approach that was asked every case; paired with those of the others. Cached."""
        if name not in self._samples:
            if self.kind == "set":
                groups = usable_groups(self.groups, self.cases)
                codes = None if groups is None else group_codes(groups)[0]
                metric = cast(sets.SetMetric, self.metric)
                self._samples[name] = mean_of_samples(
                    [sets.set_sample(metric, each, self.expected, codes, self.seed) for each in self.labels(name)]
                )
            else:
                complete = [key for key in self.names if self.asked(key).all()]
                columns = np.column_stack([self.scores[key] for key in complete])
                self._samples.update(zip(complete, mean_samples(columns, self.seed), strict=True))
        return self._samples[name]

    def _asked_view(self, *names: str) -> Outcomes:
        """This table, or the part of it that all the named approaches were asked."""
        mask = self.asked(*names)
        return self if mask.all() else self.subset(mask)


def _never_certain(interval: Interval, units: int, level: float) -> Interval:
    """Where all cases scored alike, resampling sees no spread: Wilson's bound of 0 in `units` may score otherwise."""
    if interval.high > interval.low:
        return interval
    others = wilson(0, units, level).high
    low, high = interval.value * (1 - others), interval.value + (1 - interval.value) * others
    return replace(interval, low=low, high=high, method="all alike")


def _inside(interval: Interval) -> Interval:
    """Ends kept within 0 and 1."""
    return replace(interval, low=max(0.0, interval.low), high=min(1.0, interval.high))
