"""The dials of the rule in words: one sentence's beginning for each, and which limits there are. Computes no verdict.

LIMITS["latency"].said(turn, now=2.0, unit="share")      # 'With 2.4 s or more for 95 % of the answers (now 2 s)'
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite

from reports import text
from reports.run.schema import Decision
from reports.text import Unit
from reports.verdict.choice import Choice
from reports.verdict.facts import ThresholdKind
from reports.verdict.turning import Turn
from reports.verdict.wording import called, points


@dataclass(frozen=True)
class Limit:
    """A limit that a project may set."""

    key: str
    """In `decision`."""
    least: bool
    """True where an approach must have at least that much, False where at most."""
    unit: str
    digits: int
    """Fewest significant digits of a threshold."""
    words: str
    """With a place for the value."""
    lacking: str
    """What an approach may lack that cannot be held to it."""

    def said(self, turn: Turn, now: float | None, unit: Unit) -> str:
        """'With a limit on quality of 79.6 % or less (now 85 %)'."""
        value = self.value(turn.shown, turn.digits, unit) + (" or more" if turn.up else " or less")
        today = "none is set" if now is None else f"now {self.value(now, 3, unit)}"
        return f"With {self.words.format(value)} ({today})"

    def value(self, value: float, digits: int, unit: Unit) -> str:
        """The limit with its unit."""
        match self.key:
            case "min_quality" if unit == "share":
                return f"{_plain(100 * value, digits)} %"
            case "min_quality":
                return _plain(value, digits)
            case "max_p95_seconds":
                return f"{_plain(value, digits)} s" if value >= 0.1 else f"{_plain(1000 * value, digits)} ms"
            case _:
                return f"${_plain(value, digits)}"


LIMITS: Mapping[ThresholdKind, Limit] = {
    "quality floor": Limit("min_quality", True, "score", 3, "a limit on quality of {}", "quality"),
    "latency": Limit("max_p95_seconds", False, "seconds", 2, "{} for 95 % of the answers", "latency"),
    "budget": Limit("monthly_budget_usd", False, "usd per month", 2, "{} a month", "cost"),
}


def breaks(kind: ThresholdKind, value: float, decision: Decision) -> bool:
    """Whether an approach that has so much breaks this limit."""
    limit = getattr(decision, LIMITS[kind].key)
    return limit is not None and (value < limit if LIMITS[kind].least else value > limit)


def together(broken: Mapping[ThresholdKind, float], decision: Decision, unit: Unit) -> str:
    """Several limits as softened at once: 'With a limit on quality of 79 % (now 85 %) and 2.4 s … (now 2 s)'."""
    parts = []
    for kind, value in broken.items():
        limit = LIMITS[kind]
        now = limit.value(getattr(decision, limit.key), 3, unit)
        parts.append(f"{limit.words.format(limit.value(value, 7, unit))} (now {now})")
    return f"With {text.listed(parts)}, all of it at once"


def volume(turn: Turn, now: float) -> str:
    """'From 3,400 queries a day (now 1,000)'."""
    word = "From" if turn.up else "Up to"
    return f"{word} {_plain(turn.shown, turn.digits)} queries a day (now {_plain(now, 3)})"


def margin(turn: Turn, now: float, unit: Unit) -> str:
    """'If differences of up to 3.1 points did not matter (now 2 points)'."""
    scale = 100 if unit == "share" else 1
    value = _plain(scale * turn.shown, turn.digits)
    value += (" point" if value == "1" else " points") if unit == "share" else ""
    today = f"now {points(now, unit)}"
    if turn.up:
        return f"If differences of up to {value} did not matter ({today})"
    return f"If differences above {value} mattered ({today})"


def price(name: str, turn: Turn, now: float) -> str:
    """'If 1,000 answers of rag cost $1.20 or more (now $0.90)'."""
    word = "more" if turn.up else "less"
    value = f"${_plain(1000 * turn.shown, turn.digits)}"
    return f"If 1,000 answers of {called(name)} cost {value} or {word} (now {text.money(1000 * now)})"


def building(name: str, turn: Turn, now: float) -> str:
    """'If building qlora cost $1,900 or less (now $5,000)'."""
    word = "more" if turn.up else "less"
    value = f"${_plain(turn.shown, turn.digits)}"
    return f"If building {called(name)} cost {value} or {word} in all (now {text.money(now)})"


def unknown_price(name: str, turn: Turn) -> str:
    """'If gpt-4-today costs $310 or less a month in all (not known here)'."""
    return f"If {called(name)} costs ${_plain(turn.shown, turn.digits)} or less a month in all (not known here)"


def then(choice: Choice) -> str:
    """What the verdict would be: 'use qlora'."""
    if choice.approach is not None:
        verb = "keep" if choice.kind == "existing system" else "use"
        return f"{verb} {called(choice.approach)}"
    if choice.kind == "none good enough":
        return "nothing is good enough"
    return "nothing is shown to beat the trivial answer"


def _plain(value: float, digits: int) -> str:
    """To so many significant digits, without the zeros that say nothing."""
    said = text.significant(value, digits) if isfinite(value) else "∞"
    return said.rstrip("0").rstrip(".") if "." in said else said
