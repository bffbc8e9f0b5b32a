"""Keys of a project file change, everything else stays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from advisor.demo import PROJECTS, project_folder
from advisor.editing import edited, interview_changes, save
from advisor.project import load
from reports.errors import UsageError

TEXT = """\
# a comment at the top
name: tickets  # kept
task:
  type: qa
  instruction: |
    two
    lines
data:
  # about the eval file
  eval: {path: eval.csv, input: a}
  # train: train.csv

approaches:
  - floor     # the trivial one
  - rag: {passages: 3}
  # Not chosen:
  # - full
decision: {margin: 0.02}
# the end
"""


@pytest.mark.parametrize(
    ("changes", "path", "value"),
    [
        ({"interview": {"task": "qa", "reasoning": True, "labels_today": 20.0}}, ["interview", "labels_today"], 20),
        ({"approaches": ["floor", {"few-shot": {"shots": 4}}]}, ["approaches"], ["floor", {"few-shot": {"shots": 4}}]),
        ({"data.train": {"path": "train.csv", "input": ("a", "b")}}, ["data", "train", "input"], ["a", "b"]),
        ({"data.eval": "other: file.csv"}, ["data", "eval"], "other: file.csv"),
        ({"decision.min_quality": 0.9}, ["decision"], {"margin": 0.02, "min_quality": 0.9}),
        ({"task.type": "classification"}, ["task", "type"], "classification"),
        ({"task.instruction": "Say:\n\tno [/x] \x1b"}, ["task", "instruction"], "Say:\n\tno [/x] \x1b"),
        ({"model": "openai:x"}, ["model"], "openai:x"),
        ({"traffic.queries_per_day": 5000.0}, ["traffic"], {"queries_per_day": 5000}),
    ],
)
def test_a_key_is_set_and_the_rest_reads_as_before(changes: dict[str, Any], path: list[str], value: Any) -> None:
    after = edited(TEXT, changes)
    read, before = yaml.safe_load(after), yaml.safe_load(TEXT)
    found = read
    for key in path:
        found = found[key]
    assert found == value
    assert {k: v for k, v in read.items() if k != path[0]} == {k: v for k, v in before.items() if k != path[0]}
    for comment in ("# a comment at the top", "# kept", "# about the eval file", "# Not chosen:", "# the end"):
        assert comment in after


def test_none_takes_a_key_out() -> None:
    assert "decision" not in yaml.safe_load(edited(TEXT, {"decision": None}))
    assert yaml.safe_load(edited(TEXT, {"task.instruction": None}))["task"] == {"type": "qa"}
    assert edited(TEXT, {"interview": None}) == TEXT
    assert yaml.safe_load(edited("a: 1\nb:\n  c: 2\n", {"b.c": None})) == {"a": 1}


@pytest.mark.parametrize("name", PROJECTS)
def test_the_demos_can_be_edited(name: str, tmp_path: Path) -> None:
    text = (project_folder(name) / "advisor.yaml").read_text()
    (tmp_path / "advisor.yaml").write_text(text)
    answers = {"task": "classification", "idiosyncratic": True, "queries_per_day": 70.0, "margin": None}
    project = save(tmp_path, interview_changes(answers))
    assert project.interview == {"task": "classification", "idiosyncratic": True, "queries_per_day": 70}
    assert project.traffic.queries_per_day == 70
    assert project.approaches == load(project_folder(name)).approaches
    again = save(
        tmp_path, {"interview": None, "traffic.queries_per_day": load(project_folder(name)).traffic.queries_per_day}
    )
    assert again.model_copy(update={"folder": Path()}) == load(project_folder(name)).model_copy(
        update={"folder": Path()}
    )


@pytest.mark.parametrize("changes", [{"task.type": "poetry"}, {"approaches": ["no-such"]}, {"nonsense": 1}])
def test_what_the_check_refuses_is_not_kept(changes: dict[str, Any], tmp_path: Path) -> None:
    text = (project_folder("orders") / "advisor.yaml").read_text()
    (tmp_path / "advisor.yaml").write_text(text)
    with pytest.raises(UsageError):
        save(tmp_path, changes)
    assert (tmp_path / "advisor.yaml").read_text() == text


@pytest.mark.parametrize("text", ["- a\n", "{a: 1}", "a: [", "just words"])
def test_what_is_no_project_file_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        edited(text, {"name": "x"})


def test_an_empty_file_is_filled() -> None:
    assert yaml.safe_load(edited("# nothing yet\n", {"name": "x"})) == {"name": "x"}
