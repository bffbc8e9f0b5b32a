"""The data's defects as the report's method section says them: what the audit found, and the scores without leaks.

finding_lines(summary)      # ("Serious: 6 eval cases stand also in the training data …: whatever learns …",)
finding_rows(summary)       # (("6 eval cases …", "train row 12: “Where is …” · is eval row 3 …"),)
leak_facts(summary)         # (("qlora", "91.2 % on all cases; 90.8 % without the 6 leaked ones; …"),)

Only what was stored at planning time is said; `advisor check` looks further.
"""

from __future__ import annotations

from reports import text
from reports.run.schema import DataRow
from reports.summary.model import ApproachSummary, Estimate, Summary

_WORDS = {"serious": "Serious", "warning": "To look at", "note": "Note"}


def finding_lines(summary: Summary) -> tuple[str, ...]:
    """A sentence for each finding, the gravest first."""
    return tuple(
        f"{_WORDS[found.severity]}: {found.text}"
        + (f": {found.effect}." if found.effect else ".")
        + (f" To do: {found.remedy}." if found.remedy else "")
        for found in summary.header.spec.data.findings
    )


def finding_rows(summary: Summary) -> tuple[tuple[str, str], ...]:
    """Each finding with the first rows that it stands on, a line each; those that have any."""
    return tuple(
        (f"Rows to look at: {found.text}", "\n".join(_row(row) for row in found.rows))
        for found in summary.header.spec.data.findings
        if found.rows
    )


def _row(row: DataRow) -> str:
    said = f": “{row.text}”" if row.text else ""
    return f"{row.where}{said}{' · ' + row.note if row.note else ''}"


def leak_facts(summary: Summary) -> tuple[tuple[str, str], ...]:
    """Each approach's score on all cases, without the leaked ones, and without near copies too."""
    if not (summary.trust.leaked or summary.trust.leaked_near):
        return ()
    return tuple(
        (text.one_line(approach.name, 60), "; ".join(_scores(approach, summary)))
        for approach in summary.approaches
        if approach.quality.value is not None
    )


def _scores(approach: ApproachSummary, summary: Summary) -> list[str]:
    unit, trust = summary.primary.unit, summary.trust

    def said(estimate: Estimate, words: str) -> str:
        return f"{text.quality(estimate.value, estimate.low, estimate.high, unit)} {words} (n = {estimate.n:,})"

    found = [said(approach.quality, "on all cases")]
    if trust.leaked and approach.without_leaks is not None:
        found.append(said(approach.without_leaks, f"without the {trust.leaked:,} leaked"))
    if trust.leaked_near and approach.without_near_leaks is not None:
        copies = f"without the {trust.leaked_near:,} near copies"
        found.append(said(approach.without_near_leaks, f"{copies} too" if trust.leaked else copies))
    return found
