"""Pairs of texts that share most of their character 5-grams: an exact set similarity join, in numpy and scipy alone.

    pairs = similar_pairs(normal_forms)                    # every pair at least half alike (Jaccard)
    pairs = similar_pairs(train_forms, eval_forms)         # left from the first, right from the second
    pairs.left[0], pairs.right[0], pairs.alike[0]

Prefix filtering (Chaudhuri et al., ICDE 2006; PPJoin, Xiao et al., WWW 2008): two sets that overlap by a share t must
share k of the rarest members of each, so only these are joined and only what is left is compared in full. 5-grams of
characters need no words, so scripts without blanks work too. 10,000 short texts take about 4 s of one core.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

GRAM = 5
ALIKE = 0.5
"""Lowest Jaccard similarity of the 5-gram sets that is reported."""
_SHARED = 5
"""Rare members that a pair must share to be compared: more joins more and compares less."""
_BLOCK = 1024
"""Rows that are joined at once: bounds the memory where every text follows one template."""
_COMPARED = 200_000
_MOST = 300_000
"""Pairs of a block that are compared: where one template makes more, those that share most rare members."""
LONG = 600
"""Characters from which a text is compared by a sample of its 5-grams: the same ones in every text."""
_SAMPLE = 4
"""One in so many, chosen by hash: keeps the expected similarity (Broder 1997)."""


@dataclass(frozen=True)
class Pairs:
    """Positions of the texts of each pair, and how alike they are (0 to 1). All three have one length."""

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    alike: NDArray[np.float64]


def similar_pairs(texts: Sequence[str], others: Sequence[str] | None = None, alike: float = ALIKE) -> Pairs:
    """All pairs (i < j) within `texts`, or between `texts` and `others`, with a Jaccard similarity of `alike` or more.

    Exact for texts under `LONG` characters; a pair of longer ones is judged by its sampled 5-grams. Where thousands of
    texts follow one template, only the most alike of its pairs are given.
    """
    import numpy as np

    every = [*texts, *(others or ())]
    border = len(texts) if others is not None else None
    lengths = np.array([len(text) for text in every], dtype=np.int64)
    # A text near the border is looked at both ways, so that its longer or shorter twin is met.
    found = [
        _joined(every, np.flatnonzero(lengths < 1.5 * LONG), 1, border, alike),
        _joined(every, np.flatnonzero(lengths >= LONG), _SAMPLE, border, alike),
    ]
    left, right, share = (np.concatenate([part[i] for part in found]) for i in range(3))
    if border is not None:
        right = right - border
    _, first = np.unique(left * (len(every) + 1) + right, return_index=True)
    return Pairs(left[first], right[first], share[first])


def _joined(texts: Sequence[str], chosen: Any, sample: int, border: int | None, alike: float) -> tuple[Any, Any, Any]:
    """(left, right, similarity) among the chosen texts, as positions in `texts`."""
    import numpy as np

    empty = np.zeros(0, dtype=np.int64)
    if len(chosen) < 2:
        return empty, empty, np.zeros(0)
    sets = _sets([texts[i] for i in chosen], sample)
    sizes = np.diff(sets.indptr)
    prefixes = _prefixes(sets, sizes, alike)
    # Between two lists only the second is looked up in the first: `first` texts of `chosen` belong to it.
    first = 0 if border is None else int(np.searchsorted(chosen, border))
    by_gram = (prefixes if border is None else prefixes[:first]).T.tocsr()
    found: list[tuple[Any, Any, Any]] = [(empty, empty, np.zeros(0))]
    for start in range(first, len(chosen), _BLOCK):
        block = (prefixes[start : start + _BLOCK] @ by_gram).tocoo()
        columns, rows = block.row.astype(np.int64) + start, block.col.astype(np.int64)
        smaller, larger = np.minimum(sizes[rows], sizes[columns]), np.maximum(sizes[rows], sizes[columns])
        keep = (rows < columns) & (smaller >= alike * larger) & (block.data >= np.minimum(_SHARED, alike * smaller))
        kept = np.flatnonzero(keep)
        if len(kept) > _MOST:
            kept = kept[np.argpartition(-block.data[kept], _MOST)[:_MOST]]
        found.append(_compared(sets, sizes, rows[kept], columns[kept], alike))
    rows, columns, share = (np.concatenate([part[i] for part in found]) for i in range(3))
    return chosen[rows], chosen[columns], share


def _compared(sets: Any, sizes: Any, rows: Any, columns: Any, alike: float) -> tuple[Any, Any, Any]:
    import numpy as np

    share = np.zeros(len(rows))
    for start in range(0, len(rows), _COMPARED):
        part = slice(start, start + _COMPARED)
        shared = np.asarray(sets[rows[part]].multiply(sets[columns[part]]).sum(axis=1)).ravel()
        share[part] = shared / (sizes[rows[part]] + sizes[columns[part]] - shared)
    keep = share >= alike
    return rows[keep], columns[keep], share[keep]


def _sets(texts: Sequence[str], sample: int) -> Any:
    """Sparse 0/1 matrix, shape (len(texts), distinct 5-grams), columns from the rarest to the most frequent one."""
    import numpy as np
    from scipy.sparse import csr_matrix

    padded = [f" {text} ".ljust(GRAM) for text in texts]
    lengths = np.array([len(text) for text in padded], dtype=np.int64)
    codes = np.frombuffer("".join(padded).encode("utf-32-le", "surrogatepass"), dtype=np.uint32).astype(np.uint64)
    hashes = np.zeros(len(codes) - GRAM + 1, dtype=np.uint64)
    for offset in range(GRAM):  # a polynomial modulo 2^64; of some million grams hardly two collide
        hashes = hashes * np.uint64(0x9E3779B97F4A7C15) + codes[offset : len(codes) - GRAM + 1 + offset]
    hashes = (hashes ^ (hashes >> np.uint64(31))) * np.uint64(0xBF58476D1CE4E5B9)
    owners = np.repeat(np.arange(len(texts)), lengths)[: len(hashes)]
    ends = np.cumsum(lengths)
    inside = np.arange(len(hashes)) + GRAM <= ends[owners]
    if sample > 1:
        inside &= (hashes >> np.uint64(33)) % np.uint64(sample) == 0
    grams, columns = np.unique(hashes[inside], return_inverse=True)
    cells = np.unique(owners[inside] * np.int64(len(grams)) + columns)
    rows, columns = np.divmod(cells, max(1, len(grams)))
    rank = np.empty(len(grams), dtype=np.int32)
    rank[np.argsort(np.bincount(columns, minlength=len(grams)), kind="stable")] = np.arange(len(grams), dtype=np.int32)
    table = csr_matrix((np.ones(len(cells), dtype=np.int16), (rows, rank[columns])), shape=(len(texts), len(grams)))
    table.sort_indices()
    return table


def _prefixes(sets: Any, sizes: Any, alike: float) -> Any:
    """Of each row the rarest members: as many as must hold `_SHARED` of what a pair has in common."""
    import numpy as np
    from scipy.sparse import csr_matrix

    kept = np.minimum(sizes, sizes - np.ceil(alike * sizes).astype(sizes.dtype) + _SHARED)
    place = np.arange(len(sets.indices)) - np.repeat(sets.indptr[:-1], sizes)
    chosen = place < np.repeat(kept, sizes)
    pointers = np.concatenate([[0], np.cumsum(kept)])
    return csr_matrix((sets.data[chosen], sets.indices[chosen], pointers), shape=sets.shape)
