"""One approach of a run as the summary says it: quality, other metrics, latency, cost, training, counts.

contender(spec, store, table, outcomes, bill).quality.value
"""

from __future__ import annotations

from collections.abc import Mapping

from reports import metrics
from reports.run.schema import ApproachSpec
from reports.run.store import RunStore
from reports.statistics.outcomes import Outcomes
from reports.summary.estimates import estimate
from reports.summary.latency import latency_summary
from reports.summary.model import ApproachSummary, Estimate, State
from reports.summary.money import Bill, cost_summary, mean
from reports.summary.table import ApproachRows, RunTable


def contender(
    spec: ApproachSpec, store: RunStore, table: RunTable, outcomes: Mapping[str, Outcomes], bill: Bill | None
) -> ApproachSummary:
    """Its summary; the first of the outcomes is the primary metric. What depends on others is left to the caller."""
    row, run = table.rows[spec.name], store.header.spec
    measured = {name: measure(found, spec.name) for name, found in outcomes.items()}
    for name in sorted(row.scores):
        if name.startswith(metrics.RECALL):
            measured[name] = measure(table.outcomes(name, "bounded", run.seed), spec.name)
    primary, ranked = next(iter(outcomes.items()))
    return ApproachSummary(
        name=spec.name,
        kind=spec.kind,
        model=spec.model.id if spec.model else "",
        state=_state(store, table, row),
        error=table.log.errors.get(spec.name, ""),
        quality=measured[primary],
        quality_answered=measure(ranked.answered_only(), spec.name),
        metrics=measured,
        latency=latency_summary(store.latency(spec.name)),
        cost=cost_summary(bill, run.traffic, spec.kind),
        training=store.training(spec.name),
        statuses=dict(sorted(row.statuses.items())),
        cached=row.cached,
        prompt_tokens=mean(row.prompt_tokens),
        completion_tokens=mean(row.completion_tokens),
        seconds_per_answer=mean(row.seconds),
        passages=float(row.passages[row.answered].mean()) if row.passages.any() else None,
        without_leaks=_without_leaks(ranked, spec.name, table, run.data.leaked),
    )


def measure(outcomes: Outcomes, name: str) -> Estimate:
    """The metric of one approach; without a value where it has no scores."""
    if name not in outcomes.names:
        return Estimate(value=None)
    return estimate(outcomes.quality(name), outcomes.failures(name), outcomes.format_failures(name))


def _without_leaks(outcomes: Outcomes, name: str, table: RunTable, leaked: tuple[str, ...]) -> Estimate | None:
    if not leaked or name not in outcomes.names:
        return None
    hidden = set(leaked)
    return measure(outcomes.subset([case not in hidden for case in table.ids]), name)


def _state(store: RunStore, table: RunTable, row: ApproachRows) -> State:
    if row.name in table.log.errors:
        return "failed"
    if not row.answered.any():
        return "not started"
    if row.asked.all() and (row.answered.all() or store.finished):
        return "complete"
    return "stopped early" if store.finished else "partial"
