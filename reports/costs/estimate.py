"""What an approach costs, as values: per query, per month, once. Knows no prices and no runs.

CostEstimate(per_query_usd=0.000474, one_off_usd=750).total(queries_per_day=10_000, months=12)
"""

from __future__ import annotations

from dataclasses import dataclass

DAYS_PER_MONTH = 365 / 12


@dataclass(frozen=True)
class PriceNeeded:
    """A price that no shipped table holds: the user is asked, nothing is invented."""

    what: str
    """What has no price: a model's name, a GPU's name."""
    hint: str
    """Which key of the project file sets it."""


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

    @property
    def per_1000_usd(self) -> float:
        """Running cost of 1,000 answers."""
        return 1000 * self.per_query_usd

    def monthly(self, queries_per_day: float) -> float:
        """Running cost of a month at this traffic, without the one-off part."""
        return self.monthly_fixed_usd + queries_per_day * DAYS_PER_MONTH * self.per_query_usd

    def total(self, queries_per_day: float, months: float) -> float:
        """Total cost over the horizon: F + H * (M + V * c), evidence 2.1."""
        return self.one_off_usd + months * self.monthly(queries_per_day)
