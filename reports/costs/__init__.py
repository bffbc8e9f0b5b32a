"""Tokens, GPU seconds, labels and hours to money: dated prices, totals over a horizon, break-even. Knows no runs.

from reports import costs
cost = costs.estimate_cost(costs.Usage(kind="rag", model=spec, prompt_tokens=1800, completion_tokens=60), prices, day)
costs.break_even(cost, other, months=12); costs.simulate(cost, other, queries_per_day=5000, months=12)
"""

from __future__ import annotations

from reports.costs.bill import Usage, estimate_cost
from reports.costs.device import always_on_monthly, device_usd, replicas, usd_per_million_tokens
from reports.costs.estimate import DAYS_PER_MONTH, HOURS_PER_MONTH, CostEstimate, CostPart, PriceNeeded, from_parts
from reports.costs.tables import (
    Price,
    engineer_hour_price,
    engineering_hours,
    hour_price,
    known_machines,
    label_price,
    stale,
    table_date,
)
from reports.costs.tokens import TokenPrice, token_price
from reports.costs.totals import BreakEven, break_even, cost_of_pass, cost_with_errors, value_of_quality
from reports.costs.uncertainty import Driver, QualityGap, Range, Simulation, simulate

__all__ = [
    "DAYS_PER_MONTH",
    "HOURS_PER_MONTH",
    "BreakEven",
    "CostEstimate",
    "CostPart",
    "Driver",
    "Price",
    "PriceNeeded",
    "QualityGap",
    "Range",
    "Simulation",
    "TokenPrice",
    "Usage",
    "always_on_monthly",
    "break_even",
    "cost_of_pass",
    "cost_with_errors",
    "device_usd",
    "engineer_hour_price",
    "engineering_hours",
    "estimate_cost",
    "from_parts",
    "hour_price",
    "known_machines",
    "label_price",
    "replicas",
    "simulate",
    "stale",
    "table_date",
    "token_price",
    "usd_per_million_tokens",
    "value_of_quality",
]
