"""The report's sentences: what to do, how sure, what it costs, what would change it, what to mind. Words only.

first = opening(summary); print(first.headline); print(first.sure[0])
"""

from __future__ import annotations

from dataclasses import dataclass

from reports import text
from reports.statistics.proportions import is_pilot
from reports.summary.model import ApproachSummary, ComparisonSummary, Summary
from reports.verdict.wording import horizon_words

NEAREST = 4
"""Things that would change the verdict in the first screenful."""


@dataclass(frozen=True)
class Opening:
    """The first screenful."""

    headline: str
    sure_big: str
    sure: tuple[str, ...]
    costs_big: str
    costs: tuple[str, ...]
    change: tuple[str, ...]
    """The nearest things that would change it."""
    further: tuple[str, ...]
    """The others, farther away."""
    rule: str


@dataclass(frozen=True)
class Chip:
    """One item of the trust strip: a glyph, words, and how it is meant."""

    glyph: str
    text: str
    tone: str
    """'fine', 'warn' or ''."""


def opening(summary: Summary) -> Opening:
    """The four answers that a decision maker looks for first."""
    verdict = summary.verdict
    chosen = summary.approach(verdict.approach) if verdict.approach else None
    leader = chosen or best(summary)
    costs_big, costs = _costs(summary, leader)
    change = _change(summary)
    return Opening(
        headline=verdict.headline or verdict.kind,
        sure_big=_sure_big(summary, leader),
        sure=tuple(_sure(summary, leader, chosen)),
        costs_big=costs_big,
        costs=tuple(costs),
        change=change[:NEAREST],
        further=change[NEAREST:],
        rule=verdict.rule,
    )


def _change(summary: Summary) -> tuple[str, ...]:
    """What would change the verdict, the nearest first; where nothing names another approach, that is said."""
    verdict = summary.verdict
    said = tuple(threshold.text for threshold in verdict.would_change_if)
    if any(threshold.approach for threshold in verdict.would_change_if) or not summary.verdict.rule:
        return said
    if verdict.approach is None:
        return said or ("No softer limit, no other margin and no other volume alone would name an approach.",)
    if len(verdict.acceptable) > 1 and summary.approach(verdict.approach).cost.total_usd is None:
        return (
            *said,
            "No softer limit would name another approach; volume and prices were not tried: costs are unknown.",
        )
    return (*said, "No softer limit, no other volume and no other price would name another approach.")


def mind(summary: Summary) -> tuple[str, ...]:
    """What to mind, each said once: the verdict's warnings, then the run's own. The demo model has a banner."""
    said = (*summary.verdict.warnings, *summary.trust.warnings)
    return tuple(dict.fromkeys(w for w in said if w and not w.startswith("Made with the bundled demo model")))


def best(summary: Summary) -> ApproachSummary | None:
    """The approach with the highest measured quality; None where nothing was scored."""
    scored = [a for a in summary.approaches if a.quality.value is not None]
    return max(scored, key=lambda a: (a.quality.value or 0.0, a.name), default=None)


def _sure_big(summary: Summary, leader: ApproachSummary | None) -> str:
    if leader is None or leader.quality.value is None or leader.quality.low is None or leader.quality.high is None:
        return "Nothing was scored"
    q, unit = leader.quality, summary.primary.unit
    value = text.quality(q.value, q.low, q.high, unit)
    return f"{value} {summary.primary.title.lower() if unit == 'share' else summary.primary.title}"


def _sure(summary: Summary, leader: ApproachSummary | None, chosen: ApproachSummary | None) -> list[str]:
    """The interval, the verdict's own numbers, and who else could be the best one."""
    said = [_ends(summary, chosen), *summary.verdict.because[1:2]] if chosen else list(summary.verdict.because)
    against = next((c for c in summary.comparisons if c.primary and leader and c.b == leader.name), None)
    if against and not any(name(against.a) in line for line in said[1:]):
        said.append(comparison_sentence(against, summary))
    rivals = [other for other in summary.verdict.could_be_best if chosen and other != chosen.name]
    if rivals:
        said.append(f"The data cannot rule out that {text.listed([name(r) for r in rivals], 'or')} is the best one.")
    elif chosen:
        out = {other for other, _ in summary.verdict.excluded}
        left = [
            a for a in summary.approaches if a.kind != "floor" and a.quality.value is not None and a.name not in out
        ]
        said.append(
            f"The data rule out that another approach{' within your limits' if out else ''} is the best one."
            if len(left) > 1
            else "Every other approach breaks a limit or is not shown to beat the trivial answer."
            if out
            else "There is no other approach in this run."
        )
    return said


def _ends(summary: Summary, chosen: ApproachSummary) -> str:
    """'95 % interval: 94.3 to 99.3 %, on 150 cases.'"""
    q, unit = chosen.quality, summary.primary.unit
    some = f"{q.n:,} of {text.count(summary.trust.cases, 'case')}" if chosen.stopped else text.count(q.n, "case")
    early = "; it was stopped early, so the estimate leans upward" if chosen.stopped else ""
    return f"95 % interval: {text.interval(q.low, q.high, unit)}, on {some}{early}."


def comparison_sentence(c: ComparisonSummary, summary: Summary) -> str:
    """One paired difference with its interval, in words."""
    unit = summary.primary.unit
    gap = text.difference(c.difference, c.low, c.high, unit)
    p = c.p_adjusted if c.p_adjusted is not None else c.p
    said = {
        "better": f"better, {text.evidence(p)}",
        "worse": f"worse, {text.evidence(p)}",
        "equivalent": f"equivalent within {text.difference(c.margin, 0, c.margin, unit).lstrip('+')}",
        "not shown": "a difference is not shown",
    }[c.words]
    if is_pilot(c.n):  # the interval stands, a word would be a verdict
        said = f"{text.count(c.n, 'case')} are too few for a word"
    return f"Against {name(c.a)}: {gap} ({text.interval(c.low, c.high, unit, signed=True)}); {said}."


def tested_words(summary: Summary) -> tuple[str, ...]:
    """Which comparisons share one adjustment of their p, and how many they are; nothing where none was made."""
    counts = {c.primary: c.family for c in summary.comparisons if c.family}
    outside = [name(c.b) for c in summary.comparisons if c.primary and not c.family]
    said = []
    if True in counts:
        those = text.count(counts[True], "comparison")
        said.append(f"Declared before the run: each other contender against {name(summary.baseline or '')}, {those}.")
        if counts[True] > 1:
            said.append("Their p is adjusted together (Holm).")
    if outside:
        what = "is a reference" if len(outside) == 1 else "are references"
        said.append(f"{text.listed(outside)} {what}, not a contender: compared, not counted, p as it is.")
    if False in counts:
        those = text.count(counts[False], "other pair")
        said.append(f"The {those} of contenders {'is' if counts[False] == 1 else 'are'} exploratory, adjusted apart.")
    return tuple(said)


def _costs(summary: Summary, leader: ApproachSummary | None) -> tuple[str, list[str]]:
    if leader is None:
        return "Unknown", []
    said: list[str] = []
    cost, traffic = leader.cost, summary.header.spec.traffic
    over = f"over {horizon_words(traffic)}"
    if cost.total_usd is None:
        said += summary.verdict.because[2:]
    else:
        once = _range(cost.one_off_usd, cost.one_off_low_usd, cost.one_off_high_usd)
        each = _range(cost.per_1000_usd, cost.per_1000_low_usd, cost.per_1000_high_usd)
        assumed = sum(line.usd for line in cost.lines if line.assumed)
        of_it = f", of it {text.amount(assumed)} for hours of work that are assumed" if assumed else ""
        said.append(f"{text.amount(cost.one_off_usd)} once, to build it{once}{of_it}.")
        said.append(
            f"Then {text.amount(cost.monthly_usd)} a month at {text.number(traffic.queries_per_day, 0)} answers a day: "
            f"{text.money(cost.per_1000_usd)} for 1,000{each}."
        )
    if summary.verdict.approach is None:
        said.append(f"These are the costs of {name(leader.name)}, which has the highest estimate.")
    base = summary.baseline
    if base and base != leader.name and (other := summary.approach(base).cost.total_usd) is not None:
        said.append(f"{name(base)}, the baseline, costs {text.amount(other)} {over}.")
    if leader.latency.n:
        what = "Answers come by batch, within hours; a direct request" if leader.batch else "One answer"
        said.append(f"{what} takes {text.seconds(leader.latency.p50_seconds)} (median), {_slow(leader)}.")
    if cost.total_usd is None:
        return "Not known", said
    return f"{text.amount(cost.total_usd)} {over}", said


def _range(typical: float | None, low: float | None, high: float | None) -> str:
    """' ($1,400 to $6,300)', or nothing where the prices have no range."""
    if low is None or high is None or low == high or not typical:
        return ""
    return f" ({text.money(low)} to {text.money(high)})"


def _slow(approach: ApproachSummary) -> str:
    slow = approach.latency
    if slow.p95_seconds is None:
        return "too few requests for a 95th percentile"
    ends = f"{text.seconds(slow.p95_low)} to {text.seconds(slow.p95_high)}"
    return f"{text.seconds(slow.p95_seconds)} at the 95th percentile ({ends})"


def chips(summary: Summary) -> list[Chip]:
    """The trust strip: what a sceptic asks first, each with its number."""
    trust = summary.trust
    found = [Chip("✓", text.count(trust.cases, "case"), "")]
    if trust.pilot:
        found = [Chip("!", f"{text.count(trust.cases, 'case')}: pilot only, under 50", "warn")]
    if trust.groups:
        found.append(Chip("≡", f"{text.count(trust.groups, 'group')}, intervals clustered by them", ""))
    if trust.detectable:
        gap = text.difference(trust.detectable, 0, trust.detectable, summary.primary.unit).lstrip("+")
        found.append(Chip("±", f"can detect about {gap} between the two best", ""))
    total = sum(a.quality.n for a in summary.approaches)
    some = f"{trust.failed_answers:,} of {text.count(total, 'answer')} failed, counted as wrong"
    found.append(Chip("!", some, "warn") if trust.failed_answers else Chip("✓", "no answer failed", "fine"))
    leaked = f"{text.count(trust.leaked, 'eval case')} also in the training data"
    if trust.leaked or not trust.leaked_near:
        found.append(Chip("!", leaked, "warn") if trust.leaked else Chip("✓", "no leak found", "fine"))
    if trust.leaked_near:
        near = f"{text.count(trust.leaked_near, 'eval case')} nearly word for word in the training data"
        found.append(Chip("!", near, "warn"))
    if trust.broken_rows:
        found.append(Chip("!", f"{text.count(trust.broken_rows, 'broken row')} left out", "warn"))
    if not trust.finished:
        found.append(Chip("!", "run not finished: numbers so far", "warn"))
    if trust.damaged:
        found.append(Chip("!", f"{text.count(len(trust.damaged), 'stored line')} could not be read", "warn"))
    judged = sum(result.judged for result in summary.reviews)
    if judged:
        found.append(Chip("✓", f"{text.count(judged, 'case')} read and judged blind", "fine"))
    if summary.prior and summary.prior_words:
        found.append(Chip("=" if summary.prior_agreed else "≠", summary.prior_words, ""))
    return found


def limits(summary: Summary) -> list[str]:
    """What this report does not show."""
    spec, trust = summary.header.spec, summary.trust
    said = []
    if trust.demo_model:
        said.append("It was made with the bundled demo model. That proves that the machinery works, not which approach "
                    "is best with yours.")  # fmt: skip
    said.append(
        f"It speaks for cases like these {trust.cases:,}: another source, season or customer mix may order the "
        "approaches differently."
    )
    if trust.detectable:
        gap = text.difference(trust.detectable, 0, trust.detectable, summary.primary.unit).lstrip("+")
        said.append(f"A difference smaller than about {gap} between the two best would often go unseen with so many "
                    'cases; "not shown" is not "no difference".')  # fmt: skip
    once = [name(a.name) for a in summary.approaches if a.training and a.seeds is None]
    if once:
        said.append(
            f"{text.listed(once)} was trained with one seed: training it again may move its quality by 2 to 4 points "
            "below 1,000 labels, and the interval does not contain that."
            if len(once) == 1
            else f"{text.listed(once)} were trained with one seed each: training again may move their quality by 2 to "
            "4 points below 1,000 labels, and the intervals do not contain that."
        )
    said.append(f"{summary.primary.title} is all that decides here. Read answers below before you trust it.")
    said.append(
        f"Latency was measured on {spec_device(summary)}, one request at a time; costs hold for the prices named below "
        f"and {text.number(spec.traffic.queries_per_day, 0)} answers a day."
    )
    return said


def spec_device(summary: Summary) -> str:
    """The machine in words."""
    device = summary.header.environment.device
    return "this machine's CPU" if device == "cpu" else device


def name(approach: str) -> str:
    """An approach's name for a sentence."""
    return text.one_line(approach, 60)
