"""What each approach of a run costs: measured tokens and seconds handed to `reports.costs`, its answer to the summary.

bills = bills_of(header, table, trainings, search_seconds(store)); cost_summary(bills["rag"], traffic).per_1000_usd
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from reports import costs, text
from reports.costs import CostEstimate, PriceNeeded, QualityGap, Usage, break_even, estimate_cost, simulate
from reports.costs.estimate import DAYS_PER_MONTH, CostPart
from reports.run.schema import ApproachSpec, RunHeader, Traffic, TrainingRecord, is_endpoint
from reports.run.store import RunStore
from reports.statistics.outcomes import Floats
from reports.summary.bill import BreakEven, CostLine, CostSummary
from reports.summary.model import ApproachSummary, ComparisonSummary
from reports.summary.table import ApproachRows, RunTable

Bill = CostEstimate | PriceNeeded
LEARNS_FROM_ALL = ("classifier", "knn-few-shot", "qlora", "qlora+rag")
"""Kinds that use every training example; few-shot ones need only their shots."""
RETRIEVES = ("knn-few-shot", "rag", "rag+few-shot")
"""Kinds that embed each question and search for it before the model is asked."""


def bills_of(
    header: RunHeader,
    table: RunTable,
    trainings: Mapping[str, TrainingRecord | None],
    searches: Mapping[str, Sequence[float]] | None = None,
) -> dict[str, Bill]:
    """Approach to its bill at the prices of the day the run started; `searches`: see `search_seconds`."""
    bills = {}
    for spec in header.spec.approaches:
        if spec.name in table.rows:
            prepared = table.log.prepared.get(spec.name, 0.0)
            used = usage(header, spec, table.rows[spec.name], prepared, trainings.get(spec.name))
            used = replace(used, cards=table.log.cards.get(spec.name, 1))
            if _searches(spec):
                seconds = np.array((searches or {}).get(spec.name, ()), dtype=float)
                used = replace(used, searches=True, seconds_per_answer=mean(seconds), seconds_error=_error(seconds))
            bills[spec.name] = estimate_cost(used, header.spec.prices, header.started[:10])
    return bills


def usage(
    header: RunHeader, spec: ApproachSpec, row: ApproachRows, prepared: float, training: TrainingRecord | None
) -> Usage:
    """What the approach took. Tokens are means over all answers: one from the cache would have taken as many.

    `prepared`: seconds until it could answer, its training included. Seconds of a remote model's requests are not
    ours to pay.
    """
    remote = is_endpoint(spec.model)
    trained = training.seconds if training else 0.0
    return Usage(
        kind=spec.kind,
        name=spec.name,
        model=spec.model,
        device=header.environment.device,
        task_type=header.spec.task.type,
        prompt_tokens=mean(row.prompt_tokens),
        cached_prompt_tokens=row.cached_prompt_tokens / max(int(row.answered.sum()), 1),
        completion_tokens=mean(row.completion_tokens),
        seconds_per_answer=None if remote else mean(row.seconds),
        prompt_tokens_error=_error(row.prompt_tokens),
        completion_tokens_error=_error(row.completion_tokens),
        seconds_error=0.0 if remote else _error(row.seconds),
        preparation_seconds=max(0.0, prepared - trained),
        training_seconds=trained,
        labels=_labels(header, spec, training),
        usage_estimated=row.usage_estimated,
    )


def search_seconds(store: RunStore) -> dict[str, list[float]]:
    """Approach with retrieval and an API model to what embedding and search took of each warm request made alone.

    Their answers record the seconds of the endpoint's request only; the latency pass tells the time before it apart.
    """
    return {
        spec.name: [
            sample.before_seconds
            for sample in store.latency(spec.name)
            if sample.phase == "warm" and sample.concurrency == 1 and sample.before_seconds is not None
        ]
        for spec in store.header.spec.approaches
        if _searches(spec)
    }


def _searches(spec: ApproachSpec) -> bool:
    return is_endpoint(spec.model) and spec.kind in RETRIEVES


def cost_summary(bill: Bill | None, traffic: Traffic, kind: str) -> CostSummary:
    """The bill at the project's traffic and horizon; an unknown price is named, never guessed."""
    if bill is None:
        return CostSummary(missing="nothing was measured")
    if kind == "recorded":
        return CostSummary(missing="what the recorded system costs is not known here")
    if isinstance(bill, PriceNeeded):
        return CostSummary(missing=f"no price for {bill.what}: {bill.hint}")
    low, high = bill.per_query_low_usd, bill.per_query_high_usd
    return CostSummary(
        per_1000_usd=bill.per_1000_usd,
        per_1000_low_usd=None if low is None else 1000 * low,
        per_1000_high_usd=None if high is None else 1000 * high,
        one_off_usd=bill.one_off_usd,
        one_off_low_usd=bill.one_off_low_usd,
        one_off_high_usd=bill.one_off_high_usd,
        monthly_usd=bill.monthly(traffic.queries_per_day),
        monthly_fixed_usd=bill.monthly_fixed_usd,
        total_usd=bill.total(traffic.queries_per_day, traffic.horizon_months),
        lines=tuple(map(_line, bill.lines())),
        sources=bill.sources,
        warnings=bill.warnings,
    )


def _line(part: CostPart) -> CostLine:
    by = 1000 if part.scope == "query" else 1
    return CostLine(
        scope=part.scope,
        driver=part.driver,
        what=part.what,
        usd=by * part.usd,
        low_usd=by * part.low,
        high_usd=by * part.high,
        assumed=part.assumed,
    )


def undominated(approaches: Sequence[ApproachSummary]) -> set[str]:
    """Contenders (without the floor) that no other one beats on quality and running cost together."""
    known = [
        (a.name, a.quality.value, a.cost.per_1000_usd)
        for a in approaches
        if a.kind != "floor" and a.quality.value is not None and a.cost.per_1000_usd is not None
    ]
    return {
        name
        for name, value, cost in known
        if not any(v >= value and c <= cost and (v, c) != (value, cost) for _, v, c in known)
    }


def break_evens(
    bills: Mapping[str, Bill],
    pairs: Sequence[tuple[str, str]],
    comparisons: Sequence[ComparisonSummary],
    traffic: Traffic,
    error_usd: float | None,
) -> tuple[BreakEven, ...]:
    """Where the totals of two approaches meet, for the named pairs whose prices are known, with 5 to 95 % ranges."""
    found = []
    for a, b in pairs:
        first, second = bills.get(a), bills.get(b)
        if isinstance(first, CostEstimate) and isinstance(second, CostEstimate):
            gap = _quality_gap(a, b, comparisons, error_usd)
            found.append(_break_even((a, b), first, second, traffic, gap))
    return tuple(found)


def _break_even(
    pair: tuple[str, str], first: CostEstimate, second: CostEstimate, traffic: Traffic, gap: QualityGap | None
) -> BreakEven:
    a, b = pair
    exact = break_even(first, second, traffic.horizon_months)
    drawn = simulate(first, second, traffic.queries_per_day, traffic.horizon_months)
    worth = simulate(first, second, traffic.queries_per_day, traffic.horizon_months, gap) if gap else None
    days = traffic.horizon_months * DAYS_PER_MONTH
    low, high = (drawn.queries.low / days, drawn.queries.high / days) if drawn.queries else (None, None)
    return BreakEven(
        a=a,
        b=b,
        queries=exact.queries,
        queries_per_day=exact.queries_per_day,
        queries_per_day_low=low,
        queries_per_day_high=high,
        days=drawn.days.median if drawn.days else None,
        days_low=drawn.days.low if drawn.days else None,
        days_high=drawn.days.high if drawn.days else None,
        probability_b_cheaper=drawn.probability_b_cheaper,
        probability_b_cheaper_with_errors=worth.probability_b_cheaper if worth else None,
        drivers=tuple(driver.name for driver in (worth or drawn).drivers),
        text=_sentence(a, b, exact, 1 - drawn.no_break_even, (low, high)),
    )


def _sentence(a: str, b: str, exact: costs.BreakEven, meet: float, ends: tuple[float | None, float | None]) -> str:
    """Who is cheaper where, by the typical prices, and how far the drawn ones agree: `meet`, the share that has a
    break-even, and `ends`, 5 and 95 % of them in answers a day."""
    names = {"a": text.one_line(a, 60), "b": text.one_line(b, 60)}
    if exact.queries_per_day is not None:
        below, above = ("a", "b") if exact.cheaper_above == "b" else ("b", "a")
        least, most = ends
        span = f" (5 to 95 %: {text.significant(least)} to {text.significant(most)})" if least and most else ""
        said = f"{text.significant(exact.queries_per_day)} answers a day{span}"
        always = "" if meet > 0.95 else f" In {text.quality(round(1 - meet, 2))} of the draws they do not meet."
        return f"{names[below]} is cheaper below {said}, {names[above]} above.{always}"
    if exact.always == "equal":
        return f"{names['a']} and {names['b']} cost the same."
    winner, other = (names["a"], names["b"]) if exact.always == "a" else (names["b"], names["a"])
    if meet < 0.05:
        return f"No break-even: {winner} is cheaper than {other} at any volume."
    share = text.quality(round(meet, 2))
    return f"At typical prices {winner} is cheaper than {other} at any volume; in {share} of the draws they meet."


def _quality_gap(
    a: str, b: str, comparisons: Sequence[ComparisonSummary], error_usd: float | None
) -> QualityGap | None:
    if not error_usd:
        return None
    for c in comparisons:
        if (c.a, c.b) == (a, b):
            return QualityGap(c.difference, c.low, c.high, error_usd)
        if (c.a, c.b) == (b, a):
            return QualityGap(-c.difference, -c.high, -c.low, error_usd)
    return None


def _labels(header: RunHeader, spec: ApproachSpec, training: TrainingRecord | None) -> int:
    if training:
        return training.examples + training.validation_examples
    if spec.kind in LEARNS_FROM_ALL:
        return header.spec.data.train_examples
    shots = spec.options.get("shots", 0) if "few-shot" in spec.kind else 0
    return shots if isinstance(shots, int) else 0


def _error(values: Floats) -> float:
    """Standard error of the mean of what is known; 0 where it cannot be told."""
    known = values[~np.isnan(values)]
    return float(known.std(ddof=1)) / len(known) ** 0.5 if len(known) > 1 else 0.0


def mean(values: Floats) -> float | None:
    """Mean of what is known; None where nothing is."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else None
