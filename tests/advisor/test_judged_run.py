"""A whole run with a real model as judge that is too weak for it: the bundled one, which mostly says nothing readable.

Through an endpoint it is the same path: the judge's model comes through the one model interface.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from advisor import cli
from advisor.demo import model_folder, project_folder
from reports.run.events import NO_VERDICT, Judged
from reports.run.store import RunStore

pytestmark = pytest.mark.skipif(
    not (model_folder() / "model.safetensors").is_file(), reason="the bundled model has no weights in this checkout"
)
CASES, GRADED = 6, 32


def write_project(folder: Path) -> Path:
    """Two systems' outputs on a few questions, judged by the bundled model, with answers that people graded."""
    folder.mkdir()
    source = (project_folder("handbook") / "eval.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (folder / "eval.csv").write_text("".join(source[: CASES + 1]), encoding="utf-8")
    for name, answer in (("right", "the old library"), ("wrong", "nobody knows")):
        rows = "".join(f"{line.split(',')[0]},{answer}\n" for line in source[1 : CASES + 1])
        (folder / f"{name}.csv").write_text("id,output\n" + rows, encoding="utf-8")
    graded = "".join(f"Which colour is item {i}?,{('grey', 'blue')[i % 2]},{i % 2}\n" for i in range(GRADED))
    (folder / "graded.csv").write_text("question,answer,good\n" + graded, encoding="utf-8")
    said: dict[str, Any] = {
        "name": "judged",
        "task": {"type": "qa", "instruction": "Answer the question in a few words."},
        "data": {"eval": {"path": "eval.csv", "input": "question", "reference": "answer", "id": "id"}, "split": False},
        "approaches": [
            {"recorded": {"as": name, "path": f"{name}.csv", "answer": "output", "id": "id"}}
            for name in ("right", "wrong")
        ],
        "metrics": ["judge", "token-f1"],
        "judge": {
            "model": "demo",
            "rubric": "The order code stands first.",
            "max_tokens": 8,
            "labels": {"path": "graded.csv", "input": "question", "answer": "answer", "label": "good"},
        },
        "latency_samples": 0,
    }
    (folder / "advisor.yaml").write_text(yaml.safe_dump(said), encoding="utf-8")
    return folder


def test_a_local_model_that_babbles_judges_to_the_end_and_does_not_decide(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    project = write_project(tmp_path / "p")
    monkeypatch.setattr(sys, "argv", ["advisor", "run", str(project), "--out", str(tmp_path / "r"), "--plain"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    said = capfd.readouterr()
    assert ended.value.code == 0, said.err
    with RunStore.open(tmp_path / "r") as store:
        told = [event for event in store.events() if isinstance(event, Judged)]
        scores = {name: store.scores(name, "judge") for name in ("right", "wrong")}
    [graded] = [event for event in told if event.approach is None]
    assert sum(event.calls for event in told) == 2 * CASES + GRADED
    assert [human for _, human, _ in graded.labels] == ["fail", "pass"] * (GRADED // 2)
    silent = [verdict == NO_VERDICT for *_, verdict in graded.labels]
    assert sum(silent) == graded.unreadable > GRADED / 2
    for found in scores.values():
        assert len(found) == CASES
        assert all((s.value is None) == (s.unscored == "the judge gave no verdict") for s in found.values())
    report = json.loads((tmp_path / "r" / "report" / "report.json").read_text(encoding="utf-8"))
    assert report["primary_metric"] == "token-f1"
    assert (report["judge"]["decides"], report["judge"]["compared"]) == (False, GRADED)
    assert report["judge"]["without_verdict"] == sum(silent)
    assert "The judge (demo) is shown but does not decide" in said.out
    assert "calls gave no readable verdict" in said.out
