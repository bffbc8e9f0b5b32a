"""A project file from a guess: it loads, it says why, it keeps what it must not touch."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor import demo
from advisor.new import project_text, write_project
from advisor.plan import prepare
from advisor.project import Project, load
from baselines.guess import Guess, Reason, guess
from baselines.source import Source
from reports.errors import UsageError

PLAIN = Guess(
    task="qa",
    eval=Source(path="eval.csv", input=("question",), reference=("answer",)),
    train=None,
    documents=None,
    labels=(),
    metrics=("token-f1", "exact-match"),
    instruction="",
    cases=1000,
    reasons=(Reason("task", "qa", "the inputs are questions"),),
)


def active(project: Project) -> list[str]:
    return [spec.name for spec in project.approach_specs()]


@pytest.mark.parametrize(
    ("name", "documents", "task", "approaches"),
    [
        ("tickets", "guideline/", "classification", "rag rag+few-shot classifier qlora qlora+rag"),
        ("handbook", "pages/", "qa", "rag rag+few-shot qlora qlora+rag"),
        ("orders", None, "extraction", "qlora"),
    ],
)
def test_a_bundled_project_s_data_gives_a_project_that_can_be_planned(
    tmp_path: Path, name: str, documents: str | None, task: str, approaches: str
) -> None:
    data = demo.project_folder(name)
    found = guess("eval.csv", data, train="train.csv", documents=documents)
    path = write_project(tmp_path / "mine", found, data)
    project = load(path)
    assert (project.name, project.task.type, project.metrics) == ("mine", task, found.metrics)
    assert active(project) == ["floor", "zero-shot", "few-shot", "knn-few-shot", *approaches.split()]
    prepared = prepare(project)
    assert prepared.spec.skipped == ()
    assert prepared.spec.data.eval_cases == found.cases


def test_one_large_file_is_split_and_a_small_one_is_kept_for_measuring(tmp_path: Path) -> None:
    write_project(tmp_path / "large", PLAIN)
    assert active(load(tmp_path / "large")) == ["floor", "zero-shot", "few-shot", "knn-few-shot", "qlora"]
    write_project(tmp_path / "small", replace(PLAIN, cases=120))
    assert active(load(tmp_path / "small")) == ["floor", "zero-shot"]
    assert "120 cases are too few to split" in (tmp_path / "small" / "advisor.yaml").read_text()


def test_what_was_not_chosen_says_why(tmp_path: Path) -> None:
    text = project_text(tmp_path, PLAIN)
    assert "# it only classifies, and the task is qa" in text
    assert "# it needs documents to search" in text
    assert "# task: qa, because the inputs are questions." in text


def test_an_endpoint_is_not_trained(tmp_path: Path) -> None:
    project = load(write_project(tmp_path / "p", PLAIN, model="openai:some-model"))
    assert project.model == "openai:some-model"
    assert active(project) == ["floor", "zero-shot", "few-shot", "knn-few-shot"]


def test_answers_of_the_interview_stand_in_it_and_in_the_keys_they_set(tmp_path: Path) -> None:
    answers = {
        "idiosyncratic": True,
        "labels_today": 300.0,
        "queries_per_day": 5000.0,
        "margin": 0.03,
        "label_usd": 0.4,
    }
    project = load(write_project(tmp_path / "p", PLAIN, interview={**answers, "audit": None}))
    assert project.interview == answers
    assert (project.decision.margin, project.traffic.queries_per_day, project.prices.label_usd) == (0.03, 5000, 0.4)


def test_every_key_that_stands_as_a_comment_loads_once_uncommented(tmp_path: Path) -> None:
    path = write_project(tmp_path / "p", replace(PLAIN, documents=Source(path="docs/")))
    lines = path.read_text().splitlines()
    keys = ("min_quality", "max_p95_seconds", "monthly_budget_usd", "error_cost_usd", "split")
    marks = tuple(f"# {key}:" for key in keys)
    opened = [line.replace("# ", "", 1) if line.strip().startswith(marks) else line for line in lines]
    start = next(i for i, line in enumerate(opened) if line == "# prices:")
    opened[start:] = [line.replace("# ", "", 1) for line in opened[start:]]
    opened = [line.replace("# - ", "- ", 1) for line in opened]
    path.write_text("\n".join(opened))
    project = load(path)
    assert (project.decision.min_quality, project.decision.error_cost_usd, project.data.split) == (0.85, 0.1, False)
    assert (project.prices.gpu_hour_usd, project.prices.engineer_hour_usd) == (2.5, 75)
    assert {"recorded", "lora", "full", "classifier"} <= {spec.kind for spec in project.approach_specs()}


def test_a_project_file_that_is_there_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "advisor.yaml").write_text("mine")
    with pytest.raises(UsageError, match="is there already and was left as it is"):
        write_project(tmp_path, PLAIN)
    assert (tmp_path / "advisor.yaml").read_text() == "mine"


def test_a_file_in_place_of_the_folder_and_a_wrong_answer_are_refused(tmp_path: Path) -> None:
    (tmp_path / "p").write_text("")
    for folder in ("p", "p/deeper/down"):
        with pytest.raises(UsageError, match="p is a file, not a folder"):
            write_project(tmp_path / folder, PLAIN)
    with pytest.raises(UsageError, match=r"interview\.margin"):
        write_project(tmp_path / "q", PLAIN, interview={"margin": "little"})
    assert not (tmp_path / "q").exists()


def test_paths_are_relative_to_the_project_also_behind_a_link(tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "eval.csv").write_text("question,answer\n")
    os.symlink(tmp_path / "deep" / "er", tmp_path / "link")
    project = load(
        write_project(tmp_path / "link" / "p", replace(PLAIN, documents=Source(path="docs/")), tmp_path / "data")
    )
    assert project.data.eval.path == "../../../data/eval.csv"
    assert (project.folder / project.data.eval.path).exists()
    assert project.data.documents is not None
    assert project.data.documents.path == "../../../data/docs/"


def test_all_that_a_source_says_is_kept(tmp_path: Path) -> None:
    said = Source(
        path="a b, c/x_*.csv",
        input=("title", "it's: [body]"),
        reference=("yes",),
        id="",
        group="#1",
        context=(),
        delimiter="\t",
        header=True,
        format="records",
    )
    project = load(write_project(tmp_path, replace(PLAIN, eval=said), tmp_path))
    assert project.data.eval == said


NASTY = (
    "\x85x: y",
    "a\u2028b",
    "\x1b[31m",
    "# no",
    "'",
    '"',
    "{{",
    "- a",
    "yes",
    "1e3",
    "~",
    "\ufeff",
    "\ufffe",
    "a\n\nb",
)
HOSTILE = st.text(max_size=40) | st.sampled_from(NASTY)


@settings(max_examples=80, deadline=None)
@given(HOSTILE, HOSTILE, HOSTILE)
def test_foreign_text_neither_breaks_the_file_nor_changes(column: str, instruction: str, why: str) -> None:
    found = replace(
        PLAIN,
        eval=Source(path="e.csv", input=(column,), reference=(instruction,)),
        instruction=instruction,
        reasons=(Reason("task", why, why), Reason("input", column, why), Reason("metrics", why, why)),
    )
    read = yaml.safe_load(project_text(Path("support"), found))
    assert read["data"]["eval"]["input"] == column
    assert read["task"]["instruction"] == (instruction or "Answer the question in a few words.")
    assert read["metrics"] == ["token-f1", "exact-match"]
