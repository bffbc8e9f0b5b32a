"""Is the cheap one good enough? Two one-sided tests at a margin, read from 90 % intervals. Numbers only.

    is_equivalent(low90, high90, margin=0.03)
    words(p, (low, high), (low90, high90), margin)      # better | worse | equivalent | not shown

"p > 0.05" is never turned into "no difference": only an interval inside the margin is.
"""

from __future__ import annotations

from reports.statistics.results import Words

ALPHA = 0.05


def is_equivalent(low90: float, high90: float, margin: float) -> bool:
    """TOST at alpha 0.05: the 90 % interval lies inside plus or minus the margin. A margin of 0 is never met."""
    return margin > 0 and -margin < low90 and high90 < margin


def is_not_worse(low90: float, margin: float) -> bool:
    """Non-inferiority at alpha 0.05: the 90 % interval's lower end lies above minus the margin."""
    return low90 > -margin


def words(p: float, interval: tuple[float, float], interval90: tuple[float, float], margin: float) -> Words:
    """The word for a difference: shown (p, after adjustment, and the 95 % interval agree), equivalent, or neither.

    A difference that is shown but lies inside the margin with its whole 90 % interval is "equivalent": real, and too
    small to matter by the user's own rule.
    """
    low, high = interval
    if is_equivalent(*interval90, margin):
        return "equivalent"
    if p <= ALPHA and low > 0:
        return "better"
    if p <= ALPHA and high < 0:
        return "worse"
    return "not shown"
