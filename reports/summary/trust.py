"""What decides how far the numbers may be trusted: sample, failures, leaks, the demo model, an unfinished run.

trust(store, table, approaches, comparisons).detectable
"""

from __future__ import annotations

from collections.abc import Sequence

from reports.run.store import RunStore
from reports.summary.model import ApproachSummary, ComparisonSummary, Trust
from reports.summary.table import RunTable

PILOT_CASES = 50
"""Below this no verdict is given (evidence 5.4)."""


def trust(
    store: RunStore,
    table: RunTable,
    approaches: Sequence[ApproachSummary],
    comparisons: Sequence[ComparisonSummary],
) -> Trust:
    """The trust strip. Call it after everything else was read: `store.damaged` is complete then."""
    data = store.header.spec.data
    return Trust(
        cases=len(table.ids),
        asked=max((int(row.asked.sum()) for row in table.rows.values()), default=0),
        groups=data.groups,
        pilot=len(table.ids) < PILOT_CASES,
        demo_model=any(approach.model == "demo" for approach in approaches),
        finished=store.finished is not None,
        failed_answers=sum(approach.quality.failed for approach in approaches),
        leaked=len(data.leaked),
        leaked_near=len(data.leaked_near),
        findings=data.findings,
        broken_rows=data.broken_rows,
        notes=data.notes,
        warnings=table.log.warnings,
        damaged=tuple(sorted(store.damaged)),
        detectable=_between_the_best(approaches, comparisons),
    )


def _between_the_best(approaches: Sequence[ApproachSummary], comparisons: Sequence[ComparisonSummary]) -> float | None:
    """What can be detected between the two highest estimates: between others it may be far more or less."""
    scored = [a for a in approaches if a.quality.value is not None and a.kind != "floor"]
    best = {a.name for a in sorted(scored, key=lambda a: (-(a.quality.value or 0.0), a.name))[:2]}
    return next((c.detectable for c in comparisons if {c.a, c.b} == best), None)
