"""Stored run to Summary. Reads a run, decides nothing itself: numbers come from statistics, costs and verdict.

summarise(RunStore.open(folder))
"""

from __future__ import annotations

import math
from collections.abc import Collection

import numpy as np

from reports import metrics
from reports.run.schema import ApproachSpec, RunSpec
from reports.run.store import RunStore
from reports.statistics.outcomes import Outcomes
from reports.statistics.results import PairedResult
from reports.summary.estimates import estimate
from reports.summary.latency import latency_summary
from reports.summary.model import (
    ApproachSummary,
    ComparisonSummary,
    Estimate,
    MetricSummary,
    Slice,
    State,
    Summary,
    VerdictSummary,
)
from reports.summary.money import bills_of, break_evens, cost_summary, mean, undominated
from reports.summary.slicing import dimensions, find_slices
from reports.summary.table import ApproachRows, RunTable, read_table
from reports.summary.trust import trust

SIMPLE_FIRST = (
    "zero-shot",
    "few-shot",
    "knn-few-shot",
    "rag",
    "rag+few-shot",
    "classifier",
    "recorded",
    "qlora",
    "qlora+rag",
)
"""From the least to the most upkeep: the first one that ran is the baseline where the project names none."""


def summarise(store: RunStore) -> Summary:
    """Everything that can be said about the run, finished or not. The same stored run gives the same summary.

    Raises DataError where the run's own files are gone or broken.
    """
    table = read_table(store)
    spec = store.header.spec
    found = [_metric(name, table) for name in spec.metrics]
    primary = found[0]
    outcomes = {metric.name: table.outcomes(metric.name, metric.kind, spec.seed) for metric in found}
    ranked = outcomes[primary.name]
    baseline = choose_baseline(spec, ranked)
    skipped = tuple(item for item in table.log.skipped if not _ran(table, item.name))
    contenders = [item for item in spec.approaches if item.name not in {s.name for s in skipped}]
    floors = {item.name for item in contenders if item.kind == "floor"}
    comparisons = compare_all(ranked, baseline, spec.decision.margin, floors)
    trainings = {item.name: store.training(item.name) for item in contenders}
    bills = bills_of(store.header, table, trainings)
    approaches = tuple(
        _approach(item, store, table, outcomes).model_copy(
            update={
                "training": trainings[item.name],
                "cost": cost_summary(bills.get(item.name), spec.traffic, item.kind),
            }
        )
        for item in contenders
    )
    front = undominated(approaches)
    approaches = tuple(a.model_copy(update={"undominated": a.name in front}) for a in approaches)
    pairs = [(baseline, a.name) for a in approaches if baseline and a.name != baseline and a.name not in floors]
    finished = store.finished
    return Summary(
        run=store.header.run,
        header=store.header,
        seconds=finished.seconds if finished else None,
        metrics=tuple(found),
        baseline=baseline,
        approaches=approaches,
        skipped=skipped,
        comparisons=comparisons,
        break_even=break_evens(bills, pairs, comparisons, spec.traffic, spec.decision.error_cost_usd),
        verdict=VerdictSummary(kind="not shown"),
        slices=_slices(table, ranked, baseline, approaches, spec),
        prior=store.prior,
        trust=trust(store, table, approaches, comparisons),
    )


def choose_baseline(spec: RunSpec, outcomes: Outcomes) -> str | None:
    """The approach the project names, else the simplest one with scores that is not the floor; None without any."""
    if spec.decision.baseline in outcomes.names:
        return spec.decision.baseline
    kinds = {item.name: item.kind for item in spec.approaches}
    order = {kind: i for i, kind in enumerate(SIMPLE_FIRST)}
    ran = [name for name in outcomes.names if kinds[name] != "floor"] or list(outcomes.names)
    return min(ran, key=lambda name: order.get(kinds[name], len(order)), default=None)


def compare_all(
    outcomes: Outcomes, baseline: str | None, margin: float, trivial: Collection[str] = ()
) -> tuple[ComparisonSummary, ...]:
    """Every approach against the baseline, Holm-adjusted: declared before the run. Then every other pair without the
    trivial ones, unadjusted and marked as exploratory (Holm serves decisions, looking around is labelled as such)."""
    if baseline is None:
        return ()
    others = [name for name in outcomes.names if name != baseline and outcomes.asked(name, baseline).any()]
    primary = [_comparison(result, True) for result in outcomes.against(baseline, others, margin)]
    rivals = [name for name in others if name not in trivial]
    pairs = [(a, b) for i, a in enumerate(rivals) for b in rivals[i + 1 :] if outcomes.asked(a, b).any()]
    return (*primary, *(_comparison(outcomes.compare(a, b, margin), False) for a, b in pairs))


def _slices(
    table: RunTable,
    outcomes: Outcomes,
    baseline: str | None,
    approaches: tuple[ApproachSummary, ...],
    spec: RunSpec,
) -> tuple[Slice, ...]:
    """The best approach against the baseline (or the runner-up against it) in every slice; sets have no slices by
    label, where a macro mean would be of one label."""
    scored = [a for a in approaches if a.quality.value is not None and a.name != baseline and a.kind != "floor"]
    leader = max(scored, key=lambda a: (a.quality.value or 0.0, a.name), default=None)
    if baseline is None or leader is None:
        return ()
    labels = outcomes.expected if spec.task.type == "classification" and outcomes.kind == "binary" else None
    by = dimensions(table.questions, labels)
    return find_slices(outcomes, by, baseline, leader.name, spec.decision.margin)


def _metric(name: str, table: RunTable) -> MetricSummary:
    values = {
        float(value)
        for row in table.rows.values()
        if name in row.scores
        for value in np.unique(row.scores[name].values)
        if not math.isnan(value)
    }
    facts = metrics.facts(name, values)
    return MetricSummary(name=name, title=facts.title, kind=facts.kind, unit=facts.unit, definition=facts.definition)


def _ran(table: RunTable, name: str) -> bool:
    return name in table.rows and bool(table.rows[name].answered.any())


def _comparison(result: PairedResult, primary: bool) -> ComparisonSummary:
    finite = math.isfinite(result.low90) and math.isfinite(result.high90)
    return ComparisonSummary(
        a=result.a,
        b=result.b,
        difference=result.difference,
        low=result.low,
        high=result.high,
        p=result.p,
        p_adjusted=result.p_adjusted if primary else None,
        n=result.n,
        a_only=result.a_only,
        b_only=result.b_only,
        words=result.words,
        primary=primary,
        margin=result.margin,
        low90=result.low90 if finite else None,
        high90=result.high90 if finite else None,
        discordance=result.discordance,
        detectable=result.detectable,
        probability_better=result.probability_better,
        clusters=result.n_clusters,
        method=result.method,
    )


def _approach(spec: ApproachSpec, store: RunStore, table: RunTable, outcomes: dict[str, Outcomes]) -> ApproachSummary:
    row = table.rows[spec.name]
    measured = {name: _estimate_of(found, spec.name) for name, found in outcomes.items()}
    for name in sorted(row.scores):
        if name.startswith(metrics.RECALL):
            measured[name] = _estimate_of(table.outcomes(name, "bounded", store.header.spec.seed), spec.name)
    primary = next(iter(outcomes))
    ranked = outcomes[primary]
    return ApproachSummary(
        name=spec.name,
        kind=spec.kind,
        model=spec.model.id if spec.model else "",
        state=_state(store, table, row),
        error=table.log.errors.get(spec.name, ""),
        quality=measured[primary],
        quality_answered=_estimate_of(ranked.answered_only(), spec.name),
        metrics=measured,
        latency=latency_summary(store.latency(spec.name)),
        statuses=dict(sorted(row.statuses.items())),
        cached=row.cached,
        prompt_tokens=mean(row.prompt_tokens),
        completion_tokens=mean(row.completion_tokens),
        seconds_per_answer=mean(row.seconds),
        passages=float(row.passages[row.answered].mean()) if row.passages.any() else None,
        without_leaks=_without_leaks(ranked, spec.name, table, store.header.spec.data.leaked),
    )


def _estimate_of(outcomes: Outcomes, name: str) -> Estimate:
    if name not in outcomes.names:
        return Estimate(value=None)
    return estimate(outcomes.quality(name), outcomes.failures(name), outcomes.format_failures(name))


def _without_leaks(outcomes: Outcomes, name: str, table: RunTable, leaked: tuple[str, ...]) -> Estimate | None:
    if not leaked or name not in outcomes.names:
        return None
    hidden = set(leaked)
    return _estimate_of(outcomes.subset([case not in hidden for case in table.ids]), name)


def _state(store: RunStore, table: RunTable, row: ApproachRows) -> State:
    if row.name in table.log.errors:
        return "failed"
    if not row.answered.any():
        return "not started"
    if row.asked.all() and (row.answered.all() or store.finished):
        return "complete"
    return "stopped early" if store.finished else "partial"
