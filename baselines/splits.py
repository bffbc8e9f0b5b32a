"""Deterministic splits that keep together what belongs together. Knows no file and no approach.

    parts = split(cases, seed=0)                   # one file only: parts.train, parts.dev, parts.test
    rest, dev = dev_split(examples, 0.1, seed=0)   # tuning on training data

Items of one group, items whose inputs have the same letters and digits, and items that share a long passage of context
form one cluster, and a cluster is never parted. Which part a cluster falls into is decided by hashes of content and the
seed: the order of the rows does not matter, and appended rows move few others. Labels are spread evenly over the parts.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from baselines.merging import content_id
from baselines.overlap import bare_text
from reports.errors import DataError
from reports.run import fingerprint
from reports.run.schema import Case, Example

Item = TypeVar("Item", Case, Example)

SHARES = (("train", 0.6), ("dev", 0.1), ("test", 0.3))
"""Of one file only. The test part is large because the comparison stands on it."""
_PASSAGE = 50
"""A context field of at least so many characters is a passage: its questions stay together, …"""
_COMMON = 0.5
"""… unless more than this share of all items has it, as with a common instruction or schema."""
_NO_PASSAGE = ("system", "tools")


@dataclass(frozen=True)
class Split(Generic[Item]):
    """Three parts in the order of the file; every item stands in exactly one."""

    train: tuple[Item, ...]
    dev: tuple[Item, ...]
    test: tuple[Item, ...]
    clusters: int
    """Number of clusters that were dealt out."""

    @property
    def hashes(self) -> dict[str, str]:
        """Part to the hash of its content, whatever the order: two runs with equal hashes used the same split."""
        parts = {"train": self.train, "dev": self.dev, "test": self.test}
        return {name: fingerprint.of_texts(sorted(map(_content, items))) for name, items in parts.items()}


def split(items: Sequence[Item], seed: int = 0) -> Split[Item]:
    """60 % train, 10 % dev, 30 % test. Raises DataError where there are fewer than three clusters to deal out."""
    clusters = _clusters(items)
    if len(clusters) < 3:
        raise DataError(
            f"{len(items)} rows in {len(clusters)} groups cannot be split into train, dev and test",
            "Add rows, or name separate files for eval and train.",
        )
    part_of = _deal(clusters, dict(SHARES), seed)
    chosen = {name: tuple(item for i, item in enumerate(items) if part_of[i] == name) for name, _ in SHARES}
    return Split(chosen["train"], chosen["dev"], chosen["test"], len(clusters))


def dev_split(examples: Sequence[Item], share: float, seed: int = 0) -> tuple[tuple[Item, ...], tuple[Item, ...]]:
    """(rest, dev): about `share` of the examples (0 to 1) for tuning. With fewer than two clusters dev is empty."""
    if not 0 <= share < 1:
        raise ValueError(f"a share lies between 0 and 1, not {share}")
    clusters = _clusters(examples)
    if share == 0 or len(clusters) < 2:
        return tuple(examples), ()
    part_of = _deal(clusters, {"rest": 1 - share, "dev": share}, seed)
    rest = tuple(item for i, item in enumerate(examples) if part_of[i] == "rest")
    return rest, tuple(item for i, item in enumerate(examples) if part_of[i] == "dev")


def examples_of(cases: Sequence[Case]) -> tuple[Example, ...]:
    """Cases as training pairs: one for each, with its first reference. For the train and dev part of one file."""
    return tuple(
        Example(
            id=case.question.id,
            input=case.question.input,
            output=case.references[0],
            context=case.question.context,
            group=case.question.group,
            row=case.row,
            turns=case.question.turns,
        )
        for case in cases
    )


@dataclass(frozen=True)
class _Cluster:
    """Indexes of items that stay together."""

    members: tuple[int, ...]
    key: str
    """Smallest content hash of its members: the same in any order of the rows."""
    label: str
    """Most frequent reference of its members; "" where references are no labels."""


def _clusters(items: Sequence[Item]) -> list[_Cluster]:
    parents = list(range(len(items)))

    def root(index: int) -> int:
        while parents[index] != index:
            parents[index] = parents[parents[index]]
            index = parents[index]
        return index

    ties = [_ties(item) for item in items]
    often = Counter(tie for own in ties for tie in own if tie[0] == "passage")
    first: dict[tuple[str, str], int] = {}
    for index, own in enumerate(ties):
        for tie in own:
            if often[tie] <= _COMMON * len(items) or tie[0] != "passage":
                parents[root(index)] = root(first.setdefault(tie, index))
    found: dict[int, list[int]] = {}
    for index in range(len(items)):
        found.setdefault(root(index), []).append(index)
    labels = _labels(items)
    return [
        _Cluster(tuple(m), min(_content(items[i]) for i in m), _commonest([labels[i] for i in m]))
        for m in found.values()
    ]


def _ties(item: Case | Example) -> list[tuple[str, str]]:
    """What an item may share with others that must then stay with it."""
    asked = item.question if isinstance(item, Case) else item
    ties = [("input", bare_text(asked.input))]
    if asked.group is not None:
        ties.append(("group", asked.group))
    for name, text in asked.context.items():
        if len(text) >= _PASSAGE and name not in _NO_PASSAGE:
            ties.append(("passage", text))
    return ties


def _content(item: Case | Example) -> str:
    if isinstance(item, Case):
        return content_id(item.question.input, item.question.context, *sorted(item.references))
    return content_id(item.input, item.context, item.output)


def _labels(items: Sequence[Case | Example]) -> list[str]:
    """The reference of each item, or "" throughout where references hardly repeat."""
    texts = [item.references[0] if isinstance(item, Case) else item.output for item in items]
    return texts if len(set(texts)) <= len(texts) // 3 else [""] * len(texts)


def _commonest(labels: Sequence[str]) -> str:
    return min(Counter(labels).items(), key=lambda pair: (-pair[1], pair[0]))[0]


def _deal(clusters: Sequence[_Cluster], shares: dict[str, float], seed: int) -> dict[int, str]:
    """Item index to part. The clusters of a label lie in hash order on a circle that the parts cut into arcs.

    Where a label's circle starts is decided by its own hash, so that rare labels fall into all parts over the whole
    set, and a row more moves only few of its own label.
    """
    by_label: dict[str, list[_Cluster]] = {}
    for cluster in sorted(clusters, key=lambda c: (_rank(c.key, seed), c.members)):
        by_label.setdefault(cluster.label, []).append(cluster)
    part_of: dict[int, str] = {}
    for label, members in by_label.items():
        total, passed = sum(len(cluster.members) for cluster in members), 0.0
        start = int(_rank(label, seed)[:8], 16) / 16**8 if label else 0.0
        for cluster in members:
            at = (start + (passed + len(cluster.members) / 2) / total) % 1
            part_of.update(dict.fromkeys(cluster.members, _arc(at, shares)))
            passed += len(cluster.members)
    return _without_empty_ends(part_of, clusters, list(shares), seed)


def _arc(at: float, shares: dict[str, float]) -> str:
    """The part that a place on the circle (0 to 1) belongs to."""
    end = 0.0
    for part, share in shares.items():
        end += share
        if at < end:
            return part
    return list(shares)[-1]


def _without_empty_ends(
    part_of: dict[int, str], clusters: Sequence[_Cluster], parts: Sequence[str], seed: int
) -> dict[int, str]:
    """With few clusters the first or the last part may have got none: then one cluster of the fullest part moves."""
    for part in (parts[0], parts[-1]):
        if part in part_of.values():
            continue
        fullest = Counter(part_of[c.members[0]] for c in clusters).most_common(1)[0][0]  # has two at least
        movable = [c for c in clusters if part_of[c.members[0]] == fullest]
        moved = min(movable, key=lambda c: (len(c.members), _rank(c.key, seed)))
        part_of.update(dict.fromkeys(moved.members, part))
    return part_of


def _rank(key: str, seed: int) -> str:
    return hashlib.sha256(f"{seed} {key}".encode()).hexdigest()
