"""The verdict of a run as the summary says it, and how it stands to the interview's guess.

decided(store, spec, views, approaches, bills, baseline=baseline).verdict.headline
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reports.costs import PriceNeeded
from reports.forgotten import forgetting_cautions
from reports.prior import PriorRecord
from reports.run.schema import RunSpec
from reports.run.store import RunStore
from reports.summary.contender import Views
from reports.summary.model import ApproachSummary, ThresholdSummary, VerdictSummary
from reports.summary.money import Bill
from reports.undertrained import undertrained_caution
from reports.verdict import ApproachFacts, Evidence, Verdict, decide

FAMILIES = ("prompting", "retrieval", "fine-tuning", "fine-tuning with retrieval")


@dataclass(frozen=True)
class Ruling:
    """The verdict, and whether the interview had guessed it."""

    verdict: VerdictSummary
    prior_agreed: bool
    prior_words: str


def decided(
    store: RunStore,
    spec: RunSpec,
    views: Views,
    approaches: Sequence[ApproachSummary],
    bills: Mapping[str, Bill],
    *,
    baseline: str | None,
) -> Ruling:
    """Hands the facts to `reports.verdict`, which also says where it changes without failed answers or leaked cases."""
    evidence = _evidence(store, spec, views, approaches, bills, baseline=baseline)
    verdict = decide(evidence, spec.decision, spec.traffic)
    agreed, words = _prior(verdict, store.prior)
    return Ruling(_summary(verdict), agreed, words)


def _evidence(
    store: RunStore,
    spec: RunSpec,
    views: Views,
    approaches: Sequence[ApproachSummary],
    bills: Mapping[str, Bill],
    *,
    baseline: str | None,
) -> Evidence:
    ran = [a.name for a in approaches if a.state != "failed"]
    outcomes = views.primary.only(ran)
    return Evidence(
        approaches=tuple(_facts(a, bills) for a in approaches if a.name in outcomes.names),
        outcomes=outcomes,
        baseline=baseline,
        unleaked=views.unleaked.only(ran) if views.unleaked else None,
        unleaked_near=views.unleaked_near.only(ran) if views.unleaked_near else None,
        demo_model=any(a.model == "demo" for a in approaches),
        leaked=len(spec.data.leaked),
        leaked_near=len(spec.data.leaked_near),
        notes=(
            *(() if store.finished else ("The run is not finished: these are the numbers so far.",)),
            *(caution for a in approaches for caution in undertrained_caution(a.name, a.training)),
            *(caution for a in approaches for caution in forgetting_cautions(a.name, a.training)),
        ),
    )


def _facts(approach: ApproachSummary, bills: Mapping[str, Bill]) -> ApproachFacts:
    unknown = PriceNeeded("an approach that was not measured", "run it first")
    return ApproachFacts(
        name=approach.name,
        kind=approach.kind,
        cost=bills.get(approach.name, unknown),
        p95_seconds=approach.latency.p95_seconds,
        p95_low_seconds=approach.latency.p95_low,
        p95_high_seconds=approach.latency.p95_high,
        batch=approach.batch,
        model=approach.model,
        seeds=len(approach.seeds.values) if approach.seeds else 1,
        seed_sd=approach.seeds.sd if approach.seeds else None,
        train_examples=approach.training.examples if approach.training else None,
        stopped_early=approach.state == "stopped early" and not approach.settled,
        settled=approach.settled,
    )


def _summary(verdict: Verdict) -> VerdictSummary:
    return VerdictSummary(
        kind=verdict.kind,
        approach=verdict.approach,
        headline=verdict.headline,
        because=verdict.because,
        would_change_if=tuple(
            ThresholdSummary(
                kind=t.kind,
                text=t.text,
                value=t.value,
                unit=t.unit,
                approach=t.approach,
                becomes=t.becomes,
                now=t.now,
            )
            for t in verdict.would_change_if
        ),
        warnings=verdict.warnings,
        rule=verdict.rule,
        could_be_best=verdict.could_be_best,
        acceptable=verdict.acceptable,
        excluded=verdict.excluded,
    )


def _prior(verdict: Verdict, prior: PriorRecord | None) -> tuple[bool, str]:
    if prior is None or not prior.ranking:
        return False, ""
    guess = prior.ranking[0]
    if verdict.kind == guess:
        return True, f"the interview alone had suggested {guess} too"
    if verdict.kind in FAMILIES or verdict.approach:
        return False, f"the interview alone had suggested {guess}; measurement overrides it"
    return False, f"the interview alone suggests {guess}; measurement could not tell"
