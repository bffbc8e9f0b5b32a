"""The verdict in sentences for decision makers: the rule, the headline, the three numbers. Computes no verdict.

rule_words(evidence, decision, traffic); because(evidence, choice, traffic)
"""

from __future__ import annotations

from math import isnan

from reports import metrics, text
from reports.costs import CostEstimate
from reports.run.schema import Decision, Traffic
from reports.statistics import PairedResult
from reports.statistics.equivalence import ALPHA
from reports.text import Unit
from reports.verdict.choice import Choice, held_against
from reports.verdict.facts import Evidence
from reports.verdict.kinds import FLOOR


def called(name: str) -> str:
    """An approach's name as a sentence may hold it: foreign text, one short line."""
    return text.one_line(name, 60)


def points(value: float, unit: Unit) -> str:
    """A difference without its sign: '2 points', '0.31'."""
    if unit != "share":
        return text.significant(value)
    said = text.significant(100 * value).removesuffix(".0") if value else "0"
    return f"{said} {'point' if said == '1' else 'points'}"


def amount(n: int) -> str:
    """A number of cases to two digits where it is an extrapolation: '2,400'."""
    return text.significant(float(n), 2) if n >= 100 else f"{n}"


def horizon_words(traffic: Traffic) -> str:
    """'12 months'."""
    return f"{traffic.horizon_months:g} month{'' if traffic.horizon_months == 1 else 's'}"


def rule_words(evidence: Evidence, decision: Decision, traffic: Traffic) -> str:
    """The rule as the user set it, before the run."""
    return stated_rule(metrics.facts(evidence.outcomes.metric).title, evidence.unit, decision, traffic)


def stated_rule(title: str, unit: text.Unit, decision: Decision, traffic: Traffic) -> str:
    """The rule in words; `title` and `unit` are those of the metric that decides."""
    limits = []
    if decision.min_quality is not None:
        limits.append(f"{title} of at least {text.quality(decision.min_quality, unit=unit)}")
    if decision.max_p95_seconds is not None:
        limits.append(f"95 % of the answers within {text.seconds(decision.max_p95_seconds)}")
    if decision.monthly_budget_usd is not None:
        limits.append(f"at most {text.money(decision.monthly_budget_usd)} a month")
    first = f"Only approaches with {text.listed(limits)} count. Of them, " if limits else "Of all approaches, "
    volume = text.significant(traffic.queries_per_day, 3)
    return (
        f"{first}take the cheapest over {horizon_words(traffic)} at {volume} queries a day among those that may be the "
        f"best in {title}, or are shown to lie within "
        f"{points(decision.margin, unit)} of the best."
    )


def headline(evidence: Evidence, choice: Choice, decision: Decision) -> str:
    """One plain sentence: what to do, or why that cannot be said."""
    unit = evidence.unit
    if choice.approach is None:
        return _nothing(evidence, choice, decision)
    name = called(choice.approach)
    others = [other for other in choice.acceptable if other != choice.approach]
    if choice.kind == "existing system":
        if choice.approach == choice.best and not others:
            return f"Keep {name}, the system you have: it is shown to be the best of those that meet the rule."
        less = "" if choice.approach in choice.unpriced else " for less"
        return f"Keep {name}, the system you have: nothing that was tried is shown to serve you better{less}."
    start = f"Use {name} ({choice.kind})"
    if choice.approach == choice.best and not others:
        alone = len(choice.contenders) - len(choice.excluded) - len(choice.beaten_by_floor) == 1
        of_whom = " of those that meet the rule" if choice.excluded else ""
        return (
            f"{start}: it is the only approach that meets the rule."
            if alone
            else f"{start}: it is shown to be the best{of_whom}."
        )
    unpriced = choice.approach in choice.unpriced
    if choice.approach == choice.best:
        cheaper = "" if unpriced else ", and none as good is cheaper"
        return f"{start}: no other approach is shown to be better{cheaper}."
    which = "the simplest to build" if unpriced else "the cheapest"
    if choice.approach in choice.could_be_best:
        return f"{start}: no approach is shown to be better, and it is {which} of those that may be the best."
    assert choice.best is not None
    best = called(choice.best)
    gain = "simpler to build" if unpriced else "cheaper"
    return f"{start}: it is as good as {best} within {points(decision.margin, unit)}, and {gain}."


def _nothing(evidence: Evidence, choice: Choice, decision: Decision) -> str:
    """Why nothing is recommended."""
    unit = evidence.unit
    if not choice.contenders:
        if any(not isnan(evidence.outcomes.quality(name).value) for name in evidence.outcomes.names):
            return "Nothing can be said yet: only the trivial answer was scored, and it is no contender."
        return "Nothing can be said: no approach has a scored answer."
    leader = max(choice.contenders, key=lambda name: (choice.qualities[name].value, name))
    quality = choice.qualities[leader]
    stands = (
        f"{called(leader)} with {text.quality(quality.value, quality.low, quality.high, unit)} "
        f"({text.interval(quality.low, quality.high, unit)})"
    )
    if choice.kind == "pilot only":
        return f"Pilot only: {text.count(quality.n, 'case')} are too few for a verdict. So far {stands} leads."
    if choice.kind == "not shown":
        return f"Not shown: no approach is shown to beat the trivial answer. The highest estimate is {stands}."
    if choice.beaten_by_floor:
        return "None good enough: no approach is better than the trivial answer by more than the margin."
    if quality.value <= 0:
        return f"None good enough: no approach gave a single right answer in {text.count(quality.n, 'case')}."
    reasons = {item.name: item.reason for item in choice.excluded}
    return f"None good enough: every approach breaks a limit that you set. The best is {stands}: {reasons[leader]}."


def because(evidence: Evidence, choice: Choice, traffic: Traffic) -> tuple[str, ...]:
    """Three numbers: quality, the difference that matters, money."""
    if choice.approach is None:
        return _because_not(evidence, choice)
    unit, quality = evidence.unit, choice.qualities[choice.approach]
    title, name = metrics.facts(evidence.outcomes.metric).title, called(choice.approach)
    first = (
        f"{title} of {name} is {text.quality(quality.value, quality.low, quality.high, unit)} "
        f"({text.interval(quality.low, quality.high, unit)}, {text.count(quality.n, 'case')})."
    )
    return first, _difference(evidence, choice, traffic), _money(evidence, choice, traffic)


def _because_not(evidence: Evidence, choice: Choice) -> tuple[str, ...]:
    """Up to three estimates, the highest first."""
    unit = evidence.unit
    ranked = sorted(choice.contenders, key=lambda name: -choice.qualities[name].value)[:3]
    said = []
    for name in ranked:
        q = choice.qualities[name]
        said.append(
            f"{called(name)}: {text.quality(q.value, q.low, q.high, unit)} "
            f"({text.interval(q.low, q.high, unit)}, {text.count(q.n, 'case')})."
        )
    return tuple(said)


def rival(evidence: Evidence, choice: Choice, traffic: Traffic) -> str | None:
    """The approach that a sceptic would name: the leader, where it was not chosen; else the best cheaper one; else
    the best of the others; else the floor."""
    if choice.approach is None:
        return None
    if choice.best != choice.approach:
        return choice.best
    facts = {f.name: f for f in evidence.approaches}
    own = facts[choice.approach].cost

    def cheaper(name: str) -> bool:
        cost = facts[name].cost
        horizon = traffic.queries_per_day, traffic.horizon_months
        return (
            isinstance(own, CostEstimate)
            and isinstance(cost, CostEstimate)
            and cost.total(*horizon) < own.total(*horizon)
        )

    others = [name for name in choice.contenders if name != choice.approach]
    floors = [f.name for f in evidence.approaches if f.kind == FLOOR and f.name in evidence.outcomes.names]
    for candidates in ([name for name in others if cheaper(name)], others):
        if candidates:
            return max(candidates, key=lambda name: (choice.qualities[name].value, name))
    return floors[0] if floors else None


def _difference(evidence: Evidence, choice: Choice, traffic: Traffic) -> str:
    """The chosen one against its rival, in points with its interval and its word."""
    other = rival(evidence, choice, traffic)
    assert choice.approach is not None
    if other is None:
        return "There is nothing in the run to compare it with."
    result = evidence.outcomes.compare(other, choice.approach)
    unit, name = evidence.unit, called(other)
    said = text.difference(result.difference, result.low, result.high, unit)
    ends = text.interval(result.low, result.high, unit, signed=True)
    p, tested = _adjusted(evidence, choice, other)
    family = f", adjusted for {tested} comparisons" if tested > 1 else ""
    return f"Against {name} it differs by {said} ({ends}; {text.p_value(p)}{family}){_shown(result, p, unit)}."


def _adjusted(evidence: Evidence, choice: Choice, other: str) -> tuple[float, int]:
    """The p of the chosen one against this rival, after Holm over all it could have been held against, and how many:
    the rival is picked by its numbers."""
    assert choice.approach is not None
    found = held_against(evidence, choice.approach, tuple(dict.fromkeys((*choice.contenders, other))))[other]
    return found.p if found.p_adjusted is None else found.p_adjusted, found.family


def _shown(result: PairedResult, p: float, unit: Unit) -> str:
    """What interval and adjusted p together allow to say."""
    if p <= ALPHA and (result.low > 0 or result.high < 0):
        return ": a difference that is shown"
    reach = (
        ""
        if result.detectable is None
        else f"; {text.count(result.n, 'case')} could show {points(result.detectable, unit)}"
    )
    return ": a difference that is not shown" + reach


def _money(evidence: Evidence, choice: Choice, traffic: Traffic) -> str:
    """Total over the horizon, running and once."""
    cost = next(f.cost for f in evidence.approaches if f.name == choice.approach)
    if not isinstance(cost, CostEstimate):
        return f"What it costs is not known: there is no price for {cost.what} ({cost.hint})."
    total = cost.total(traffic.queries_per_day, traffic.horizon_months)
    return (
        f"It costs {text.money(total)} over {horizon_words(traffic)} at "
        f"{text.significant(traffic.queries_per_day, 3)} queries a day: {text.money(cost.one_off_usd)} once and "
        f"{text.money(cost.per_1000_usd)} for 1,000 answers."
    )
