"""Two runs of a project side by side: what changed, and the paired difference of their answers on the shared cases.

    from reports.diff import diff_runs, lines
    for line in lines(diff_runs(RunStore.open(a), RunStore.open(b))): print(line)

Only what both runs recorded is compared; nothing is generated or scored again. Where more than one thing changed that
can move an approach, the difference is not put down to any of them, and that is said.
"""

from __future__ import annotations

from reports.diff.comparison import diff_runs
from reports.diff.model import ApproachDifference, Moved, RunDiff
from reports.diff.pairing import Pairing, pair_cases, pooled
from reports.diff.wording import lines

__all__ = ["ApproachDifference", "Moved", "Pairing", "RunDiff", "diff_runs", "lines", "pair_cases", "pooled"]
