"""A comparison of two runs as plain lines for a terminal or a log. Everything foreign is cleaned.

for line in lines(diff): print(line)
"""

from __future__ import annotations

from collections.abc import Iterator

from reports import text
from reports.diff.model import ApproachDifference, RunDiff
from reports.text import Unit
from reports.verdict.wording import points

IDS = 5
"""Ids named of each list; the JSON has all."""


def lines(diff: RunDiff) -> Iterator[str]:
    """Runs, what changed, how the cases were joined, the differences, and what to mind."""
    for letter, run in (("A", diff.a), ("B", diff.b)):
        cases = text.count(run.cases, "case")
        yield f"{letter}  {text.one_line(run.run, 60)}: {text.one_line(run.name, 60)}, started {run.started}, {cases}"
    yield ""
    yield from _moved(diff)
    yield from _cases(diff)
    yield from _differences(diff)
    for warning in diff.warnings:
        yield f"note: {warning}"


def _moved(diff: RunDiff) -> Iterator[str]:
    only = [("only in A", diff.only_a), ("only in B", diff.only_b)]
    if not diff.moved and not diff.only_a and not diff.only_b:
        yield "Nothing that is recorded changed."
    else:
        yield "What changed"
    for item in diff.moved:
        reach = ""
        if item.moves == "verdict":
            reach = " (moves the verdict, no answer)"
        elif item.consequence:
            reach = " (follows from the above)"
        yield f"  {item.area}: {item.name}: {item.text}{reach}"
    for where, names in only:
        if names:
            yield f"  approaches {where}: {text.listed([text.one_line(name, 60) for name in names])}"
    yield ""


def _cases(diff: RunDiff) -> Iterator[str]:
    found = diff.cases
    said = [f"{found.shared:,} shared"]
    if found.under_another_id:
        said[0] += f" ({found.under_another_id:,} of them under another id)"
    for ids, words in (
        (found.only_a, "only in A"),
        (found.only_b, "only in B"),
        (found.question_changed, "with another question under the same id"),
        (found.reference_changed, "with another expected answer"),
    ):
        said.append(f"{len(ids):,} {words}{_named(ids)}")
    yield f"Cases: {said[0]}; {said[1]}; {said[2]}" + "".join(f"; {part}" for part in said[3:] if part[0] != "0")
    yield ""


def _named(ids: tuple[str, ...]) -> str:
    if not ids:
        return ""
    more = ", …" if len(ids) > IDS else ""
    return f" ({', '.join(text.one_line(name, 30) for name in ids[:IDS])}{more})"


def _differences(diff: RunDiff) -> Iterator[str]:
    if not diff.approaches:
        if not diff.warnings:
            yield "No approach answered in both runs."
        return
    family = max(item.family for item in diff.approaches)
    adjusted = f", p adjusted over {family} comparisons" if family > 1 else ""
    margin = points(diff.margin, diff.unit)
    yield f"{diff.metric_title} on the shared cases, B minus A (95 % intervals{adjusted}; margin {margin})"
    same = [text.one_line(item.name, 60) for item in diff.approaches if item.p_adjusted is None]
    if same:
        yield f"  not tested and not counted in the adjustment, since every answer is the same: {text.listed(same)}"
    for item in diff.approaches:
        yield f"  {difference_line(item, diff.unit)}"
        yield f"      {item.attribution}"


def difference_line(item: ApproachDifference, unit: Unit) -> str:
    """'few-shot: 22 % → 25 %, +2.7 points (−1.0 to +6.4), p = 0.21: not shown; 118 of 150 answers are the same'."""
    before, after = (text.quality(q.value, q.low, q.high, unit) for q in (item.quality_a, item.quality_b))
    gap = text.difference(item.difference, item.low, item.high, unit)
    ends = text.interval(item.low, item.high, unit, signed=True)
    p = "not tested" if item.p_adjusted is None else text.p_value(item.p_adjusted)
    clusters = f", {text.count(item.clusters, 'group')}" if item.clusters else ""
    return (
        f"{text.one_line(item.name, 60)}: {before} → {after}, {gap} ({ends}, {text.count(item.n, 'case')}{clusters}), "
        f"{p}: {item.words}; {item.same_text:,} of {item.both_answered:,} answers are the same"
    )
