"""Where approaches differ, as tables: one a dimension, with the slice of the least gain named. Computes nothing.

for view in slice_views(summary): print(view.title, view.note)
"""

from __future__ import annotations

from dataclasses import dataclass

from reports import text
from reports.summary.model import Slice, SliceComparison, Summary
from reports.summary.slicing import FEWEST
from reports.tables import Cell, Table, quality_cell


@dataclass(frozen=True)
class SliceView:
    """One dimension's table on the page."""

    title: str
    note: str
    table: Table


def slice_views(summary: Summary) -> list[SliceView]:
    """One table a dimension, in the order found."""
    views = []
    unit = summary.primary.unit
    for by in dict.fromkeys(part.by for part in summary.slices):
        parts = [part for part in summary.slices if part.by == by]
        a, b = parts[0].comparison.a, parts[0].comparison.b
        rows = tuple(
            (
                Cell(part.value, numeric=False),
                Cell(f"{part.n:,}"),
                quality_cell(part.qualities[a], summary, part.n),
                quality_cell(part.qualities[b], summary, part.n),
                Cell(
                    text.difference(part.comparison.difference, part.comparison.low, part.comparison.high, unit),
                    text.interval(part.comparison.low, part.comparison.high, unit, signed=True),
                ),
                Cell(_word(part.comparison), numeric=False),
            )
            for part in parts
        )
        head = ("Slice", "Cases", text.one_line(a, 40), text.one_line(b, 40), "Difference", "In words")
        views.append(
            SliceView(f"By {by}", _note(summary, parts), Table(f"{summary.primary.title} by {by}", head, rows))
        )
    return views


def _note(summary: Summary, parts: list[Slice]) -> str:
    worst = min(parts, key=lambda part: (part.comparison.difference, part.value))
    shown = [part for part in parts if _word(part.comparison) != "not shown"]
    said = "No slice stands out." if not shown else f"Shown in {len(shown)} of {len(parts)} slices."
    gap = text.difference(
        worst.comparison.difference, worst.comparison.low, worst.comparison.high, summary.primary.unit
    )
    return (
        f"{said} Least gain, {gap}: {worst.value}. Intervals are corrected for all {len(summary.slices)} slices "
        f"looked at; those below {FEWEST} cases are left out."
    )


def _word(c: SliceComparison) -> str:
    return "better" if c.low > 0 else "worse" if c.high < 0 else "not shown"
