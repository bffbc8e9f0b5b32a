"""What this machine can do: processor, memory, GPUs, disk, versions. Never imports torch; loads and measures nothing.

    hardware = describe()
    hardware.words()                 # "2 cores (Intel Xeon), 7.8 GB of memory, 5.2 GB of it free; no NVIDIA GPU"
    environment(hardware=hardware)   # the reproduction block of a run

GPUs are asked through NVIDIA's management library (`gpus`), which answers in milliseconds; torch would take a second,
and a CUDA context of some hundred MB.
"""

from __future__ import annotations

import math
import os
import platform
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from advisor.gpus import Gpu as Gpu  # noqa: PLC0414 - handed on: a machine's parts are found here
from advisor.gpus import visible_gpus
from reports import text
from reports.run.schema import Environment

PACKAGES = (
    "approach-advisor",
    "torch",
    "transformers",
    "peft",
    "bitsandbytes",
    "accelerate",
    "sentence-transformers",
    "faiss-cpu",
    "bm25s",
    "scikit-learn",
    "rouge-score",
    "scipy",
    "statsmodels",
    "openai",
)
"""Distributions whose version may move a figure."""

_CPU_INFO, _MEMORY_INFO, _CGROUP = Path("/proc/cpuinfo"), Path("/proc/meminfo"), Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Hardware:
    """The machine as this process may use it."""

    cpu: str
    cores: int
    """That this process may run on: affinity and container limits count."""
    memory_bytes: int
    """The container's limit where that is smaller than the machine's memory."""
    available_bytes: int
    """Memory that can be taken without swapping."""
    gpus: tuple[Gpu, ...] = ()
    torch: str | None = None
    """Version of the installed torch, None without one."""

    @property
    def accelerator(self) -> Gpu | None:
        """The GPU that a run will use: the first one, unless the installed torch is built for the CPU alone."""
        built_for_cpu = self.torch is None or self.torch.endswith("+cpu")
        return self.gpus[0] if self.gpus and not built_for_cpu else None

    @property
    def cards(self) -> tuple[Gpu, ...]:
        """The GPUs that jobs are spread over: all, or none where the installed torch uses none."""
        return self.gpus if self.accelerator is not None else ()

    def words(self) -> str:
        """One sentence for a reader, without a full stop."""
        cpu = f"{text.count(self.cores, 'core')} ({self.cpu}), {text.size(self.memory_bytes)} of memory"
        cpu += f", {text.size(self.available_bytes)} of it free"
        if not self.gpus:
            return f"{cpu}; no NVIDIA GPU"
        gpus = text.listed([gpu.words() for gpu in self.gpus])
        unused = "" if self.accelerator else "; the installed torch is built for the CPU alone and will not use it"
        return f"{cpu}; {gpus}{unused}"


def describe() -> Hardware:
    """The machine now. Never fails: what cannot be read is left out or taken from the next best source."""
    total, available = _memory()
    return Hardware(
        cpu=_cpu_name(),
        cores=_cores(),
        memory_bytes=total,
        available_bytes=available,
        gpus=visible_gpus(total, available),
        torch=version("torch"),
    )


def environment(packages: Sequence[str] = PACKAGES, hardware: Hardware | None = None) -> Environment:
    """Machine and versions for the record of a run; packages that are not installed are left out."""
    hardware = hardware or describe()
    gpu = hardware.accelerator
    versions = {name: found for name in packages if (found := version(name))}
    return Environment(
        python=platform.python_version(),
        platform=platform.platform(),
        packages=versions,
        device=gpu.name if gpu else "cpu",
        device_memory_bytes=gpu.memory_bytes if gpu else None,
        compute_capability=".".join(map(str, gpu.compute_capability)) if gpu and any(gpu.compute_capability) else None,
        driver=(gpu.driver or None) if gpu else None,
        cores=hardware.cores,
    )


def version(package: str) -> str | None:
    """The installed version of a distribution, read from its metadata without importing it."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def disk_free(path: Path) -> int:
    """Bytes that may be written below `path`; a folder that does not exist yet counts as its nearest parent."""
    path = path.absolute()
    while not path.exists() and path != path.parent:
        path = path.parent
    return shutil.disk_usage(path).free


# --- processor and memory -----------------------------------------------------------------------------


def _cpu_name() -> str:
    for line in _lines(_CPU_INFO):
        key, _, value = line.partition(":")
        if key.strip() == "model name" and value.strip():
            return text.one_line(text.clean(value.strip()))
    return platform.processor() or platform.machine() or "unknown processor"


def _cores() -> int:
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota, _, period = "".join(_lines(_CGROUP / "cpu.max")[:1]).partition(" ")
    if quota.isdigit() and period.strip().isdigit():
        allowed = min(allowed, math.ceil(int(quota) / int(period)))
    return max(1, allowed)


def _memory() -> tuple[int, int]:
    """Total and available bytes, within the container's limit where there is one."""
    rows = [row.replace(":", " ").split() for row in _lines(_MEMORY_INFO)]
    facts = {row[0]: int(row[1]) * 1024 for row in rows if len(row) > 1 and row[1].isdigit()}
    total = facts.get("MemTotal") or _system_memory()
    available = facts.get("MemAvailable", total)
    limit = "".join(_lines(_CGROUP / "memory.max")[:1])
    if limit.isdigit() and int(limit) < total:
        used = "".join(_lines(_CGROUP / "memory.current")[:1])
        total = int(limit)
        available = min(available, max(0, total - int(used or 0)))
    return total, available


def _system_memory() -> int:
    """Where there is no /proc (macOS)."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return 0


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
