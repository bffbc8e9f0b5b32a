"""The shipped price tables: hours of a machine, labels, wages, engineering hours. Every row has its source and date.

hour_price("NVIDIA H200").typical; label_price("classification"); engineering_hours("rag")

Prices age within weeks: `stale()` gives the sentence to print once a row is older than 90 days. A price of the user's
own always wins over a table; a machine that no table knows is asked for (`PriceNeeded`), never guessed.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files

from reports import text
from reports.costs.estimate import PriceNeeded

STALE_AFTER_DAYS = 90


@dataclass(frozen=True)
class Price:
    """A price with its range, in US dollars, and where it comes from."""

    name: str
    low: float
    typical: float
    high: float
    source: str
    date: str = ""
    """ISO date of the oldest figure in the row; empty where the source has none."""

    @property
    def cited(self) -> str:
        """One line for the report's list of sources."""
        ends = "" if self.low == self.high else f" ({text.money(self.low)} to {text.money(self.high)})"
        return f"{self.name}: {text.money(self.typical)}{ends}, {self.source}" + (
            f" ({self.date})" if self.date else ""
        )


@dataclass(frozen=True)
class Hours:
    """Engineering hours to build one kind of approach."""

    low: float
    typical: float
    high: float
    basis: str


def own_price(name: str, usd: float, key: str) -> Price:
    """The user's own figure, without a range."""
    return Price(name, usd, usd, usd, f"set by {key}")


@cache
def _rows(name: str) -> tuple[dict[str, str], ...]:
    """A shipped table as dictionaries."""
    table = (files("reports.prices") / f"{name}.csv").read_text("utf-8")
    return tuple(csv.DictReader(table.splitlines()))


def _price(row: dict[str, str]) -> Price:
    low, typical, high = (float(row[key]) for key in ("low_usd", "typical_usd", "high_usd"))
    return Price(row["name"], low, typical, high, row["source"], row["date"])


def known_machines() -> tuple[str, ...]:
    """Names in the table of hour prices."""
    return tuple(row["name"] for row in _rows("hours"))


def hour_price(device: str, own_usd: float | None = None) -> Price | PriceNeeded:
    """Price of one hour of a machine by the name the driver gives it ("NVIDIA H100 80GB HBM3") or the table's own.

    The longest name that occurs in `device` wins; the empty name and "cpu" are the processor's.
    """
    if own_usd is not None:
        return own_price(f"hour of {device or 'cpu'}", own_usd, "prices.gpu_hour_usd")
    wanted = f" {device.lower().removeprefix('nvidia').strip() or 'cpu'} "
    best: tuple[int, dict[str, str]] | None = None
    for row in _rows("hours"):
        for alias in (row["name"], *filter(None, row["aliases"].split(";"))):
            if f" {alias.lower()} " in wanted.replace("-", " ") or f" {alias.lower()} " in wanted:
                best = max(best or (0, row), (len(alias), row), key=lambda found: found[0])
    if best is None:
        return PriceNeeded(
            f"an hour of {device}", f"set prices.gpu_hour_usd, or prices.gpu to one of {', '.join(known_machines())}"
        )
    return _price(best[1])


def label_price(task_type: str, own_usd: float | None = None) -> Price:
    """Price of one label of this task type. Raises KeyError for an unknown one."""
    if own_usd is not None:
        return own_price("label", own_usd, "prices.label_usd")
    return _work(f"label {task_type}")


def engineer_hour_price(own_usd: float | None = None) -> Price:
    """Price of one engineer hour."""
    return (
        own_price("engineer hour", own_usd, "prices.engineer_hour_usd")
        if own_usd is not None
        else _work("engineer hour")
    )


def _work(name: str) -> Price:
    for row in _rows("work"):
        if row["name"] == name:
            return _price(row)
    raise KeyError(name)


def engineering_hours(kind: str, own_hours: float | None = None) -> Hours:
    """Hours to build an approach of this kind; other tunings count as `qlora`, other kinds as a prompt."""
    if own_hours is not None:
        return Hours(own_hours, own_hours, own_hours, "set by prices.engineer_hours")
    table = {row["kind"]: row for row in _rows("engineering")}
    tuned = any(word in kind for word in ("lora", "full", "tuned"))
    fallback = ("qlora+rag" if "rag" in kind else "qlora") if tuned else "zero-shot"
    row = table.get(kind, table[fallback])
    low, typical, high = (float(row[key]) for key in ("low_hours", "typical_hours", "high_hours"))
    return Hours(low, typical, high, row["basis"])


def stale(price: Price, when: str) -> str:
    """The warning for a price that is too old on the day `when` (ISO date or time), empty where it is fresh."""
    if price.source.startswith("set by"):
        return ""
    if not price.date:
        return f"The price of {price.name} has no date: check it before you rely on it."
    days = (date.fromisoformat(when[:10]) - date.fromisoformat(price.date)).days
    if days <= STALE_AFTER_DAYS:
        return ""
    return f"The price of {price.name} is {days} days old ({price.date}): prices move within weeks, check it."


def table_date() -> str:
    """Date of the newest row of the shipped tables: what a run stores as its price date."""
    return max(row["date"] for name in ("hours", "work") for row in _rows(name))
