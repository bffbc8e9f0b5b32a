"""Renders the frozen runs anew, after a change of the page that is meant. Never touches the runs themselves.

python tests/runs/freeze.py; git diff --stat tests/runs        # then look at the page before committing it
"""

from __future__ import annotations

from pathlib import Path

from reports.html import render_html
from reports.run.store import RunStore
from reports.summary import summarise

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Writes <run>.html beside each run of this folder."""
    for header in sorted(HERE.glob("*/run.json")):
        store = RunStore.open(header.parent)
        page = render_html(summarise(store), store)
        (HERE / f"{header.parent.name}.html").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
