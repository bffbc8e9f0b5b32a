"""Embeddings kept on disk, so that an interrupted run finds again what it had computed. Never for eval questions.

    vectors = embed_stored(embedder, texts, folder)      # the second call reads files

One file a block of texts, named by the hash of model and texts; plain numpy arrays, no pickle. Questions are embedded
afresh each time: answering them is what a run measures.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from baselines.models.contract import Embedder
from reports.run import atomic
from reports.run.fingerprint import of_texts

if TYPE_CHECKING:
    import numpy as np

BLOCK = 1024
"""Texts of one file: what a kill loses at most."""
FOLDER = "_embeddings"
"""Below the run's artifacts; an approach's own folder never begins with an underscore."""


def embed_stored(
    embedder: Embedder, texts: Sequence[str], folder: Path, progress: Callable[[int, int], None] | None = None
) -> np.ndarray:
    """float32, shape (len(texts), dimensions). `progress(done, total)` is called after each block.

    Raises EnvironmentFault where the disk is full.
    """
    import numpy as np

    blocks = []
    for start in range(0, len(texts), BLOCK):
        blocks.append(_block(embedder, texts[start : start + BLOCK], folder))
        if progress is not None:
            progress(min(start + BLOCK, len(texts)), len(texts))
    return np.concatenate(blocks) if blocks else embedder.embed([])


def _block(embedder: Embedder, texts: Sequence[str], folder: Path) -> np.ndarray:
    path = folder / f"{of_texts([embedder.fingerprint, *texts])[:32]}.npy"
    stored = _read(path, len(texts))
    if stored is not None:
        return stored
    vectors = embedder.embed(texts)
    _write(path, vectors)
    return vectors


def _read(path: Path, rows: int) -> np.ndarray | None:
    """The stored block; None where there is none or it is not whole."""
    import numpy as np

    try:
        vectors: np.ndarray = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return vectors if vectors.ndim == 2 and len(vectors) == rows else None


def _write(path: Path, vectors: np.ndarray) -> None:
    import numpy as np

    stream = io.BytesIO()
    np.save(stream, vectors, allow_pickle=False)
    atomic.write_lines(path, (stream.getvalue(),))
