"""Money in a summary, as JSON has it: what an approach costs, what that is made of, where two of them meet.

CostSummary(per_1000_usd=0.4, lines=(CostLine(scope="query", …),))
"""

from __future__ import annotations

from typing import Literal

from reports.run.record import Record


class CostLine(Record):
    """One line of a bill, in US dollars."""

    scope: Literal["query", "once", "month"]
    """Paid for 1,000 answers, once, or a month."""
    driver: str
    """What it depends on."""
    what: str
    """How many of what at which price."""
    usd: float
    low_usd: float
    high_usd: float
    assumed: bool = False
    """The amount is an assumption from a shipped table: neither measured nor set by the user."""


class CostSummary(Record):
    """Money in US dollars. None means unknown, never free; `missing` says which price to set."""

    per_1000_usd: float | None = None
    per_1000_low_usd: float | None = None
    per_1000_high_usd: float | None = None
    one_off_usd: float | None = None
    one_off_low_usd: float | None = None
    one_off_high_usd: float | None = None
    monthly_usd: float | None = None
    """Running cost at the project's traffic."""
    monthly_fixed_usd: float | None = None
    total_usd: float | None = None
    """Over the horizon, one-off included."""
    lines: tuple[CostLine, ...] = ()
    """What the figures are made of."""
    missing: str = ""
    sources: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


class BreakEven(Record):
    """Where two approaches cost the same over the horizon; ranges from draws over traffic, prices and hours."""

    a: str
    b: str
    queries: float | None = None
    """In all; None: no break-even."""
    queries_per_day: float | None = None
    queries_per_day_low: float | None = None
    queries_per_day_high: float | None = None
    """5 and 95 % of the draws that have a break-even."""
    days: float | None = None
    """Until the dearer start is earned back at the project's traffic: median, 5 % and 95 % of the draws."""
    days_low: float | None = None
    days_high: float | None = None
    probability_b_cheaper: float
    """Over the horizon, tokens and machines alone."""
    probability_b_cheaper_with_errors: float | None = None
    """The same with what wrong answers cost, where the project says so."""
    drivers: tuple[str, ...] = ()
    """The inputs that decide most."""
    text: str = ""
