"""What the user set before the run: the rule that decides, the traffic, the prices. Computes nothing.

Decision(margin=0.02, min_quality=0.85); Traffic(queries_per_day=5000); Prices(gpu_hour_usd=2.5)

Part of the run's spec (`reports.run.schema`, which hands it on).
"""

from __future__ import annotations

from pydantic import Field

from reports.run.record import Record


class Decision(Record):
    """The rule as the user set it before the run."""

    margin: float = Field(default=0.02, ge=0)
    """Smallest difference in the primary metric that matters, in the metric's unit."""
    min_quality: float | None = None
    max_p95_seconds: float | None = None
    monthly_budget_usd: float | None = None
    error_cost_usd: float | None = None
    """Cost of one wrong answer."""
    baseline: str | None = None
    """The approach that others are compared with; None: the simplest one that ran."""
    stop_early: bool = False


class Traffic(Record):
    queries_per_day: float = Field(default=1000, gt=0)
    horizon_months: float = Field(default=12, gt=0)


class Prices(Record):
    """What the user pays; None asks the shipped, dated tables."""

    gpu_hour_usd: float | None = None
    gpu: str | None = None
    """Name in the shipped GPU table, for its low/typical/high range."""
    utilisation: float = Field(default=0.3, gt=0, le=1)
    """Share of paid GPU time that answers questions."""
    input_usd_per_million: float | None = None
    output_usd_per_million: float | None = None
    cached_input_usd_per_million: float | None = None
    label_usd: float | None = None
    engineer_hour_usd: float | None = None
    engineer_hours: dict[str, float] = {}
    """One-off hours by approach kind; the shipped defaults fill what is missing."""
