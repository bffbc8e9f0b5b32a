"""All answers as a page shows them: one block a case, one line an approach, and the filters over them.

for item in case_items(summary, store): print(item.id, item.lines[0].verdict)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reports import text
from reports.run.schema import Answer, Case, Score
from reports.run.store import RunStore
from reports.summary.model import Summary

ANSWER_LIMIT = 2_000
"""Characters of an answer on the page; the CSV holds the rest."""
INPUT_LIMIT = 3_000
ON_THE_PAGE = 500
"""More cases than this move to pages beside the report."""


@dataclass(frozen=True)
class AnswerLine:
    """One approach's answer to the case."""

    position: int
    """Of the approach in the run: its filter's number."""
    approach: str
    verdict: str
    mark: str
    """'right', 'wrong' or ''."""
    text: str


@dataclass(frozen=True)
class CaseItem:
    """One case with the answers of all approaches."""

    id: str
    group: str
    reference: str
    input: str
    lines: tuple[AnswerLine, ...]
    marks: tuple[str, ...]
    """Which of `CASE_FILTERS` it belongs to."""


@dataclass(frozen=True)
class Filter:
    """One choice of the filter bar."""

    id: str
    text: str
    count: int = 0


CASE_FILTERS = {
    "all": "every case",
    "differ": "approaches differ",
    "wrong": "someone is wrong",
    "allwrong": "all are wrong",
    "failed": "an answer failed",
    "unreadable": "an answer is unreadable",
}


def case_items(summary: Summary, store: RunStore) -> Iterator[CaseItem]:
    """The cases in the user's order, texts read from disk one case at a time."""
    names = [approach.name for approach in summary.approaches]
    answers = [store.answers(name) for name in names]
    scores = [store.scores(name, summary.primary.name) for name in names]
    for case in store.cases():
        known = case.question.id
        found = [(table.get(known), score.get(known)) for table, score in zip(answers, scores, strict=True)]
        lines = tuple(
            _line(i, name, answer, score, summary)
            for i, (name, (answer, score)) in enumerate(zip(names, found, strict=True))
            if answer is not None
        )
        yield CaseItem(
            id=known,
            group=case.question.group or "",
            reference=text.one_line(" | ".join(case.references), 300),
            input=shown_input(case),
            lines=lines,
            marks=marks_of([(answer.status, score) for answer, score in found if answer is not None]),
        )


def shown_input(case: Case) -> str:
    """The question's context fields and input, cleaned and cut."""
    fields = [f"{name}: {value}" for name, value in case.question.context.items()]
    return text.clean("\n".join([*fields, case.question.input]), INPUT_LIMIT)


def judged(answer: Answer, score: Score | None, summary: Summary) -> tuple[str, str]:
    """What to say of an answer, with a glyph so that colour is never alone, and its tone ('right', 'wrong', '')."""
    if answer.status not in ("ok", "truncated"):
        return f"✗ {answer.status}", "wrong"
    if score is None or score.value is None:
        return "– not scored", ""
    cached = ", cached" if answer.from_cache else ""
    if score.format_failure:
        return f"✗ unreadable{cached}", "wrong"
    if summary.primary.kind == "bounded":
        return f"{text.quality(score.value, unit=summary.primary.unit)}{cached}", ""
    return (f"✓ right{cached}", "right") if score.value > 0 else (f"✗ wrong{cached}", "wrong")


def filters(items: list[CaseItem]) -> list[Filter]:
    """The choices of cases with their counts; those that nothing falls under are left out."""
    counts = Counter(mark for item in items for mark in item.marks)
    counts["all"] = len(items)
    return [Filter(f"f-{name}", words, counts[name]) for name, words in CASE_FILTERS.items() if counts[name]]


def filter_rules(approaches: int) -> str:
    """The style rules that make the filters work without a script."""
    rules = [
        f"body:has(#f-{name}:checked) .case:not(.m-{name}) {{ display: none; }}"
        for name in CASE_FILTERS
        if name != "all"
    ]
    rules += [f"body:has(#a-{i}:not(:checked)) .case .a{i} {{ display: none; }}" for i in range(approaches)]
    return "\n".join(rules)


def _line(position: int, name: str, answer: Answer, score: Score | None, summary: Summary) -> AnswerLine:
    verdict, mark = judged(answer, score, summary)
    body = answer.text if answer.text or not answer.error else f"[{answer.error}]"
    if answer.passages:
        found = ", ".join(f"{passage.document}#{passage.index}" for passage in answer.passages)
        body += f"\n[passages: {found}]"
    return AnswerLine(position, text.one_line(name, 60), verdict, mark, text.clean(body, ANSWER_LIMIT))


def marks_of(found: Sequence[tuple[str, Score | None]]) -> tuple[str, ...]:
    """Which of `CASE_FILTERS` a case falls under, by (status, score) of each answer that it got."""
    values = [score.value for _, score in found if score is not None and score.value is not None]
    credits = [*values, *[0.0] * (len(found) - len(values))]
    marks = {
        "differ": len({round(value, 6) for value in credits}) > 1,
        "wrong": any(value == 0 for value in credits),
        "allwrong": bool(credits) and all(value == 0 for value in credits),
        "failed": any(status not in ("ok", "truncated") for status, _ in found),
        "unreadable": any(score is not None and score.format_failure for _, score in found),
    }
    return tuple(name for name, true in marks.items() if true)
