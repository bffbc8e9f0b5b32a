"""The same input with different answers: what nothing can learn, and what caps every score. Decides for no side.

    conflicts(material, twins)   # findings of kind conflicts and near-conflicts

For free text several answers to one input are several right answers, and no conflict.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from baselines.audit.findings import Finding, Place, place
from baselines.audit.near_duplicates import NEARLY, Twin
from baselines.audit.personal_data import masked
from baselines.audit.repetition import conflicting_twins
from baselines.audit.rows import Item, Material
from reports.text import count, listed, one_line

_CLOSED = ("classification", "extraction")
"""Task types where one input has one right answer."""


def conflicts(material: Material, twins: Sequence[Twin]) -> list[Finding]:
    """Conflicts among the training rows, and among the cases; nothing for tasks with free answers.

    `twins` are those of `material.learn`.
    """
    if material.task not in _CLOSED:
        return []
    groups = [*_groups(material.learn), *_groups(material.eval)]
    found = [_exact(groups)] if groups else []
    spots = []
    for twin in conflicting_twins(material.learn, twins, NEARLY):
        a, b = material.learn[twin.left], material.learn[twin.right]
        if a.normal != b.normal:
            note = f"says {_said(b)}; {a.place}, nearly the same, says {_said(a)}"
            spots.append(place(b, note, change="set-aside"))
    return [*found, *([_near(spots)] if spots else [])]


def _groups(items: Sequence[Item]) -> list[list[Item]]:
    """Rows of one input that do not agree on the answer."""
    rows: dict[tuple[str, str], list[Item]] = defaultdict(list)
    for item in items:
        rows[item.normal, item.frame].append(item)
    return [group for group in rows.values() if len({item.answer for item in group}) > 1]


def _exact(groups: list[list[Item]]) -> Finding:
    spots = [spot for group in groups for spot in _spots(group)]
    return Finding(
        kind="conflicts",
        severity="warning",
        count=len(groups),
        text=f"{count(len(groups), 'input')} with more than one answer, in {count(len(spots), 'row')}",
        rows=tuple(spots),
        effect="training pulls the model both ways on these inputs, and no approach can be right on all of them",
        remedy="decide which answer holds; the fix keeps what more than half of an input's rows say, else none of them",
        fix="conflicts",
    )


def _spots(group: list[Item]) -> list[Place]:
    """All rows of one input; those to remove are the ones that no majority stands behind."""
    votes = Counter(item.answer for item in group)
    first, most = votes.most_common(1)[0]
    kept = first if most > len(group) / 2 else None
    said = {item.answer: item for item in group}
    spots = []
    for item in group:
        others = [f"{_said(said[answer])} ({n})" for answer, n in votes.most_common() if answer != item.answer]
        note = f"says {_said(item)}; the same input elsewhere: {listed(others)}"
        remove = item.part != "eval" and item.answer != kept
        spots.append(place(item, note, change="remove" if remove else None))
    return spots


def _near(spots: list[Place]) -> Finding:
    return Finding(
        kind="near-conflicts",
        severity="note",
        count=len(spots),
        text=f"{count(len(spots), 'training row')} nearly the same as another one, with another answer",
        rows=tuple(spots),
        effect="either one of the labels is wrong, or a small difference in the words decides: then they are the most "
        "valuable rows you have",
        remedy="look at them one by one; the fix sets the later one of each two aside for that",
        fix="near-conflicts",
    )


def _said(item: Item) -> str:
    return f"“{one_line(masked(item.output), 40)}”"
