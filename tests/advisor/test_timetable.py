"""How long a run takes with its jobs side by side: known lengths, laid out."""

from __future__ import annotations

from typing import Any

import pytest

from advisor.gpus import Gpu
from advisor.timetable import Timetable, timetable
from reports.run.schema import ApproachSpec, DataFacts, Decision, Expected, ModelSpec, RunSpec, Task

FOUR = tuple(Gpu("card", 24 * 10**9, 24 * 10**9, (8, 0), "1", str(n)) for n in range(4))
SECONDS = {"floor": 0.0, "a": 10.0, "b": 20.0, "c": 30.0, "tuned": 60.0, "server": 50.0, "other": 40.0}


def laid_out(*names: str, cards: int = 0, stop_early: bool = False, **more: Any) -> Timetable:
    def item(name: str) -> ApproachSpec:
        if name == "floor":
            return ApproachSpec(name=name, kind=name)
        remote = {"server": "http://127.0.0.1:1/v1", "other": "http://127.0.0.1:2/v1"}.get(name)
        model = ModelSpec(id="openai:x", base_url=remote) if remote else ModelSpec(id=name)
        return ApproachSpec(name=name, kind="qlora" if name == "tuned" else "zero-shot", model=model)

    spec = RunSpec(
        name="x",
        task=Task(type="qa"),
        metrics=("exact-match",),
        approaches=tuple(map(item, names)),
        decision=Decision(stop_early=stop_early),
        data=DataFacts(eval_cases=1, train_examples=0, dev_examples=0, documents=0),
        **more,
    )
    spans = {name: (SECONDS[name] / 2, SECONDS[name], 2 * SECONDS[name]) for name in names}
    return timetable(spec, [Expected(approach=name, seconds=spans[name]) for name in names], FOUR[:cards])


@pytest.mark.parametrize(
    ("names", "options", "seconds", "at_once"),
    [
        (("floor", "a", "b"), {}, 30.0, 1),
        (("floor", "a", "b", "server", "other"), {}, 50.0, 3),
        (("a", "b", "c", "tuned"), {"cards": 1}, 120.0, 1),
        (("a", "b", "c", "tuned"), {"cards": 2}, 80.0, 2),
        (("a", "b", "c", "tuned"), {"cards": 4}, 60.0, 4),
        (("a", "b", "c", "tuned"), {"cards": 4, "parallel": 1}, 120.0, 1),
        (("a", "b", "c", "tuned"), {"cards": 4, "stop_early": True}, 120.0, 1),
    ],
)
def test_it_ends_with_the_last_job(
    names: tuple[str, ...], options: dict[str, Any], seconds: float, at_once: int
) -> None:
    found = laid_out(*names, **options)
    assert found.seconds == (seconds / 2, seconds, 2 * seconds)
    assert (found.jobs, found.at_once) == (len(names), at_once)


def test_where_nothing_is_known_nothing_is_said() -> None:
    spec = RunSpec(
        name="x",
        task=Task(type="qa"),
        metrics=("exact-match",),
        approaches=(ApproachSpec(name="floor", kind="floor"),),
        data=DataFacts(eval_cases=1, train_examples=0, dev_examples=0, documents=0),
    )
    assert timetable(spec, [Expected(approach="floor")], ()) == Timetable(None, 1, 0)
