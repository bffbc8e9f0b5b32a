"""One entry for "is B better than A on the same cases?": picks the default method and says the word. Arrays only.

    result = compare(a, b, kind="binary", margin=0.02)          # .difference .low .high .p .words
    results = adjust([compare(a, b), compare(a, c)])            # Holm over one family; words follow

| scores           | interval                          | p                                     |
|------------------|-----------------------------------|---------------------------------------|
| binary           | Bonett-Price, with Tango if rare  | mid-p McNemar                         |
| binary, groups   | the same x design effect, t(G+1)  | clustered t(G-1), never below mid-p   |
| bounded          | BCa and t (t below 15 cases)      | sign flips                            |
| bounded, groups  | clustered t(G-1)                  | clustered t(G-1)                      |
| set (macro-F1)   | joint bootstrap, BCa and t        | random swaps of the two predictions   |
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reports.statistics import bounded, paired, power
from reports.statistics.clusters import (
    clustered_mean,
    design_effect,
    group_codes,
    raw_design_effect,
    wider_quantile,
)
from reports.statistics.equivalence import words
from reports.statistics.multiplicity import holm
from reports.statistics.proportions import z_value
from reports.statistics.resampling import Sample, mean_of_samples
from reports.statistics.results import Interval, PairedResult, ScoreKind
from reports.statistics.sets import SetMetric, set_counts, set_sample, swap_p

Floats = NDArray[np.float64]
Groups = Sequence[str] | ArrayLike | None

FEW_DIFFERENCES = 5
"""With fewer cases that differ, resampling cannot see what is rare: the interval is widened by the rule of three."""
RARE_95, RARE_90 = 3.7, 3.0
"""-ln(0.025) and -ln(0.05): the rule of three at each tail of the 95 % and the 90 % interval."""


def compare(
    a: ArrayLike,
    b: ArrayLike,
    groups: Groups = None,
    *,
    kind: ScoreKind = "binary",
    margin: float = 0.0,
    names: tuple[str, str] = ("", ""),
    samples: tuple[Sample, Sample] | None = None,
    seed: int = 0,
) -> PairedResult:
    """B against A on the same cases, scores of shape (n,). For metrics of a whole set see `compare_sets`.

    `samples`: the resampled means of A and B, where the caller resampled several approaches together.

    Raises ValueError where the lengths differ, a score is not finite, or "binary" scores are not 0 and 1.
    """
    x, y = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if x.shape != y.shape or x.ndim != 1:
        raise ValueError(f"scores of shapes {x.shape} and {y.shape} do not pair")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ValueError("every score must be a finite number: leave out the cases that were not scored")
    clusters = usable_groups(groups, len(x))
    if kind == "binary":
        if not np.isin(np.concatenate([x, y]), (0.0, 1.0)).all():
            raise ValueError("binary scores must be 0 or 1")
        result = _compare_binary(x, y, clusters)
    elif kind == "bounded":
        result = _compare_bounded(x, y, clusters, samples, seed)
    else:
        raise ValueError("metrics of a whole set are compared by compare_sets()")
    return spoken(replace(result, margin=margin, a=names[0], b=names[1]))


def compare_sets(
    metric: SetMetric,
    a: Sequence[Sequence[str | None]],
    b: Sequence[Sequence[str | None]],
    expected: Sequence[str],
    groups: Groups = None,
    *,
    margin: float = 0.0,
    names: tuple[str, str] = ("", ""),
    samples: tuple[Sample, Sample] | None = None,
    seed: int = 0,
) -> PairedResult:
    """B against A by a metric of the whole set, both recomputed on the same resamples of cases or groups.

    `a`, `b`: predictions of each training, of shape (trainings, n); the metric is averaged over them. `samples`: those
    of A and B, where the caller has them already.
    """
    n = len(expected)
    clusters = usable_groups(groups, n)
    codes = None if clusters is None else group_codes(clusters)[0]
    if samples is None:
        first, second = ([set_sample(metric, each, expected, codes, seed) for each in side] for side in (a, b))
        samples = mean_of_samples(first), mean_of_samples(second)
    sample = samples[1].minus(samples[0])
    hits = [[[p == e for p, e in zip(each, expected, strict=True)] for each in side] for side in (a, b)]
    lead = np.mean(hits[1], axis=0) - np.mean(hits[0], axis=0)
    a_only, b_only = int(np.sum(lead < 0)), int(np.sum(lead > 0))
    differing = int(np.sum([len({*said}) > 1 for said in zip(*a, *b, strict=True)]))
    wide, narrow = (
        _rare(sample.interval(level), differing, n, cases) for level, cases in ((0.95, RARE_95), (0.90, RARE_90))
    )
    counts_a, counts_b = ([set_counts(metric, each, expected) for each in side] for side in (a, b))
    result = PairedResult(
        difference=sample.value,
        low=wide.low,
        high=wide.high,
        p=swap_p(counts_a, counts_b, codes, seed),
        n=n,
        a_only=a_only,
        b_only=b_only,
        discordance=(a_only + b_only) / n if n else 0.0,
        n_clusters=sample.clusters,
        method=f"swaps, {metric} by joint bootstrap",
        low90=narrow.low,
        high90=narrow.high,
        detectable=power.detectable_mean(1, sample.standard_error()),
        margin=margin,
        a=names[0],
        b=names[1],
    )
    return spoken(result)


def usable_groups(groups: Groups, n: int) -> Sequence[str] | ArrayLike | None:
    """The groups where cases share one, None where there are none or every case stands alone."""
    if groups is None:
        return None
    _, g = group_codes(groups)
    return None if g == n else groups


def _compare_binary(x: Floats, y: Floats, groups: Any) -> PairedResult:
    """Counts to Bonett-Price and mid-p; groups inflate the one and replace the other."""
    n = len(x)
    b, c = int(np.sum((x == 1) & (y == 0))), int(np.sum((x == 0) & (y == 1)))
    p, effect, clusters = paired.mcnemar_midp(b, c), 1.0, None
    interval = "Bonett-Price" if b + c >= paired.ENOUGH_DISCORDANT else "Bonett-Price and Tango"
    method = f"mid-p McNemar, {interval}"
    if groups is not None:
        codes, clusters = group_codes(groups)
        if clusters < 2:
            return _undecided(x, y, clusters)
        # one success and one failure are added as groups of their own, so that the effect exists without discordance
        padded, padded_codes = np.append(y - x, [1.0, -1.0]), np.append(codes, [clusters, clusters + 1])
        effect = raw_design_effect(padded, padded_codes)
        p = max(p, clustered_mean(y - x, groups)[2])
        method = f"clustered t, {interval} with design effect"
    ends = []
    for level in (0.95, 0.90):
        inflation, quantile = (1.0, z_value(level)) if clusters is None else wider_quantile(effect, clusters + 2, level)
        ends.append(paired.paired_interval(n, b, c, level, inflation=inflation, quantile=quantile))
    wide, narrow = ends
    smoothed, spread = (b + c + 1) / (n + 2), max(1.0, effect)
    return PairedResult(
        difference=wide.value,
        low=wide.low,
        high=wide.high,
        p=p,
        n=n,
        a_only=b,
        b_only=c,
        discordance=(b + c) / n if n else 0.0,
        n_clusters=clusters,
        method=method,
        low90=narrow.low,
        high90=narrow.high,
        margin90=paired.margin_ends(n, b, c, inflation=inflation, quantile=quantile),
        p_exact=paired.mcnemar_exact(b, c) if groups is None else None,
        probability_better=paired.probability_better(b, c) if groups is None else None,
        detectable=power.detectable_difference(n, smoothed, design_effect=spread)
        or power.detectable_one_sided(n, design_effect=spread)
        if n
        else None,
    )


def _compare_bounded(
    x: Floats, y: Floats, groups: Any, samples: tuple[Sample, Sample] | None, seed: int
) -> PairedResult:
    """Numbers: BCa and sign flips, or the clustered t."""
    d = y - x
    n = len(d)
    clusters = None
    if groups is None:
        sample = None if samples is None else samples[1].minus(samples[0])
        wide, narrow = (bounded.mean_interval(d, level, sample, seed) for level in (0.95, 0.90))
        p, method = bounded.sign_flip(d, seed=seed), f"sign flips, {wide.method}"
        effect = 1.0
    else:
        clusters = group_codes(groups)[1]
        if clusters < 2:
            return _undecided(x, y, clusters)
        (wide, _, p), (narrow, _, _) = clustered_mean(d, groups, 0.95), clustered_mean(d, groups, 0.90)
        method, effect = wide.method, design_effect(d, groups)
    differing, span = int(np.count_nonzero(d)), max(1.0, float(np.ptp(np.concatenate([x, y]))) if n else 1.0)
    wide, narrow = _rare(wide, differing, n, RARE_95, span), _rare(narrow, differing, n, RARE_90, span)
    return PairedResult(
        difference=wide.value,
        low=wide.low,
        high=wide.high,
        p=p,
        n=n,
        a_only=int(np.sum(d < 0)),
        b_only=int(np.sum(d > 0)),
        discordance=float(np.mean(d != 0)) if n else 0.0,
        n_clusters=clusters,
        method=method,
        low90=narrow.low,
        high90=narrow.high,
        detectable=power.detectable_mean(n, float(d.std(ddof=1)), design_effect=effect) if n > 1 else None,
    )


def _rare(interval: Interval, differing: int, n: int, cases: float, span: float = 1.0) -> Interval:
    """Widened where hardly any of n cases differs: zero in n does not exclude `cases` / n that differ by `span`."""
    if differing >= FEW_DIFFERENCES or n == 0:
        return interval
    extra = cases / n * span
    low, high = min(interval.low, interval.value - extra), max(interval.high, interval.value + extra)
    return replace(interval, low=low, high=high)


def _undecided(x: Floats, y: Floats, clusters: int) -> PairedResult:
    """All cases in one group: a difference, and nothing known of its error."""
    span = max(1.0, float(np.ptp(np.concatenate([x, y]))))
    difference = float((y - x).mean())
    return PairedResult(
        difference, -span, span, 1.0, len(x), n_clusters=clusters, method="one group only", low90=-span, high90=span
    )


def spoken(result: PairedResult) -> PairedResult:
    """The result with its word: by the adjusted p where there is one, and by its margin."""
    p = result.p if result.p_adjusted is None else result.p_adjusted
    word = words(p, (result.low, result.high), result.ends90, result.margin)
    return replace(result, words=word)


def adjust(results: Sequence[PairedResult]) -> tuple[PairedResult, ...]:
    """Holm over one family of comparisons; words follow."""
    adjusted = holm([result.p for result in results])
    return tuple(spoken(replace(r, p_adjusted=p, family=len(results))) for r, p in zip(results, adjusted, strict=True))


def declared(results: Mapping[str, PairedResult], references: Collection[str] = ()) -> dict[str, PairedResult]:
    """One comparison a contender, Holm over them: k contenders against one of them are k-1 comparisons (evidence 1.6).

    `references` are no contenders (the trivial answer, what broke off, what did not move): their comparison is kept
    as it is, and no other p pays for it. Nor does one without a common case count.
    """
    members = [name for name, result in results.items() if name not in references and result.n]
    return {**results, **dict(zip(members, adjust([results[name] for name in members]), strict=True))}
