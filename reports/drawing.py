"""Vega-Lite specs to SVG, in a process of its own: its renderer needs 0.6 s to start and holds the interpreter then.

    with Drawer() as drawer:           # starts the process: the earlier the better, before any heavy import
        drawer.add(spec)               # it draws while the rest of the page is made
        svgs = drawer.drawn()

Without a second process (none may be started here) the same drawing happens in this one. Knows nothing of runs.
"""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import IO, Any, Self

Spec = dict[str, Any]
EMPTY: Spec = {
    "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
    "data": {"values": [{"a": 1}]},
    "mark": "point",
    "encoding": {"x": {"field": "a", "type": "quantitative"}},
}


class Drawer:
    """Draws the specs of one report. A context manager, so that its process never outlives the report."""

    def __init__(self) -> None:
        self._specs: list[Spec] = []
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._process: subprocess.Popen[str] | None = None
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "reports.drawing"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                encoding="ascii",
            )
        except OSError:
            return
        assert self._process.stdin is not None
        # a thread, because a pipe holds 64 kB and the process reads nothing while its renderer starts
        threading.Thread(target=_feed, args=(self._lines, self._process.stdin), daemon=True).start()

    def add(self, spec: Spec) -> None:
        """Hands one spec over and returns at once."""
        self._specs.append(spec)
        self._lines.put(json.dumps(spec) + "\n")

    def drawn(self) -> list[str]:
        """The drawings of all that was added, in its order; nothing can be added afterwards."""
        self._lines.put(None)
        said = self._process.stdout.read() if self._process and self._process.stdout else ""
        self.close()
        return list(json.loads(said)) if said.endswith("\n") else draw(self._specs)

    def close(self) -> None:
        """Ends the process. Calling it twice is fine."""
        if self._process:
            process, self._process = self._process, None
            self._lines.put(None)
            process.kill()
            process.wait()
            if process.stdout:
                process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def draw(specs: Sequence[Spec]) -> list[str]:
    """SVG of each spec; the same spec gives the same bytes."""
    import vl_convert

    return [str(vl_convert.vegalite_to_svg(spec)) for spec in specs]


def _feed(lines: queue.SimpleQueue[str | None], stream: IO[str]) -> None:
    """Writes lines until None comes; a process that went away is noticed by whoever reads its output."""
    try:
        while (line := lines.get()) is not None:
            stream.write(line)
            stream.flush()
        stream.close()
    except OSError:
        pass


def main() -> None:
    """The process: a spec a line in, one line with all drawings out."""
    draw([EMPTY])
    drawings = [draw([json.loads(line)])[0] for line in sys.stdin]
    sys.stdout.write(json.dumps(drawings) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
