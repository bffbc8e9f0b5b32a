"""What would change the verdict: each value is exact, and what it would then be is the rule's own answer.

thresholds(evidence, choice, decision, traffic)[0].text        # 'From 3,400 queries a day (now 1,000): use qlora.'

Every dial is turned alone and the whole rule is asked again behind each edge (`reports.verdict.turning`): limits,
margin, volume, running and building costs. Where no dial alone helps, the limits that stand in the way are named
together. The nearest comes first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property, partial
from math import inf, isfinite
from typing import Literal

from reports.costs import DAYS_PER_MONTH, CostEstimate, break_even
from reports.run.schema import Decision, Traffic
from reports.verdict import dials
from reports.verdict.choice import Choice, choose
from reports.verdict.facts import Evidence, Threshold, ThresholdKind
from reports.verdict.kinds import FLOOR
from reports.verdict.more_cases import more_cases
from reports.verdict.turning import Rule, Turn, nearest, nearness, outcome, turn_at

Part = Literal["running", "building", "all"]
PARTS: tuple[Part, ...] = ("running", "building")
FARTHEST = 100
"""A dial that would have to be turned by more than so many times is left out: nobody plans for that."""
WIDEST = 0.25
"""A wider margin, as a share of the metric's spread, would say that quality hardly matters: left out."""
LEAST_BUDGET = 1.0
"""Dollars a month; where no budget is set, a smaller one is not worth saying."""


def thresholds(evidence: Evidence, choice: Choice, decision: Decision, traffic: Traffic) -> tuple[Threshold, ...]:
    """Everything that would change the verdict, the nearest first."""
    if not choice.contenders:
        return ()
    found = list(more_cases(evidence, choice, decision, traffic))
    if choice.kind != "pilot only":
        asked = _Asked(evidence, choice, decision, traffic)
        found += [*asked.volume(), *asked.margin(), *asked.limits(), *asked.prices()]
        if not any(threshold.kind in dials.LIMITS for threshold in found):
            found += asked.limits_together()
    return tuple(sorted(found, key=lambda threshold: nearness(threshold.now, threshold.value)))


class _Asked:
    """One verdict, and the rule under other values of its dials."""

    def __init__(self, evidence: Evidence, choice: Choice, decision: Decision, traffic: Traffic) -> None:
        self.evidence, self.choice, self.decision, self.traffic = evidence, choice, decision, traffic
        self.facts = {f.name: f for f in evidence.approaches}

    # --- the rule as a function of one dial -----------------------------------------------------------

    def _under(self, dial: str, value: float) -> Choice:
        return choose(self.evidence, self.decision.model_copy(update={dial: value}), self.traffic)

    def _at_volume(self, value: float) -> Choice:
        return choose(self.evidence, self.decision, self.traffic.model_copy(update={"queries_per_day": value}))

    def _with_cost(self, name: str, part: Part, value: float) -> Choice:
        match part:
            case "running":
                cost = replace(self._prices[name], per_query_usd=value)
            case "building":
                cost = replace(self._prices[name], one_off_usd=value)
            case "all":
                cost = CostEstimate(0.0, monthly_fixed_usd=value)
        changed = replace(self.facts[name], cost=cost)
        approaches = tuple(changed if f.name == name else f for f in self.evidence.approaches)
        return choose(replace(self.evidence, approaches=approaches), self.decision, self.traffic)

    @cached_property
    def _prices(self) -> dict[str, CostEstimate]:
        """Of the contenders."""
        costs = {name: self.facts[name].cost for name in self.choice.contenders}
        return {name: cost for name, cost in costs.items() if isinstance(cost, CostEstimate)}

    def _total(self, name: str) -> float:
        return self._prices[name].total(self.traffic.queries_per_day, self.traffic.horizon_months)

    # --- the dials ------------------------------------------------------------------------------------

    def limits(self) -> Iterator[Threshold]:
        """Softer and harder limits. Where none is set, only one that would name another approach is worth saying."""
        for kind, dial in dials.LIMITS.items():
            own = {name: self._measured(kind, name) for name in self.choice.contenders}
            edges = [value for value in own.values() if value is not None]
            now = getattr(self.decision, dial.key)
            at = now if now is not None else (-inf if dial.least else inf)
            for up in (True, False):
                turn = nearest(partial(self._under, dial.key), self.choice, at, edges, up=up, digits=dial.digits)
                if turn is not None and (now is not None or self._worth_saying(kind, turn, own)):
                    yield self._said(kind, turn, dial.said(turn, now, self.evidence.unit), dial.unit, now)

    def _worth_saying(self, kind: ThresholdKind, turn: Turn, own: Mapping[str, float | None]) -> bool:
        """Of a limit that is not set: it must name an approach that is known to keep it. Any limit on seconds at all
        shuts out what answers by batch, so no value of it is where the verdict turns."""
        if kind == "latency" and any(self.facts[name].batch for name in self.choice.contenders):
            return False
        known = turn.then.approach is not None and own[turn.then.approach] is not None
        return known and (kind != "budget" or turn.value >= LEAST_BUDGET)

    def limits_together(self) -> Iterator[Threshold]:
        """Where several limits stand in the way of the approach that comes nearest: all of them at once."""
        options = []
        for name in self.choice.contenders if self.choice.approach is None else ():
            own = {kind: self._measured(kind, name) for kind in dials.LIMITS}
            broken = {
                kind: value
                for kind, value in own.items()
                if value is not None and dials.breaks(kind, value, self.decision)
            }
            softer = {dials.LIMITS[kind].key: value for kind, value in broken.items()}
            then = choose(self.evidence, self.decision.model_copy(update=softer), self.traffic)
            if len(broken) > 1 and then.approach is not None:
                far = max(nearness(getattr(self.decision, dials.LIMITS[k].key), v) for k, v in broken.items())
                options.append((far, name, broken, then))
        if options:
            _, _, broken, then = min(options, key=lambda option: option[:2])
            first = next(iter(broken))
            said = dials.together(broken, self.decision, self.evidence.unit)
            turn = Turn(broken[first], not dials.LIMITS[first].least, then, broken[first], 2)
            now = getattr(self.decision, dials.LIMITS[first].key)
            yield self._said(first, turn, said, dials.LIMITS[first].unit, now)

    def _measured(self, kind: ThresholdKind, name: str) -> float | None:
        """What the approach has of the thing that a limit is set on; None where that is not known."""
        facts = self.facts[name]
        if kind == "quality floor":
            return self.choice.qualities[name].value
        if kind == "latency" and facts.batch:
            return None
        if kind == "latency":
            return facts.p95_seconds if facts.p95_seconds is not None else facts.p95_low_seconds
        return self._prices[name].monthly(self.traffic.queries_per_day) if name in self._prices else None

    def volume(self) -> Iterator[Threshold]:
        """The nearest traffic above and below today's at which the rule names another approach."""
        names, months = list(self._prices), self.traffic.horizon_months
        meets = [
            break_even(self._prices[a], self._prices[b], months).queries_per_day
            for i, a in enumerate(names)
            for b in names[i + 1 :]
        ]
        edges = [met for met in meets if met is not None and met > 0]
        budget = self.decision.monthly_budget_usd
        if budget is not None:
            costs = [cost for cost in self._prices.values() if cost.per_query_usd > 0]
            edges += [(budget - c.monthly_fixed_usd) / (c.per_query_usd * DAYS_PER_MONTH) for c in costs]
        now = self.traffic.queries_per_day
        for up in (True, False):
            turn = nearest(self._at_volume, self.choice, now, [e for e in edges if e > 0], up=up)
            if turn is not None and nearness(now, turn.value) <= FARTHEST:
                yield self._said("volume", turn, dials.volume(turn, now), "queries per day", now)

    def margin(self) -> Iterator[Threshold]:
        """The margin below which the chosen one is no longer as good, or from which a cheaper one is good enough."""
        now, unit = self.decision.margin, self.evidence.unit
        for up in (True, False):
            turn = self._margin_turn(up)
            if turn is not None:
                said = dials.margin(turn, now, unit)
                yield self._said("margin", turn, said, "points" if unit == "share" else "score", now)

    def _margin_turn(self, up: bool) -> Turn | None:
        """Edge by edge: another margin may let others stand against the trivial answer, and so change the best."""
        rule: Rule = partial(self._under, "margin")
        at, here = self.decision.margin, self.choice
        most = WIDEST * self.evidence.span
        for _ in range(len(self.facts) ** 2):
            edges = [edge for edge in self._margin_edges(here) if (at < edge <= most if up else 0 < edge < at)]
            if not edges:
                return None
            at = min(edges) if up else max(edges)
            here = rule(at * (1 + 1e-9 if up else 1 - 1e-9))
            if outcome(here) != outcome(self.choice):
                return turn_at(rule, at, here, up=up)
        return None

    def _margin_edges(self, choice: Choice) -> list[float]:
        """Margins at which one of the comparisons that the rule looks at turns to `equivalent` or from it."""
        outcomes, barred = self.evidence.outcomes, {item.name for item in choice.excluded}
        eligible = [name for name in choice.contenders if name not in barred]
        needed = [result.margin_needed for result in choice.against_best.values()]
        floors = [f.name for f in self.evidence.approaches if f.kind == FLOOR and f.name in outcomes.names]
        if floors:
            floor = max(floors, key=lambda name: outcomes.quality(name).value)
            needed += [outcomes.compare(floor, name, self.decision.margin).margin_needed for name in eligible]
        return [value for value in needed if isfinite(value)]

    def prices(self) -> Iterator[Threshold]:
        """What the chosen approach may cost at most, and what the nearest other one would have to cost."""
        chosen = self.choice.approach
        if chosen not in self._prices:
            return
        yield from (found for part in PARTS if (found := self._dearer(chosen, part)))
        rivals = [name for name in self.choice.acceptable if name in self._prices and name != chosen]
        offers = [found for name in rivals for part in PARTS if (found := self._cheaper(name, part))]
        if offers:
            yield min(offers, key=lambda offer: nearness(offer.now, offer.value))
        for name in self.choice.unpriced:
            edges = [self._total(chosen) / self.traffic.horizon_months]
            edges += [edge for edge in (self.decision.monthly_budget_usd,) if edge is not None]
            turn = nearest(partial(self._with_cost, name, "all"), self.choice, inf, edges, up=False, digits=3)
            if turn is not None and turn.then.approach == name:
                yield self._said("price", turn, dials.unknown_price(name, turn), "usd per month", None)

    def _dearer(self, chosen: str, part: Part) -> Threshold | None:
        """From which cost on the chosen one is not chosen any more."""
        now, edges = self._now(chosen, part), self._edges(chosen, part)
        turn = nearest(partial(self._with_cost, chosen, part), self.choice, now, edges, up=True, digits=3)
        return None if turn is None or nearness(now, turn.value) > FARTHEST else self._priced(part, chosen, turn, now)

    def _cheaper(self, name: str, part: Part) -> Threshold | None:
        """Up to which cost another acceptable approach would be chosen; None where it would have to cost nothing."""
        now, edges = self._now(name, part), [edge for edge in self._edges(name, part) if edge > 0]
        turn = nearest(partial(self._with_cost, name, part), self.choice, now, edges, up=False, digits=3)
        return None if turn is None or turn.then.approach != name else self._priced(part, name, turn, now)

    def _now(self, name: str, part: Part) -> float:
        return self._prices[name].per_query_usd if part == "running" else self._prices[name].one_off_usd

    def _edges(self, name: str, part: Part) -> list[float]:
        """Values of one price of an approach at which it costs as much as another one, or meets the budget."""
        a_day, own = self.traffic.queries_per_day, self._total(name)
        gaps = [self._total(other) - own for other in self._prices if other != name]
        if part == "building":
            return [self._now(name, part) + gap for gap in gaps]
        queries = a_day * self.traffic.horizon_months * DAYS_PER_MONTH
        edges = [self._now(name, part) + gap / queries for gap in gaps]
        budget = self.decision.monthly_budget_usd
        if budget is not None:
            edges.append((budget - self._prices[name].monthly_fixed_usd) / (a_day * DAYS_PER_MONTH))
        return edges

    def _priced(self, part: Part, name: str, turn: Turn, now: float) -> Threshold:
        if part == "building":
            return self._said("building", turn, dials.building(name, turn, now), "usd once", now)
        found = self._said("price", turn, dials.price(name, turn, now), "usd per 1000", 1000 * now)
        return replace(found, value=1000 * turn.value)

    def _said(self, kind: ThresholdKind, turn: Turn, said: str, unit: str, now: float | None) -> Threshold:
        then = turn.then
        unknown = kind in dials.LIMITS and then.approach is not None and self._measured(kind, then.approach) is None
        doubt = f", whose {dials.LIMITS[kind].lacking} is not known" if unknown else ""
        return Threshold(kind, f"{said}: {dials.then(then)}{doubt}.", turn.value, unit, then.approach, then.kind, now)
