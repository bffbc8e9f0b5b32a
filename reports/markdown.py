"""The report as Markdown, for a pull request or a wiki page. Knows the summary only.

print(render_markdown(summary))
"""

from __future__ import annotations

import re

from reports import text
from reports.sentences import mind, opening
from reports.serving import serving_table
from reports.summary.model import Summary
from reports.tables import Cell, Table, bill_table, comparison_table, main_table
from reports.waiting import concurrency_table

_MARKS = re.compile(r"([\\`*_{}\[\]<>|#~&])")


def render_markdown(summary: Summary) -> str:
    """Verdict, table, comparisons, warnings and how it was made. Ends with a newline."""
    spec, verdict = summary.header.spec, summary.verdict
    parts = [f"# {escaped(spec.name)}: which approach to use", f"**{escaped(verdict.headline or verdict.kind)}**"]
    parts += [_list("Because", verdict.because)]
    first = opening(summary)
    parts += [_list("Would change it", [*first.change, *first.further])]
    parts += [_list("Mind", list(mind(summary)))]
    if verdict.rule:
        parts.append(f"Rule, set before the run: {escaped(verdict.rule)}")
    parts += ["## All approaches", table_text(main_table(summary))]
    if summary.verdict.excluded:
        parts.append(_list("Outside the limits", [f"{name}: {reason}" for name, reason in summary.verdict.excluded]))
    if summary.skipped:
        parts.append(_list("Not run", [f"{item.name}: {item.reason}" for item in summary.skipped]))
    parts += ["## Paired differences", table_text(comparison_table(summary))]
    if bill := bill_table(summary):
        parts += ["## What the costs are made of", table_text(bill)]
    if together := concurrency_table(summary.approaches):
        parts += ["## Several requests at a time", table_text(together)]
    if summary.serving:
        parts += ["## Serving it", table_text(serving_table(summary.serving))]
    if summary.reviews:
        parts.append("## What readers preferred")
        parts += [_list("", found.words) for found in summary.reviews]
    parts += ["## How it was made", _list("", _made(summary))]
    return "\n\n".join(part for part in parts if part) + "\n"


def table_text(table: Table) -> str:
    """A pipe table under its caption; the second line of a cell stands in brackets."""
    rows = [[_cell(cell) for cell in row] for row in table.rows]
    for i in table.marked:
        rows[i][0] = f"**{rows[i][0]}**"
    lines = [
        "| " + " | ".join(map(escaped, table.head)) + " |",
        "|" + "---|" * len(table.head),
        *("| " + " | ".join(row) + " |" for row in rows),
    ]
    return f"{escaped(table.caption)}\n\n" + "\n".join(lines)


def _cell(cell: Cell) -> str:
    note = "; ".join(line.rstrip(",;") for line in cell.note.splitlines())
    return escaped(cell.text) + (f" ({escaped(note)})" if note else "")


def escaped(foreign: str) -> str:
    """Foreign text on one line with Markdown's and HTML's marks defused."""
    return _MARKS.sub(r"\\\1", text.one_line(foreign, 2_000))


def _list(title: str, items: object) -> str:
    lines = [f"- {escaped(str(item))}" for item in items] if isinstance(items, (list, tuple)) else []
    if not lines:
        return ""
    return (f"{title}:\n\n" if title else "") + "\n".join(lines)


def _made(summary: Summary) -> list[str]:
    header = summary.header
    return [
        f"Run {header.run}, started {header.started}, schema {summary.schema_version}",
        f"Device: {header.environment.device}; Python {header.environment.python}",
        *(f"{role}: sha256 {digest[:12]}" for role, digest in sorted(header.spec.data.files.items())),
        *(f"{metric.title}: {metric.definition}" for metric in summary.metrics),
    ]
