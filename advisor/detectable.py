"""What difference an eval set can show, said before anything is measured. Refuses to know models and prices.

detectable(prepared)            # "400 cases can show a difference of 6 points between two approaches (80 % power, …)"
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reports.metrics import facts
from reports.text import count

if TYPE_CHECKING:
    from advisor.plan import Prepared
    from reports.statistics import ScoreKind

USUAL_DISCORDANCE = 0.2
"""Share of cases on which two variants disagree: 4 to 18 % were seen in public runs."""
USUAL_SPREAD = 0.25
"""Standard deviation of the difference of two graded scores of one case (evidence 1.9)."""
USUAL_CORRELATION = 0.015
"""Of differences within a group: .0147 was seen in a public run over 20 databases (evidence 1.4)."""


def detectable(prepared: Prepared) -> str:
    """What difference between two approaches the eval set can show, as a sentence."""
    groups = [case.question.group or f"case {case.question.id}" for case in prepared.cases]
    return shows(len(groups), len(set(groups)), facts(prepared.spec.metrics[0]).kind)


def shows(cases: int, groups: int, kind: ScoreKind) -> str:
    """The sentence for so many cases in so many groups. Nothing is measured yet: what is usual is said with it."""
    from reports.statistics import clustered_design_effect, detectable_difference, detectable_mean, is_pilot

    effect = clustered_design_effect(cases / max(groups, 1), USUAL_CORRELATION) if groups < cases else 1.0
    if kind == "bounded":
        smallest: float | None = detectable_mean(cases, USUAL_SPREAD, design_effect=effect)
        usual = f"where their scores differ by {USUAL_SPREAD:g} between cases (standard deviation)"
    else:
        smallest = detectable_difference(cases, USUAL_DISCORDANCE, design_effect=effect)
        usual = f"where they disagree on {100 * USUAL_DISCORDANCE:.0f} % of the cases"
    clustered = (
        f"; the cases come from {count(groups, 'group')}, reckoned as {cases / effect:,.0f} that stand alone"
        if groups < cases
        else ""
    )
    pilot = "; below 50 it is a pilot and gives no verdict" if is_pilot(cases) else ""
    if smallest is None:
        return f"{count(cases, 'case')} cannot show any difference between two approaches: give more cases{pilot}"
    points = f"{100 * smallest:.0f} points" if kind != "bounded" else f"{smallest:.2f}"
    return (
        f"{count(cases, 'case')} can show a difference of {points} between two approaches "
        f"(80 % power, {usual}){clustered}{pilot}"
    )
