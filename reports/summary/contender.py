"""One approach of a run as the summary says it: quality, other metrics, latency, cost, training, counts.

contender(spec, store, table, views_of(table, by_metric, data), bill, traffic=traffic).quality.value
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from statistics import fmean, stdev

from reports import metrics
from reports.run.schema import ApproachSpec, DataFacts, Traffic
from reports.run.store import RunStore
from reports.statistics.outcomes import Outcomes
from reports.summary.estimates import estimate
from reports.summary.latency import latency_summary
from reports.summary.model import ApproachSummary, Estimate, SeedSummary, State
from reports.summary.money import Bill, cost_summary, mean
from reports.summary.table import ApproachRows, RunTable


@dataclass(frozen=True, eq=False)
class Views:
    """The run's scores as all approaches share them: what is resampled once serves every one of them."""

    by_metric: Mapping[str, Outcomes]
    """The primary metric is the first."""
    answered: Outcomes
    """The primary metric among the answers that came."""
    unleaked: Outcomes | None
    """The primary metric without the leaked cases; None where none leaked."""
    unleaked_near: Outcomes | None = None
    """The same without near copies too; None where there are none."""

    @property
    def primary(self) -> Outcomes:
        """The metric that decides, on all cases."""
        return next(iter(self.by_metric.values()))


def views_of(table: RunTable, by_metric: Mapping[str, Outcomes], data: DataFacts) -> Views:
    """The views of a run. Where nothing failed, the answers that came are all of them."""
    primary = next(iter(by_metric.values()))
    failures = any(primary.failures(name) for name in primary.names)

    def without(cases: Collection[str]) -> Outcomes | None:
        kept = [case not in cases for case in table.ids]
        return primary.subset(kept) if any(kept) and not all(kept) else None

    return Views(
        by_metric=by_metric,
        answered=primary.answered_only() if failures else primary,
        unleaked=without(set(data.leaked)),
        unleaked_near=without({*data.leaked, *data.leaked_near}) if data.leaked_near else None,
    )


def contender(
    spec: ApproachSpec, store: RunStore, table: RunTable, views: Views, bill: Bill | None, *, traffic: Traffic
) -> ApproachSummary:
    """Its summary. What depends on the other approaches is left to the caller."""
    row, run = table.rows[spec.name], store.header.spec
    measured = {name: measure(found, spec.name) for name, found in views.by_metric.items()}
    for name in sorted(row.scores):
        if name.startswith(metrics.RECALL):
            # a case without a gold passage, or whose answer failed before the search, says nothing of retrieval
            measured[name] = measure(table.outcomes(name, "bounded", run.seed).answered_only(), spec.name)
    return ApproachSummary(
        name=spec.name,
        kind=spec.kind,
        model=spec.model.id if spec.model else "",
        batch=spec.model is not None and spec.model.batch,
        state=_state(store, table, row),
        error=table.log.errors.get(spec.name, ""),
        stopped=_stopped(table, spec.name),
        settled=spec.name in table.log.stopped and table.log.stopped[spec.name].settled,
        quality=next(iter(measured.values())),
        quality_answered=measure(views.answered, spec.name),
        metrics=measured,
        latency=latency_summary(store.latency(spec.name)),
        cost=cost_summary(bill, traffic, spec.kind),
        training=store.training(spec.name),
        seeds=_seeds(views.primary, spec.name),
        statuses=dict(sorted(row.statuses.items())),
        cached=row.cached,
        prompt_tokens=mean(row.prompt_tokens),
        completion_tokens=mean(row.completion_tokens),
        seconds_per_answer=mean(row.seconds),
        passages=float(row.passages[row.answered].mean()) if row.passages.any() else None,
        without_leaks=measure(views.unleaked, spec.name) if views.unleaked else None,
        without_near_leaks=measure(views.unleaked_near, spec.name) if views.unleaked_near else None,
    )


def measure(outcomes: Outcomes, name: str) -> Estimate:
    """The metric of one approach; without a value where it has no scores."""
    if name not in outcomes.names:
        return Estimate(value=None)
    return estimate(outcomes.quality(name), outcomes.failures(name), outcomes.format_failures(name))


def _seeds(primary: Outcomes, name: str) -> SeedSummary | None:
    values = primary.trainings.get(name, ())
    return SeedSummary(values=values, mean=fmean(values), sd=stdev(values)) if values else None


def _stopped(table: RunTable, name: str) -> str:
    event = table.log.stopped.get(name)
    return f"stopped early after {event.answered:,} of {event.total:,} cases, {event.reason}" if event else ""


def _state(store: RunStore, table: RunTable, row: ApproachRows) -> State:
    if row.name in table.log.errors:
        return "failed"
    if row.name in table.log.stopped:
        return "stopped early"
    if not row.answered.any():
        return "not started"
    if row.asked.all() and (row.answered.all() or store.finished):
        return "complete"
    return "partial"
