"""Vega-Lite specs to SVG, in a process of its own: its renderer needs 0.6 s to start and holds the interpreter then.

    drawer = Drawer()                  # starts the process; the statistics run meanwhile
    drawer.send(specs)                 # it draws while the rest of the page is made
    svgs = drawer.receive()

Without a second process (none may be started here) the same drawing happens in this one. Knows nothing of runs.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any, Self

Spec = dict[str, Any]
EMPTY: Spec = {
    "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
    "data": {"values": [{"a": 1}]},
    "mark": "point",
    "encoding": {"x": {"field": "a", "type": "quantitative"}},
}


class Drawer:
    """Draws one list of specs. A context manager, so that its process never outlives the report."""

    def __init__(self) -> None:
        self._specs: list[Spec] = []
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
            self._process = None

    def send(self, specs: Sequence[Spec]) -> None:
        """Hands the specs over and returns at once."""
        self._specs = list(specs)
        if self._process and self._process.stdin:
            try:
                self._process.stdin.write(json.dumps(self._specs) + "\n")
                self._process.stdin.flush()
            except OSError:
                self.close()

    def receive(self) -> list[str]:
        """The drawings of what was sent, in its order."""
        line = self._process.stdout.readline() if self._process and self._process.stdout else ""
        self.close()
        return list(json.loads(line)) if line.endswith("\n") else draw(self._specs)

    def close(self) -> None:
        """Ends the process. Calling it twice is fine."""
        if self._process:
            process, self._process = self._process, None
            process.kill()
            process.communicate()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def draw(specs: Sequence[Spec]) -> list[str]:
    """SVG of each spec; the same spec gives the same bytes."""
    import vl_convert

    return [str(vl_convert.vegalite_to_svg(spec)) for spec in specs]


def main() -> None:
    """The process: one line of specs in, one line of drawings out."""
    draw([EMPTY])
    line = sys.stdin.readline()
    if line:
        sys.stdout.write(json.dumps(draw(json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
