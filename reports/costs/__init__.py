"""Tokens, GPU seconds, labels and hours to money: dated prices, totals over a horizon, break-even. Knows no runs."""

from __future__ import annotations

from reports.costs.estimate import CostEstimate, PriceNeeded

__all__ = ["CostEstimate", "PriceNeeded"]
