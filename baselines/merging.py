"""Drafts with their ids: repeated rows merged, several references of one input gathered, clashing ids refused.

    merged = merge_for_eval(drafts, "eval.csv", "generation", strict=False)
    merged.drafts["3f1c…"].references       # all the references that the file has for this input
    merged.notes                            # what was merged, in sentences

The id is the user's, else a hash of the content: it survives another order of the rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from baselines.drafts import Draft
from baselines.formats.table import SHOWN, count, sayable
from reports.errors import DataError
from reports.run import fingerprint
from reports.run.schema import TaskType


@dataclass(frozen=True)
class Merged:
    """Drafts by their id, in file order, and what a reader must know of how they came about."""

    drafts: dict[str, Draft]
    notes: tuple[str, ...]


@dataclass
class _Tally:
    """What was merged, by the first rows it happened in."""

    same: list[Draft] = field(default_factory=list)
    """Rows that repeat an earlier one word for word."""
    further: list[Draft] = field(default_factory=list)
    """Rows that give an earlier input another reference."""


def content_id(input: str, context: dict[str, str] | None = None, *more: str) -> str:
    """The id of a text where the user gives none: 16 hex digits that only its content decides."""
    fields = [text for item in sorted((context or {}).items()) for text in item]
    return fingerprint.of_texts([input, *fields, *more])[:16]


def merge_for_eval(drafts: Sequence[Draft], file: str, task: TaskType, *, strict: bool) -> Merged:
    """One draft for each id, or for each input where there are no ids. References are gathered in file order.

    `strict` says that an id with two contents is an error (DataError with both rows); else such a column is no id.
    """
    drafts, notes = _identified(drafts, file, with_output=False, strict=strict)
    merged: dict[str, Draft] = {}
    tally = _Tally()
    for draft in drafts:
        identity = draft.id or content_id(draft.input, draft.context)
        before = merged.get(identity)
        if before is None:
            merged[identity] = draft
            continue
        new = tuple(r for r in draft.references if r not in before.references)
        (tally.further if new else tally.same).append(draft)
        gold = tuple(dict.fromkeys((*before.gold, *draft.gold)))
        merged[identity] = replace(before, references=before.references + new, gold=gold)
    return Merged(merged, (*notes, *_tally_notes(tally, file, len(merged), task)))


def merge_for_training(drafts: Sequence[Draft], file: str, *, strict: bool) -> Merged:
    """Every distinct pair of input and output once. Of several references in one row, the first is trained on."""
    drafts, notes = _identified(drafts, file, with_output=True, strict=strict)
    merged: dict[str, Draft] = {}
    tally = _Tally()
    for draft in drafts:
        identity = draft.id or content_id(draft.input, draft.context, draft.references[0])
        if identity in merged:
            tally.same.append(draft)
        else:
            merged[identity] = draft
    notes += _tally_notes(tally, file, len(merged), None)
    several = sum(len(draft.references) > 1 for draft in merged.values())
    if several:
        notes.append(f"{file}: of several references the first is trained on, in {count(several, 'training pair')}.")
    return Merged(merged, tuple(notes))


def _identified(
    drafts: Sequence[Draft], file: str, *, with_output: bool, strict: bool
) -> tuple[Sequence[Draft], list[str]]:
    """The drafts, without ids where one has two contents, and what to say of that; with `strict` it is a DataError."""
    clash = _clash(drafts, with_output=with_output)
    if clash is None:
        return drafts, []
    if strict:
        raise _clashing(*clash, file)
    return [replace(draft, id=None) for draft in drafts], [_no_id(*clash, file)]


def _clash(drafts: Sequence[Draft], *, with_output: bool) -> tuple[Draft, Draft] | None:
    """The first two drafts that share an id but not their content."""
    seen: dict[str, Draft] = {}
    for draft in drafts:
        if draft.id is None:
            continue
        before = seen.setdefault(draft.id, draft)
        same = (before.input, before.context) == (draft.input, draft.context)
        if not same or (with_output and before.references[0] != draft.references[0]):
            return before, draft
    return None


def _clashing(first: Draft, second: Draft, file: str) -> DataError:
    return DataError(
        f"{first.place} and {second.place} have the same id {sayable(first.id)} and different content",
        f'Give each row its own id, or take ids from the content: {{path: {file}, id: ""}}.',
    )


def _no_id(first: Draft, second: Draft, file: str) -> str:
    return (
        f"{file}: rows {first.row} and {second.row} share the id {sayable(first.id)} and differ in content, so ids are "
        "taken from the content."
    )


def _tally_notes(tally: _Tally, file: str, kept: int, task: TaskType | None) -> list[str]:
    notes = []
    if tally.same:
        notes.append(
            f"{file}: word-for-word repeats of an earlier row count once: {len(tally.same)} ({_places(tally.same)})."
        )
    if tally.further and task == "classification":
        notes.append(
            f"{file}: texts that come again with another label: {len(tally.further)} ({_places(tally.further)}). "
            "Either label counts as right; check them."
        )
    elif tally.further:
        notes.append(
            f"{file}: inputs that come again with another expected answer: {len(tally.further)}. They are gathered in "
            f"{kept} cases, in which any of the expected answers counts as right."
        )
    return notes


def _places(drafts: Sequence[Draft]) -> str:
    """`rows 3, 9, 12, …`, or with the file where there are several files."""
    shown = drafts[:SHOWN]
    one_file = len({draft.file for draft in drafts}) == 1
    words = ", ".join(str(d.row) if one_file else d.place for d in shown)
    return f"{'rows ' if one_file else ''}{words}{', …' if len(drafts) > SHOWN else ''}"
