"""The recommendation: constraints first, then the cheapest among those that may be best or are as good within margin.

    verdict = decide(Evidence(approaches, outcomes), spec.decision, spec.traffic)
    print(verdict.headline)

An approach of kind `floor` (the trivial answer) is never recommended: whatever is not shown to beat it, is not either.
"""

from __future__ import annotations

from reports.run.schema import Decision, Traffic
from reports.verdict.cautions import cautions
from reports.verdict.choice import choose
from reports.verdict.facts import ApproachFacts, Evidence, Threshold, Verdict, VerdictKind
from reports.verdict.kinds import family
from reports.verdict.thresholds import thresholds
from reports.verdict.wording import because, headline, rule_words

__all__ = ["ApproachFacts", "Evidence", "Threshold", "Verdict", "VerdictKind", "decide", "family"]


def decide(evidence: Evidence, decision: Decision, traffic: Traffic) -> Verdict:
    """The verdict by the rule that the user set. The same evidence and rule give the same verdict, word for word."""
    choice = choose(evidence, decision, traffic)
    excluded = [(item.name, item.reason) for item in choice.excluded]
    excluded += [(name, "not shown to beat the trivial answer") for name in choice.beaten_by_floor]
    return Verdict(
        kind=choice.kind,
        approach=choice.approach,
        headline=headline(evidence, choice, decision),
        because=because(evidence, choice, traffic),
        would_change_if=thresholds(evidence, choice, decision, traffic),
        warnings=cautions(evidence, choice, decision, traffic),
        rule=rule_words(evidence, decision, traffic),
        could_be_best=choice.could_be_best,
        acceptable=choice.acceptable,
        excluded=tuple(excluded),
    )
