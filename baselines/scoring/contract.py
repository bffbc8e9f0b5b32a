"""What a metric is to the rest of the house: a function from (case, text, task) to a Reading, with a version.

A metric never sees which approach answered, how long it took, or that a call failed: `scoring.score` keeps failures
away from it. A metric that needs more than the text (an embedder, the user's file) gets it through `Tools`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reports.run.schema import Case, JudgeSpec, Task, TaskType

if TYPE_CHECKING:
    from baselines.models.contract import Embedder
    from baselines.scoring.judge import Judge


@dataclass(frozen=True)
class Reading:
    """What a metric read out of one answer. The fields become those of a `Score`."""

    value: float | None
    predicted: str | None = None
    expected: str | None = None
    format_failure: bool = False
    unscored: str | None = None


@dataclass(frozen=True)
class Tools:
    """What heavy metrics need besides the text."""

    folder: Path = Path()
    """The project's folder: `python:` metrics are loaded from there."""
    embedder: Callable[[], Embedder] | None = None
    judge: Callable[[], Judge] | None = None
    """Opened with the first answer that it is to grade."""
    judged_by: JudgeSpec | None = None
    """Who `judge` opens: what its scores' version comes from."""


ReadOne = Callable[[Case, str, Task], Reading]
ReadMany = Callable[[Sequence[tuple[Case, str]], Task, Tools, str], list[Reading]]
"""Pairs of case and text, the task, the tools, and the argument behind the metric's name ('' without one)."""


@dataclass(frozen=True)
class Metric:
    """One registered metric."""

    name: str
    version: int
    """Raised with every change that can move a value: stored answers are then scored again."""
    light: bool
    """True: no import beyond the standard library, microseconds a case; scored as answers arrive."""
    doc: str
    read: ReadMany
    defaults: tuple[TaskType, ...] = ()
    needs_reference: bool = True
    takes_argument: bool = False
    """True where `name:argument` is legal (`contains:…`, `regex:…`, `python:file.py:function`)."""


@dataclass(frozen=True)
class TextMetric:
    """Adapts a per-case function to `ReadMany`."""

    one: ReadOne

    def __call__(self, pairs: Sequence[tuple[Case, str]], task: Task, tools: Tools, argument: str) -> list[Reading]:
        return [self.one(case, text, task) for case, text in pairs]
