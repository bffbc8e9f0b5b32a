"""What a comparison of two runs says, as frozen JSON-able values. Computes nothing.

RunDiff.model_dump(mode="json") is the document of `advisor diff --json`.
"""

from __future__ import annotations

from typing import Literal

from reports.run.schema import SCHEMA_VERSION, Comparison, Record
from reports.summary.model import Estimate
from reports.text import Unit

Area = Literal["settings", "data", "prompts", "recipe", "weights", "scoring", "versions", "hardware", "rule and prices"]
Moves = Literal["answers", "scores", "cases", "verdict", "nothing"]
"""What a change can reach: the answers; how they are scored; which cases there are; only limits and money; nothing."""


class Moved(Record):
    """One thing that is not the same in both runs."""

    area: Area
    name: str
    """The key or the part: 'few-shot: shots', 'train', 'torch'."""
    text: str
    """What moved, in words: '8 → 4', '12 added, 3 changed'."""
    moves: Moves = "answers"
    approaches: tuple[str, ...] = ()
    """The approaches in both runs that it can reach."""
    consequence: bool = False
    """It follows from another change (a prompt from its instruction) and is not counted as a change of its own."""


class RunName(Record):
    """One of the two runs."""

    run: str
    started: str
    name: str
    cases: int
    finished: bool


class SharedCases(Record):
    """How the cases of both runs were joined: by id where question and reference are the same, else by content."""

    shared: int
    under_another_id: int = 0
    """Of the shared ones: same question and reference, another id."""
    question_changed: tuple[str, ...] = ()
    """Ids that stand in both runs with another question: not compared."""
    reference_changed: tuple[str, ...] = ()
    """Ids whose question is the same and whose expected answer is not: not compared."""
    only_a: tuple[str, ...] = ()
    only_b: tuple[str, ...] = ()


class ApproachDifference(Record):
    """One approach in both runs, on the shared cases: difference = B minus A, in the metric's unit."""

    name: str
    quality_a: Estimate
    quality_b: Estimate
    difference: float
    low: float
    high: float
    p: float
    p_adjusted: float | None = None
    """Holm over the contenders in both runs but those whose answers are all the same; None for these."""
    family: int = 0
    """Number of comparisons behind `p_adjusted`."""
    n: int
    a_only: int | None = None
    b_only: int | None = None
    words: Comparison = "not shown"
    """How B does against A."""
    clusters: int | None = None
    method: str = ""
    same_text: int = 0
    """Shared cases answered with the same text and status."""
    both_answered: int = 0
    causes: tuple[str, ...] = ()
    """Everything that changed and can have moved it."""
    attribution: str = ""
    """What may be said of the cause."""


class RunDiff(Record):
    """Everything about two runs side by side."""

    schema_version: int = SCHEMA_VERSION
    a: RunName
    b: RunName
    metric: str
    """The metric that decides in B, else the first one that both runs scored; empty where they share none."""
    metric_title: str = ""
    unit: Unit = "share"
    margin: float = 0.0
    cases: SharedCases
    moved: tuple[Moved, ...] = ()
    approaches: tuple[ApproachDifference, ...] = ()
    only_a: tuple[str, ...] = ()
    only_b: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
