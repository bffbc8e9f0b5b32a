"""The drawing process: starts everything that is slow to start, then draws the one run that it is asked for.

echo '{"run": "…", "summary": "…"}' | python -m reports.charts
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from reports.charts import draw, draw_all, to_json
from reports.charts.frame import EMPTY
from reports.run.store import RunStore
from reports.summary.model import Summary


def main() -> None:
    """One line in, one line out."""
    import altair  # noqa: F401  0.3 s, before the question comes

    draw([EMPTY])  # 0.6 s for the renderer's start
    line = sys.stdin.readline()
    if line:
        asked = json.loads(line)
        summary = Summary.model_validate_json(asked["summary"])
        sys.stdout.write(to_json(draw_all(summary, RunStore.open(Path(asked["run"])))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
