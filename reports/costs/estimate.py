"""What an approach costs, as values: per query, per month, once. Knows no prices and no runs.

CostEstimate(per_query_usd=0.000474, one_off_usd=750).total(queries_per_day=10_000, months=12)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

DAYS_PER_MONTH = 365 / 12
HOURS_PER_MONTH = 730
Scope = Literal["query", "month", "once"]


MACHINE_HOURS = "price of machine hours"
"""Driver of every part that is paid by the hour."""


@dataclass(frozen=True)
class PriceNeeded:
    """A price that no shipped table holds: the user is asked, nothing is invented."""

    what: str
    """What has no price: a model's name, a GPU's name."""
    hint: str
    """Which key of the project file sets it."""


@dataclass(frozen=True)
class CostPart:
    """One line of a bill with its range."""

    driver: str
    """What it depends on: parts of two approaches with the same driver rise and fall together."""
    scope: Scope
    usd: float
    low: float
    high: float
    what: str = ""
    """How many of what at which price: '40 hours at $75'."""
    assumed: bool = False
    """The amount stands in a shipped table: nobody measured or set it."""
    measured: str = ""
    """Name of the measured amount behind it: the tokens or the seconds of an answer of one approach."""
    error: float = 0.0
    """Standard error of that amount, as a share of it."""


@dataclass(frozen=True)
class CostEstimate:
    """Money for one approach in US dollars. The low and high ends carry the spread of the price tables."""

    per_query_usd: float
    one_off_usd: float = 0.0
    monthly_fixed_usd: float = 0.0
    """Paid each month whatever the volume: an always-on machine, upkeep."""
    per_query_low_usd: float | None = None
    per_query_high_usd: float | None = None
    one_off_low_usd: float | None = None
    one_off_high_usd: float | None = None
    sources: tuple[str, ...] = ()
    """Where each price comes from, with its date."""
    warnings: tuple[str, ...] = ()
    parts: tuple[CostPart, ...] = ()
    """The lines that add up to the figures above; empty where only totals are known."""
    hour_usd: float = 0.0
    """An hour of the machine that answers, all its devices; 0 where none of ours does."""

    @property
    def per_1000_usd(self) -> float:
        """Running cost of 1,000 answers."""
        return 1000 * self.per_query_usd

    def monthly(self, queries_per_day: float) -> float:
        """Running cost of a month at this traffic, without the one-off part."""
        return self.monthly_fixed_usd + queries_per_day * DAYS_PER_MONTH * self.per_query_usd

    def machine_hours(self, queries_per_day: float) -> float:
        """Hours a month that are paid for answering at this traffic; a machine that is always on is paid 730."""
        machine = sum(part.usd for part in self.parts if part.scope == "query" and part.driver == MACHINE_HOURS)
        return queries_per_day * DAYS_PER_MONTH * machine / self.hour_usd if self.hour_usd else 0.0

    def total(self, queries_per_day: float, months: float) -> float:
        """Total cost over the horizon: F + H * (M + V * c), evidence 2.1."""
        return self.one_off_usd + months * self.monthly(queries_per_day)

    def lines(self) -> tuple[CostPart, ...]:
        """The parts, or the totals as parts without a range where none were given."""
        if self.parts:
            return self.parts
        fixed = (
            ("running cost", "query", self.per_query_usd, self.per_query_low_usd, self.per_query_high_usd),
            ("monthly cost", "month", self.monthly_fixed_usd, None, None),
            ("one-off cost", "once", self.one_off_usd, self.one_off_low_usd, self.one_off_high_usd),
        )
        return tuple(
            CostPart(driver, scope, usd, usd if low is None else low, usd if high is None else high)  # type: ignore[arg-type]
            for driver, scope, usd, low, high in fixed
            if usd
        )


def from_parts(parts: Sequence[CostPart], sources: Sequence[str] = (), warnings: Sequence[str] = ()) -> CostEstimate:
    """The estimate whose figures are the sums of its parts; repeated sources and warnings are said once."""

    def total(scope: Scope, end: Literal["usd", "low", "high"]) -> float:
        return float(sum(getattr(part, end) for part in parts if part.scope == scope))

    return CostEstimate(
        per_query_usd=total("query", "usd"),
        one_off_usd=total("once", "usd"),
        monthly_fixed_usd=total("month", "usd"),
        per_query_low_usd=total("query", "low"),
        per_query_high_usd=total("query", "high"),
        one_off_low_usd=total("once", "low"),
        one_off_high_usd=total("once", "high"),
        sources=tuple(dict.fromkeys(sources)),
        warnings=tuple(dict.fromkeys(warnings)),
        parts=tuple(parts),
    )
