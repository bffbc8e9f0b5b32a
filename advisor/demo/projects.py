"""Writes the data of the three demo projects, the same bytes each time.

python -m advisor.demo.projects           # below advisor/demo/projects/
python -m advisor.demo.projects FOLDER
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from advisor.demo import handbook, orders, project_folder, tickets

SEED = 20_261_123


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A CSV file as text."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return text.getvalue()


def tickets_files() -> dict[str, str]:
    """eval, train, the old router's answers, and the guideline."""
    made = tickets.tickets(SEED, 660)
    test, train = made[:150], made[150:]
    files = {
        "eval.csv": table(("id", "ticket", "queue"), ((t.id, t.text, t.queue) for t in test)),
        "train.csv": table(("ticket", "queue"), ((t.text, t.queue) for t in train)),
        "old-router.csv": table(("id", "output"), ((t.id, tickets.old_router(t.text)) for t in test)),
    }
    return files | {f"guideline/{name}": text for name, text in tickets.GUIDELINE.items()}


def handbook_files() -> dict[str, str]:
    """eval, train, and the pages."""
    pages, asked = handbook.handbook(SEED)
    test, train = asked[:120], asked[120:]
    files = {
        "eval.csv": table(("id", "question", "answer"), ((a.id, a.question, a.answer) for a in test)),
        "train.csv": table(("question", "answer"), ((a.question, a.answer) for a in train)),
    }
    return files | {f"pages/{name}": text for name, text in pages.items()}


def orders_files() -> dict[str, str]:
    """eval and train."""
    made = orders.orders(SEED, 430)
    test, train = made[:130], made[130:]
    return {
        "eval.csv": table(("id", "mail", "line"), ((o.id, o.mail, o.line) for o in test)),
        "train.csv": table(("mail", "line"), ((o.mail, o.line) for o in train)),
    }


FILES = {"tickets": tickets_files, "handbook": handbook_files, "orders": orders_files}


def write(name: str, folder: Path) -> None:
    """The data files of one project into `folder`; advisor.yaml and README.md are written by hand and stay."""
    for file, text in FILES[name]().items():
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    for project in FILES:
        write(project, Path(sys.argv[1]) / project if len(sys.argv) > 1 else project_folder(project))
