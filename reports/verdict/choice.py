"""The rule itself: constraints, then the floor, then who may be best, then the cheapest. No sentences for readers.

choice = choose(evidence, decision, traffic); choice.approach; choice.acceptable; choice.excluded
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import inf, isnan

from reports import statistics, text
from reports.costs import CostEstimate
from reports.run.schema import Decision, Traffic
from reports.statistics import Interval, PairedResult
from reports.statistics.comparison import spoken
from reports.text import Unit
from reports.verdict.facts import ApproachFacts, Evidence, ThresholdKind, VerdictKind
from reports.verdict.kinds import FLOOR, effort, family


@dataclass(frozen=True)
class Exclusion:
    """An approach that breaks a constraint, and what would let it in."""

    name: str
    kind: ThresholdKind
    value: float
    """Its own figure: the constraint at which it would be let in."""
    reason: str


@dataclass(frozen=True)
class Choice:
    """What the rule came to."""

    kind: VerdictKind
    approach: str | None
    qualities: dict[str, Interval]
    contenders: tuple[str, ...]
    """Approaches with scores, the floor left out."""
    excluded: tuple[Exclusion, ...] = ()
    beaten_by_floor: tuple[str, ...] = ()
    """Eligible approaches that are not shown to beat the trivial answer."""
    could_be_best: tuple[str, ...] = ()
    """It misses the best one in at most 5 % of runs; others are shown to be worse than `best`, or equivalent."""
    best: str | None = None
    """The highest estimate among those that may be best."""
    acceptable: tuple[str, ...] = ()
    against_best: dict[str, PairedResult] = field(default_factory=dict)
    """Eligible approach to its comparison with the best (difference = it minus the best), Holm over all contenders."""
    unpriced: tuple[str, ...] = ()
    """Acceptable approaches whose cost is not known."""


def choose(evidence: Evidence, decision: Decision, traffic: Traffic) -> Choice:
    """Applies the rule. The same evidence gives the same choice; nothing is printed."""
    facts = {f.name: f for f in evidence.approaches}
    names = [f.name for f in evidence.approaches if f.name in evidence.outcomes.names and f.kind != FLOOR]
    qualities = {name: evidence.outcomes.quality(name) for name in names}
    contenders = tuple(name for name in names if not isnan(qualities[name].value))
    if not contenders:
        return Choice("not shown", None, qualities, contenders)
    broken = [_broken(facts[name], qualities[name], decision, traffic, evidence.unit) for name in contenders]
    excluded = tuple(item for item in broken if item is not None)
    if statistics.is_pilot(max(qualities[name].n for name in contenders)):
        return Choice("pilot only", None, qualities, contenders, excluded)
    if max(qualities[name].value for name in contenders) <= 0:  # of approaches that never succeed none is to be used
        return Choice("none good enough", None, qualities, contenders, excluded)
    barred = {item.name for item in excluded}
    eligible = [name for name in contenders if name not in barred]
    if not eligible:
        return Choice("none good enough", None, qualities, contenders, excluded)
    beaten, hopeless = _beaten_by_floor(evidence, eligible, decision.margin)
    standing = [name for name in eligible if name not in beaten]
    if not standing:
        kind: VerdictKind = "none good enough" if hopeless else "not shown"
        return Choice(kind, None, qualities, contenders, excluded, tuple(beaten))
    return _among(
        evidence, standing, decision, traffic, Choice("not shown", None, qualities, contenders, excluded, beaten)
    )


def _broken(
    facts: ApproachFacts, quality: Interval, decision: Decision, traffic: Traffic, unit: Unit
) -> Exclusion | None:
    """The first constraint that an approach breaks: quality, then seconds, then money."""
    if decision.min_quality is not None and quality.value < decision.min_quality:
        own, least = text.quality(quality.value, unit=unit), text.quality(decision.min_quality, unit=unit)
        reason = f"{own} is below the {least} that you ask for"
        return Exclusion(facts.name, "quality floor", quality.value, reason)
    seconds, limit = facts.p95_seconds, decision.max_p95_seconds
    if limit is not None and facts.batch:
        reason = f"its batch API answers within hours, not within {text.seconds(limit)}"
        return Exclusion(facts.name, "latency", inf, reason)
    if limit is not None and seconds is None and facts.p95_low_seconds is not None:
        seconds = facts.p95_low_seconds
    if limit is not None and seconds is not None and seconds > limit:
        reason = f"p95 of {text.seconds(seconds)} is above {text.seconds(limit)}"
        return Exclusion(facts.name, "latency", seconds, reason)
    if decision.monthly_budget_usd is not None and isinstance(facts.cost, CostEstimate):
        monthly = facts.cost.monthly(traffic.queries_per_day)
        if monthly > decision.monthly_budget_usd:
            reason = f"{text.money(monthly)} a month is above {text.money(decision.monthly_budget_usd)}"
            return Exclusion(facts.name, "budget", monthly, reason)
    return None


def _beaten_by_floor(evidence: Evidence, eligible: list[str], margin: float) -> tuple[tuple[str, ...], bool]:
    """Approaches not shown to beat the best trivial answer (Holm over them), and whether all are shown to be no better.

    Without a floor in the run nothing is beaten by it.
    """
    outcomes = evidence.outcomes
    floors = [f.name for f in evidence.approaches if f.kind == FLOOR and f.name in outcomes.names]
    if not floors:
        return (), False
    floor = max(floors, key=lambda name: outcomes.quality(name).value)
    results = outcomes.against(floor, eligible, margin)
    beaten = tuple(r.b for r in results if r.words != "better")
    return beaten, all(r.words in ("worse", "equivalent") for r in results)


def _among(evidence: Evidence, standing: list[str], decision: Decision, traffic: Traffic, so_far: Choice) -> Choice:
    """Who may be best, who is as good within the margin, and the cheapest of them."""
    facts = {f.name: f for f in evidence.approaches}
    running = [name for name in standing if not facts[name].stopped_early] or standing
    not_ruled_out = evidence.outcomes.could_be_best(running)
    best = max(not_ruled_out, key=lambda name: (so_far.qualities[name].value, name))
    # The family of the sentence that holds the best one against a rival, which may be any of them.
    tested = held_against(evidence, best, so_far.contenders, decision.margin)
    against = {name: tested[name] for name in standing if name != best}
    # The set looks at one side, the words at two: nobody is ruled out of whom "a difference is not shown" is said.
    unsaid = {name for name in running if name != best and against[name].words == "not shown"}
    best_set = tuple(name for name in running if name in not_ruled_out or name in unsaid)
    acceptable = tuple(
        name for name in standing if name in best_set or (name in against and against[name].words == "equivalent")
    )
    chosen = cheapest(evidence, acceptable, traffic, so_far.qualities)
    return Choice(
        kind=family(facts[chosen].kind),
        approach=chosen,
        qualities=so_far.qualities,
        contenders=so_far.contenders,
        excluded=so_far.excluded,
        beaten_by_floor=so_far.beaten_by_floor,
        could_be_best=best_set,
        best=best,
        acceptable=acceptable,
        against_best=against,
        unpriced=tuple(name for name in acceptable if not isinstance(facts[name].cost, CostEstimate)),
    )


def held_against(evidence: Evidence, one: str, names: Sequence[str], margin: float = 0.0) -> dict[str, PairedResult]:
    """`one` against each other of `names`, Holm over the contenders among them.

    A pair with the baseline was declared, whoever asks: its p is that of the declared family, as in the page's table.
    """
    trivial = {f.name for f in evidence.approaches if f.kind == FLOOR}

    def family_of(named: str) -> dict[str, PairedResult]:
        others = tuple(dict.fromkeys((*names, one)))
        return {r.b: r for r in evidence.outcomes.against(named, others, margin, trivial)}

    results, base = family_of(one), evidence.baseline
    if base in results:
        said = family_of(base)[one]
        results[base] = spoken(replace(results[base], p_adjusted=said.p_adjusted, family=said.family))
    return results


def cheapest(evidence: Evidence, names: tuple[str, ...], traffic: Traffic, qualities: dict[str, Interval]) -> str:
    """Lowest total over the horizon; the better one of two that cost the same. Unknown prices come last, the
    simplest to build first."""
    facts = {f.name: f for f in evidence.approaches}

    def rank(name: str) -> tuple[bool, float, float, str]:
        cost = facts[name].cost
        if isinstance(cost, CostEstimate):
            total = cost.total(traffic.queries_per_day, traffic.horizon_months)
            return False, round(total, 2), -qualities[name].value, name
        return True, float(effort(facts[name].kind)), -qualities[name].value, name

    return min(names, key=rank)
