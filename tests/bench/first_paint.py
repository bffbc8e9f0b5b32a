"""Measures how soon the app is there: from the process' start to the first whole screen, in a terminal of 80x24.

python -m tests.bench.first_paint              # five starts, median; and what was imported by then

Also the time that a key takes while a run tells as many events as it can. Prints; asserts nothing.
"""

# ruff: noqa: T201
from __future__ import annotations

import asyncio
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
SIGHT = "Begin".encode()
"""Stands in the list of the first screen."""
ENTRY = "import sys; sys.argv = ['advisor']; from advisor.cli import main; main()"
LATEST = 20.0


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
    busy = asyncio.run(keys_during_a_run())
    print(
        f"a key during a run of {busy[2]:,.0f} events a second: median {busy[0] * 1000:.0f} ms, worst "
        f"{busy[1] * 1000:.0f} ms; promised < 100 ms"
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
        env={**surroundings, "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
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


async def keys_during_a_run() -> tuple[float, float, float]:
    """Median and worst seconds from a key to its effect, and events a second, while answers come without a pause."""
    from advisor.tui.app import AdvisorApp
    from advisor.tui.feed import Feed
    from reports.run.events import Answered, Event, RunStarted, Scored
    from reports.run.schema import Answer, Score

    told = 0

    async def flood() -> object:
        nonlocal told
        names = ("zero-shot", "few-shot", "rag", "qlora")
        yield RunStarted(run="r", directory="r", approaches=names, cases=100_000)
        while True:
            told += 2
            answer = Answer(case=str(told), approach=names[told % 4], text="x" * 200, seconds=0.01)
            event: Event = Answered(answer=answer, done=told, total=100_000)
            yield event
            yield Scored(score=Score(case=str(told), approach=answer.approach, metric="accuracy", version=1, value=1.0))

    app = AdvisorApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        feed = Feed.replaying(flood(), Path("r"), "accuracy", app.told)
        app.session.feed = feed
        feed.start()
        await app.go("run")
        await asyncio.sleep(1.0)
        taken, begun, before = [], time.perf_counter(), told
        for _ in range(20):
            start = time.perf_counter()
            app.screen.post_message(_key())
            while not app.screen.query("Help, .dialog"):
                await asyncio.sleep(0.001)
                if type(app.screen).__name__ == "Help":
                    break
            taken.append(time.perf_counter() - start)
            app.pop_screen()
            await asyncio.sleep(0.1)
        rate = (told - before) / (time.perf_counter() - begun)
        await feed.stop()
    return statistics.median(taken), max(taken), rate


def _key() -> object:
    from textual.events import Key

    return Key("question_mark", "?")


if __name__ == "__main__":
    main()
