"""A stored run held to rules, for continuous integration: every rule passes, fails, or cannot be told.

    checks = judge(store, GateRules(min_quality=0.85, reference=other_store), approach=None)
    passed(checks, allow_unsure=False)

A gate lets through only what is shown. `min_quality` is met by the lower end of the 95 % interval: an approach whose
estimate merely touches the limit is below it as often as not. `at="estimate"` is the other, weaker reading. "Not
worse" is one-sided non-inferiority at 5 %: the 90 % interval of the paired difference lies above minus the margin.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from reports import metrics, statistics, text
from reports.diff.comparison import shared_metric, values_of
from reports.diff.pairing import A, B, Pairing, pair_cases, pooled
from reports.errors import UsageError
from reports.run.schema import SCHEMA_VERSION, Record
from reports.run.store import RunStore
from reports.statistics import Outcomes, PairedResult
from reports.summary.build import summarise
from reports.summary.model import ApproachSummary, Summary
from reports.summary.table import RunTable, read_table
from reports.text import Unit
from reports.verdict.wording import points

Verdict = Literal["pass", "fail", "cannot tell"]
At = Literal["lower", "estimate"]


@dataclass(frozen=True)
class GateRules:
    """What the run is held to. At least one of `min_quality` and `reference` is given."""

    min_quality: float | None = None
    """In the unit of the primary metric (a share of 1 for accuracy)."""
    at: At = "lower"
    """Which end of the approach meets `min_quality`: the lower end of its 95 % interval, or its estimate."""
    reference: RunStore | None = None
    """The run that it must not be worse than, on the cases that both share."""
    reference_approach: str | None = None
    """Its approach; None: the one of the same name, else the one it recommends."""
    margin: float | None = None
    """What "not worse" allows, in the metric's unit; None: the margin of the project."""


class Check(Record):
    """One rule and what came of it."""

    rule: str
    """'min-quality' or 'not-worse-than'."""
    verdict: Verdict
    text: str
    """One sentence with its numbers."""
    value: float | None = None
    low: float | None = None
    high: float | None = None
    """The interval that the rule was read from: 95 % for quality, 90 % for a difference."""
    limit: float | None = None
    n: int = 0


class GateResult(Record):
    """The document of `advisor gate --json`."""

    schema_version: int = SCHEMA_VERSION
    run: str
    approach: str
    metric: str
    passed: bool
    allow_unsure: bool = False
    """A rule that cannot be told did not stop it."""
    checks: tuple[Check, ...]

    def stopped_by(self, check: Check) -> bool:
        """True where this rule keeps the gate shut."""
        return check.verdict == "fail" or (check.verdict == "cannot tell" and not self.allow_unsure)


def judge(store: RunStore, rules: GateRules, approach: str | None = None, *, allow_unsure: bool = False) -> GateResult:
    """The run's approach (None: the recommended one) against the rules. `allow_unsure`: only a shown breach fails.

    Raises UsageError where there is no rule, no such approach, or nothing that the two runs share.
    """
    if rules.min_quality is None and rules.reference is None:
        raise UsageError(
            "the gate has no rule", "give --min-quality VALUE, --not-worse-than RUN, or both: `advisor gate --help`"
        )
    summary = summarise(store)
    found = _approach(summary, approach)
    checks = []
    if rules.min_quality is not None:
        checks.append(_quality(summary, found, rules.min_quality, rules.at))
    if rules.reference is not None:
        checks.append(_not_worse(store, summary, found, rules, rules.reference))
    result = GateResult(
        run=summary.run,
        approach=found.name,
        metric=summary.primary.name,
        passed=False,
        allow_unsure=allow_unsure,
        checks=tuple(checks),
    )
    return result.model_copy(update={"passed": not any(map(result.stopped_by, checks))})


def _approach(summary: Summary, name: str | None) -> ApproachSummary:
    """The approach by its name, or the recommended one. Raises UsageError."""
    names = [item.name for item in summary.approaches]
    hint = f"--approach NAME, one of: {text.one_line(', '.join(names), 200)}"
    if name is None and summary.verdict.approach is None:
        raise UsageError(f"{summary.run} recommends no approach ({summary.verdict.kind}): say which one is meant", hint)
    chosen = name or summary.verdict.approach
    if chosen not in names:
        raise UsageError(f"{summary.run} has no approach {text.one_line(str(chosen), 60)!r}", hint)
    return summary.approach(str(chosen))


# --- the rules ------------------------------------------------------------------------------------------


def _quality(summary: Summary, approach: ApproachSummary, limit: float, at: At) -> Check:
    """The primary metric against the limit: shown to reach it, shown not to, or neither."""
    q, unit = approach.quality, summary.primary.unit
    least = text.quality(limit, unit=unit)
    name = text.one_line(approach.name, 60)
    if q.value is None or q.low is None or q.high is None or not q.n:
        said = f"{name} has no scored answer, so nothing shows that it reaches {least}."
        return Check(rule="min-quality", verdict="cannot tell", text=said, limit=limit)
    stands = (
        f"{summary.primary.title} of {name} is {text.quality(q.value, q.low, q.high, unit)} "
        f"({text.interval(q.low, q.high, unit)}, {text.count(q.n, 'case')})"
    )
    verdict, why = _reaches(q.value, (q.low, q.high), limit, at)
    if verdict == "pass" and (doubt := _doubt(summary, approach, q.n)):
        verdict, why = "cannot tell", doubt
    said = f"{stands}: {why.format(limit=least)}."
    return Check(
        rule="min-quality", verdict=verdict, text=said, value=q.value, low=q.low, high=q.high, limit=limit, n=q.n
    )


def _reaches(value: float, ends: tuple[float, float], limit: float, at: At) -> tuple[Verdict, str]:
    low, high = ends
    if at == "estimate":
        return ("pass", "its estimate reaches {limit}") if value >= limit else ("fail", "its estimate is below {limit}")
    if low >= limit:
        return "pass", "even the lower end reaches {limit}"
    if high < limit:
        return "fail", "even the upper end is below {limit}"
    side = "reaches" if value >= limit else "does not reach"
    return "cannot tell", f"the estimate {side} {{limit}}, the interval lies on both sides of it; more cases would tell"


def _doubt(summary: Summary, approach: ApproachSummary, n: int) -> str:
    """Why good numbers are not enough: too few cases, or a run that is not complete."""
    if statistics.is_pilot(n):
        return f"fewer than {statistics.PILOT_BELOW} cases are a pilot and show nothing"
    if approach.state in ("partial", "failed"):
        return f"the approach is {'not finished' if approach.state == 'partial' else 'recorded as failed'}"
    return ""


def _not_worse(
    store: RunStore, summary: Summary, approach: ApproachSummary, rules: GateRules, reference: RunStore
) -> Check:
    """Paired non-inferiority against an approach of the other run, on the cases that both share."""
    theirs = _reference_approach(reference, rules.reference_approach, approach.name)
    result, metric, unit = _paired(store, reference, (theirs, approach.name), summary.primary.name)
    margin = summary.header.spec.decision.margin if rules.margin is None else rules.margin
    other = f"{text.one_line(theirs, 60)} of {text.one_line(reference.header.run, 60)}"
    low, high = result.ends90
    gap = text.difference(result.difference, low, high, unit)
    ends = text.interval(low, high, unit, signed=True)
    allowed = points(margin, unit)
    stands = (
        f"{metrics.facts(metric).title} of {text.one_line(approach.name, 60)} against {other}: {gap} "
        f"(90 % interval {ends}, {text.count(result.n, 'shared case')})"
    )
    verdict, why = _kept(result, margin, allowed)
    if verdict == "pass" and (doubt := _doubt(summary, approach, result.n)):
        verdict, why = "cannot tell", doubt
    return Check(
        rule="not-worse-than",
        verdict=verdict,
        text=f"{stands}: {why}.",
        value=result.difference,
        low=low,
        high=high,
        limit=-margin,
        n=result.n,
    )


def _kept(result: PairedResult, margin: float, allowed: str) -> tuple[Verdict, str]:
    low, high = result.ends90
    if statistics.is_not_worse(low, margin):
        return "pass", f"shown not to be worse by {allowed} or more"
    if high < -margin:
        return "fail", f"shown to be worse by more than {allowed}"
    return (
        "cannot tell",
        f"a loss of more than {allowed} is not ruled out; more shared cases or a wider margin would tell",
    )


def _reference_approach(reference: RunStore, wanted: str | None, same: str) -> str:
    """Whom to compare with in the other run. Raises UsageError."""
    names = reference.approaches
    if wanted is not None:
        if wanted not in names:
            hint = f"--against NAME, one of: {text.one_line(', '.join(names), 200)}"
            raise UsageError(f"{reference.header.run} has no approach {text.one_line(wanted, 60)!r}", hint)
        return wanted
    if same in names:
        return same
    recommended = summarise(reference).verdict.approach
    if recommended is None:
        hint = f"--against NAME, one of: {text.one_line(', '.join(names), 200)}"
        said = f"{reference.header.run} has no approach {text.one_line(same, 60)!r} and recommends none"
        raise UsageError(said, hint)
    return recommended


def _paired(
    store: RunStore, reference: RunStore, names: tuple[str, str], wanted: str
) -> tuple[PairedResult, str, Unit]:
    """Ours minus theirs on the shared cases. Raises UsageError where metric or cases are not shared."""
    tables = read_table(reference), read_table(store)
    pairing = pair_cases(list(reference.cases()), list(store.cases()))
    metric = shared_metric(*tables, (wanted,))
    if metric is None:
        raise UsageError(f"{reference.header.run} has no scores of {wanted}", "compare runs of one project")
    values = values_of(metric, *tables)
    facts = metrics.facts(metric, values)
    table = _pool(tables, names, metric, facts.kind, pairing)
    if table is None or not table.asked(A, B).any():
        said = f"{reference.header.run} and {store.header.run} share no case that both approaches answered"
        raise UsageError(said, "cases are joined by id and by their content: `advisor diff` shows how")
    return table.compare(A, B), metric, facts.unit


def _pool(
    tables: tuple[RunTable, RunTable],
    names: tuple[str, str],
    metric: str,
    kind: statistics.ScoreKind,
    pairing: Pairing,
) -> Outcomes | None:
    sides = [table.outcomes(metric, kind) for table in tables]
    if not len(pairing) or any(name not in side.names for name, side in zip(names, sides, strict=True)):
        return None
    return pooled(sides[0], sides[1], names, pairing)


# --- in words -------------------------------------------------------------------------------------------


def lines(result: GateResult) -> Sequence[str]:
    """One line a rule, then the outcome."""
    met = sum(check.verdict == "pass" for check in result.checks)
    shown = [f"{check.verdict}: {check.rule}: {check.text}" for check in result.checks]
    unsure = sum(check.verdict == "cannot tell" for check in result.checks)
    tail = f", {unsure} cannot be told" if unsure else ""
    outcome = "passed" if result.passed else "failed"
    return [*shown, f"gate {outcome}: {met} of {text.count(len(result.checks), 'rule')} met{tail}"]
