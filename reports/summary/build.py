"""Stored run to Summary. Reads a run, decides nothing itself: numbers come from statistics, costs and verdict.

summarise(RunStore.open(folder))
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from reports import judging, metrics, review
from reports.basis import different_models
from reports.judging import JudgeSummary
from reports.run.schema import ApproachSpec, Decision, RunHeader, RunSpec, Traffic
from reports.run.serving import read_serving
from reports.run.store import RunStore
from reports.statistics.comparison import adjust
from reports.statistics.outcomes import Outcomes
from reports.statistics.results import PairedResult
from reports.summary.contender import Views, contender, views_of
from reports.summary.curve import with_curve
from reports.summary.decision import decided
from reports.summary.model import ApproachSummary, ComparisonSummary, MetricSummary, Slice, Summary, VerdictSummary
from reports.summary.money import bills_of, break_evens, search_seconds, undominated
from reports.summary.slicing import dimensions, find_slices
from reports.summary.table import RunTable, read_table
from reports.summary.trust import trust
from reports.text import Unit

SIMPLE_FIRST = (
    "zero-shot",
    "few-shot",
    "knn-few-shot",
    "rag",
    "rag+few-shot",
    "classifier",
    "recorded",
    "qlora",
    "qlora+rag",
)
"""From the least to the most upkeep: the first one that ran is the baseline where the project names none."""


@dataclass(frozen=True, eq=False)
class Measurements:
    """What a stored run measured, apart from the rule and the traffic that a verdict needs: read once, judged often."""

    table: RunTable
    metrics: tuple[MetricSummary, ...]
    by_metric: Mapping[str, Outcomes]
    views: Views
    judge: JudgeSummary | None = None


def measurements(store: RunStore) -> Measurements:
    """Reads the run. Raises DataError where its own files are gone or broken."""
    table = read_table(store)
    spec = store.header.spec
    judge = judging.judge_summary(store)
    found = tuple(_metric(name, table) for name in judging.deciding_first(spec.metrics, judge))
    by_metric = {metric.name: table.outcomes(metric.name, metric.kind, spec.seed) for metric in found}
    return Measurements(table, found, by_metric, views_of(table, by_metric, spec.data), judge)


def summarise(
    store: RunStore,
    *,
    decision: Decision | None = None,
    traffic: Traffic | None = None,
    measured: Measurements | None = None,
) -> Summary:
    """Everything that can be said about the run, finished or not. The same stored run gives the same summary.

    `decision` and `traffic` replace the stored ones (see `reports.what_if`); `measured` saves reading the run again.
    Raises DataError where the run's own files are gone or broken.
    """
    measured = measured or measurements(store)
    header, finished = _under(store.header, decision, traffic), store.finished
    spec, table, found = header.spec, measured.table, measured.metrics
    skipped = tuple(item for item in table.log.skipped if not _ran(table, item.name))
    left_out = {item.name for item in skipped}
    every = [item for item in spec.approaches if item.name not in left_out]
    trainings = {item.name: store.training(item.name) for item in every}
    bills = bills_of(header, table, trainings, search_seconds(store))
    summaries = {
        item.name: contender(item, store, table, measured.views, bills.get(item.name), traffic=spec.traffic)
        for item in every
    }
    contenders = [item for item in every if item.part_of is None]
    said = spec.interview.get("labels_obtainable")
    obtainable = int(said) if isinstance(said, (int, float)) and said > 0 else None
    shown = [summaries[item.name] for item in contenders]
    approaches = _with_curves(shown, every, summaries, found[0].unit, obtainable)
    ranked = measured.by_metric[found[0].name].only([item.name for item in contenders])
    references = {a.name for a in approaches if a.kind == "floor" or a.state == "failed"}
    baseline = choose_baseline(spec, ranked)
    comparisons = compare_all(ranked, baseline, spec.decision.margin, references)
    ruling = decided(store, spec, measured.views, approaches, bills, baseline=baseline)
    approaches = _marked(approaches, undominated(approaches), ruling.verdict)
    leader = ruling.verdict.approach or _leader(approaches, baseline)
    pairs = _pairs(approaches, baseline, ruling.verdict.approach)
    return Summary(
        run=store.header.run,
        header=header,
        seconds=finished.seconds if finished else None,
        metrics=found,
        baseline=baseline,
        approaches=approaches,
        skipped=skipped,
        comparisons=comparisons,
        verdict=_with_cautions(ruling.verdict, spec, baseline, measured.judge),
        prior=store.prior,
        prior_agreed=ruling.prior_agreed,
        prior_words=ruling.prior_words,
        slices=_slices(table, ranked, baseline, leader, spec),
        break_even=break_evens(bills, pairs, comparisons, spec.traffic, spec.decision.error_cost_usd),
        serving=read_serving(store),
        judge=measured.judge,
        reviews=review.results(store, spec.metrics, [item.name for item in sorted(contenders, key=_simple_first)]),
        trust=trust(store, table, approaches, comparisons),
    )


def _marked(
    approaches: Sequence[ApproachSummary], front: Collection[str], verdict: VerdictSummary
) -> tuple[ApproachSummary, ...]:
    """The approaches with what only all of them together tell."""
    return tuple(
        a.model_copy(
            update={
                "undominated": a.name in front,
                "could_be_best": a.name in verdict.could_be_best,
                "acceptable": a.name in verdict.acceptable,
            }
        )
        for a in approaches
    )


def _with_cautions(
    verdict: VerdictSummary, spec: RunSpec, baseline: str | None, judge: JudgeSummary | None
) -> VerdictSummary:
    """What the rule itself cannot know: that a judge may not decide or grades itself, that two models are compared."""
    judged = (judge.caution, judge.own) if judge is not None and spec.metrics[0] == judging.METRIC else ()
    said = [text for text in (*judged, different_models(spec, baseline, verdict.approach)) if text]
    return verdict.model_copy(update={"warnings": (*verdict.warnings, *said)}) if said else verdict


def _under(header: RunHeader, decision: Decision | None, traffic: Traffic | None) -> RunHeader:
    """The header as it would read under another rule."""
    if decision is None and traffic is None:
        return header
    changed = {"decision": decision or header.spec.decision, "traffic": traffic or header.spec.traffic}
    return header.model_copy(update={"spec": header.spec.model_copy(update=changed)})


def choose_baseline(spec: RunSpec, outcomes: Outcomes) -> str | None:
    """The approach the project names, else the simplest one with scores that is not the floor; None without any.

    One that was stopped early answered a few cases only: it is the last choice.
    """
    if spec.decision.baseline in outcomes.names:
        return spec.decision.baseline
    known = {item.name: item for item in spec.approaches}
    ran = [name for name in outcomes.names if known[name].kind != "floor"] or list(outcomes.names)
    return min(ran, key=lambda name: (name in outcomes.stopped, _simple_first(known[name])), default=None)


def _simple_first(item: ApproachSpec) -> int:
    return SIMPLE_FIRST.index(item.kind) if item.kind in SIMPLE_FIRST else len(SIMPLE_FIRST)


def compare_all(
    outcomes: Outcomes, baseline: str | None, margin: float, references: Collection[str] = ()
) -> tuple[ComparisonSummary, ...]:
    """Every approach against the baseline, declared before the run and Holm-adjusted over the contenders: `references`
    (the trivial answer, what failed as a whole) stand beside them. Then every other pair of contenders, marked as
    exploratory and Holm-adjusted among themselves."""
    if baseline is None:
        return ()
    others = [name for name in outcomes.names if name != baseline and outcomes.asked(name, baseline).any()]
    primary = [_comparison(result, True) for result in outcomes.against(baseline, others, margin, references)]
    rivals = [name for name in others if name not in references]
    pairs = [(a, b) for i, a in enumerate(rivals) for b in rivals[i + 1 :] if outcomes.asked(a, b).any()]
    looked = adjust([outcomes.compare(a, b, margin) for a, b in pairs])
    return (*primary, *(_comparison(result, False) for result in looked))


def _metric(name: str, table: RunTable) -> MetricSummary:
    values = {
        float(value)
        for row in table.rows.values()
        if name in row.scores
        for value in np.unique(row.scores[name].values)
        if not math.isnan(value)
    }
    facts = metrics.facts(name, values)
    return MetricSummary(name=name, title=facts.title, kind=facts.kind, unit=facts.unit, definition=facts.definition)


def _with_curves(
    contenders: Sequence[ApproachSummary],
    specs: Sequence[ApproachSpec],
    summaries: Mapping[str, ApproachSummary],
    unit: Unit,
    obtainable: int | None,
) -> tuple[ApproachSummary, ...]:
    owners = {item.name: item.part_of for item in specs}
    return tuple(
        with_curve(a, [summaries[n] for n, owner in owners.items() if owner == a.name], contenders, unit, obtainable)
        for a in contenders
    )


def _ran(table: RunTable, name: str) -> bool:
    return name in table.rows and bool(table.rows[name].answered.any())


def _leader(approaches: Collection[ApproachSummary], baseline: str | None) -> str | None:
    """The best contender besides the baseline: whom slices compare where nothing is recommended."""
    scored = [a for a in approaches if a.quality.value is not None and a.name != baseline and a.kind != "floor"]
    best = max(scored, key=lambda a: (a.quality.value or 0.0, a.name), default=None)
    return best.name if best else None


def _pairs(
    approaches: Collection[ApproachSummary], baseline: str | None, recommended: str | None
) -> list[tuple[str, str]]:
    """Whose costs are set against each other: with the baseline, then with the recommended one, then all others."""
    names = [a.name for a in approaches if a.kind != "floor"]
    first = [(baseline, name) for name in names if baseline and name != baseline]
    second = [(name, recommended) for name in names if recommended and name not in (baseline, recommended)]
    known = first + (second if recommended != baseline else [])
    seen = {frozenset(pair) for pair in known}
    return known + [pair for pair in combinations(names, 2) if frozenset(pair) not in seen]


def _slices(
    table: RunTable, outcomes: Outcomes, baseline: str | None, leader: str | None, spec: RunSpec
) -> tuple[Slice, ...]:
    """The leader against the baseline in every slice; no labels for a macro mean, which would be of one label there."""
    if leader == baseline:
        others = [name for name in outcomes.names if name != baseline]
        leader = max(others, key=lambda name: outcomes.quality(name).value, default=None)
    if baseline is None or leader is None:
        return ()
    labels = outcomes.expected if spec.task.type == "classification" and outcomes.kind == "binary" else None
    return find_slices(outcomes, dimensions(table.questions, labels), baseline, leader, spec.decision.margin)


def _comparison(result: PairedResult, primary: bool) -> ComparisonSummary:
    finite = math.isfinite(result.low90) and math.isfinite(result.high90)
    return ComparisonSummary(
        a=result.a,
        b=result.b,
        difference=result.difference,
        low=result.low,
        high=result.high,
        p=result.p,
        p_adjusted=result.p_adjusted,
        family=result.family,
        n=result.n,
        a_only=result.a_only,
        b_only=result.b_only,
        words=result.words,
        primary=primary,
        margin=result.margin,
        low90=result.low90 if finite else None,
        high90=result.high90 if finite else None,
        discordance=result.discordance,
        detectable=result.detectable,
        probability_better=result.probability_better,
        clusters=result.n_clusters,
        method=result.method,
    )
