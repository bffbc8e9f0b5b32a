"""A fine-tuning with a curve and several seeds: which trainings stand in the run, and what they learn from."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from advisor.expansion import Expanded, expanded
from baselines.finetuned import nested
from baselines.registry import validate_options
from reports.errors import UsageError
from reports.run.schema import ApproachSpec, Example


def spec(name: str = "qlora", **options: Any) -> ApproachSpec:
    return ApproachSpec(name=name, kind="qlora", options=validate_options("qlora", options))


def parts(found: Expanded, option: str) -> dict[str, Any]:
    return {item.name: item.options[option] for item in found.approaches}


def test_a_curve_trains_on_nested_shares_with_the_same_seed() -> None:
    found = expanded([spec(curve=True)], examples=800, seed=0)
    assert parts(found, "share") == {"qlora": 1.0, "qlora@1/8": 0.125, "qlora@1/4": 0.25, "qlora@1/2": 0.5}
    assert [item.part_of for item in found.approaches] == [None, "qlora", "qlora", "qlora"]
    assert set(parts(found, "seed").values()) == {None}
    assert found.notes == ()


@pytest.mark.parametrize(("examples", "points"), [(160, 4), (100, 3), (79, 1), (10, 1)])
def test_sizes_that_say_nothing_are_left_out(examples: int, points: int) -> None:
    found = expanded([spec(curve=True)], examples=examples, seed=0)
    assert len(found.approaches) == points
    assert bool(found.notes) == (points == 1)


def test_seeds_repeat_all_of_it_with_the_next_seeds() -> None:
    found = expanded([spec(seeds=3), spec("own", seeds=2, seed=7)], examples=800, seed=4)
    assert parts(found, "seed") == {"qlora": None, "qlora@seed-2": 5, "qlora@seed-3": 6, "own": 7, "own@seed-2": 8}
    assert parts(found, "seeds") == {"qlora": 3, "qlora@seed-2": 1, "qlora@seed-3": 1, "own": 2, "own@seed-2": 1}
    assert {item.options["seed_of"] for item in found.approaches} == {None, "qlora", "own"}


def test_curve_and_seeds_stand_side_by_side() -> None:
    found = expanded([spec(curve=True, seeds=2), ApproachSpec(name="rag", kind="rag")], examples=800, seed=0)
    assert [item.name for item in found.approaches] == [
        "qlora", "qlora@1/8", "qlora@1/8@seed-2", "qlora@1/4", "qlora@1/4@seed-2", "qlora@1/2", "qlora@1/2@seed-2",
        "qlora@seed-2", "rag",
    ]  # fmt: skip
    again = next(item for item in found.approaches if item.name == "qlora@1/4@seed-2")
    assert (again.options["share"], again.options["seed"], again.part_of) == (0.25, 1, "qlora")
    assert again.options["seed_of"] is None


def test_a_part_of_nothing_and_a_taken_name_are_refused() -> None:
    with pytest.raises(UsageError, match=r"'full'.*none of the approaches"):
        expanded([spec(curve_of="full")], examples=800, seed=0)
    with pytest.raises(UsageError, match="two approaches are named 'qlora@1/2'"):
        expanded([spec(curve=True), spec("qlora@1/2")], examples=800, seed=0)


def test_smaller_parts_lie_inside_larger_ones_and_keep_their_order() -> None:
    examples = [Example(id=f"e{n}", input=str(n), output="x") for n in range(80)]
    sizes = [nested(examples, share, seed=3) for share in (0.125, 0.25, 0.5, 1.0)]
    assert [len(part) for part in sizes] == [10, 20, 40, 80]
    for smaller, larger in pairwise(sizes):
        assert {e.id for e in smaller} < {e.id for e in larger}
        assert sorted(smaller, key=examples.index) == list(smaller)
    assert sizes[-1] == tuple(examples)
    assert nested(examples, 0.125, seed=4) != sizes[0]
