"""The recommendation: constraints first, then the cheapest among those that may be best or are as good within margin.

verdict = decide(Evidence(approaches, outcomes), spec.decision, spec.traffic)
print(verdict.headline)
"""

from __future__ import annotations

from reports.verdict.facts import ApproachFacts, Evidence, Threshold, Verdict, VerdictKind

__all__ = ["ApproachFacts", "Evidence", "Threshold", "Verdict", "VerdictKind"]
