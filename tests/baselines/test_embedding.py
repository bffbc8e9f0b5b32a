"""MiniLM from the registry package: equal to sentence-transformers, hash-checked, cached block by block."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from baselines import embedding
from baselines.embedding import MeanPooledBert, Packaged, load_embedder
from baselines.vectors import BLOCK, embed_stored
from reports.errors import DataError, EnvironmentFault

TEXTS = [
    "Where is my card?",
    "",
    "Straße, ünïcödé and 漢字",
    "word " * 600,
    "The warranty lasts two years. " * 9,
    "a",
    "Where is my card?",
]


@pytest.fixture(scope="module")
def minilm() -> MeanPooledBert:
    pytest.importorskip(embedding.PACKAGE, reason="the extra `offline` is not installed")
    found = load_embedder("auto", device="cpu")
    assert isinstance(found, MeanPooledBert)
    return found


def test_vectors_have_length_one(minilm: MeanPooledBert) -> None:
    vectors = minilm.embed(TEXTS)
    assert vectors.dtype == np.float32
    assert vectors.shape == (len(TEXTS), 384)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert np.array_equal(vectors[0], vectors[-1])
    assert minilm.embed([]).shape == (0, 384)


def test_vectors_equal_those_of_sentence_transformers(minilm: MeanPooledBert) -> None:
    theirs = Packaged(str(minilm.folder), device="cpu")
    assert theirs.max_tokens == minilm.max_tokens == 256
    assert np.abs(theirs.embed(TEXTS) - minilm.embed(TEXTS)).max() < 1e-5
    own, other = theirs.tokenizer, minilm.tokenizer
    assert own is not None
    assert own.encode(TEXTS[3]).ids == other.encode(TEXTS[3]).ids


def test_the_batch_does_not_change_a_vector(minilm: MeanPooledBert) -> None:
    together = minilm.embed(TEXTS)
    alone = np.concatenate([minilm.embed([text]) for text in TEXTS])
    assert np.abs(together - alone).max() < 1e-5


def test_weights_other_than_the_published_ones_are_refused(
    minilm: MeanPooledBert, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"something else")
    monkeypatch.setattr(embedding, "_packaged_folder", lambda: tmp_path)
    with pytest.raises(DataError, match="are not those of"):
        load_embedder("auto")


def test_a_folder_of_that_shape_needs_no_sentence_transformers(minilm: MeanPooledBert, tmp_path: Path) -> None:
    shutil.copytree(minilm.folder, tmp_path / "mine")
    found = load_embedder(str(tmp_path / "mine"))
    assert isinstance(found, MeanPooledBert)
    assert found.fingerprint == minilm.fingerprint
    pooling = '{"word_embedding_dimension": 384, "pooling_mode_cls_token": true, "pooling_mode_mean_tokens": false}'
    (tmp_path / "mine" / "1_Pooling" / "config.json").write_text(pooling)
    other = load_embedder(str(tmp_path / "mine"), device="cpu")
    assert isinstance(other, Packaged)
    assert np.abs(other.embed(["Where is my card?"]) - found.embed(["Where is my card?"])).max() > 0.01


def test_a_model_that_is_nowhere_is_one_clear_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EnvironmentFault) as caught:
        load_embedder("nobody/has-this-embedding-model")
    assert "nobody/has-this-embedding-model" in str(caught.value)
    assert "approach-advisor[offline]" in caught.value.hint


def test_stored_embeddings_survive_a_kill_block_by_block(world: Any, tmp_path: Path) -> None:
    texts = [f"text {i}" for i in range(BLOCK + 5)]
    steps: list[tuple[int, int]] = []
    first = embed_stored(world.embedder, texts, tmp_path, lambda done, total: steps.append((done, total)))
    assert steps == [(BLOCK, BLOCK + 5), (BLOCK + 5, BLOCK + 5)]
    assert world.embedder.embedded == BLOCK + 5
    files = sorted(tmp_path.glob("*.npy"), key=lambda f: f.stat().st_size)
    files[0].write_bytes(files[0].read_bytes()[:50])
    assert np.array_equal(embed_stored(world.embedder, texts, tmp_path), first)
    assert world.embedder.embedded == BLOCK + 10
    world.embedder.fingerprint = "words-2"
    embed_stored(world.embedder, texts, tmp_path)
    assert world.embedder.embedded == 2 * BLOCK + 15
