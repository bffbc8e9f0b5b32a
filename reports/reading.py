"""Case by case: which cases fall under which filter, and all that a reader wants to see of one of them.

    reading = Reading(store, summary)                 # questions and scores in memory, answers stay on disk
    for kept in reading.filters(): print(kept.words, len(kept.cases))
    page = reading.page(7); page.sides[0].text
    reading.search("refund", cancelled)               # positions of cases that hold the words

The words and marks are those of the report's page (`reports.answers`). Knows no display.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reports import text
from reports.answers import CASE_FILTERS, judged, marks_of, shown_input
from reports.run.schema import Answer, Case, Passage, Score
from reports.run.store import RunStore
from reports.summary.model import Summary

MOST_LABELS = 40
"""Labels that get a filter of their own: the most frequent."""


@dataclass(frozen=True)
class Kept:
    """One filter and the cases that fall under it, as positions in the user's order."""

    id: str
    words: str
    cases: tuple[int, ...]


@dataclass(frozen=True)
class SidePage:
    """One approach's answer to the case."""

    approach: str
    verdict: str
    """Glyph and word: '✓ right', '✗ timeout', '71 %'."""
    mark: str
    """'right', 'wrong' or ''."""
    text: str
    scores: tuple[tuple[str, str], ...]
    """The other metrics: title and value."""
    took: str
    """Tokens and seconds, where they are known."""
    passages: tuple[Passage, ...]


@dataclass(frozen=True)
class CasePage:
    """One case with the answers of all approaches."""

    id: str
    group: str
    input: str
    references: tuple[str, ...]
    sides: tuple[SidePage, ...]


class Reading:
    """A stored run to be read case by case. Memory: questions and a few numbers a case and approach."""

    def __init__(self, store: RunStore, summary: Summary) -> None:
        """Reads questions and scores. Raises DataError where the run has lost its cases."""
        self._summary = summary
        self.cases: tuple[Case, ...] = tuple(store.cases())
        self.names = tuple(approach.name for approach in summary.approaches)
        metrics = [metric.name for metric in summary.metrics]
        self._answers = {name: store.answers(name) for name in self.names}
        self._scores = {name: {metric: store.scores(name, metric) for metric in metrics} for name in self.names}
        primary = summary.primary.name
        self._primary = {name: self._scores[name][primary] for name in self.names}
        statuses = {name: _statuses(store, name) for name in self.names}
        self._marks = tuple(self._marked(case, statuses) for case in self.cases)

    def filters(self) -> tuple[Kept, ...]:
        """Every filter that something falls under: all, the page's own, one approach alone right, by label."""
        everywhere = range(len(self.cases))
        found = [Kept("all", CASE_FILTERS["all"], tuple(everywhere))]
        for mark, words in CASE_FILTERS.items():
            if mark != "all":
                found.append(Kept(mark, words, tuple(i for i in everywhere if mark in self._marks[i])))
        alone = self._alone()
        best = "alone is best" if self._summary.primary.kind == "bounded" else "alone is right"
        for name in self.names:
            cases = tuple(i for i in everywhere if alone[i] == name)
            found.append(Kept(f"only {name}", f"{text.one_line(name, 40)} {best}", cases))
        if self._summary.header.spec.task.type == "classification":
            labels = Counter(case.references[0] for case in self.cases if len(case.references) == 1)
            for label, _ in labels.most_common(MOST_LABELS):
                cases = tuple(i for i in everywhere if self.cases[i].references == (label,))
                found.append(Kept(f"label {label}", f"reference {text.one_line(label, 40)}", cases))
        return tuple(kept for kept in found if kept.cases)

    def page(self, position: int) -> CasePage:
        """One case; texts are read from disk now."""
        case = self.cases[position]
        return CasePage(
            id=text.one_line(case.question.id, 80),
            group=text.one_line(case.question.group or "", 80),
            input=shown_input(case),
            references=tuple(text.clean(reference, 2_000) for reference in case.references),
            sides=tuple(self._side(name, case) for name in self.names if case.question.id in self._answers[name]),
        )

    def search(self, words: str, stop: Callable[[], bool] = lambda: False) -> tuple[int, ...]:
        """Positions of the cases whose question, reference or any answer holds all the words, whatever their case.

        Reads every answer: 10,000 cases of 8 approaches take seconds. `stop` is asked between cases.
        """
        wanted = words.casefold().split()
        found = []
        for i, case in enumerate(self.cases):
            if stop():
                break
            known = case.question.id
            parts = [known, shown_input(case), *case.references]
            parts += [table[known].text for table in self._answers.values() if known in table]
            held = "\n".join(parts).casefold()
            if all(word in held for word in wanted):
                found.append(i)
        return tuple(found)

    # --- parts ------------------------------------------------------------------------------------------

    def _marked(self, case: Case, statuses: dict[str, dict[str, str]]) -> tuple[str, ...]:
        known = case.question.id
        pairs = [
            (statuses[name][known], self._primary[name].get(known)) for name in self.names if known in statuses[name]
        ]
        return marks_of(pairs)

    def _alone(self) -> list[str | None]:
        """Of each case the one approach that scored higher than every other; None where there is none."""
        found: list[str | None] = []
        for case in self.cases:
            known = case.question.id
            credits = sorted(((_credit(self._primary[name].get(known)), name) for name in self.names), reverse=True)
            ahead = bool(credits) and credits[0][0] > 0 and (len(credits) == 1 or credits[0][0] > credits[1][0])
            found.append(credits[0][1] if ahead else None)
        return found

    def _side(self, name: str, case: Case) -> SidePage:
        answer = self._answers[name][case.question.id]
        scores = self._scores[name]
        verdict, mark = judged(answer, self._primary[name].get(answer.case), self._summary)
        others = []
        for metric in self._summary.metrics[1:]:
            score = scores[metric.name].get(answer.case)
            if score is not None and score.value is not None:
                others.append((metric.title, text.quality(score.value, unit=metric.unit)))
        return SidePage(
            approach=text.one_line(name, 60),
            verdict=verdict,
            mark=mark,
            text=text.clean(answer.text or (f"[{answer.error}]" if answer.error else ""), 20_000),
            scores=tuple(others),
            took=_took(answer),
            passages=answer.passages,
        )


def pick(filters: Sequence[Kept], wanted: str) -> Kept:
    """The filter of that id, else the first."""
    return next((kept for kept in filters if kept.id == wanted), filters[0])


def _credit(score: Score | None) -> float:
    return score.value if score is not None and score.value is not None else 0.0


def _statuses(store: RunStore, name: str) -> dict[str, str]:
    return {answer.case: answer.status for answer in store.answers(name).stream()}


def _took(answer: Answer) -> str:
    parts = []
    if answer.prompt_tokens is not None:
        parts.append(f"{answer.prompt_tokens:,} + {answer.completion_tokens or 0:,} tokens")
    if answer.from_cache:
        parts.append("from the cache")
    elif answer.seconds is not None:
        parts.append(text.seconds(answer.seconds))
    if answer.attempts > 1:
        parts.append(f"{answer.attempts} attempts")
    return ", ".join(parts)
