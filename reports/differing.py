"""Cases on which two approaches differ, chosen by a printed rule that nobody can tune, with a word diff each.

chosen = differing(summary, store); print(chosen.rule)
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import Literal

from reports import text
from reports.answers import judged, shown_input
from reports.run.fingerprint import of_text
from reports.run.schema import Answer, Score
from reports.run.store import RunStore
from reports.sentences import best, name
from reports.summary.model import Summary

EACH_WAY = 8
DIFF_WORDS = 400
"""Longer answers are shown without a diff: it would be slow and unreadable."""
_WORD = re.compile(r"\s+|\w+|[^\w\s]")


@dataclass(frozen=True)
class Piece:
    """Some words of an answer: in the reference too, added by the answer, or missing from it."""

    how: Literal["same", "added", "missing"]
    text: str


@dataclass(frozen=True)
class Side:
    """One approach's answer."""

    approach: str
    verdict: str
    mark: str
    words: tuple[Piece, ...]


@dataclass(frozen=True)
class DifferingCase:
    """One case, answered by both."""

    id: str
    group: str
    input: str
    reference: str
    sides: tuple[Side, Side]


@dataclass(frozen=True)
class Differing:
    """The chosen cases and the rule that chose them."""

    rule: str
    cases: tuple[DifferingCase, ...]


def differing(summary: Summary, store: RunStore) -> Differing | None:
    """Up to eight cases each way; None where there are not two approaches to compare or nothing differs."""
    pair = compared_pair(summary)
    if pair is None:
        return None
    a, b = pair
    left, right = (store.scores(n, summary.primary.name) for n in pair)
    answers = store.answers(a), store.answers(b)
    gaps = {case: _credit(right.get(case)) - _credit(left.get(case)) for case in answers[0] if case in answers[1]}
    wins = [sorted((c for c, gap in gaps.items() if sign * gap > 1e-9), key=_order(gaps, summary)) for sign in (-1, 1)]
    chosen = [case for side in wins for case in side[:EACH_WAY]]
    if not chosen:
        return None
    cases = {case.question.id: case for case in store.cases() if case.question.id in chosen}
    shown = []
    for known in chosen:
        case = cases[known]
        both = [
            (n, table[known], scores.get(known)) for n, table, scores in zip(pair, answers, (left, right), strict=True)
        ]
        references = case.references or ("",)
        first, second = (_side(n, answer, score, references, summary) for n, answer, score in both)
        reference = text.clean(" | ".join(references), 600)
        shown.append(DifferingCase(known, case.question.group or "", shown_input(case), reference, (first, second)))
    return Differing(_rule(summary, a, b, len(wins[0]), len(wins[1])), tuple(shown))


def word_diff(answer: str, reference: str) -> tuple[Piece, ...]:
    """The answer with its words marked as in the reference, added, or missing from it."""
    said, wanted = _WORD.findall(text.clean(answer, 4_000)), _WORD.findall(text.clean(reference, 4_000))
    if not said:
        return (Piece("missing", "".join(wanted)),) if wanted else ()
    if len(said) > DIFF_WORDS or len(wanted) > DIFF_WORDS:
        return (Piece("same", "".join(said)),)
    before, after = [word.casefold() for word in wanted], [word.casefold() for word in said]
    pieces = []
    for how, i1, i2, j1, j2 in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if how in ("delete", "replace"):
            pieces.append(Piece("missing", "".join(wanted[i1:i2])))
        if how in ("insert", "replace"):
            pieces.append(Piece("added", "".join(said[j1:j2])))
        if how == "equal":
            pieces.append(Piece("same", "".join(said[j1:j2])))
    return tuple(piece for piece in pieces if piece.text)


def compared_pair(summary: Summary) -> tuple[str, str] | None:
    """The baseline and the recommended approach (else the best one, else the runner-up)."""
    leader = summary.verdict.approach or (found.name if (found := best(summary)) else None)
    if leader is None or summary.baseline is None:
        return None
    if leader != summary.baseline:
        return summary.baseline, leader
    others = [a for a in summary.approaches if a.name != leader and a.quality.value is not None]
    rival = max(others, key=lambda a: (a.quality.value or 0.0, a.name), default=None)
    return (leader, rival.name) if rival else None


def _rule(summary: Summary, a: str, b: str, a_wins: int, b_wins: int) -> str:
    how = "the order of a hash of the case's id, so that nobody picked them"
    if summary.primary.kind == "bounded":
        how = "the size of the difference, ties in the order of a hash of the case's id"
    return (
        f"Of the cases that {name(a)} and {name(b)} scored differently on {summary.primary.title}, those where "
        f"{name(a)} is better ({a_wins:,} in all), then those where {name(b)} is ({b_wins:,}): up to {EACH_WAY} "
        f"each, in {how}. Underlined: not in the reference; struck through: missing from the answer."
    )


def _order(gaps: dict[str, float], summary: Summary):  # type: ignore[no-untyped-def]
    largest_first = summary.primary.kind == "bounded"
    return lambda case: (-abs(round(gaps[case], 9)) if largest_first else 0, of_text(case))


def _credit(score: Score | None) -> float:
    return score.value if score is not None and score.value is not None else 0.0


def _side(approach: str, answer: Answer, score: Score | None, references: tuple[str, ...], summary: Summary) -> Side:
    verdict, mark = judged(answer, score, summary)
    body = answer.text or (f"[{answer.error}]" if answer.error else "")
    nearest = max(references, key=lambda reference: _overlap(body, reference))
    words = word_diff(body, nearest) if answer.text else (Piece("same", text.clean(body, 400)),)
    return Side(name(approach), verdict, mark, words)


def _overlap(one: str, other: str) -> int:
    return len(set(one[:4_000].casefold().split()) & set(other[:4_000].casefold().split()))
