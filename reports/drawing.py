"""Figures drawn by a process of their own: altair and its renderer need a second to start and hold the interpreter.

    with Drawer() as drawer:                            # starts the process: best before any heavy import
        drawer.ask([sketch.drawing for sketch in sketches])
        ...                                             # the rest of the page is made meanwhile
        drawn = drawer.answer()                         # an SVG each; None: draw them here

Imports nothing but the standard library, so that starting it costs nothing. Knows no figure.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Self

if TYPE_CHECKING:
    from reports.vega import Drawing


class Drawer:
    """Draws the figures of one report. A context manager, so that its process never outlives the report."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        with suppress(OSError):  # no second process here: `answer` says so and the caller draws
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "reports.vega"],  # -P: a folder "reports" of the user is not ours
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                encoding="utf-8",
            )

    def ask(self, drawings: Sequence[Drawing]) -> None:
        """Hands the drawings over (see `reports.vega.draw`) and returns at once."""
        if self._process and self._process.stdin:
            line = json.dumps(drawings) + "\n"
            # a thread, because a pipe holds 64 kB and the process reads nothing while it starts
            threading.Thread(target=_feed, args=(line, self._process.stdin), daemon=True).start()

    def answer(self) -> list[str] | None:
        """The figures as SVG; None where the process could not be started or went away."""
        said = self._process.stdout.read() if self._process and self._process.stdout else ""
        self.close()
        return [str(svg) for svg in json.loads(said)] if said.endswith("\n") else None

    def close(self) -> None:
        """Ends the process. Calling it twice is fine."""
        if self._process:
            process, self._process = self._process, None
            process.kill()
            process.wait()
            if process.stdout:
                process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _feed(line: str, stream: IO[str]) -> None:
    """Writes the line; a process that went away is noticed by whoever reads its output."""
    with suppress(OSError):
        stream.write(line)
        stream.close()
