"""Recall at k, reciprocal rank and nDCG of a ranking against the passages known to be relevant. Pure functions.

recall_at(4, ["b", "a", "c"], {"a"})      # 1.0
reciprocal_rank(["b", "a"], {"a"})        # 0.5
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence


def recall_at(k: int, ranked: Sequence[str], relevant: Collection[str]) -> float:
    """Share of the relevant ids that stand among the first k. Raises ValueError where nothing is relevant."""
    wanted = _known(relevant)
    return len(wanted & set(ranked[:k])) / len(wanted)


def precision_at(k: int, ranked: Sequence[str], relevant: Collection[str]) -> float:
    """Share of the first k (of those returned, where fewer were) that are relevant; 0 for an empty ranking."""
    first = ranked[:k]
    return len(set(first) & _known(relevant)) / len(first) if first else 0.0


def reciprocal_rank(ranked: Sequence[str], relevant: Collection[str]) -> float:
    """1 over the rank of the first relevant id, 0 where none is found. Its mean over questions is MRR."""
    wanted = _known(relevant)
    return next((1 / rank for rank, item in enumerate(ranked, start=1) if item in wanted), 0.0)


def ndcg_at(k: int, ranked: Sequence[str], relevant: Collection[str]) -> float:
    """Normalised discounted cumulative gain with gain 1 and discount log2(rank + 1) (Järvelin, Kekäläinen 2002)."""
    wanted = _known(relevant)
    gain = sum(1 / math.log2(rank + 1) for rank, item in enumerate(ranked[:k], start=1) if item in wanted)
    ideal = sum(1 / math.log2(rank + 1) for rank in range(1, min(k, len(wanted)) + 1))
    return gain / ideal


def _known(relevant: Collection[str]) -> set[str]:
    if not relevant:
        raise ValueError("no passage is known to be relevant: the question cannot be scored")
    return set(relevant)
