"""Rows that repeat: within the training data, and between it and the eval set. The search is `near_duplicates`'.

leaks(material, twins)             # findings of kind leaks and near-leaks
duplicates(material, twins)        # duplicates and near-duplicates
near_leaks(cases, examples, twins) # ids of the cases alone, for a plan
"""

from __future__ import annotations

from collections.abc import Sequence

from baselines.audit.findings import Finding, Place, excerpt, place
from baselines.audit.near_duplicates import MOST_ROWS, Twin, repeats, same_answer, twins_of
from baselines.audit.rows import Item, Material
from baselines.overlap import overlap, same_text
from reports.run.schema import Case, Example
from reports.text import count, share

SERIOUS = 0.05
"""Share of the cases from which near copies move a score by as much as most methods do."""


def leaking(learn: Sequence[Item], cases: Sequence[Item]) -> list[Twin]:
    """Twins of a training row (left) and a case (right); those with other answers only where the words are the same."""
    found = twins_of(learn, cases)
    return [twin for twin in found if twin.same or same_answer(learn[twin.left], cases[twin.right])]


def leaks(material: Material, twins: Sequence[Twin]) -> list[Finding]:
    """Training rows that give an eval case away: word for word, and nearly so with the same answer.

    `twins` are those of `leaking(material.learn, material.eval)`.
    """
    exact: list[Place] = []
    near: list[Place] = []
    given: set[int] = set()
    nearly: set[int] = set()
    asked = {same_text(item.input) for item in material.eval}
    for twin in twins:
        row, case = material.learn[twin.left], material.eval[twin.right]
        verbatim = same_text(row.input) == same_text(case.input)
        if not verbatim and same_text(row.input) in asked:
            continue  # it is another case's exact copy, and listed there
        spot = place(row, f"{'is' if verbatim else 'nearly'} {case.place}: {_quoted(case)}", change="remove")
        (exact if verbatim else near).append(spot)
        (given if verbatim else nearly).add(twin.right)
    found = [_leak_finding(True, _once(exact), len(given), material)] if exact else []
    if near:
        found.append(_leak_finding(False, _once(near), len(nearly - given), material))
    return found


def near_leaks(cases: Sequence[Case], examples: Sequence[Example], twins: Sequence[Twin]) -> tuple[str, ...]:
    """Ids of the cases that stand nearly word for word in the examples, but not exactly; `twins` of both."""
    exact = set(overlap(cases, examples))
    found = {twin.right for twin in twins}
    ids = (case.question.id for at, case in enumerate(cases) if at in found)
    return tuple(identity for identity in ids if identity not in exact)


def exact_duplicates(material: Material) -> list[Finding]:
    """The same without near ones: what takes no search."""
    first: dict[tuple[str, str, str], Item] = {}
    spots = []
    for item in material.learn:
        before = first.setdefault((item.normal, item.frame, item.answer), item)
        if before is not item:
            spots.append(place(item, f"repeats {before.place}: {_quoted(before)}", change="remove"))
    return _exact_finding(spots, len(material.learn))


def duplicates(material: Material, twins: Sequence[Twin]) -> list[Finding]:
    """Training rows that repeat an earlier one with the same answer: the same words, or nearly the same.

    `twins` are those of `material.learn`.
    """
    rows = material.learn
    found = repeats(rows, twins)
    exact: list[Place] = []
    near: list[Place] = []
    for at, twin in sorted(found.items(), key=lambda pair: (-pair[1].alike, pair[0])):
        spot = place(rows[at], f"repeats {rows[twin.left].place}: {_quoted(rows[twin.left])}", change="remove")
        (exact if rows[at].normal == rows[twin.left].normal else near).append(spot)
    return [*_exact_finding(exact, len(rows)), *_near_finding(near, len(rows))]


def conflicting_twins(items: Sequence[Item], twins: Sequence[Twin], least: float) -> list[Twin]:
    """Twins that expect different answers although hardly a letter differs."""
    return [
        twin
        for twin in twins
        if (twin.same or twin.alike >= least) and not same_answer(items[twin.left], items[twin.right])
    ]


def _leak_finding(verbatim: bool, spots: list[Place], cases: int, material: Material) -> Finding:
    of = share(cases / max(1, len(material.eval)))
    how = "also" if verbatim else "nearly word for word"
    stand = "stands" if cases == 1 else "stand"
    return Finding(
        kind="leaks" if verbatim else "near-leaks",
        severity="serious" if verbatim or cases >= SERIOUS * len(material.eval) else "warning",
        count=cases,
        text=f"{count(cases, 'eval case')} ({of}) {stand} {how} in the training data, in {count(len(spots), 'row')}",
        rows=tuple(spots),
        effect="whatever learns from these rows, or retrieves them, looks better than it will be on new inputs; "
        + (
            "copies that are exact are kept out of training and prompts, and the report gives the score without them"
            if verbatim
            else "they stay in training, and the report gives the score without these cases"
        ),
        remedy="remove the training rows; the eval set stays as it is",
        fix="leaks",
    )


def _exact_finding(spots: list[Place], rows: int) -> list[Finding]:
    if not spots:
        return []
    return [
        Finding(
            kind="duplicates",
            severity="warning",
            count=len(spots),
            text=f"{count(len(spots), 'training row')} of {rows:,} {_verb(spots, 'repeat')} an earlier one, case and "
            "punctuation aside",
            rows=tuple(spots),
            effect="repeated rows count more than others in training, and one of a pair in the validation part makes "
            "the validation loss look better than it is",
            remedy="keep the first of each",
            fix="duplicates",
        )
    ]


def _near_finding(spots: list[Place], rows: int) -> list[Finding]:
    if not spots:
        return []
    many = len(spots) > 0.1 * rows
    limited = f" (the first {MOST_ROWS:,} were compared)" if rows > MOST_ROWS else ""
    return [
        Finding(
            kind="near-duplicates",
            severity="warning" if many else "note",
            count=len(spots),
            text=f"{count(len(spots), 'training row')} of {rows:,} {_verb(spots, 'say')} nearly the same as an earlier "
            f"one{limited}",
            rows=tuple(spots),
            effect="few of them do no harm; many make the data look larger and more varied than it is, and validation "
            "easier than the real thing",
            remedy="look at some; where they are copies and no natural variety, keep the first of each",
            fix="near-duplicates",
        )
    ]


def _once(spots: list[Place]) -> list[Place]:
    """Each row once, with its first note."""
    return list({(spot.file, spot.row): spot for spot in reversed(spots)}.values())[::-1]


def _verb(spots: list[Place], verb: str) -> str:
    return f"{verb}s" if len(spots) == 1 else verb


def _quoted(item: Item) -> str:
    return f"“{excerpt(item.input)}”"
