"""LoRA, QLoRA and full fine-tuning of the bundled model on the demo project `tickets`, through the command line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from advisor.demo import model_folder, project_folder
from tests.program import advisor

pytestmark = pytest.mark.skipif(
    not (model_folder() / "model.safetensors").is_file(), reason="the bundled model has no weights in this checkout"
)

CASES, EXAMPLES = 60, 300
RATES = {"lora": 5e-3, "qlora": 5e-3, "full": 2e-3}
"""What a model of 2.6 million weights bears."""


def said_by(*words: object) -> str:
    """What a command that must end well wrote."""
    ended = advisor(*words)
    assert ended.code == 0, ended.err
    return ended.out


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first rows of the project."""
    project = tmp_path_factory.mktemp("tuned") / "tickets"
    shutil.copytree(project_folder("tickets"), project)
    for name, count in (("eval.csv", CASES), ("train.csv", EXAMPLES)):
        rows = (project / name).read_text(encoding="utf-8").splitlines(keepends=True)
        (project / name).write_text("".join(rows[: count + 1]), encoding="utf-8")
    file = project / "advisor.yaml"
    said = yaml.safe_load(file.read_text(encoding="utf-8"))
    dials = {"epochs": 8, "patience": 0, "probe": "none"}
    said["approaches"] = ["zero-shot", *({name: {**dials, "learning_rate": rate}} for name, rate in RATES.items())]
    file.write_text(yaml.safe_dump({**said, "latency_samples": 0}), encoding="utf-8")
    out = project / "runs" / "tuned"
    said_by("run", project, "--out", out, "--plain")
    return out


@pytest.mark.timeout(600)
def test_every_method_learns_the_house_scheme(run: Path) -> None:
    document = json.loads(said_by("report", run, "--format", "json"))
    found: dict[str, Any] = {item["name"]: item for item in document["approaches"]}
    assert set(found) == {"zero-shot", *RATES}
    for item in found.values():
        assert (item["state"], item["quality"]["n"], item["quality"]["failed"]) == ("complete", CASES, 0)
    for method in RATES:
        training = found[method]["training"]
        assert (training["method"], training["examples"] + training["validation_examples"]) == (method, EXAMPLES)
        assert found[method]["quality"]["low"] > found["zero-shot"]["quality"]["high"]
    words = {pair["b"]: pair["words"] for pair in document["comparisons"] if pair["a"] == "zero-shot"}
    assert words == dict.fromkeys(RATES, "better")


@pytest.mark.timeout(600)
@pytest.mark.parametrize("method", ["lora", "qlora"])
def test_merged_weights_answer_as_the_adapter_does(run: Path, tmp_path: Path, method: str) -> None:
    said_by("export", run, "--to", "merged", "--approach", method, "--out", tmp_path / "merged")
    record = json.loads((tmp_path / "merged" / "export.json").read_text(encoding="utf-8"))
    checks = {check["what"]: (check["equal"], check["of"]) for check in record["checks"]}
    assert (20, 20) in checks.values(), checks
