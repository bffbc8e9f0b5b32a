"""The drawing process: starts everything that is slow to start, then draws the figures that it is asked for.

echo '[["loss", {"train": …}]]' | python -m reports.vega
"""

from __future__ import annotations

import json
import sys

from reports.vega import draw

FIRST = ("loss", {"train": [{"step": 0, "loss": 1}, {"step": 1, "loss": 0}], "held": [], "kept": []})
"""Drawn for nobody: altair takes 0.4 s to come up and the renderer 0.9."""


def main() -> None:
    """One line in, one line out."""
    draw([FIRST])
    line = sys.stdin.readline()
    if line:
        sys.stdout.write(json.dumps(draw([(name, data) for name, data in json.loads(line)])) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
