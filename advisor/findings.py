"""What a reader must know of the data before a run, from every check there is, as one list: the gravest first.

    for found in noticed(prepared, views): print(found.severity, found.text)

Gathers; judges nothing itself. `prepared` None: the files alone, before there is a project.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from advisor.detectable import detectable
from reports.errors import AdvisorError
from reports.run.schema import DataFinding, DataRow
from reports.text import clean, count

if TYPE_CHECKING:
    from advisor.data_view import FileView
    from advisor.plan import Prepared
    from baselines.audit import Audit, Finding
    from baselines.audit.examination import Survey

ROWS = 5
"""Rows of each finding that a run keeps."""
GRAVITY = {"serious": 0, "warning": 1, "note": 2}


@dataclass(frozen=True)
class Noticed:
    """One thing, with the rows that it stands on."""

    kind: Literal["shows", "problem", "finding", "note"]
    """shows: what the cases can show; problem: no run can start."""
    severity: Literal["serious", "warning", "note"]
    text: str
    rows: tuple[tuple[str, str, str], ...] = ()
    """Place, beginning of the text, remark."""
    effect: str = ""
    remedy: str = ""


def noticed(
    prepared: Prepared | None,
    views: Sequence[FileView],
    problem: AdvisorError | None = None,
    audit: Audit | None = None,
) -> tuple[Noticed, ...]:
    """All there is to say of the data. `audit` None: it was not made yet; leaks and broken rows come from the plan."""
    found: list[Noticed] = []
    if problem is not None:
        found.append(Noticed("problem", "serious", f"{problem} {problem.hint}".strip()))
    for view in views:
        found += _of_file(view, told=problem is not None, audited=audit is not None)
    if prepared is not None:
        found += _of_plan(prepared, audited=audit is not None)
    if audit is not None:
        found += [_of_audit(finding) for finding in audit.findings]
        found += [Noticed("note", "note", f"not looked at: {skipped}") for skipped in audit.skipped]
    return tuple(sorted(found, key=lambda one: GRAVITY[one.severity]))


def _of_audit(finding: Finding) -> Noticed:
    rows = tuple((f"{place.file} {place.row}", place.excerpt, place.note) for place in finding.rows)
    return Noticed("finding", finding.severity, finding.text, rows, finding.effect, to_do(finding))


def stored_findings(seen: Survey) -> tuple[DataFinding, ...]:
    """What a plan found, as a run keeps it for its report: each with the first rows."""
    found = [
        DataFinding(
            kind=f.kind, severity=f.severity, count=f.count, text=f.text, effect=f.effect, remedy=to_do(f),
            rows=tuple(DataRow(where=f"{p.part} row {p.row}", text=p.excerpt, note=p.note) for p in f.rows[:ROWS]),
        )
        for f in seen.findings
    ]  # fmt: skip
    if seen.skipped:
        remedy = "advisor check PROJECT looks for them"
        found.append(DataFinding(kind="skipped", severity="note", count=0, text=seen.skipped, remedy=remedy))
    return tuple(found)


def to_do(finding: Finding) -> str:
    """What to do about it, with the command that does it where there is one."""
    fix = f" (advisor check PROJECT --clean FOLDER --fix {finding.fix})" if finding.fix else ""
    return f"{finding.remedy}{fix}"


def _of_file(view: FileView, *, told: bool, audited: bool) -> list[Noticed]:
    found = []
    if view.problem and not told:
        found.append(Noticed("problem", "serious", f"{view.problem} {view.hint}".strip()))
    if view.broken and (view.role == "documents" or not audited):
        rows = tuple((row, "", "") for row in view.broken)
        text = f"{view.path}: {count(len(rows), 'row')} cannot be used"
        found.append(Noticed("finding", "warning", text, rows, "They are left out.", "Correct them in the file."))
    found += [Noticed("note", "note", f"{view.role}: {note}") for note in view.notes]
    return found


def _of_plan(prepared: Prepared, *, audited: bool) -> list[Noticed]:
    facts = prepared.spec.data
    found = [Noticed("shows", "note", detectable(prepared))]
    if facts.leaked and not audited:
        texts = {case.question.id: (case.question.input, case.row) for case in prepared.cases}
        rows = tuple((f"row {texts[id][1] or id}", clean(texts[id][0], 200), "") for id in facts.leaked if id in texts)
        found.append(
            Noticed(
                "finding",
                "warning",
                f"{count(len(facts.leaked), 'case')} also stand in the training data",
                rows,
                "What was seen in training is answered by heart: scores are told with and without these cases.",
                "Take them out of the training file.",
            )
        )
    return found + [Noticed("note", "note", note) for note in facts.notes]
