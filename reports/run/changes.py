"""What differs between two run headers, field by field. Knows no files and decides nothing about it.

for change in changes(before, after): print(change)   # spec.approaches.few-shot.options.shots: 8 → 4
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from reports.run.schema import RunHeader
from reports.text import one_line

NOT_PART = (
    "run",
    "started",
    "price_date",
    "expected",
    "spec.project_folder",
    "spec.allow_broken",
    "spec.parallel",
    "spec.cluster",
    "schema_version",
    "spec.schema_version",
)
"""Fields that say when, where and how long it was thought to take, not what."""

LIMITS = ("requests_per_minute", "tokens_per_minute", "max_concurrency", "timeout_seconds", "budget_usd")
"""How fast and how long an endpoint is asked, not what: they may change before a resume."""

MISSING = object()


@dataclass(frozen=True)
class Change:
    """One field that moved; `before` and `after` are JSON texts, None where the field was not there."""

    field: str
    before: str | None
    after: str | None

    def __str__(self) -> str:
        if self.field.startswith("spec.data.files."):
            return f"{self.field}: the content of the file changed"
        return f"{self.field}: {one_line(self.before or 'nothing', 60)} → {one_line(self.after or 'nothing', 60)}"


def changes(before: RunHeader, after: RunHeader) -> tuple[Change, ...]:
    """All fields that moved in the spec and the fingerprints, then those of the environment, in a stable order."""
    left, right = before.model_dump(mode="json"), after.model_dump(mode="json")
    found = _compare("", left, right)
    kept = [change for change in found if not change.field.startswith(NOT_PART)]
    return tuple(sorted(kept, key=lambda change: (change.field.startswith("environment"), change.field)))


def spec_changes(before: RunHeader, after: RunHeader) -> tuple[Change, ...]:
    """The changes that make a stored run another one: versions, machine and an endpoint's limits are not among them.

    A fingerprint counts only where both sides know it: some are known first when a run has started.
    """
    return tuple(change for change in changes(before, after) if not _is_circumstance(change))


def _is_circumstance(change: Change) -> bool:
    unknown = change.field.startswith("fingerprints") and (change.before is None or change.after is None)
    if change.field.startswith(("spec.judge", "spec.data.files.judge")):
        return True  # answers stand; they are scored again
    if change.field in ("spec.data.leaked_near", "spec.data.findings"):
        return True  # derived from files whose hashes are compared; runs of older versions have none
    if change.field.startswith("spec.") and change.field.rpartition(".")[2] in LIMITS:
        return True
    return unknown or change.field.startswith("environment")


def _compare(path: str, before: Any, after: Any) -> list[Change]:
    if isinstance(before, list) and isinstance(after, list) and _named(before) and _named(after):
        before, after = ({item["name"]: item for item in items} for items in (before, after))
    if isinstance(before, dict) and isinstance(after, dict):
        keys = [*before, *(key for key in after if key not in before)]
        return [
            change
            for key in keys
            for change in _compare(f"{path}.{key}".lstrip("."), before.get(key, MISSING), after.get(key, MISSING))
        ]
    if before == after:
        return []
    return [Change(path, _json(before), _json(after))]


def _named(items: list[Any]) -> bool:
    """True for lists of things with a unique name (approaches): they are compared by name, not by position."""
    names = [item.get("name") for item in items if isinstance(item, dict)]
    return len(names) == len(items) and None not in names and len(set(names)) == len(names)


def _json(value: Any) -> str | None:
    return None if value is MISSING else json.dumps(value, ensure_ascii=False, sort_keys=True)
