"""Short texts that mean nearly the same in other words, by sentence embeddings: what shingles cannot see.

    vectors = embed(embedder, texts)
    paraphrases(material, vectors)           # vectors of material.learn, then of material.eval

Slow (a minute or two for 10,000 texts on a CPU), so asked for by --deep alone.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from baselines.audit.findings import Finding, place
from baselines.audit.near_duplicates import same_answer
from baselines.audit.normal_form import numbers
from baselines.audit.rows import Material
from reports.text import count, number

CLOSE = 0.95
"""Cosine of MiniLM above which short texts say the same in most cases."""
SHORT = 300
"""Characters up to which a text is compared: embeddings of long ones are alike by their topic alone."""
_BLOCK = 1024


def paraphrases(material: Material, vectors: Any, told: Collection[int] = ()) -> Finding | None:
    """Cases whose nearest training row means the same and has the same answer, the words being others.

    `told`: positions of cases that are known as leaks already, and left out here.
    `vectors`: float, rows of length 1, shape (training rows + cases, dimensions).
    """
    import numpy as np

    learn, cases = material.learn, material.eval
    known, asked = np.asarray(vectors[: len(learn)]), np.asarray(vectors[len(learn) :])
    if not len(learn) or not len(cases):
        return None
    spots = []
    for start in range(0, len(cases), _BLOCK):
        near = asked[start : start + _BLOCK] @ known.T
        for offset, at in enumerate(near.argmax(axis=1).tolist()):
            case, row, cosine = cases[start + offset], learn[at], float(near[offset, at])
            if (
                start + offset not in told
                and cosine >= CLOSE
                and max(len(case.input), len(row.input)) <= SHORT
                and numbers(case.normal) == numbers(row.normal)
                and case.frame == row.frame
                and same_answer(row, case)
            ):
                spots.append((cosine, place(case, f"means about the same as {row.place} (cosine {number(cosine)})")))
    if not spots:
        return None
    return Finding(
        kind="paraphrases",
        severity="note",
        count=len(spots),
        text=f"{count(len(spots), 'eval case')} of {len(cases):,} mean about the same as a training row in other words",
        rows=tuple(spot for _, spot in sorted(spots, key=lambda pair: -pair[0])),
        effect="fine where real inputs repeat like that too; else every approach that learns looks better than it is",
        remedy="compare the share with that of new inputs from the field before you trust the score",
    )
