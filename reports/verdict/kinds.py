"""Which word of the verdict an approach belongs to. Knows the registered kinds, not how they work.

family("qlora+rag")        # "fine-tuning with retrieval"
"""

from __future__ import annotations

from reports.verdict.facts import VerdictKind

FLOOR = "floor"
_FAMILIES: dict[str, VerdictKind] = {
    "zero-shot": "prompting",
    "few-shot": "prompting",
    "knn-few-shot": "retrieval",  # an index over labelled examples has to be kept, as over documents
    "rag": "retrieval",
    "rag+few-shot": "retrieval",
    "classifier": "classical",
    "recorded": "existing system",
    "qlora": "fine-tuning",
    "qlora+rag": "fine-tuning with retrieval",
}
TUNED: tuple[VerdictKind, ...] = ("fine-tuning", "fine-tuning with retrieval")
SIMPLEST_FIRST = tuple(_FAMILIES)
"""From the least to the most to build and keep."""


def family(kind: str) -> VerdictKind:
    """The verdict's word for a registered kind; other tunings and prompts are told by their parts."""
    if kind in _FAMILIES:
        return _FAMILIES[kind]
    parts = kind.split("+")
    tuned = any(word in part for part in parts for word in ("lora", "full", "tuned"))
    if tuned:
        return "fine-tuning with retrieval" if "rag" in parts else "fine-tuning"
    return "retrieval" if "rag" in parts else "prompting"


def is_tuned(kind: str) -> bool:
    """True for approaches that train the model."""
    return family(kind) in TUNED


def effort(kind: str) -> int:
    """Rank by what it takes to build and keep: 0 is the simplest. Decides only where prices are unknown."""
    return SIMPLEST_FIRST.index(kind) if kind in _FAMILIES else len(SIMPLEST_FIRST) + is_tuned(kind)
