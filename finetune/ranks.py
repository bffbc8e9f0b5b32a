"""Trains in several processes, one a GPU: starts them, hands on what the first one says, ends them all together.

Refuses to know training. On a CPU the processes talk by gloo, on GPUs by NCCL; accelerate reads both from the
environment that is set here, as under its own launcher.

    train_in_ranks(job, 4, on_step, on_warning)          # returns when the first process has saved the result

The processes (`python -m finetune.rank`) hold their standard input open and end when it closes: when this process dies,
by whatever means, so do they. One that fails ends the others.
"""

from __future__ import annotations

import json
import os
import queue
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reports import errors
from reports.errors import AdvisorError, EnvironmentFault
from reports.run.schema import TrainingStep

if TYPE_CHECKING:
    from finetune.train import Job, OnStep

LAST_WORDS = 3.0
"""Seconds that the others have to say why, after one process ended without a word."""

Said = tuple[int, dict[str, Any] | None]
"""(rank, what it said; None: nothing more will come)."""


def count_of(devices: int | None, device: str | None) -> int:
    """Processes that train: as asked for, as far as there are GPUs; where nothing is asked, all GPUs, one on a CPU."""
    import torch

    if (device or "cuda").startswith("cuda") and torch.cuda.is_available():
        there = torch.cuda.device_count()
        return min(devices or there, there)
    return devices or 1


def train_in_ranks(job: Job, processes: int, on_step: OnStep, on_warning: Callable[[str], None]) -> None:
    """The job in `processes` processes. Raises what they raise, and EnvironmentFault where one dies."""
    said: queue.SimpleQueue[Said] = queue.SimpleQueue()
    line = json.dumps(asdict(job), default=str).encode() + b"\n"
    port, children = _free_port(), []
    try:
        for rank in range(processes):
            child = _start(rank, processes, port)
            children.append(child)
            threading.Thread(target=_speak, args=(child, line), daemon=True).start()
            threading.Thread(target=_listen, args=(rank, child, said), daemon=True).start()
        _follow(children, said, on_step, on_warning)
    finally:
        for child in children:
            child.kill()
            child.wait()


def _start(rank: int, processes: int, port: int) -> subprocess.Popen[bytes]:
    root = str(Path(__file__).resolve().parents[1])
    threads = os.environ.get("OMP_NUM_THREADS") or str(max(1, (os.cpu_count() or 1) // processes))
    environment = os.environ | {
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(processes),
        "LOCAL_WORLD_SIZE": str(processes),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "OMP_NUM_THREADS": threads,
        "PYTHONPATH": os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")])),
    }
    if sys.platform == "linux":
        environment.setdefault("GLOO_SOCKET_IFNAME", "lo")  # the host's own name may not resolve
    return subprocess.Popen(command(rank), stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)


def command(rank: int) -> list[str]:
    """What a process runs."""
    return [sys.executable, "-m", "finetune.rank"]


def _speak(child: subprocess.Popen[bytes], line: bytes) -> None:
    """Hands the job over; standard input then stays open."""
    assert child.stdin is not None
    try:
        child.stdin.write(line)
        child.stdin.flush()
    except BrokenPipeError:
        pass  # it ended: whoever listens to it hears so


def _listen(rank: int, child: subprocess.Popen[bytes], said: queue.SimpleQueue[Said]) -> None:
    assert child.stdout is not None
    for line in child.stdout:
        said.put((rank, json.loads(line)))
    child.stdout.close()
    said.put((rank, None))


def _follow(
    children: Sequence[subprocess.Popen[bytes]],
    said: queue.SimpleQueue[Said],
    on_step: OnStep,
    on_warning: Callable[[str], None],
) -> None:
    """Until all are done, or one has failed."""
    running = set(range(len(children)))
    while running:
        rank, word = said.get()
        if word is None:
            running.discard(rank)
            if children[rank].wait():
                raise _last_words(said) or EnvironmentFault(
                    f"Process {rank + 1} of the {len(children)} that trained together ended ({children[rank].wait()}).",
                    "What it printed is in the run's log; with `devices: 1` one process trains alone.",
                )
        elif "error" in word:
            raise _error(word)
        elif "warning" in word:
            on_warning(word["warning"])
        else:
            on_step(TrainingStep.model_validate(word["step"]), word["total"], word["left"])


def _last_words(said: queue.SimpleQueue[Said]) -> AdvisorError | None:
    """The error that another process told: the first to end is often one that lost its partner."""
    try:
        while True:
            _, word = said.get(timeout=LAST_WORDS)
            if word is not None and "error" in word:
                return _error(word)
    except queue.Empty:
        return None


def _error(word: dict[str, Any]) -> AdvisorError:
    """The error as it was raised there."""
    kind = getattr(errors, word["kind"], EnvironmentFault)
    error: AdvisorError = kind(word["error"], word["hint"])
    return error


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
