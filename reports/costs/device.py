"""Seconds of a machine to money: measured device time at a stated utilisation, or a machine that is always on.

device_usd(0.12, hour_usd=2.5, utilisation=0.3)       # one answer of 0.12 s
usd_per_million_tokens(0.8, tokens_per_second=1000, utilisation=0.2)      # 1.11
"""

from __future__ import annotations

from math import ceil

from reports.costs.estimate import HOURS_PER_MONTH


def device_usd(seconds: float, hour_usd: float, utilisation: float) -> float:
    """Dollars for device seconds: paid time is used only in part, so each used second carries 1 / utilisation."""
    return seconds / 3600 * hour_usd / utilisation


def usd_per_million_tokens(hour_usd: float, tokens_per_second: float, utilisation: float) -> float:
    """Dollars per million tokens of a self-hosted model: c_hour / (3600 * tok/s * utilisation) * 1e6."""
    return hour_usd / (3600 * tokens_per_second * utilisation) * 1e6


def replicas(peak_per_second: float, capacity_per_second: float) -> int:
    """Machines that carry the peak (tokens or answers per second, both in one unit)."""
    return max(1, ceil(peak_per_second / capacity_per_second - 1e-9))


def always_on_monthly(hour_usd: float, machines: int = 1) -> float:
    """Dollars a month for machines that run day and night (730 hours)."""
    return hour_usd * HOURS_PER_MONTH * machines
