"""Answers that a model already gave, kept in SQLite, so that nothing is generated or paid for twice.

Refuses to cache failures and to serve the latency pass. The key is everything that decides an answer: the model's
fingerprint (weights, revision, adapter, precision, chat layout), the prompt, the decoding with its seed, the repeat.
Values are JSON. A hit is marked `from_cache` and carries no time.

    model = CachedModel(load(spec), ResponseCache(Path("cache/answers.sqlite")))

Two processes may share one file. A file that is not a database is set aside with a warning and a new one begun; a
cache that cannot be written is left out for the rest of the run: it may never be the reason that a run fails.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

from baselines.models.contract import Decoding, Generation, Model
from baselines.prompts import Prompt

VERSION = 1
"""Of the key and the stored fields."""

CACHED = ("ok", "truncated")
"""Statuses that would come out the same again."""

STORED = (
    "text",
    "status",
    "error",
    "prompt_tokens",
    "completion_tokens",
    "cached_prompt_tokens",
    "usage_estimated",
)

WAIT_SECONDS = 30.0
"""How long a process waits for another one's write."""

LOOKUP = 500
"""Keys in one query: below SQLite's limit of variables."""


class ResponseCache:
    """A file of answers by key."""

    def __init__(self, path: Path, on_warning: Callable[[str], None] = lambda _: None) -> None:
        self.path = path
        self._warn = on_warning
        self._lock = threading.Lock()
        self._database: sqlite3.Connection | None = None
        self._open()

    def find(self, keys: Sequence[str]) -> dict[str, Generation]:
        """The answers that are there, by key, with index 0."""
        found: dict[str, Generation] = {}
        with self._lock:
            for start in range(0, len(keys), LOOKUP):
                part = list(keys[start : start + LOOKUP])
                for key, value in self._run(partial(_select, keys=part)):
                    generation = _read(value)
                    if generation is not None:
                        found[key] = generation
        return found

    def store(self, answers: Mapping[str, Generation]) -> None:
        """Keep what can be kept: failures are left out."""
        rows = [(key, _written(g)) for key, g in answers.items() if g.status in CACHED and not g.from_cache]
        if rows:
            with self._lock:
                self._run(partial(_insert, rows=rows))

    def close(self) -> None:
        """Give the file back. A closed cache finds nothing and stores nothing."""
        with self._lock:
            if self._database is not None:
                self._database.close()
                self._database = None

    def _open(self) -> None:
        try:
            self._database = self._connected()
        except (sqlite3.DatabaseError, OSError) as error:
            if isinstance(error, (sqlite3.OperationalError, OSError)):
                self._warn(f"The answer cache {self.path.name} cannot be opened ({error}); the run goes on without it.")
                return
            self._start_anew(error)

    def _connected(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        database = sqlite3.connect(self.path, timeout=WAIT_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            database.execute("PRAGMA journal_mode=WAL")
            database.execute("PRAGMA synchronous=NORMAL")
            database.execute("CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, value TEXT NOT NULL)")
        except sqlite3.DatabaseError:
            database.close()
            raise
        return database

    def _start_anew(self, error: sqlite3.DatabaseError) -> None:
        aside = self.path.with_name(self.path.name + ".broken")
        self._warn(f"The answer cache {self.path.name} is damaged ({error}); it is set aside and a new one begun.")
        try:
            for suffix in ("-wal", "-shm"):
                self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
            self.path.replace(aside)
            self._database = self._connected()
        except (sqlite3.DatabaseError, OSError):
            self._database = None

    def _run(self, work: Callable[[sqlite3.Connection], list[tuple[str, str]]]) -> list[tuple[str, str]]:
        """The rows of `work`; none where the cache fails, which then stays out of the way."""
        if self._database is None:
            return []
        try:
            return work(self._database)
        except sqlite3.DatabaseError as error:
            self._database.close()
            self._database = None
            if isinstance(error, sqlite3.OperationalError):  # locked too long, disk full, read-only
                self._warn(f"The answer cache {self.path.name} failed ({error}); the run goes on without it.")
            else:
                self._start_anew(error)
            return []


class CachedModel:
    """A model that looks into a cache first. The same interface, `generate_one` always passes through."""

    def __init__(self, model: Model, cache: ResponseCache, repeat: int = 0) -> None:
        """`repeat` keeps several answers to the same prompt apart."""
        self.model = model
        self.cache = cache
        self.repeat = repeat
        self.name = model.name
        self.fingerprint = model.fingerprint

    @property
    def context_length(self) -> int:
        return self.model.context_length

    @property
    def device(self) -> str:
        return self.model.device

    @property
    def source(self) -> str | None:
        """Folder of the weights, where the model is a local one."""
        return getattr(self.model, "source", None)

    @property
    def precision(self) -> str | None:
        """Of the weights, where the model is a local one."""
        return getattr(self.model, "precision", None)

    def count_tokens(self, text: str) -> int:
        return self.model.count_tokens(text)

    def generate(self, prompts: Sequence[Prompt], decoding: Decoding) -> Iterator[list[Generation]]:
        """Hits first, in one list; then the rest as the model finishes them, stored on the way."""
        keys = [self._key(prompt, decoding) for prompt in prompts]
        found = self.cache.find(list(dict.fromkeys(keys)))
        hits = [replace(found[key], index=at, from_cache=True) for at, key in enumerate(keys) if key in found]
        if hits:
            yield hits
        missing = [at for at, key in enumerate(keys) if key not in found]
        if not missing:
            return
        for batch in self.model.generate([prompts[at] for at in missing], decoding):
            placed = [replace(generation, index=missing[generation.index]) for generation in batch]
            self.cache.store({keys[generation.index]: generation for generation in placed})
            yield placed

    def generate_one(self, prompt: Prompt, decoding: Decoding) -> Generation:
        """Straight from the model: latency is never read from a cache."""
        return self.model.generate_one(prompt, decoding)

    def with_adapter(self, folder: Path) -> CachedModel:
        """The model with an adapter, on the same cache."""
        return self.around(self.model.with_adapter(folder))

    def around(self, model: Model) -> CachedModel:
        """Another model on the same cache."""
        return CachedModel(model, self.cache, self.repeat)

    def _key(self, prompt: Prompt, decoding: Decoding) -> str:
        said = [VERSION, self.fingerprint, prompt.text, asdict(decoding), self.repeat]
        if prompt.messages:
            said.append([[message.role, message.text] for message in prompt.messages])
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode("ascii")).hexdigest()


def _select(database: sqlite3.Connection, *, keys: list[str]) -> list[tuple[str, str]]:
    query = f"SELECT key, value FROM answers WHERE key IN ({','.join('?' * len(keys))})"
    return database.execute(query, keys).fetchall()


def _insert(database: sqlite3.Connection, *, rows: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """All rows in one transaction: one flush to disk."""
    database.execute("BEGIN IMMEDIATE")
    database.executemany("INSERT OR REPLACE INTO answers VALUES (?, ?)", rows)
    database.execute("COMMIT")
    return []


def _written(generation: Generation) -> str:
    return json.dumps({name: getattr(generation, name) for name in STORED})


def _read(value: str) -> Generation | None:
    """None for a row that another version or a fault wrote: it is generated again."""
    try:
        stored = json.loads(value)
        return Generation(0, **{name: stored[name] for name in STORED})
    except (ValueError, KeyError, TypeError):
        return None
