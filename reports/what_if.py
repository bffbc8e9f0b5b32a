"""The verdict of a stored run under another rule: limits, margin, traffic. Nothing is run again, nothing is stored.

    asked = WhatIf(store)
    asked.under(rule).verdict.headline                    # the whole summary, as if the project had said so
    asked.changes(rule)                                   # ('quality of at least 90 % instead of 80 %', …)

The run is read once; each question then costs a fraction of a second. What was said before the run stays the rule of
the report: an answer from here is for looking around, and says so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args

from reports import text
from reports.errors import UsageError
from reports.run.store import RunStore
from reports.summary import Summary, summarise
from reports.summary.build import measurements

Dial = Literal["min_quality", "max_p95_seconds", "monthly_budget_usd", "margin", "queries_per_day", "horizon_months"]
DIALS: tuple[Dial, ...] = get_args(Dial)
NEEDED: tuple[Dial, ...] = ("margin", "queries_per_day", "horizon_months")
"""The others may be left empty: no limit."""
TITLES: dict[Dial, str] = {
    "min_quality": "quality at least",
    "max_p95_seconds": "p95 at most",
    "monthly_budget_usd": "a month at most",
    "margin": "margin",
    "queries_per_day": "queries a day",
    "horizon_months": "months",
}


@dataclass(frozen=True)
class Rule:
    """What a verdict depends on besides the measurements; None: no such limit. Units as in the project file."""

    min_quality: float | None
    max_p95_seconds: float | None
    monthly_budget_usd: float | None
    margin: float
    queries_per_day: float
    horizon_months: float

    def value(self, dial: Dial) -> float | None:
        """One of its dials."""
        found: float | None = getattr(self, dial)
        return found


class WhatIf:
    """A stored run, read once, and its verdict under any rule."""

    def __init__(self, store: RunStore) -> None:
        """Raises DataError where the run's files are gone or broken."""
        self._store = store
        self._measured = measurements(store)
        self.stored = summarise(store, measured=self._measured)
        self.rule = rule_of(self.stored)

    def under(self, rule: Rule) -> Summary:
        """The summary as the run would read under `rule`; the stored one for the stored rule."""
        if rule == self.rule:
            return self.stored
        spec = self._store.header.spec
        limits: dict[str, float | None] = {dial: rule.value(dial) for dial in DIALS[:4]}
        traffic: dict[str, float | None] = {dial: rule.value(dial) for dial in DIALS[4:]}
        return summarise(
            self._store,
            decision=spec.decision.model_copy(update=limits),
            traffic=spec.traffic.model_copy(update=traffic),
            measured=self._measured,
        )

    def changes(self, rule: Rule) -> tuple[str, ...]:
        """What differs from the rule that was set before the run, in words; empty where nothing does."""
        percent = self.percent
        return tuple(
            f"{TITLES[dial]} {shown(dial, rule.value(dial), percent) or 'any'} "
            f"instead of {shown(dial, self.rule.value(dial), percent) or 'any'}"
            for dial in DIALS
            if rule.value(dial) != self.rule.value(dial)
        )

    @property
    def percent(self) -> bool:
        """Whether quality and margin are read in percent and points."""
        return self.stored.primary.unit == "share"


def rule_of(summary: Summary) -> Rule:
    """The rule that a summary was made under."""
    spec = summary.header.spec
    decision, traffic = spec.decision, spec.traffic
    return Rule(
        min_quality=decision.min_quality,
        max_p95_seconds=decision.max_p95_seconds,
        monthly_budget_usd=decision.monthly_budget_usd,
        margin=decision.margin,
        queries_per_day=traffic.queries_per_day,
        horizon_months=traffic.horizon_months,
    )


def shown(dial: Dial, value: float | None, percent: bool = True) -> str:
    """A dial's value for a reader: '85 %', '2 s', '$500', '2 points', '5,000'; empty for no limit."""
    if value is None:
        return ""
    match dial:
        case "min_quality":
            return text.quality(value, unit="share" if percent else "number")
        case "max_p95_seconds":
            return text.seconds(value)
        case "monthly_budget_usd":
            return text.money(value)
        case "margin":
            return f"{typed(dial, value, percent)} points" if percent else typed(dial, value, percent)
        case _:
            return f"{value:,.10g}"


def typed(dial: Dial, value: float | None, percent: bool = True) -> str:
    """A dial's value as `read` takes it back: percent and points without their word, plain numbers."""
    if value is None:
        return ""
    scale = 100 if percent and dial in ("min_quality", "margin") else 1
    return f"{round(value * scale, 6):.10g}"


def turned(rule: Rule, dial: Dial, said: str, percent: bool = True) -> Rule:
    """The rule with one dial as somebody typed it: '85', '85 %', '$1,200', '2 s', '5k', '1.5m'; empty: no limit.

    Raises UsageError where that is no number, or not a possible one.
    """
    change: dict[str, Any] = {dial: _read(dial, said, percent)}
    return replace(rule, **change)


def stepped(rule: Rule, dial: Dial, up: bool) -> Rule:
    """The rule with a dial one step up or down on the 1, 2, 5, 10 … ladder: how volumes and prices are thought of."""
    now = rule.value(dial)
    if now is None or now <= 0:
        return rule
    power = math.floor(math.log10(now) + 1e-12)
    ladder = [digit * 10.0**place for place in (power - 1, power, power + 1) for digit in (1, 2, 5)]
    beyond = [step for step in ladder if (step > now * 1.000001 if up else step < now * 0.999999)]
    change: dict[str, Any] = {dial: round(min(beyond) if up else max(beyond), 9)}
    return replace(rule, **change)


_WORDS = {"k": 1e3, "m": 1e6}


def _read(dial: Dial, said: str, percent: bool) -> float | None:
    plain = said.strip().lower().replace(",", "").replace(" ", "").lstrip("$")
    if plain in ("", "-", "–", "any", "none"):
        if dial in NEEDED:
            raise UsageError(f"{TITLES[dial]}: a number is needed", "the other dials may be left empty")
        return None
    for unit in ("%", "points", "point", "months", "month"):
        plain = plain.removesuffix(unit)
    factor = 1.0
    if dial == "max_p95_seconds" and plain.endswith("ms"):
        plain, factor = plain.removesuffix("ms"), 0.001
    elif dial == "max_p95_seconds":
        plain = plain.removesuffix("s")
    elif plain[-1:] in _WORDS:
        plain, factor = plain[:-1], _WORDS[plain[-1]]
    try:
        value = float(plain) * factor
    except ValueError:
        raise UsageError(f"{TITLES[dial]}: {text.one_line(said, 40)!r} is no number", "write one such as 85") from None
    if percent and dial in ("min_quality", "margin"):
        value /= 100
    return _possible(dial, value, percent)


def _possible(dial: Dial, value: float, percent: bool) -> float:
    least_allowed = dial in ("margin", "min_quality", "monthly_budget_usd")
    if not math.isfinite(value) or value < 0 or (value == 0 and not least_allowed):
        raise UsageError(f"{TITLES[dial]}: a number above 0 is needed", "write one such as 85")
    if percent and dial in ("min_quality", "margin") and value > 1:
        raise UsageError(f"{TITLES[dial]}: more than 100 % is not possible", "write percent: 85 for 85 %")
    return round(value, 12)


assert {field.name for field in fields(Rule)} == set(DIALS)
