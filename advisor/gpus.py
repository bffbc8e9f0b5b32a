"""The NVIDIA GPUs that this process may see, by NVIDIA's management library: no torch, no CUDA context.

    for gpu in visible_gpus(memory, available): print(gpu.token, gpu.words())   # GPU-5a…, "NVIDIA A10 with 24.0 GB …"

CUDA_VISIBLE_DEVICES is obeyed: its numbers, its names (GPU-…, MIG-…), its order, and that CUDA reads it up to the first
entry that it does not know. `token` is what to write there for a process that is to see this one alone. A card that is
cut into parts (MIG) is listed as its parts, which no process can use together.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from reports import text

BF16_SINCE = (8, 0)
"""The first compute capability with bfloat16."""
VISIBLE = "CUDA_VISIBLE_DEVICES"
COUNTED_ALIKE = {"CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
"""For a worker: the library counts cards by their place on the bus; CUDA, unless told so, the fastest first."""


@dataclass(frozen=True)
class Gpu:
    """One NVIDIA GPU that this process may see, or one part of a card that is cut."""

    name: str
    memory_bytes: int
    """The machine's own memory where the GPU shares it and reports none of its own."""
    free_bytes: int
    compute_capability: tuple[int, int]
    """(0, 0) where the driver does not say."""
    driver: str
    token: str = field(default="", compare=False)
    """Its entry in CUDA_VISIBLE_DEVICES; empty where the driver names none."""
    part: bool = field(default=False, compare=False)
    """Of a card that is cut into several: it works alone."""
    host: str = field(default="", compare=False)
    """Its machine in a cluster; empty: this one."""

    @property
    def bf16(self) -> bool:
        """Whether it computes with bfloat16 by itself; where the generation is unknown, it is taken for a new one."""
        return self.compute_capability >= BF16_SINCE or self.compute_capability == (0, 0)

    def words(self) -> str:
        """One clause for a reader."""
        major, minor = self.compute_capability
        return (
            f"{self.name} with {text.size(self.memory_bytes)}, {text.size(self.free_bytes)} of it free "
            f"(compute capability {major}.{minor}, driver {self.driver})"
        )


@dataclass(frozen=True)
class _Found:
    """A device of the library."""

    handle: Any
    token: str
    card: Any
    """The handle of the whole card: a part does not know its generation."""
    part: bool = False


def visible_gpus(memory: int, available: int) -> tuple[Gpu, ...]:
    """Every GPU the driver reports and CUDA_VISIBLE_DEVICES leaves visible, in its order; none without a driver.

    `memory` and `available` of the machine in bytes, for a GPU that has none of its own.
    """
    try:
        import pynvml
    except ImportError:
        return ()
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return ()
    try:
        cards = [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(pynvml.nvmlDeviceGetCount())]
        driver = _text(pynvml.nvmlSystemGetDriverVersion())
        asked = os.environ.get(VISIBLE)
        found = _every(pynvml, cards) if asked is None else _asked(pynvml, cards, asked)
        return tuple(_gpu(pynvml, one, driver, (memory, available)) for one in found)
    except pynvml.NVMLError:
        return ()
    finally:
        pynvml.nvmlShutdown()


def _every(nvml: Any, cards: list[Any]) -> Iterator[_Found]:
    for card in cards:
        yield from _parts(nvml, card) or [_Found(card, _name(nvml, card), card)]


def _asked(nvml: Any, cards: list[Any], asked: str) -> Iterator[_Found]:
    """CUDA reads its list up to the first entry that it does not know."""
    parts = [part for card in cards for part in _parts(nvml, card)]
    for entry in (said.strip() for said in asked.split(",")):
        if entry.isdigit() and int(entry) < len(cards):
            card = cards[int(entry)]
            first = next(iter(_parts(nvml, card)), None)  # of a card that is cut, CUDA takes the first part
            yield _Found(first.handle if first else card, entry, card, part=first is not None)
            continue
        if entry.startswith("MIG-"):
            known = [part for part in parts if part.token == entry]
        else:
            named = [card for card in cards if entry.startswith("GPU-") and _name(nvml, card).startswith(entry)]
            known = [_Found(card, entry, card) for card in named]
        if len(known) != 1:
            return
        yield known[0]


def _parts(nvml: Any, card: Any) -> list[_Found]:
    """What the card is cut into; nothing where it is whole."""
    try:
        if nvml.nvmlDeviceGetMigMode(card)[0] != 1:
            return []
        most = nvml.nvmlDeviceGetMaxMigDeviceCount(card)
    except nvml.NVMLError:
        return []
    found = []
    for index in range(most):
        try:
            handle = nvml.nvmlDeviceGetMigDeviceHandleByIndex(card, index)
        except nvml.NVMLError:  # this slot is not taken
            continue
        found.append(_Found(handle, _name(nvml, handle), card, part=True))
    return found


def _gpu(nvml: Any, found: _Found, driver: str, shared: tuple[int, int]) -> Gpu:
    try:
        memory = nvml.nvmlDeviceGetMemoryInfo(found.handle)
        total, free = int(memory.total), int(memory.free)
    except nvml.NVMLError:
        total, free = shared
    try:
        major, minor = nvml.nvmlDeviceGetCudaComputeCapability(found.card)
    except nvml.NVMLError:
        major, minor = 0, 0
    name = _text(nvml.nvmlDeviceGetName(found.handle))
    return Gpu(name, total, free, (int(major), int(minor)), driver, found.token, found.part)


def _name(nvml: Any, handle: Any) -> str:
    try:
        return _text(nvml.nvmlDeviceGetUUID(handle))
    except nvml.NVMLError:
        return ""


def _text(value: str | bytes) -> str:
    """Older bindings answer in bytes."""
    return text.clean(value.decode("utf-8", "replace") if isinstance(value, bytes) else value)
