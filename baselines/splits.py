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
from reports.run.schema import Case, Example

Item = TypeVar("Item", Case, Example)

SHARES = (("train", 0.6), ("dev", 0.1), ("test", 0.3))
"""Of one file only. The test part is large because the comparison stands on it."""
_PASSAGE = 200
"""A context field of at least so many characters is a passage: its questions stay together."""
_SHARED_BY_ALL = ("system", "tools")
"""Context that many items have in common without belonging together."""


@dataclass(frozen=True)
class Split(Generic[Item]):
    """Three parts in the order of the file; every item stands in exactly one."""

    train: tuple[Item, ...]
    dev: tuple[Item, ...]
    test: tuple[Item, ...]
    clusters: int
    """Number of clusters that were dealt out."""


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

    first: dict[tuple[str, str], int] = {}
    for index, item in enumerate(items):
        for tie in _ties(item):
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
        if len(text) >= _PASSAGE and name not in _SHARED_BY_ALL:
            ties.append((name, text))
    return ties


def _content(item: Case | Example) -> str:
    if isinstance(item, Case):
        return content_id(item.question.input, item.question.context, *item.references)
    return content_id(item.input, item.context, item.output)


def _labels(items: Sequence[Case | Example]) -> list[str]:
    """The reference of each item, or "" throughout where references hardly repeat."""
    texts = [item.references[0] if isinstance(item, Case) else item.output for item in items]
    return texts if len(set(texts)) <= len(texts) // 3 else [""] * len(texts)


def _commonest(labels: Sequence[str]) -> str:
    return min(Counter(labels).items(), key=lambda pair: (-pair[1], pair[0]))[0]


def _deal(clusters: Sequence[_Cluster], shares: dict[str, float], seed: int) -> dict[int, str]:
    """Item index to part: label by label, in hash order, each cluster to the part that lacks most of its share."""
    ordered = sorted(clusters, key=lambda c: (c.label, _rank(c.key, seed), c.members))
    total, dealt, by_label = 0, Counter[str](), Counter[tuple[str, str]]()
    seen = Counter[str]()
    part_of: dict[int, str] = {}
    for cluster in ordered:
        size = len(cluster.members)
        total += size
        seen[cluster.label] += size

        def lack(part: str, cluster: _Cluster = cluster, total: int = total) -> tuple[float, float, float]:
            own = shares[part] * seen[cluster.label] - by_label[cluster.label, part]
            return round(own, 9), round(shares[part] * total - dealt[part], 9), shares[part]

        chosen = max(shares, key=lack)
        dealt[chosen] += size
        by_label[cluster.label, chosen] += size
        part_of.update(dict.fromkeys(cluster.members, chosen))
    return part_of


def _rank(key: str, seed: int) -> str:
    return hashlib.sha256(f"{seed} {key}".encode()).hexdigest()
