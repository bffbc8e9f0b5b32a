"""The judge of a stored run: opened with its model, given the other answers it compares with, held against people.

    judge = open_judge(store, model)
    told = graded_labels(store, judge)      # the Judged event of the answers that people graded; None without a file

Reads the run and the project's file of human labels; stores nothing.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from baselines.columns import INPUTS, cell, normal, require
from baselines.drafts import read_source
from baselines.formats.table import Table, as_text, listed
from baselines.scoring.judge import Judge, fingerprint
from baselines.source import Source
from reports.errors import DataError
from reports.run.events import NO_VERDICT, NOT_ASKED, Judged
from reports.run.schema import Case, HumanLabels, JudgeSpec, Question
from reports.run.store import RunStore

if TYPE_CHECKING:
    from baselines.models.contract import Model

PASSES = frozenset(["pass", "passed", "yes", "y", "true", "1", "1.0", "good", "right", "correct", "ok", "acceptable"])
FAILS = frozenset(["fail", "failed", "no", "n", "false", "0", "0.0", "bad", "wrong", "incorrect", "unacceptable"])


def open_judge(store: RunStore, spec: JudgeSpec, model: Model) -> Judge:
    """The judge of a run with its model."""
    run = store.header.spec

    @cache
    def texts() -> dict[str, str]:
        found = store.answers(spec.against).values() if spec.against else ()
        return {answer.case: answer.text for answer in found if answer.status in ("ok", "truncated")}

    return Judge(spec, model, instruction=run.task.instruction, seed=run.seed, others=lambda case: texts().get(case))


def graded_labels(store: RunStore, judge: Judge) -> Judged | None:
    """What the judge says of the answers that people graded; None where there are none, or it said so before."""
    said = judge.spec.labels
    if said is None:
        return None
    known = fingerprint(judge.spec)
    if any(isinstance(event, Judged) and event.labels and event.judge == known for event in store.events()):
        return None
    rows = read_labels(said, Path(store.header.spec.project_folder))
    readings = list(judge.read([(case, answer) for case, answer, _ in rows]))
    found = tuple(
        (case.question.id, label, reading.predicted or NO_VERDICT)
        for (case, _, label), reading in zip(rows, readings, strict=True)
        if not (reading.unscored or "").startswith(NOT_ASKED)  # a cut connection disagrees with nobody
    )
    return judge.told(None, found)


def read_labels(said: HumanLabels, base: Path) -> list[tuple[Case, str, str]]:
    """(case, answer, pass or fail) of each row. Raises DataError for a missing column or a verdict that is none."""
    named = tuple(name for name in (said.answer, said.label, said.input, said.reference) if name)
    table = read_source(Source(path=said.path, format="records", input=named), base)
    answer, label = require(table, said.answer, "the graded answer"), require(table, said.label, "people's verdict")
    asked = require(table, said.input, "the input") if said.input else _input_column(table, {answer, label})
    reference = require(table, said.reference, "the reference") if said.reference else None
    rows = []
    for row in table.rows:
        verdict = as_text(cell(row.cells, label)).strip().casefold()
        if not verdict:
            continue  # most files hold more answers than people had time for
        if verdict not in PASSES | FAILS:
            raise DataError(
                f"{row.place}: {verdict[:40]!r} in column {label} is no verdict",
                "write pass or fail (or yes and no, 1 and 0), and leave what nobody graded empty",
            )
        expected = as_text(cell(row.cells, reference)).strip() if reference else ""
        question = Question(id=f"label {row.number}", input=as_text(cell(row.cells, asked)))
        case = Case(question=question, references=(expected,) if expected else ())
        rows.append((case, as_text(cell(row.cells, answer)), "pass" if verdict in PASSES else "fail"))
    if not rows:
        raise DataError(f"{said.path}: no row holds a verdict in column {label}", "30 to 50 graded answers are needed")
    return rows


def _input_column(table: Table, taken: set[str]) -> str:
    plain = {normal(column): column for column in reversed(table.columns) if column not in taken}
    found = next((plain[name] for name in INPUTS if name in plain), None)
    if found is None:
        raise DataError(
            f"{table.file}: no column looks like the input. Its columns: {listed(table.columns)}.",
            "Name it: judge: {labels: {input: COLUMN}}",
        )
    return found
