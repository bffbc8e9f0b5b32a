"""The most memory that this process held since it was last asked: on its GPUs where it uses any, else its own.

    forget(); …; peak_bytes()                          # None where the platform does not say
    outcome = yield from watched(rounds, held := [])   # of work that takes turns with other work

A GPU's figure is what torch handed out, without the CUDA context; a processor's is the whole process. Loads no torch.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def forget() -> None:
    """What was held before does not count any more."""
    cuda = _cuda()
    if cuda is not None:
        for card in range(cuda.device_count()):
            cuda.reset_peak_memory_stats(card)
        return
    with contextlib.suppress(OSError):
        _CLEAR.write_text("5", encoding="ascii")  # Linux: the peak is what is held now


def peak_bytes() -> int | None:
    """Since `forget`; on several GPUs the sum."""
    cuda = _cuda()
    if cuda is not None:
        return sum(int(cuda.max_memory_allocated(card)) for card in range(cuda.device_count()))
    try:
        lines = _STATUS.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), None)


def watched(work: Generator[T, None, R], held: list[int]) -> Generator[T, None, R]:
    """The same work; `held` gets the peak of each of its turns."""
    while True:
        forget()
        try:
            reached = next(work)
        except StopIteration as end:
            result: R = end.value
            return result
        finally:
            held.extend(filter(None, [peak_bytes()]))
        yield reached


def _cuda() -> Any:
    """torch.cuda where this process has begun to use it."""
    torch = sys.modules.get("torch")
    return torch.cuda if torch is not None and torch.cuda.is_initialized() else None
