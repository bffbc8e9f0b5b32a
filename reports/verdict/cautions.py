"""What a reader must know before trusting the verdict: small samples, leaks, failures, formats, seeds, prices.

cautions(evidence, choice, decision, traffic)      # sentences, the gravest first
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from reports import text
from reports.costs import HOURS_PER_MONTH, CostEstimate, value_of_quality
from reports.costs.device import always_on_monthly
from reports.run.schema import Decision, Traffic
from reports.statistics import FEW_CLUSTERS, NOT_MEASURED
from reports.verdict.choice import Choice, choose
from reports.verdict.facts import Evidence
from reports.verdict.kinds import is_tuned
from reports.verdict.unleaked import leak_cautions
from reports.verdict.wording import called, horizon_words, points, rival

SMALL = 150
"""Below so many cases only large differences can be shown: about 10 points of a share at usual spreads."""
FAILED_SHARE = 0.05
"""Share of failed answers from which a difference is also told without them."""
FORMAT_SHARE = 0.05
"""Share of unreadable answers from which they may explain a difference."""


def cautions(evidence: Evidence, choice: Choice, decision: Decision, traffic: Traffic) -> tuple[str, ...]:
    """All warnings that apply."""
    found = [
        *_run(evidence),
        *leak_cautions(evidence, choice, decision, traffic),
        *_sample(evidence, choice),
        *_failures(evidence, choice, decision, traffic),
        *_formats(evidence, choice),
        *_training(evidence, choice),
        *_limits(evidence, choice, decision),
        *_batch(evidence),
        *_money(evidence, choice),
        *_idle(evidence, choice, traffic),
        *_worth(evidence, choice, decision, traffic),
        *evidence.notes,
    ]
    return tuple(dict.fromkeys(found))


def _run(evidence: Evidence) -> Iterator[str]:
    if evidence.demo_model:
        yield (
            "Made with the bundled demo model: this shows that the machinery works, not which approach is best with "
            "your model."
        )


def _sample(evidence: Evidence, choice: Choice) -> Iterator[str]:
    n = max((choice.qualities[name].n for name in choice.contenders), default=0)
    if 0 < n < SMALL:
        least = _detectable(evidence, choice)
        said = "small differences can hardly be shown."
        if least:
            said = f"less than about {points(least, evidence.unit)} between the two best can hardly be shown."
        yield f"Only {text.count(n, 'case')}: {said}"
    clusters = evidence.outcomes.n_clusters
    if clusters is not None and clusters < FEW_CLUSTERS:
        yield f"The cases come from only {text.count(clusters, 'group')}: intervals over so few groups are unsteady."
    stopped = [f.name for f in evidence.approaches if f.stopped_early or f.settled]
    if stopped:
        names = text.listed([called(name) for name in stopped])
        yield f"Stopped early: {names}. Estimates at stopping lean away from zero; only their direction counts."


def _detectable(evidence: Evidence, choice: Choice) -> float | None:
    """What these cases can show with 80 % power between the two best estimates, the contest that matters.

    None where their difference is shown: they disagree on so many cases then that the figure says nothing of others.
    """
    if len(choice.contenders) < 2:
        return None
    first, second = sorted(choice.contenders, key=lambda name: (-choice.qualities[name].value, name))[:2]
    result = evidence.outcomes.compare(first, second)
    return None if result.low > 0 or result.high < 0 else result.detectable


def _failures(evidence: Evidence, choice: Choice, decision: Decision, traffic: Traffic) -> Iterator[str]:
    """Failed answers, and whether leaving them out would change the verdict."""
    outcomes = evidence.outcomes
    counts = [(outcomes.failures(name), name) for name in choice.contenders if outcomes.failures(name)]
    if not counts:
        return
    (worst, name), failed = max(counts), sum(count for count, _ in counts)
    share = "all of them" if worst == failed else "most of them" if 2 * worst > failed else "the largest part"
    if sum(count == worst for count, _ in counts) > 1:  # a tie: nobody's part is the largest
        share = f"{worst:,} of them"
    whom = f"({worst:,} of {choice.qualities[name].n:,}) from {called(name)}"
    if failed == 1:
        yield f"1 answer failed and counts as wrong {whom}."
    else:
        yield f"{text.count(failed, 'answer')} failed and count as wrong; {share} {whom}."
    yield from _among_the_answered(evidence, choice, traffic)
    other = choose(evidence.over(outcomes.answered_only()), decision, traffic)
    if (other.kind, other.approach) != (choice.kind, choice.approach):
        named = called(other.approach) if other.approach else other.kind
        yield f"If failed answers were left out instead of counted as wrong, the verdict would be {named}."


def _among_the_answered(evidence: Evidence, choice: Choice, traffic: Traffic) -> Iterator[str]:
    """The difference that the verdict names, without the failures that may make it."""
    other = rival(evidence, choice, traffic)
    if choice.approach is None or other is None:
        return
    outcomes, unit, pair = evidence.outcomes, evidence.unit, (other, choice.approach)
    if max(outcomes.failures(name) for name in pair) < FAILED_SHARE * outcomes.asked(*pair).sum():
        return
    answered = outcomes.answered_only()
    both = answered.asked(*pair)
    if not both.any():
        yield f"There is no case that both {called(other)} and {called(choice.approach)} answered: failures decide."
        return
    result = answered.compare(*pair)
    ends = text.interval(result.low, result.high, unit, signed=True)
    shown = "" if result.low > 0 or result.high < 0 else ", which is not shown"
    yield (
        f"On the {text.count(int(both.sum()), 'case')} that both answered, {called(choice.approach)} differs from "
        f"{called(other)} by {text.difference(result.difference, result.low, result.high, unit)} ({ends}){shown}; "
        "the rest of the difference is failed answers."
    )


def _formats(evidence: Evidence, choice: Choice) -> Iterator[str]:
    """Unreadable answers of the prompted approach that make a tuned one look better than it is."""
    kinds = {f.name: f.kind for f in evidence.approaches}
    tuned = [name for name in choice.acceptable if is_tuned(kinds[name])]
    prompted = [name for name in choice.contenders if not is_tuned(kinds[name]) and kinds[name] != "recorded"]
    if not tuned or not prompted:
        return
    best_tuned = max(tuned, key=lambda name: (choice.qualities[name].value, name))
    other = max(prompted, key=lambda name: (choice.qualities[name].value, name))
    outcomes = evidence.outcomes
    unreadable = np.asarray(outcomes.format_failed.get(other, np.zeros(outcomes.cases, dtype=bool)), dtype=bool)
    asked = outcomes.asked(other, best_tuned)
    share = float(np.mean(unreadable[asked])) if asked.any() else 0.0
    if share < FORMAT_SHARE:
        return
    among = outcomes.subset(asked & ~unreadable).compare(other, best_tuned)
    whole = outcomes.compare(other, best_tuned)
    if whole.difference <= 0 or among.difference >= whole.difference:
        return
    unit = evidence.unit
    shown = "and shown" if among.low > 0 else "which is not shown"
    yield (
        f"{text.quality(share)} of the answers of {called(other)} could not be read as asked. "
        f"Where they could, {called(best_tuned)} differs by "
        f"{text.difference(among.difference, among.low, among.high, unit)} instead of "
        f"{text.difference(whole.difference, whole.low, whole.high, unit)}, {shown}: repair the format "
        "(parsing, constrained decoding) before paying for training."
    )


def _training(evidence: Evidence, choice: Choice) -> Iterator[str]:
    """One seed says nothing of the next."""
    kinds = {f.name: f for f in evidence.approaches}
    concerned = [kinds[name] for name in choice.acceptable if is_tuned(kinds[name].kind)]
    if any(f.seeds < 2 for f in concerned):
        yield NOT_MEASURED
    for f in concerned:
        if f.seeds >= 2 and f.seed_sd is not None:
            spread = points(f.seed_sd, evidence.unit)
            yield f"Between {f.seeds} training seeds {called(f.name)} varied by {spread} (standard deviation)."


def _limits(evidence: Evidence, choice: Choice, decision: Decision) -> Iterator[str]:
    """Constraints that the chosen approach meets by its estimate only."""
    if choice.approach is None:
        return
    facts = next(f for f in evidence.approaches if f.name == choice.approach)
    name, quality = called(choice.approach), choice.qualities[choice.approach]
    if decision.min_quality is not None and quality.low < decision.min_quality:
        yield f"The interval of {name} reaches below the quality you ask for: only its estimate meets the limit."
    limit = decision.max_p95_seconds
    if limit is not None and facts.p95_seconds is None:
        yield f"Whether {name} keeps {text.seconds(limit)} in 95 % of the answers is not known: that takes 72 requests."
    elif limit is not None and (facts.p95_high_seconds or 0.0) > limit:
        yield f"The interval of {name}'s p95 reaches beyond {text.seconds(limit)}: only its estimate meets the limit."
    if decision.monthly_budget_usd is not None and not isinstance(facts.cost, CostEstimate):
        yield f"Whether {name} keeps the budget is not known: its cost is not."


def _batch(evidence: Evidence) -> Iterator[str]:
    """Seconds that were measured in another way than traffic will take."""
    names = [called(f.name) for f in evidence.approaches if f.batch]
    if names:
        yield (
            f"{text.listed(names)} {'is' if len(names) == 1 else 'are'} billed by batch: answers come within hours. "
            "The seconds shown are those of direct requests, p95 too, not of batch traffic."
        )


def _money(evidence: Evidence, choice: Choice) -> Iterator[str]:
    """Prices that are not known where they would decide."""
    if not choice.unpriced or len(choice.acceptable) < 2:
        return
    names = text.listed([called(name) for name in choice.unpriced])
    if choice.approach in choice.unpriced:
        yield f"No price is known for {names}: the simplest to build is named instead of the cheapest."
    else:
        yield f"{names} may serve as well; what it costs is not known here, so it was not weighed."


def _idle(evidence: Evidence, choice: Choice, traffic: Traffic) -> Iterator[str]:
    """A machine of one's own is paid while it waits; the figures take one that is shared."""
    cost = next((f.cost for f in evidence.approaches if f.name == choice.approach), None)
    if not isinstance(cost, CostEstimate):
        return
    hours = cost.machine_hours(traffic.queries_per_day)
    if 0 < hours < HOURS_PER_MONTH / 2:
        alone = text.money(always_on_monthly(cost.hour_usd))
        yield (
            f"The machine is reckoned as shared: {text.significant(max(hours, 0.01))} hours a month answer for "
            f"{called(choice.approach or '')}. One that is kept on for it alone costs {alone} a month."
        )


def _worth(evidence: Evidence, choice: Choice, decision: Decision, traffic: Traffic) -> Iterator[str]:
    """A lead that is not shown, but would pay for itself if it were real."""
    facts = {f.name: f for f in evidence.approaches}
    other = rival(evidence, choice, traffic)
    if not decision.error_cost_usd or other is None or choice.approach is None or other not in facts:
        return
    own, theirs = facts[choice.approach].cost, facts[other].cost
    result = evidence.outcomes.compare(choice.approach, other)
    if not isinstance(own, CostEstimate) or not isinstance(theirs, CostEstimate) or result.difference <= 0:
        return
    horizon = traffic.queries_per_day, traffic.horizon_months
    worth = value_of_quality(result.difference, decision.error_cost_usd, *horizon)
    extra = theirs.total(*horizon) - own.total(*horizon)
    if worth > extra > 0:
        unit = evidence.unit
        yield (
            f"If the lead of {called(other)} is real "
            f"({text.difference(result.difference, result.low, result.high, unit)}, "
            f"{text.interval(result.low, result.high, unit, signed=True)}), it saves {text.money(worth)} of errors "
            f"over {horizon_words(traffic)} and costs {text.money(extra)} more: worth more cases."
        )
