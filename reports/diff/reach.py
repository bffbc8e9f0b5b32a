"""Which approaches a change can reach, by their kind. A table: where in doubt, a kind is reached.

reached("train", {"zero-shot": "zero-shot", "knn": "knn-few-shot"})      # ("knn",)
"""

from __future__ import annotations

from collections.abc import Mapping

_NO_MODEL = frozenset({"recorded", "floor", "classifier"})
_FIXED = frozenset({"recorded", "floor"})
_UNTAUGHT = frozenset({"zero-shot", "rag", "recorded"})
SPARED: dict[str, frozenset[str]] = {
    "train": _UNTAUGHT,
    "dev": _UNTAUGHT,
    "seed": _FIXED | {"zero-shot"},
    "embedder": _FIXED | {"zero-shot"},
    "instruction": _NO_MODEL,
    "max_answer_tokens": _NO_MODEL,
    "versions": _FIXED,
    "hardware": _FIXED,
}
"""Part of a run to the kinds that never use it; a part that is not listed reaches every kind."""


def reached(part: str, kinds: Mapping[str, str]) -> tuple[str, ...]:
    """The approaches (name to kind) that a change of this part can move."""
    if part == "documents":
        return tuple(name for name, kind in kinds.items() if "rag" in kind.split("+"))
    spared = SPARED.get(part, frozenset())
    return tuple(name for name, kind in kinds.items() if kind not in spared)
