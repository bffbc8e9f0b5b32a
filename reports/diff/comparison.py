"""The comparison itself: two stores in, a `RunDiff` out. Statistics come from reports.statistics.

diff = diff_runs(RunStore.open(a), RunStore.open(b)); diff.approaches[0].words
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from reports import metrics, statistics, text
from reports.diff.inventory import inventory
from reports.diff.model import ApproachDifference, Moved, RunDiff, RunName, SharedCases
from reports.diff.pairing import A, B, Pairing, pair_cases, pooled
from reports.diff.reach import reached
from reports.run.schema import Case
from reports.run.store import RunStore
from reports.statistics import Outcomes, PairedResult
from reports.summary.curve import curve_of
from reports.summary.estimates import estimate
from reports.summary.table import RunTable, read_table


@dataclass(frozen=True, eq=False)
class Side:
    """One run, read."""

    store: RunStore
    cases: list[Case]
    table: RunTable

    @classmethod
    def read(cls, store: RunStore) -> Side:
        """Cases and scores of a stored run."""
        return cls(store, list(store.cases()), read_table(store))

    def named(self) -> RunName:
        """The run for a reader."""
        header = self.store.header
        return RunName(
            run=header.run,
            started=header.started,
            name=header.spec.name,
            cases=len(self.cases),
            finished=self.store.finished is not None,
        )

    def kinds(self) -> dict[str, str]:
        """Name to kind of the approaches that answered; parts of a learning curve are left out."""
        specs = self.store.header.spec.approaches
        return {s.name: s.kind for s in specs if curve_of(s) is None and self.table.rows[s.name].answered.any()}


@dataclass(frozen=True)
class AnswersSeen:
    """The stored answers of one approach on the shared cases."""

    both: int = 0
    same_text: int = 0
    prompts_changed: int = 0
    fingerprint_changed: bool = False

    @property
    def unchanged(self) -> bool:
        """Whether every shared case was answered with the same text and status."""
        return 0 < self.both == self.same_text


def diff_runs(a: RunStore, b: RunStore) -> RunDiff:
    """What changed from A to B, and what it did. Reads both runs once; the same runs give the same result.

    Raises DataError where a run's own files are gone or broken.
    """
    left, right = Side.read(a), Side.read(b)
    pairing = pair_cases(left.cases, right.cases)
    ours, theirs = left.kinds(), right.kinds()
    kinds = {name: kind for name, kind in theirs.items() if ours.get(name) == kind}
    moved = [*inventory(a, b, kinds, pairing)]
    seen = {name: _answers(left, right, name, pairing) for name in kinds}
    moved += _unexplained(seen, moved)
    metric = shared_metric(left.table, right.table, b.header.spec.metrics)
    found: dict[str, tuple[Outcomes, PairedResult]] = {}
    if metric and len(pairing):
        moved += _scoring(left, right, metric, kinds)
        found = _compared((left, right), metric, kinds, pairing, seen)
    facts = metrics.facts(metric, values_of(metric, left.table, right.table)) if metric else None
    return RunDiff(
        a=left.named(),
        b=right.named(),
        metric=metric or "",
        metric_title=facts.title if facts else "",
        unit=facts.unit if facts else "share",
        margin=b.header.spec.decision.margin,
        cases=_cases(pairing),
        moved=tuple(moved),
        approaches=tuple(_approach(name, *pair, seen[name], moved) for name, pair in found.items()),
        only_a=tuple(name for name in ours if name not in kinds),
        only_b=tuple(name for name in theirs if name not in kinds),
        warnings=tuple(_warnings(left, right, metric, pairing)),
    )


def shared_metric(a: RunTable, b: RunTable, wanted: tuple[str, ...]) -> str | None:
    """The first of the wanted metrics that both runs scored for some approach."""
    scored = [{metric for row in table.rows.values() for metric in row.scores} for table in (a, b)]
    return next((name for name in wanted if name in scored[0] and name in scored[1]), None)


def values_of(metric: str, *tables: RunTable) -> set[float]:
    """Every value that the metric took in these runs: what an unknown metric's kind is told by."""
    rows = [row for table in tables for row in table.rows.values() if metric in row.scores]
    return {float(v) for row in rows for v in set(row.scores[metric].values.tolist()) if not math.isnan(v)}


def _compared(
    sides: tuple[Side, Side],
    metric: str,
    kinds: Mapping[str, str],
    pairing: Pairing,
    seen: Mapping[str, AnswersSeen],
) -> dict[str, tuple[Outcomes, PairedResult]]:
    """B minus A for every approach with scores on both sides; Holm over all of them but the floor and those whose
    answers are all the same: where nothing moved there is nothing to test, and no other p is to pay for it."""
    a, b = sides
    kind = metrics.facts(metric, values_of(metric, a.table, b.table)).kind
    before, after = (side.table.outcomes(metric, kind, side.store.header.spec.seed) for side in (a, b))
    names = [n for n, k in kinds.items() if k != "floor" and n in before.names and n in after.names]
    tables = {name: pooled(before, after, (name, name), pairing) for name in names}
    names = [name for name in names if tables[name].asked(A, B).any()]
    margin = b.store.header.spec.decision.margin
    results = {name: tables[name].compare(A, B, margin) for name in names}
    still = [name for name in names if seen[name].unchanged and results[name].difference == 0]
    return {name: (tables[name], result) for name, result in statistics.declared(results, still).items()}


def _answers(a: Side, b: Side, name: str, pairing: Pairing) -> AnswersSeen:
    """Texts, prompts and fingerprints of both runs, read once; one answer in memory at a time."""
    partner = {b.table.ids[j]: a.table.ids[i] for i, j in zip(pairing.rows_a, pairing.rows_b, strict=True)}
    before = a.store.answers(name)
    both = same = prompts = 0
    changed = False
    for answer in b.store.answers(name).stream():
        other = before.get(partner.get(answer.case, ""))
        if other is None:
            continue
        both += 1
        same += (answer.text, answer.status) == (other.text, other.status)
        prompts += None not in (answer.prompt, other.prompt) and answer.prompt != other.prompt
        changed = changed or answer.fingerprint != other.fingerprint
    return AnswersSeen(both, same, prompts, changed)


def _unexplained(seen: Mapping[str, AnswersSeen], moved: list[Moved]) -> list[Moved]:
    """Prompts that differ, and fingerprints that differ although nothing that was recorded did (weights, program)."""
    found = []
    for name, answers in seen.items():
        causes = [item for item in moved if name in item.approaches and item.area not in ("versions", "hardware")]
        if answers.prompts_changed:
            said = f"other words in {answers.prompts_changed:,} of {text.count(answers.both, 'shared case')}"
            found.append(Moved(area="prompts", name=name, text=said, approaches=(name,), consequence=bool(causes)))
        elif answers.fingerprint_changed and not causes:
            said = "the weights, the recorded material or the program's own prompts changed (another fingerprint)"
            found.append(Moved(area="weights", name=name, text=said, approaches=(name,)))
    return found


def _scoring(a: Side, b: Side, metric: str, kinds: Mapping[str, str]) -> list[Moved]:
    """Scores by two versions of the metric's code do not compare."""
    versions = [
        sorted({int(v) for row in side.table.rows.values() if metric in row.scores
                for v in set(row.scores[metric].versions.tolist()) if v >= 0})
        for side in (a, b)
    ]  # fmt: skip
    if versions[0] == versions[1]:
        return []
    said = " → ".join(", ".join(map(str, side)) for side in versions)
    return [
        Moved(
            area="scoring", name=f"{metric}: version", text=said, moves="scores", approaches=reached("scoring", kinds)
        )
    ]


def _approach(
    name: str, table: Outcomes, result: PairedResult, seen: AnswersSeen, moved: list[Moved]
) -> ApproachDifference:
    causes = causes_of(name, moved)
    sides = (estimate(table.quality(side), table.failures(side), table.format_failures(side)) for side in (A, B))
    quality_a, quality_b = sides
    return ApproachDifference(
        name=name,
        quality_a=quality_a,
        quality_b=quality_b,
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
        clusters=result.n_clusters,
        method=result.method,
        same_text=seen.same_text,
        both_answered=seen.both,
        causes=causes,
        attribution=_attribution(causes, seen),
    )


def causes_of(name: str, moved: list[Moved]) -> tuple[str, ...]:
    """What can have moved the approach, each once: all packages together are one thing, and so is the machine."""
    reach = [m for m in moved if name in m.approaches and not m.consequence and m.moves in ("answers", "scores")]
    own = [m.name for m in reach if m.area not in ("versions", "hardware")]
    lumped = [area for area in ("versions", "hardware") if any(m.area == area for m in reach)]
    return (*own, *lumped)


def _attribution(causes: tuple[str, ...], seen: AnswersSeen) -> str:
    if len(causes) > 1:
        return (
            f"{len(causes)} things changed at once ({'; '.join(causes)}): no difference can be put down to one of "
            "them. Change one thing at a time."
        )
    if causes:
        return f"Only one thing changed that can have moved it: {causes[0]}."
    if seen.same_text == seen.both:
        return "Nothing that can move it changed, and every answer is the same."
    return "Nothing that is recorded changed for it: what differs is what a repetition of the same run varies by."


def _cases(pairing: Pairing) -> SharedCases:
    return SharedCases(
        shared=len(pairing),
        under_another_id=pairing.under_another_id,
        question_changed=pairing.question_changed,
        reference_changed=pairing.reference_changed,
        only_a=pairing.only_a,
        only_b=pairing.only_b,
    )


def _warnings(a: Side, b: Side, metric: str | None, pairing: Pairing) -> list[str]:
    found = [
        f"Run {letter} is not finished: only what it has answered so far is compared."
        for letter, side in (("A", a), ("B", b))
        if side.store.finished is None
    ]
    if not len(pairing):
        found.append("The runs share no case: nothing can be compared.")
    elif statistics.is_pilot(len(pairing)):
        found.append(f"Only {text.count(len(pairing), 'shared case')}: a pilot. Read no difference as shown.")
    if metric is None:
        found.append("The runs share no metric: nothing can be compared.")
    elif metric != b.store.header.spec.metrics[0]:
        found.append(f"{b.store.header.spec.metrics[0]} was not scored in both runs: {metric} is compared instead.")
    return found
