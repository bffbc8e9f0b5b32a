"""Eval cases that stand in the training data too: how many, and what the rule comes to without them. Scores nothing.

leak_cautions(evidence, choice, decision, traffic)     # ('12 eval cases also stand …: … the choice would be rag …',)
"""

from __future__ import annotations

from collections.abc import Iterator

from reports import text
from reports.run.schema import Decision, Traffic
from reports.statistics import Outcomes
from reports.verdict.choice import Choice, choose
from reports.verdict.facts import Evidence
from reports.verdict.turning import outcome
from reports.verdict.wording import called


def leak_cautions(evidence: Evidence, choice: Choice, decision: Decision, traffic: Traffic) -> Iterator[str]:
    """A sentence for the leaked cases and one for near copies, each with the rule asked again without them."""
    leaked, near = evidence.leaked, evidence.leaked_near
    whole = "the leaked case" if leaked == 1 else f"the {leaked:,} leaked cases"
    copies = "the near copy" if near == 1 else f"the {near:,} near copies"

    def without(outcomes: Outcomes | None, words: str) -> str:
        if outcomes is None:
            return " No case is left without them." if leaked + near >= evidence.outcomes.cases else ""
        other = choose(evidence.over(outcomes), decision, traffic)
        if outcome(other) == outcome(choice):
            return f" Without {words} the choice stays the same."
        return f" Without {words} the choice would be another: {_named(other)} instead of {_named(choice)}."

    if leaked:
        yield (
            f"{text.count(leaked, 'eval case')} also {'stands' if leaked == 1 else 'stand'} in the training data: "
            f"whatever learns from it looks better than it is.{without(evidence.unleaked, whole)}"
        )
    if near:
        yield (
            f"{text.count(near, 'eval case')} {'stands' if near == 1 else 'stand'} nearly word for word in the "
            "training data: the method section gives the scores without them."
            f"{without(evidence.unleaked_near, f'{whole} and {copies}' if leaked else copies)}"
        )


def _named(choice: Choice) -> str:
    """'rag (retrieval)', or the kind of verdict that names nobody."""
    return f"{called(choice.approach)} ({choice.kind})" if choice.approach else f"“{choice.kind}”"
