"""How many more cases would settle it, if what was seen is true: a forecast with 80 % power, never a promise.

more_cases(evidence, choice, decision, traffic)[0].text

With ever more cases every estimate becomes a fact: what is then within the margin of the best is as good, and the
cheapest of those is named. Where that is not today's verdict, the cases are counted that it takes to show it.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

from reports import statistics
from reports.run.schema import Decision, Traffic
from reports.statistics import PairedResult
from reports.verdict.choice import Choice, cheapest
from reports.verdict.facts import Evidence, Threshold
from reports.verdict.kinds import FLOOR, family
from reports.verdict.wording import amount, called

MOST_CASES = 100
"""More than so many times the cases of this run are not asked for."""
POWERED_90 = (1.6449 + 0.8416) / 1.6449
"""What the half-width of a 90 % interval must fall to a share of, for an equivalence to be shown with 80 % power."""


def more_cases(evidence: Evidence, choice: Choice, decision: Decision, traffic: Traffic) -> Iterator[Threshold]:
    """The least for any verdict, then the cases that would name another approach than today's."""
    n = max(choice.qualities[name].n for name in choice.contenders)
    if choice.kind == "pilot only":
        least = statistics.PILOT_BELOW
        said = f"With {least} cases or more (now {amount(n)}): a verdict, instead of none."
        yield Threshold("cases", said, float(least), "cases", None, "not shown", float(n))
    final = _final(evidence, choice, decision, traffic)
    if final is None or final == choice.approach:
        return
    needed = [_needed(evidence, result, gap) for result, gap in _to_show(evidence, choice, decision, traffic, final)]
    counted = [value for value in needed if value is not None]
    if not counted or len(counted) < len(needed) or not n < max(counted) <= MOST_CASES * n:
        return
    most = max(counted)
    said = (
        f"About {amount(most)} cases (now {amount(n)}) would settle it, if these estimates hold: "
        f"{'keep' if _kind(evidence, final) == 'recorded' else 'use'} {called(final)}."
    )
    kind = family(_kind(evidence, final))
    yield Threshold("cases", said, float(most), "cases", final, kind, float(n))


def _kind(evidence: Evidence, name: str) -> str:
    return next(f.kind for f in evidence.approaches if f.name == name)


def _floor(evidence: Evidence) -> str | None:
    floors = [f.name for f in evidence.approaches if f.kind == FLOOR and f.name in evidence.outcomes.names]
    return max(floors, key=lambda name: evidence.outcomes.quality(name).value, default=None)


def _as_good(evidence: Evidence, choice: Choice, decision: Decision) -> tuple[str | None, tuple[str, ...]]:
    """The best estimate, and what lies within the margin of it, among those that would stand."""
    barred = {item.name for item in choice.excluded}
    values = {name: choice.qualities[name].value for name in choice.contenders if name not in barred}
    floor = _floor(evidence)
    if floor is not None:
        trivial = evidence.outcomes.quality(floor).value
        values = {name: value for name, value in values.items() if value - trivial > decision.margin}
    if not values:
        return None, ()
    best = max(values, key=lambda name: (values[name], name))
    return best, tuple(name for name in values if name == best or values[best] - values[name] < decision.margin)


def _final(evidence: Evidence, choice: Choice, decision: Decision, traffic: Traffic) -> str | None:
    """Whom the rule would name if every estimate were a fact."""
    best, acceptable = _as_good(evidence, choice, decision)
    return None if best is None else cheapest(evidence, acceptable, traffic, choice.qualities)


def _to_show(
    evidence: Evidence, choice: Choice, decision: Decision, traffic: Traffic, final: str
) -> Iterator[tuple[PairedResult, float]]:
    """The comparisons that have to be shown, each with the distance that its interval must not reach across."""
    best, acceptable = _as_good(evidence, choice, decision)
    assert best is not None
    compare, margin, floor = evidence.outcomes.compare, decision.margin, _floor(evidence)
    if choice.approach is None:
        others = [name for name in choice.contenders if name not in acceptable]
        others = [name for name in others if _first(evidence, choice, traffic, name, final)]
        if floor is not None:
            result = compare(floor, final, margin)
            yield result, result.difference
    else:
        others = [n for n in choice.acceptable if n not in acceptable and _first(evidence, choice, traffic, n, final)]
    for name in others:
        result = compare(name, best, margin)
        yield result, result.difference
    if choice.approach is not None and final not in choice.acceptable:
        result = compare(best, final, margin)
        yield result, -(margin - abs(result.difference))  # negative: an equivalence


def _first(evidence: Evidence, choice: Choice, traffic: Traffic, name: str, final: str) -> bool:
    """Whether the rule would take this one before the other, if both were as good."""
    return cheapest(evidence, (name, final), traffic, choice.qualities) == name


def _needed(evidence: Evidence, result: PairedResult, gap: float) -> int | None:
    """Cases for one comparison: the formula for pairs, else by the root of the cases, n' = n (detectable / seen)^2."""
    if gap == 0 or result.n == 0:
        return None
    if gap < 0:
        half = (result.high90 - result.low90) / 2
        return ceil(result.n * (half * POWERED_90 / gap) ** 2)
    if evidence.outcomes.kind == "binary" and result.n_clusters is None and result.discordance is not None:
        return statistics.cases_for(gap, max(gap, result.discordance))
    return None if result.detectable is None else ceil(result.n * (result.detectable / gap) ** 2)
