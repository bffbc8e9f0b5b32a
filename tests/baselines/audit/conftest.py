"""Rows for audits, written as plain tuples."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import pytest

from baselines.audit import Material
from baselines.audit.rows import Item, Part
from reports.run.schema import TaskType


def rows(pairs: Iterable[tuple[str, str]], part: Part = "train") -> tuple[Item, ...]:
    """Items with the row numbers of a spreadsheet."""
    return tuple(Item(part, f"{part}.csv", at, text, (output,)) for at, (text, output) in enumerate(pairs, start=2))


@pytest.fixture
def material() -> Callable[..., Material]:
    """`material(train, eval, task)` from pairs (input, output)."""

    def build(
        train: Sequence[tuple[str, str]] = (),
        cases: Sequence[tuple[str, str]] = (),
        task: TaskType = "classification",
    ) -> Material:
        return Material(task=task, train=rows(train), eval=rows(cases, "eval"))

    return build
