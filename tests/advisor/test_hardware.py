"""The machine's description, with a fake of NVIDIA's library at the boundary."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from advisor import hardware
from advisor.hardware import Gpu, Hardware, describe, disk_free, environment


class Nvml(SimpleNamespace):
    """Two cards behind the functions that the product calls."""

    class NVMLError(Exception):
        pass

    names: tuple[str | bytes, ...] = ("NVIDIA A10", b"NVIDIA L4")

    def nvmlInit(self) -> None: ...

    def nvmlShutdown(self) -> None: ...

    def nvmlDeviceGetCount(self) -> int:
        return 2

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:
        return index

    def nvmlSystemGetDriverVersion(self) -> str:
        return "570.1"

    def nvmlDeviceGetName(self, handle: int) -> str | bytes:
        return self.names[handle]

    def nvmlDeviceGetUUID(self, handle: int) -> str:
        return f"GPU-{handle}aaa"

    def nvmlDeviceGetMigMode(self, handle: int) -> list[int]:
        raise self.NVMLError("not supported")

    def nvmlDeviceGetMemoryInfo(self, handle: int) -> SimpleNamespace:
        return SimpleNamespace(total=24 * 10**9, free=(20 + handle) * 10**9)

    def nvmlDeviceGetCudaComputeCapability(self, handle: int) -> tuple[int, int]:
        return (8, 6 + 3 * handle)


class NoDriver(Nvml):
    def nvmlInit(self) -> None:
        raise self.NVMLError("library not found")


class SharedMemory(Nvml):
    """A machine whose GPU has no memory of its own."""

    def nvmlDeviceGetMemoryInfo(self, handle: int) -> SimpleNamespace:
        raise self.NVMLError("not supported")


class Cut(Nvml):
    """The second card is cut into two parts; its third slot is free."""

    names = ("NVIDIA A10", b"NVIDIA A100", "NVIDIA A100 MIG 1g.5gb", "NVIDIA A100 MIG 2g.10gb")

    def nvmlDeviceGetMigMode(self, handle: int) -> list[int]:
        return [handle, handle]

    def nvmlDeviceGetMaxMigDeviceCount(self, handle: int) -> int:
        return 3

    def nvmlDeviceGetMigDeviceHandleByIndex(self, handle: int, index: int) -> int:
        if index == 2:
            raise self.NVMLError("not found")
        return handle + 1 + index

    def nvmlDeviceGetUUID(self, handle: int) -> str:
        return f"{'GPU' if handle < 2 else 'MIG'}-{handle}aaa"

    def nvmlDeviceGetCudaComputeCapability(self, handle: int) -> tuple[int, int]:
        if handle > 1:
            raise self.NVMLError("not supported")
        return (8, 0)


@pytest.fixture
def cards(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setitem(sys.modules, "pynvml", Nvml())
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return monkeypatch


def machine(gpus: tuple[Gpu, ...] = (), torch: str | None = "2.13.0") -> Hardware:
    return Hardware("Some CPU", 2, 8 * 10**9, 5 * 10**9, gpus, torch)


A10 = Gpu("NVIDIA A10", 24 * 10**9, 20 * 10**9, (8, 6), "570.1")


def test_cards_are_read_in_order_with_memory_and_capability(cards: pytest.MonkeyPatch) -> None:
    first, second = describe().gpus
    assert first == A10
    assert (second.name, second.free_bytes, second.compute_capability) == ("NVIDIA L4", 21 * 10**9, (8, 9))


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ("", []),
        ("-1", []),
        ("1", ["NVIDIA L4"]),
        ("1,0", ["NVIDIA L4", "NVIDIA A10"]),
        ("0,7,1", ["NVIDIA A10"]),
        ("GPU-1a", ["NVIDIA L4"]),
        ("GPU-", []),
    ],
)
def test_only_visible_cards_count(cards: pytest.MonkeyPatch, asked: str, names: list[str]) -> None:
    cards.setenv("CUDA_VISIBLE_DEVICES", asked)
    assert [gpu.name for gpu in describe().gpus] == names


@pytest.mark.parametrize(
    ("asked", "tokens"),
    [(None, ["GPU-0aaa", "GPU-1aaa"]), ("1,0", ["1", "0"]), ("GPU-1a, 0", ["GPU-1a", "0"]), ("0,MIG-3aaa", ["0"])],
)
def test_a_card_is_named_as_the_user_named_it(cards: pytest.MonkeyPatch, asked: str | None, tokens: list[str]) -> None:
    if asked is not None:
        cards.setenv("CUDA_VISIBLE_DEVICES", asked)
    assert [gpu.token for gpu in describe().gpus] == tokens


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (None, [("GPU-0aaa", False), ("MIG-2aaa", True), ("MIG-3aaa", True)]),
        ("MIG-3aaa,0", [("MIG-3aaa", True), ("0", False)]),
        ("1", [("1", True)]),
        ("MIG-9", []),
    ],
)
def test_of_a_card_that_is_cut_the_parts_are_listed(
    cards: pytest.MonkeyPatch, asked: str | None, found: list[tuple[str, bool]]
) -> None:
    cards.setitem(sys.modules, "pynvml", Cut())
    if asked is not None:
        cards.setenv("CUDA_VISIBLE_DEVICES", asked)
    gpus = describe().gpus
    assert [(gpu.token, gpu.part) for gpu in gpus] == found
    assert all("MIG" in gpu.name and gpu.compute_capability == (8, 0) for gpu in gpus if gpu.part)


def test_no_driver_and_no_library_mean_no_gpu(cards: pytest.MonkeyPatch) -> None:
    cards.setitem(sys.modules, "pynvml", NoDriver())
    assert describe().gpus == ()
    cards.setitem(sys.modules, "pynvml", None)
    assert describe().gpus == ()


def test_a_gpu_without_its_own_memory_has_the_machine_s(cards: pytest.MonkeyPatch) -> None:
    cards.setitem(sys.modules, "pynvml", SharedMemory())
    found = describe()
    assert found.gpus[0].memory_bytes == found.memory_bytes


def test_a_container_s_limits_are_the_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "cpu.max").write_text("150000 100000\n")
    (tmp_path / "memory.max").write_text("1000000\n")
    (tmp_path / "memory.current").write_text("400000\n")
    monkeypatch.setattr(hardware, "_CGROUP", tmp_path)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
    found = describe()
    assert (found.cores, found.memory_bytes, found.available_bytes) == (2, 1_000_000, 600_000)


def test_without_a_container_limit_the_machine_s_own_figures_count(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    facts = tmp_path / "meminfo"
    facts.write_text("MemTotal:        8000 kB\nMemFree:  10 kB\nMemAvailable:    5000 kB\nHugePages_Total:       0\n")
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "cpu.max").write_text("max 100000\n")
    monkeypatch.setattr(hardware, "_MEMORY_INFO", facts)
    monkeypatch.setattr(hardware, "_CGROUP", tmp_path)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 3}, raising=False)
    found = describe()
    assert (found.cores, found.memory_bytes, found.available_bytes) == (2, 8000 * 1024, 5000 * 1024)


def test_the_processor_is_named_without_control_characters(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    facts = tmp_path / "cpuinfo"
    facts.write_text("processor : 0\nmodel name\t: Fast \x1b[31mChip 9000\n")
    monkeypatch.setattr(hardware, "_CPU_INFO", facts)
    assert "\x1b" not in describe().cpu
    assert describe().cpu.startswith("Fast")


def test_words_name_what_is_there_and_what_is_not() -> None:
    assert machine().words() == "2 cores (Some CPU), 8.0 GB of memory, 5.0 GB of it free; no NVIDIA GPU"
    assert "NVIDIA A10 with 24.0 GB, 20.0 GB of it free (compute capability 8.6" in machine((A10,)).words()


def test_a_torch_built_for_the_cpu_leaves_the_gpu_alone() -> None:
    idle = machine((A10,), torch="2.13.0+cpu")
    assert idle.accelerator is None
    assert "will not use it" in idle.words()
    assert environment((), idle).device == "cpu"
    used = environment((), machine((A10,)))
    assert (used.device_memory_bytes, used.compute_capability, used.driver) == (24 * 10**9, "8.6", A10.driver)


def test_the_environment_lists_installed_packages_only() -> None:
    found = environment(("pydantic", "no-such-distribution-anywhere"), machine())
    assert list(found.packages) == ["pydantic"]
    assert (found.device, found.device_memory_bytes, found.cores) == ("cpu", None, 2)


def test_disk_space_of_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    assert disk_free(tmp_path / "runs" / "first") > 0
