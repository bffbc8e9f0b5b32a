"""Which of two scores of one case counts. Knows metrics by name alone.

supersedes("rougeL", version=2, before=1)      # True: a better version of the metric
supersedes("judge", version=11, before=97)     # True: versions that are hashes have no order; the last written counts
"""

from __future__ import annotations

HASHED = ("judge", "python:")
"""Metrics whose version is a hash: of the judge, of the user's file."""


def supersedes(metric: str, version: int, before: int) -> bool:
    """True where a score that was written later replaces the one with the version `before`."""
    return metric.startswith(HASHED) or version >= before
