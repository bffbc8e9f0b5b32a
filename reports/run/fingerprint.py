"""Stable hashes of values, texts and files. Knows nothing of what they mean; never uses `hash()` or pickles.

of_value({"shots": 8, "model": "demo"})  # the same 64 hex digits on every machine and in every process
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

BLOCK_BYTES = 1 << 20


def of_value(value: object) -> str:
    """SHA-256 of a JSON-able value (also pydantic models, dataclasses, tuples, paths), keys sorted.

    Raises TypeError for anything that JSON cannot say, and ValueError for NaN or infinity: neither may decide a run.
    """
    text = json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def of_text(text: str) -> str:
    """SHA-256 of the text as UTF-8; lone surrogates are hashed as they stand."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def of_texts(texts: Iterable[str]) -> str:
    """SHA-256 of a sequence of texts. Lengths are hashed too, so ["ab", "c"] and ["a", "bc"] differ."""
    digest = hashlib.sha256()
    for text in texts:
        data = text.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return digest.hexdigest()


def in_seeded_order(cases: Iterable[str], seed: int) -> list[str]:
    """Case ids in the one order of a run: by a seeded hash of the id, so that it depends on no file and no resume."""
    return sorted(cases, key=lambda case: of_text(f"{seed}:{case}"))


def of_file(path: Path) -> str:
    """SHA-256 of a file's content, read in blocks of 1 MiB. Raises OSError as open() does."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def short(fingerprint: str, digits: int = 12) -> str:
    """The first digits of a fingerprint, for a reader."""
    return fingerprint[:digits]


def _plain(value: object) -> Any:
    if isinstance(value, BaseModel):
        return _plain(value.model_dump(mode="python"))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {_key(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted((_plain(item) for item in value), key=lambda item: json.dumps(item, sort_keys=True))
    if isinstance(value, Path):
        return value.as_posix()
    return value


def _key(key: object) -> str:
    if not isinstance(key, str):
        raise TypeError(f"a key of a fingerprinted mapping must be text, not {type(key).__name__}: {key!r}")
    return key
