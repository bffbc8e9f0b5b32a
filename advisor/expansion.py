"""What `curve: true` and `seeds: 3` of a fine-tuning mean: further trainings beside it, parts of it and no contenders.

    expanded(specs, examples=800, seed=0)     # qlora, qlora@1/8, qlora@1/8@seed-2, …, qlora@seed-2, qlora@seed-3

The points of a learning curve train on nested parts of the examples, once or, with `seeds`, as often as the approach
itself; repetitions train on the same examples with the next seeds. The approach's own answers are those of its first
seed and all examples: what stands in the tables, in the comparisons and side by side. Its repetitions say how far
another training strays, and widen its intervals by that. Knows no data and no weights.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reports.errors import UsageError
from reports.run.schema import ApproachSpec

SHARES = {"1/8": 0.125, "1/4": 0.25, "1/2": 0.5}
FEWEST_EXAMPLES = 20
"""A training on fewer says nothing: such points are left out."""
FEWEST_POINTS = 2
"""Beside the whole: a curve needs three sizes."""


@dataclass(frozen=True)
class Expanded:
    """All approaches of a run, each followed by its parts, and what a reader should know of them."""

    approaches: tuple[ApproachSpec, ...]
    notes: tuple[str, ...]


def expanded(specs: Sequence[ApproachSpec], examples: int, seed: int) -> Expanded:
    """Adds the parts. Raises UsageError where a part names no approach, or takes the name of one."""
    names = {spec.name for spec in specs}
    every: list[ApproachSpec] = []
    notes: list[str] = []
    for spec in specs:
        if spec.part_of is not None and spec.part_of not in names:
            raise UsageError(
                f"the approach {spec.name} is to be a part of {spec.part_of!r}, which is none of the approaches",
                f"it could be one of: {', '.join(names)}",
            )
        points = list(_points(spec, examples, seed)) if spec.options.get("curve") else []
        if spec.options.get("curve") and len({part.options["share"] for part in points}) < FEWEST_POINTS:
            notes.append(f"{spec.name}: {examples} training examples are too few for a learning curve.")
            points = []
        for part in (spec, *points, *_repetitions(spec, seed)):
            if part is not spec and part.name in names:
                raise UsageError(f"two approaches are named {part.name!r}", f"{spec.name} needs that name for a part")
            every.append(part)
    return Expanded(tuple(every), tuple(notes))


def _points(spec: ApproachSpec, examples: int, seed: int) -> Iterator[ApproachSpec]:
    for word, share in SHARES.items():
        if examples * share >= FEWEST_EXAMPLES:
            yield _part(spec, f"@{word}", share=share, curve_of=spec.name)
            for number, its in _next_seeds(spec, seed):
                yield _part(spec, f"@{word}@seed-{number}", seed=its, share=share, curve_of=spec.name)


def _repetitions(spec: ApproachSpec, seed: int) -> Iterator[ApproachSpec]:
    for number, its in _next_seeds(spec, seed):
        yield _part(spec, f"@seed-{number}", seed=its, seed_of=spec.name)


def _next_seeds(spec: ApproachSpec, seed: int) -> Iterator[tuple[int, int]]:
    """Number of each further training, from 2, and its seed."""
    own = spec.options.get("seed")
    first = seed if own is None else int(own)
    for number in range(2, int(spec.options.get("seeds", 1)) + 1):
        yield number, first + number - 1


def _part(spec: ApproachSpec, suffix: str, **options: object) -> ApproachSpec:
    alone = {"curve": False, "seeds": 1}
    return spec.model_copy(update={"name": spec.name + suffix, "options": {**spec.options, **alone, **options}})
