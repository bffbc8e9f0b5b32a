"""A stored run as arrays: one row a case, in the user's order, the same rows for every approach. Texts stay on disk.

table = read_table(store); table.outcomes("accuracy", "binary").quality("rag")
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from reports.run.events import (
    ApproachFailed,
    ApproachFinished,
    ApproachSkipped,
    JobStarted,
    Prepared,
    StoppedEarly,
    Warned,
)
from reports.run.fingerprint import in_seeded_order
from reports.run.schema import ApproachSpec, Question, SkippedApproach
from reports.run.store import RunStore
from reports.run.versions import supersedes
from reports.statistics.outcomes import Bools, Floats, Outcomes
from reports.statistics.results import ScoreKind
from reports.summary.remembered import Remembered


@dataclass(eq=False)
class ScoreColumn:
    """One metric of one approach. Arrays of shape (cases,)."""

    values: Floats
    """NaN where unscored."""
    format_failed: Bools
    predicted: list[str | None]
    expected: list[str | None]
    versions: NDArray[np.int64]
    """Of the metric's code, behind each value; -1 where there is none."""

    @classmethod
    def empty(cls, n: int) -> ScoreColumn:
        """A column of cases that are not scored yet."""
        return cls(np.full(n, np.nan), np.zeros(n, dtype=bool), [None] * n, [None] * n, np.full(n, -1))


@dataclass(eq=False)
class ApproachRows:
    """What one approach did on every case. Arrays of shape (cases,)."""

    name: str
    answered: Bools
    """An answer is stored, whatever its status."""
    asked: Bools
    """Counts in the approach's quality: all cases unless the run or the approach ended before them."""
    prompt_tokens: Floats
    """NaN where unknown."""
    completion_tokens: Floats
    seconds: Floats
    """NaN where unknown or served from the cache."""
    passages: Floats
    statuses: Counter[str] = field(default_factory=Counter)
    cached: int = 0
    cached_prompt_tokens: int = 0
    """Sum over all answers of what the endpoint billed as cache hits."""
    usage_estimated: bool = False
    scores: dict[str, ScoreColumn] = field(default_factory=dict)

    def is_scored(self, metric: str) -> bool:
        """True where the metric was applied, or where there was nothing to apply it to: every answer failed."""
        return bool(self.asked.any()) and (
            metric in self.scores or not self.statuses["ok"] + self.statuses["truncated"]
        )


@dataclass(frozen=True, eq=False)
class RunLog:
    """What the stored events say."""

    errors: dict[str, str]
    """Approach that gave up to its reason."""
    skipped: tuple[SkippedApproach, ...]
    warnings: tuple[str, ...]
    prepared: dict[str, float]
    """Approach to the seconds until it could answer, training included; the longest where it was resumed."""
    stopped: dict[str, StoppedEarly] = field(default_factory=dict)
    """Approaches that the stopping rule ended."""
    cards: dict[str, int] = field(default_factory=dict)
    """Approach to the GPUs that its job had to itself, the most where it was resumed; missing without a choice."""


@dataclass(frozen=True, eq=False)
class RunTable:
    """All approaches over all cases."""

    ids: list[str]
    questions: list[Question]
    references: list[str]
    """The first reference of each case."""
    rows: dict[str, ApproachRows]
    log: RunLog
    repeats: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Approach to those that are its trainings with other seeds, as far as they answered every case."""

    @property
    def groups(self) -> list[str] | None:
        """Group of each case; a case without one is a group of its own; None where no case has any."""
        if not any(question.group for question in self.questions):
            return None
        return [question.group or f"case {question.id}" for question in self.questions]

    def outcomes(self, metric: str, kind: ScoreKind, seed: int = 0) -> Outcomes:
        """One metric as statistics wants it: failed answers 0 and marked, cases never asked NaN; of an approach that
        was trained with several seeds the mean over them."""
        rows = {name: row for name, row in self.rows.items() if row.is_scored(metric)}
        columns = {name: row.scores.get(metric) or ScoreColumn.empty(len(self.ids)) for name, row in rows.items()}
        expected = [next((c.expected[i] for c in columns.values() if c.expected[i] is not None), None) for i in
                    range(len(self.ids))]  # fmt: skip
        found = Remembered(
            metric=metric,
            kind=kind,
            scores={name: np.where(rows[name].asked, np.nan_to_num(c.values), np.nan) for name, c in columns.items()},
            failed={name: rows[name].asked & np.isnan(c.values) for name, c in columns.items()},
            format_failed={name: rows[name].asked & c.format_failed for name, c in columns.items()},
            predicted={name: c.predicted for name, c in columns.items()},
            expected=[e if e is not None else r for e, r in zip(expected, self.references, strict=True)],
            groups=self.groups,
            seed=seed,
            stopped=frozenset(self.log.stopped),
            ranks=self._ranks(seed) if self.log.stopped else (),
        )
        repeats = {
            name: [each for each in others if each in rows] for name, others in self.repeats.items() if name in rows
        }
        return found.averaged(repeats)

    def _ranks(self, seed: int) -> list[int]:
        places = {case: place for place, case in enumerate(in_seeded_order(self.ids, seed))}
        return [places[case] for case in self.ids]


def read_table(store: RunStore) -> RunTable:
    """Reads cases, answers and scores once. Memory: a few numbers a case and approach, and the questions."""
    cases = list(store.cases())
    position = {case.question.id: i for i, case in enumerate(cases)}
    log = _log(store)
    complete = store.finished is not None
    rows = {}
    for name in store.approaches:
        row = _answers(store, name, position)
        _scores(store, row, position)
        everything = complete and name not in log.errors and name not in log.stopped
        row.asked = np.ones(len(cases), dtype=bool) if everything and row.answered.any() else row.answered
        if missing := int(row.asked.sum() - row.answered.sum()):
            row.statuses["missing"] = missing
        rows[name] = row
    return RunTable(
        ids=list(position),
        questions=[case.question for case in cases],
        references=[case.references[0] if case.references else "" for case in cases],
        rows=rows,
        log=log,
        repeats=_repeats(store.header.spec.approaches, rows),
    )


def _repeats(approaches: Sequence[ApproachSpec], rows: Mapping[str, ApproachRows]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for spec in approaches:
        owner = spec.options.get("seed_of")
        if isinstance(owner, str) and rows[spec.name].asked.all():
            found[owner] = (*found.get(owner, ()), spec.name)
    return found


def _answers(store: RunStore, name: str, position: dict[str, int]) -> ApproachRows:
    n = len(position)
    row = ApproachRows(
        name=name,
        answered=np.zeros(n, dtype=bool),
        asked=np.zeros(n, dtype=bool),
        prompt_tokens=np.full(n, np.nan),
        completion_tokens=np.full(n, np.nan),
        seconds=np.full(n, np.nan),
        passages=np.zeros(n),
    )
    for answer in store.answers(name).stream():
        i = position.get(answer.case)
        if i is None:
            continue
        row.answered[i] = True
        row.statuses[answer.status] += 1
        row.cached += answer.from_cache
        row.cached_prompt_tokens += answer.cached_prompt_tokens or 0
        row.usage_estimated |= answer.usage_estimated
        if answer.prompt_tokens is not None:
            row.prompt_tokens[i] = answer.prompt_tokens
        if answer.completion_tokens is not None:
            row.completion_tokens[i] = answer.completion_tokens
        if answer.seconds is not None and not answer.from_cache:
            row.seconds[i] = answer.seconds
        row.passages[i] = len(answer.passages)
    return row


def _scores(store: RunStore, row: ApproachRows, position: dict[str, int]) -> None:
    n = len(position)
    for score in store.every_score(row.name):
        i = position.get(score.case)
        if i is None or not row.answered[i]:
            continue
        column = row.scores.get(score.metric)
        if column is None:
            column = row.scores[score.metric] = ScoreColumn.empty(n)
        if not supersedes(score.metric, score.version, int(column.versions[i])):
            continue
        column.versions[i] = score.version
        column.values[i] = np.nan if score.value is None else score.value
        column.format_failed[i] = score.format_failure
        column.predicted[i], column.expected[i] = score.predicted, score.expected


def _log(store: RunStore) -> RunLog:
    errors: dict[str, str] = {}
    skipped = {item.name: item for item in store.header.spec.skipped}
    warnings: dict[tuple[str | None, str], None] = {}
    prepared: dict[str, float] = {}
    stopped: dict[str, StoppedEarly] = {}
    cards: dict[str, int] = {}
    kinds = {spec.name: spec.kind for spec in store.header.spec.approaches}
    for event in store.events():
        match event:
            case JobStarted(approaches=names, cards=held) if held:
                cards |= {name: max(len(held), cards.get(name, 0)) for name in names}
            case StoppedEarly(approach=name):
                stopped[name] = event
            case ApproachFailed(approach=name, error=error):
                errors[name] = error
            case ApproachFinished(approach=name):
                errors.pop(name, None)  # it failed in an earlier attempt and was resumed
            case ApproachSkipped(approach=name, reason=reason):
                skipped.setdefault(name, SkippedApproach(name=name, kind=kinds.get(name, name), reason=reason))
            case Prepared(approach=name, seconds=seconds):
                prepared[name] = max(seconds, prepared.get(name, 0.0))
            case Warned(approach=warned, text=said):
                warnings[warned, said] = None
            case _:
                pass
    said_once = tuple(_said_once(tuple(warnings), store.header.spec.approaches))
    return RunLog(errors, tuple(skipped.values()), said_once, prepared, stopped, cards)


def _said_once(warnings: Sequence[tuple[str | None, str]], approaches: Sequence[ApproachSpec]) -> Iterator[str]:
    """What several trainings of one approach warn of in the same words is said once: of it, or of the first of them."""
    owners = {s.name: str(s.options.get("seed_of") or s.options.get("curve_of") or s.name) for s in approaches}
    told = {(name, text) for name, text in warnings if owners.get(name or "") == name}
    for name, text in warnings:
        owner = owners.get(name or "", name)
        if owner == name or (owner, text) not in told:
            yield f"{name}: {text}" if name else text
        told.add((owner, text))
