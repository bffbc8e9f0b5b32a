"""The table of what it takes to serve a trained approach: base, adapter, merged, GGUF. Knows the stored rows only.

serving_table(summary.serving)
"""

from __future__ import annotations

from collections.abc import Sequence

from reports import text
from reports.metrics import facts
from reports.run.serving import ServingRow
from reports.statistics import quantile_interval
from reports.statistics.latency import minimum_n
from reports.tables import NAMES, Cell, Table


def serving_table(rows: Sequence[ServingRow]) -> Table:
    """One row a form, in the order stored."""
    metric = next((row.metric for row in rows if row.metric), "")
    title = facts(metric).title if metric else "Quality"
    return Table(
        caption="What it takes to serve the trained approach. One request at a time; memory is the whole process's "
        "peak, libraries included. Small print: 95 % intervals, cases, and answers equal to the merged weights'.",
        head=("Approach", "Form", title, "Equal answers", "Latency p50 / p95", "On disk", "Memory"),
        rows=tuple(_row(row) for row in rows),
        names=tuple(row.approach for row in rows),
    )


def _row(row: ServingRow) -> tuple[Cell, ...]:
    unit = facts(row.metric).unit if row.metric else "share"
    quality = Cell("–", "not measured")
    if row.quality is not None:
        spread = text.interval(row.low, row.high, unit)
        quality = Cell(text.quality(row.quality, row.low, row.high, unit), f"{spread}, n = {row.n:,}")
    return (
        Cell(text.one_line(row.approach, NAMES), numeric=False),
        Cell(row.form, row.engine, numeric=False),
        quality,
        Cell(f"{row.equal:,} of {row.of:,}" if row.equal is not None and row.of else "–"),
        _latency(row),
        Cell(text.size(row.file_bytes)),
        Cell(text.size(row.peak_bytes)),
    )


def _latency(row: ServingRow) -> Cell:
    if not row.seconds:
        return Cell("–", "not measured")
    p50 = quantile_interval(row.seconds, 0.5).value
    p95 = quantile_interval(row.seconds, 0.95).value if len(row.seconds) >= minimum_n(0.95) else None
    threads = f", {text.count(row.threads, 'thread')}" if row.threads else ""
    return Cell(f"{text.seconds(p50)} / {text.seconds(p95)}", f"{text.count(len(row.seconds), 'request')}{threads}")
