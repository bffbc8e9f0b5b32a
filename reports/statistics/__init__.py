"""Intervals, paired tests, detectable differences: pure functions on numpy arrays. Knows no runs and no files.

scipy.stats costs 0.6 s to import, so every function that needs it imports it inside.
"""

from __future__ import annotations

from reports.statistics.outcomes import Outcomes
from reports.statistics.results import Interval, PairedResult, ScoreKind, Words

__all__ = ["Interval", "Outcomes", "PairedResult", "ScoreKind", "Words"]
