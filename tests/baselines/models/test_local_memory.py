"""Memory of the local engine: found out by trying, given back at once, and no answer lost over it."""

from __future__ import annotations

import gc
import random
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from baselines.models import generation
from baselines.models.contract import Decoding
from baselines.models.local import LocalModel, load
from baselines.prompts import Prompt
from reports.run.schema import ModelSpec

DECODING = Decoding(max_new_tokens=24)


@pytest.fixture(scope="module")
def model(tiny_model: Path) -> LocalModel:
    return load(ModelSpec(id=str(tiny_model)), device="cpu")


def prompts(count: int) -> list[Prompt]:
    chance = random.Random(8)
    words = ["card", "payment", "refund", "order", "monday", "fox", "12"]
    return [Prompt(f"Input: {' '.join(chance.choices(words, k=chance.randint(1, 60)))}") for _ in range(count)]


def answers(model: LocalModel, asked: list[Prompt]) -> list[str]:
    found = {g.index: g for batch in model.generate(asked, DECODING) for g in batch}
    return [found[at].text for at in range(len(asked))]


class SmallMemory:
    """What holds keys and values, with so many bytes at most; bytes come back when nothing holds a tensor any more."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, most: float) -> None:
        import torch

        self.most, self.used, self.failed = most, 0, 0
        real = torch.zeros

        def zeros(*shape: int, **options: Any) -> Any:
            made = real(*shape, **options)
            if self.used + made.nbytes > self.most:
                self.failed += 1
                raise RuntimeError("CUDA out of memory. Tried to allocate 1 GiB")
            self.used += made.nbytes
            weakref.finalize(made, self.give_back, made.nbytes)
            return made

        monkeypatch.setattr(torch, "zeros", zeros)

    def give_back(self, size: int) -> None:
        self.used -= size


@pytest.fixture
def no_cycles_found() -> Iterator[None]:
    """Python looks for cycles when it likes; memory must come back without."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_cycles_found")
def test_a_small_memory_is_found_out_and_costs_no_answer(model: LocalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = prompts(60)
    expected = answers(model, asked)
    engine = generation.Engine(model.core.model, "cpu")
    engine.table()
    monkeypatch.setattr(model.core, "_engine", engine)
    memory = SmallMemory(monkeypatch, most=0.8e6)
    assert answers(model, asked) == expected
    assert memory.failed > 0
    assert 8 <= engine.limits.rows < 128


@pytest.mark.usefixtures("no_cycles_found")
def test_a_run_gives_its_memory_back_also_where_nobody_reads_it_to_the_end(
    model: LocalModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = SmallMemory(monkeypatch, most=1e12)
    answers(model, prompts(20))
    jobs = [job for group in model._jobs(prompts(20))[0] for job in group]
    begun = model.core.engine.run(jobs, model._stopping(DECODING), every=0.0)
    next(begun)
    assert memory.used > 0
    begun.close()
    assert memory.used == 0
