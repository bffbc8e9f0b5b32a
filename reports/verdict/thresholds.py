"""What would change the verdict: volume, margin, price, more cases, a softer constraint; each value is computed.

thresholds(evidence, choice, decision, traffic)[0].text
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil, isfinite

from reports import statistics, text
from reports.costs import DAYS_PER_MONTH, CostEstimate, break_even
from reports.run.schema import Decision, Traffic
from reports.verdict.choice import Choice, choose
from reports.verdict.facts import Evidence, Threshold
from reports.verdict.wording import amount, called, horizon_words, points

MOST_CASES = 100
"""More than so many times the cases of this run are not asked for."""
RELAXED = 3
"""Excluded approaches that are tried again under a softer constraint."""


def thresholds(evidence: Evidence, choice: Choice, decision: Decision, traffic: Traffic) -> tuple[Threshold, ...]:
    """In the order a decision maker asks: volume, price, margin, more cases, constraints."""
    found = [
        *_volume(evidence, choice, traffic),
        *_price(evidence, choice, traffic),
        *_margin(evidence, choice, decision, traffic),
        *_cases(evidence, choice),
        *_constraints(evidence, choice, decision, traffic),
    ]
    return tuple(found)


def _priced(evidence: Evidence) -> dict[str, CostEstimate]:
    return {f.name: f.cost for f in evidence.approaches if isinstance(f.cost, CostEstimate)}


def _volume(evidence: Evidence, choice: Choice, traffic: Traffic) -> Iterator[Threshold]:
    """The nearest traffic below and above today's at which another acceptable approach becomes the cheapest."""
    prices = _priced(evidence)
    if choice.approach not in prices:
        return
    own, today = prices[choice.approach], traffic.queries_per_day
    crossings = []
    for name in choice.acceptable:
        if name != choice.approach and name in prices:
            met = break_even(own, prices[name], traffic.horizon_months).queries_per_day
            if met is not None:
                crossings.append((met, name))
    below = max(((v, name) for v, name in crossings if v < today), default=None)
    above = min(((v, name) for v, name in crossings if v > today), default=None)
    for side, word in ((above, "Above"), (below, "Below")):
        if side is not None:
            value, name = side
            traffics = f"{text.significant(value)} queries a day (now {text.significant(today)})"
            said = f"{word} {traffics} {called(name)} is cheaper."
            yield Threshold("volume", said, value, "queries per day", name)


def _price(evidence: Evidence, choice: Choice, traffic: Traffic) -> Iterator[Threshold]:
    """The running cost of the chosen approach at which the next cheapest acceptable one costs as little."""
    prices = _priced(evidence)
    if choice.approach not in prices:
        return
    own = prices[choice.approach]
    rivals = [
        (prices[name].total(traffic.queries_per_day, traffic.horizon_months), name)
        for name in choice.acceptable
        if name != choice.approach and name in prices
    ]
    if not rivals:
        return
    total, name = min(rivals)
    queries = traffic.queries_per_day * traffic.horizon_months * DAYS_PER_MONTH
    fixed = own.one_off_usd + traffic.horizon_months * own.monthly_fixed_usd
    per_1000 = 1000 * (total - fixed) / queries
    if per_1000 > own.per_1000_usd:
        said = (
            f"If 1,000 answers of {called(choice.approach)} cost more than {text.money(per_1000)} "
            f"(now {text.money(own.per_1000_usd)}), {called(name)} is cheaper."
        )
        yield Threshold("price", said, per_1000, "usd per 1000", name)


def _margin(evidence: Evidence, choice: Choice, decision: Decision, traffic: Traffic) -> Iterator[Threshold]:
    """The margin below which the chosen one is no longer as good, or from which a cheaper one is good enough."""
    if choice.approach is None:
        return
    unit = evidence.unit
    if choice.approach not in choice.could_be_best:
        needed = choice.against_best[choice.approach].margin_needed
        said = (
            f"With a margin under {points(needed, unit)} (now {points(decision.margin, unit)}) "
            f"{called(choice.approach)} no longer counts as good as {called(choice.best or '')}."
        )
        yield Threshold("margin", said, needed, "points" if unit == "share" else "score", None)
        return
    prices = _priced(evidence)
    if choice.approach not in prices:
        return
    horizon = traffic.queries_per_day, traffic.horizon_months
    own = prices[choice.approach].total(*horizon)
    offers = [
        (result.margin_needed, name)
        for name, result in choice.against_best.items()
        if name not in choice.acceptable and name in prices and prices[name].total(*horizon) < own
    ]
    offers = [(needed, name) for needed, name in offers if isfinite(needed) and needed > decision.margin]
    if offers:
        needed, name = min(offers)
        saved = own - prices[name].total(*horizon)
        said = (
            f"If differences of up to {points(needed, unit)} did not matter (now {points(decision.margin, unit)}), "
            f"{called(name)} would do, for {text.money(saved)} less over {horizon_words(traffic)}."
        )
        yield Threshold("margin", said, needed, "points" if unit == "share" else "score", name)


def _cases(evidence: Evidence, choice: Choice) -> Iterator[Threshold]:
    """Cases at which the lead that was seen would be shown, for the leader that was not chosen.

    By the formula for pairs at the discordance seen; for other scores and for groups a detectable difference shrinks
    with the root of the cases: n' = n (detectable / seen)^2.
    """
    if choice.approach is None or choice.best is None or choice.best == choice.approach:
        return
    result = choice.against_best[choice.approach]
    if result.detectable is None or result.difference == 0 or choice.approach not in choice.could_be_best:
        return
    lead = abs(result.difference)
    if evidence.outcomes.kind == "binary" and result.n_clusters is None and result.discordance is not None:
        needed = statistics.cases_for(lead, max(lead, result.discordance))
    else:
        needed = ceil(result.n * (result.detectable / lead) ** 2)
    if not result.n < needed <= MOST_CASES * result.n:
        return
    said = (
        f"About {amount(needed)} cases (now {amount(result.n)}) would show a lead as large as the "
        f"{points(lead, evidence.unit)} that {called(choice.best)} had here; then it would be named."
    )
    yield Threshold("cases", said, float(needed), "cases", choice.best)


def _constraints(evidence: Evidence, choice: Choice, decision: Decision, traffic: Traffic) -> Iterator[Threshold]:
    """Softer constraints that change what is recommended: each is tried through the whole rule."""
    unit = evidence.unit
    named_already = {choice.approach}
    nearest = sorted(choice.excluded, key=lambda item: -choice.qualities[item.name].value)[:RELAXED]
    for item in nearest:
        change = {
            "quality floor": {"min_quality": item.value},
            "latency": {"max_p95_seconds": item.value},
            "budget": {"monthly_budget_usd": item.value},
        }[item.kind]
        again = choose(evidence, decision.model_copy(update=change), traffic)
        if again.approach is None or again.approach in named_already:
            continue
        named_already.add(again.approach)
        named = called(again.approach)
        if item.kind == "quality floor":
            said = f"If {text.quality(item.value, unit=unit)} were enough, {named} would be recommended."
        elif item.kind == "latency":
            said = f"If a p95 of {text.seconds(item.value)} were allowed, {named} would be recommended."
        else:
            said = f"With {text.money(item.value)} a month {named} would be recommended."
        units = {"quality floor": "score", "latency": "seconds", "budget": "usd per month"}
        yield Threshold(item.kind, said, item.value, units[item.kind], again.approach)
