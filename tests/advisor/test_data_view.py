"""Data files as they are looked at before a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from advisor.data_view import look, propose, said, with_use
from advisor.demo import project_folder
from advisor.findings import noticed
from baselines.dataset import load_cases
from baselines.source import Source


def test_a_table_shows_its_columns_their_uses_and_its_rows() -> None:
    view = look("eval", Source(path="eval.csv"), project_folder("tickets"), "classification")
    assert view.columns == ("id", "ticket", "queue")
    assert view.uses == {"id": "id", "ticket": "input", "queue": "reference"}
    assert view.words == "150 rows, csv"
    assert len(view.rows) == 150
    assert not view.problem


def test_documents_show_their_beginnings() -> None:
    view = look("documents", Source(path="guideline/"), project_folder("tickets"), None)
    assert view.words == "8 documents"
    assert view.rows[0][0] == "Accounts"


@pytest.mark.parametrize("path", ["gone.csv", "..", "\x00", "eval.csv/more"])
def test_what_cannot_be_read_is_said_in_the_view(path: str) -> None:
    view = look("eval", Source(path=path), project_folder("tickets"), "classification")
    assert view.problem
    assert noticed(None, [view])[0].kind == "problem"


def test_a_column_is_used_for_something_else(tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_text("a,b,c\n1,red,x\n2,blue,y\n3,red,x\n")
    source = Source(path="e.csv", input=("a",), reference=("b",))
    view = look("eval", source, tmp_path, "classification")
    changed = with_use(source, view, "c", "reference")
    assert said(changed) == {"path": "e.csv", "input": "a", "reference": ["b", "c"], "context": []}
    alone = with_use(changed, look("eval", changed, tmp_path, "classification"), "b", "")
    assert alone.reference == ("c",)
    assert [case.references for case in load_cases(alone, "classification", tmp_path).items] == [("x",), ("y",), ("x",)]
    assert said(Source(path="e.csv")) == "e.csv"
    assert with_use(source, view, "c", "id").id == "c"


def test_broken_rows_and_cells_that_a_terminal_would_obey(tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_text("text,label\n[/x]\x1b[2J,red\n" + "x" * 5_000 + ",blue\n,red\n" + "ok,red\n" * 40)
    view = look("eval", Source(path="e.csv"), tmp_path, "classification")
    assert view.rows[0][0] == "[/x]"
    assert len(view.rows[1][0]) == 80
    assert len(view.broken) == 1
    found = noticed(None, [view])
    assert found[0].severity == "warning"
    assert "1 row cannot be used" in found[0].text


def test_another_task_than_the_guessed_one_brings_its_own_metrics() -> None:
    sources = {"eval": Source(path="eval.csv")}
    base = project_folder("tickets")
    assert propose(sources, base, None).task == "classification"  # type: ignore[arg-type]
    other = propose(sources, base, "qa")  # type: ignore[arg-type]
    assert other.task == "qa"
    assert other.metrics[0] != "accuracy"
    assert "task: qa, because that was said in the app" in [str(reason) for reason in other.reasons]
