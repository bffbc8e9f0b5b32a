"""Short texts that mean nearly the same in other words, by sentence embeddings: what shingles cannot see.

    vectors = embed(embedder, texts)
    paraphrases(material, vectors)           # cases; vectors of material.learn, then of material.eval
    own_paraphrases(material, vectors)       # training rows that say what an earlier one says

Slow (a minute or two for 10,000 texts on a CPU), so asked for by --deep alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from baselines.audit.findings import Finding, Place, place
from baselines.audit.near_duplicates import MOST_ROWS, same_answer
from baselines.audit.normal_form import numbers
from baselines.audit.rows import Item, Material
from reports.text import count, number

CLOSE = 0.95
"""Cosine of MiniLM above which short texts say the same in most cases."""
SHORT = 300
"""Characters up to which a text is compared: embeddings of long ones are alike by their topic alone."""
_BLOCK = 1024


def paraphrases(material: Material, vectors: Any, told: Collection[int] = ()) -> Finding | None:
    """Training rows that mean the same as a case and have its answer, the words being others.

    `told`: positions of cases that are known as leaks already, and left out here.
    `vectors`: float, rows of length 1, shape (training rows + cases, dimensions).
    """
    learn, cases = material.learn, material.eval
    spots: list[tuple[float, Place]] = []
    given: set[int] = set()
    for right, left, cosine in _near(vectors[len(learn) :], vectors[: len(learn)]):
        case, row = cases[right], learn[left]
        if right not in told and _same(row, case):
            given.add(right)
            note = f"means about the same as {case.place} (cosine {number(cosine)})"
            spots.append((cosine, place(row, note, change="set-aside")))
    if not spots:
        return None
    return Finding(
        kind="paraphrases",
        severity="note",
        count=len(given),
        text=f"{count(len(given), 'eval case')} of {len(cases):,} {'means' if len(given) == 1 else 'mean'} about the "
        "same as a training row in other words",
        rows=_surest(spots),
        effect="fine where real inputs repeat like that too; else every approach that learns looks better than it is",
        remedy="compare the share with that of new inputs from the field before you trust the score, or set these "
        "training rows aside",
        fix="paraphrases",
    )


def own_paraphrases(material: Material, vectors: Any, told: Collection[int] = ()) -> Finding | None:
    """Training rows that mean the same as an earlier one and have its answer, the words being others.

    `told`: positions of rows that are known as repeats already. `vectors` as above; those of cases are not read.
    """
    rows = material.learn
    spots: dict[int, tuple[float, Place]] = {}
    known = vectors[: min(len(rows), MOST_ROWS)]
    for later, earlier, cosine in _near(known, known):
        if (
            earlier >= later
            or {later, earlier} & spots.keys()
            or later in told
            or not _same(rows[earlier], rows[later])
        ):
            continue
        note = f"means about the same as {rows[earlier].place} (cosine {number(cosine)})"
        spots[later] = (cosine, place(rows[later], note, change="set-aside"))
    if not spots:
        return None
    limited = f" (the first {MOST_ROWS:,} were compared)" if len(rows) > MOST_ROWS else ""
    return Finding(
        kind="own-paraphrases",
        severity="note",
        count=len(spots),
        text=f"{count(len(spots), 'training row')} of {len(rows):,} {'means' if len(spots) == 1 else 'mean'} about the "
        f"same as an earlier one in other words{limited}",
        rows=_surest(list(spots.values())),
        effect="other words for the same are what training needs; very many on few topics make the data look richer "
        "than it is, and validation easier",
        remedy="look at some; where a program wrote them from each other, set them aside",
        fix="own-paraphrases",
    )


def _near(vectors: Any, known: Any) -> Iterator[tuple[int, int, float]]:
    """(position, position among the known, cosine) of all that are close, in order."""
    import numpy as np

    vectors, known = np.asarray(vectors), np.asarray(known)
    if not len(vectors) or not len(known):
        return
    for start in range(0, len(vectors), _BLOCK):
        cosines = vectors[start : start + _BLOCK] @ known.T
        for offset, row in enumerate(cosines):
            for at in np.flatnonzero(row >= CLOSE).tolist():
                yield start + offset, at, float(row[at])


def _same(a: Item, b: Item) -> bool:
    return (
        max(len(a.input), len(b.input)) <= SHORT
        and a.frame == b.frame
        and numbers(a.normal) == numbers(b.normal)
        and same_answer(a, b)
    )


def _surest(spots: list[tuple[float, Place]]) -> tuple[Place, ...]:
    """Each row once, the nearest first."""
    ordered = sorted(spots, key=lambda pair: -pair[0])
    return tuple({(spot.file, spot.row): spot for _, spot in reversed(ordered)}.values())[::-1]
