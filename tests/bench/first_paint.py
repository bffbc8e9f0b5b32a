"""Measures how soon the app is there: from the process' start to the first whole screen, in a terminal of 80x24.

python -m tests.bench.first_paint              # five starts, median

Prints; asserts nothing. `app_overhead` measures how soon a key is answered.
"""

# ruff: noqa: T201
from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

STARTS = 5
PROMISED = 0.7
SIGHT = b"Begin"
"""Stands in the list of the first screen."""
ENTRY = "import sys; sys.argv = ['advisor']; from advisor.cli import main; main()"
LATEST = 20.0
ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    """One line a promise."""
    with tempfile.TemporaryDirectory() as place:
        first_paint(Path(place), [])  # files into the page cache
        used: list[float] = []
        taken = [first_paint(Path(place), used) for _ in range(STARTS)]
    shown = ", ".join(f"{each:.2f}" for each in taken)
    print(
        f"first paint: median {statistics.median(taken):.2f} s of {STARTS} ({shown}); promised < {PROMISED} s; "
        f"{statistics.median(used):.2f} s of processor time, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    )


def first_paint(place: Path, processor: list[float]) -> float:
    """Seconds until the first screen stood in a terminal; `processor` gets the processor's seconds until then."""
    controller, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    surroundings = {**os.environ, "TERM": "xterm-256color", "XDG_STATE_HOME": str(place), "XDG_CONFIG_HOME": str(place)}
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-c", ENTRY],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,  # Textual draws on it
        cwd=place,
        env={**surroundings, "PYTHONPATH": str(ROOT)},
        start_new_session=True,
    )
    os.close(terminal)
    try:
        return _until_seen(controller, start)
    finally:
        process.send_signal(signal.SIGKILL)
        used = os.wait4(process.pid, 0)[2]
        processor.append(used.ru_utime + used.ru_stime)
        process.returncode = -signal.SIGKILL
        os.close(controller)


def _until_seen(controller: int, start: float) -> float:
    seen = b""
    while SIGHT not in seen:
        if time.perf_counter() - start > LATEST:
            raise TimeoutError(f"no first screen after {LATEST} s: {seen[-300:]!r}")
        if select.select([controller], [], [], 0.5)[0]:
            seen += os.read(controller, 65536)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
