"""What a worker's process starts with."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from advisor.workers import KEEPS_MEMORY, spawn
from baselines.jobs import Job


class Started(Exception):
    """The process would start now."""


@pytest.mark.parametrize("said", [None, "131072"])
async def test_a_worker_keeps_freed_memory_unless_the_user_says_otherwise(
    monkeypatch: pytest.MonkeyPatch, said: str | None
) -> None:
    for name in (*KEEPS_MEMORY, "CUDA_DEVICE_ORDER"):
        monkeypatch.delenv(name, raising=False)
    if said:
        monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", said)
    seen: dict[str, str] = {}

    async def start(*_: str, env: dict[str, str], **__: Any) -> None:
        seen.update(env)
        raise Started

    monkeypatch.setattr(asyncio, "create_subprocess_exec", start)
    with pytest.raises(Started):
        await spawn(Job(id="j", action="answer", run="r", approaches=()), 2, {"CUDA_VISIBLE_DEVICES": "1"})
    assert seen["MALLOC_TRIM_THRESHOLD_"] == (said or KEEPS_MEMORY["MALLOC_TRIM_THRESHOLD_"])
    assert seen["MALLOC_MMAP_THRESHOLD_"] == KEEPS_MEMORY["MALLOC_MMAP_THRESHOLD_"]
    assert seen["CUDA_VISIBLE_DEVICES"] == "1"
    assert seen["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID", "as its number was counted"
