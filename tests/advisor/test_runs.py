"""Whole runs through the command line: end to end, killed at any moment and resumed, equal in the end."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from advisor.demo import model_folder, project_folder

pytestmark = pytest.mark.skipif(
    not (model_folder() / "model.safetensors").is_file(), reason="the bundled model has no weights in this checkout"
)

KILLS = 5
"""In each of the two trials."""
TIMINGS = {"latency", "cost", "seconds", "started", "run", "break_even", "verdict", "training", "seconds_per_answer"}


def advisor(*words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """The command line as a user calls it."""
    done = subprocess.run(
        [sys.executable, "-m", "advisor.cli", *words], capture_output=True, text=True, check=False, timeout=280
    )
    if check and done.returncode:
        raise AssertionError(f"advisor {' '.join(words)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return done


def small_project(folder: Path, approaches: list[Any], cases: int = 60) -> Path:
    """The orders demo cut to a few cases and approaches, without a latency pass."""
    source = project_folder("orders")
    folder.mkdir()
    lines = (source / "eval.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (folder / "eval.csv").write_text("".join(lines[: cases + 1]), encoding="utf-8")
    (folder / "train.csv").write_text((source / "train.csv").read_text(encoding="utf-8"), encoding="utf-8")
    said = yaml.safe_load((source / "advisor.yaml").read_text(encoding="utf-8"))
    said |= {"approaches": approaches, "latency_samples": 0}
    (folder / "advisor.yaml").write_text(yaml.safe_dump(said), encoding="utf-8")
    return folder


def lasting(document: dict[str, Any]) -> dict[str, Any]:
    """What two runs of one project must agree on: everything but what a clock or a date decides."""

    def strip(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: strip(item) for key, item in value.items() if key not in TIMINGS}
        return [strip(item) for item in value] if isinstance(value, list) else value

    stripped: dict[str, Any] = strip(document)
    stripped["trust"].pop("warnings", None)  # a killed worker is one
    return stripped


def answered_once(run: Path) -> dict[str, int]:
    """Approach to its number of stored answers; fails where a case was answered twice."""
    counts = {}
    for file in sorted((run / "answers").glob("*.jsonl")):
        cases = [json.loads(line)["case"] for line in file.read_text(encoding="utf-8").splitlines()]
        assert len(cases) == len(set(cases)), f"{file.name}: a finished answer was generated again"
        counts[file.stem] = len(cases)
    return counts


APPROACHES: list[Any] = ["floor", "zero-shot", {"few-shot": {"shots": 2}}]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("calm")
    project = small_project(folder / "project", APPROACHES)
    document: dict[str, Any] = json.loads(advisor("run", str(project), "--out", str(folder / "run"), "--json").stdout)
    assert answered_once(folder / "run") == {"few-shot": 60, "floor": 60, "zero-shot": 60}
    return lasting(document)


def interrupted(run: Path, words: list[str], kill: Any, wait: float) -> None:
    """One attempt that is ended by `kill` after a while; fine if it was done before."""
    running = subprocess.Popen(
        [sys.executable, "-m", "advisor.cli", *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + wait
    while time.monotonic() < deadline and running.poll() is None:
        time.sleep(0.01)
    kill(running, run)
    running.wait(timeout=120)


def kill_orchestrator(running: subprocess.Popen[bytes], run: Path) -> None:
    running.kill()


def kill_worker(running: subprocess.Popen[bytes], run: Path) -> None:
    """The youngest worker that the run's events name, if it is still alive."""
    file = run / "events.jsonl"
    if not file.is_file():
        return
    pids = [event["pid"] for line in file.read_text().splitlines() if (event := json.loads(line)).get("pid")]
    if pids:
        try:
            if "baselines.worker" in Path(f"/proc/{pids[-1]}/cmdline").read_text():
                os.kill(pids[-1], signal.SIGKILL)
        except (FileNotFoundError, ProcessLookupError):
            return


@pytest.mark.slow
@pytest.mark.parametrize("kill", [kill_orchestrator, kill_worker])
def test_killed_at_random_moments_a_run_resumes_and_ends_equal(
    kill: Any, tmp_path: Path, undisturbed: dict[str, Any]
) -> None:
    project, run = small_project(tmp_path / "project", APPROACHES), tmp_path / "run"
    dice = random.Random(kill.__name__)
    for _ in range(KILLS):
        started = (run / "run.json").is_file()
        words = ["resume", str(run)] if started else ["run", str(project), "--out", str(run)]
        interrupted(run, words, kill, wait=dice.uniform(0.3, 7.0))
    if not (run / "run.json").is_file():
        advisor("run", str(project), "--out", str(run))
    document = json.loads(advisor("resume", str(run), "--json").stdout)
    assert answered_once(run) == {"few-shot": 60, "floor": 60, "zero-shot": 60}
    assert lasting(document) == undisturbed


def test_a_changed_project_refuses_to_resume_and_names_the_field(tmp_path: Path) -> None:
    project, run = small_project(tmp_path / "project", ["floor"]), tmp_path / "run"
    advisor("run", str(project), "--out", str(run))
    (run / "finished.json").unlink()
    said = yaml.safe_load((project / "advisor.yaml").read_text())
    said["decision"]["margin"] = 0.3
    (project / "advisor.yaml").write_text(yaml.safe_dump(said))
    refused = advisor("resume", str(run), check=False)
    assert refused.returncode == 2
    assert "margin" in refused.stderr


def test_a_changed_data_file_refuses_to_resume(tmp_path: Path) -> None:
    project, run = small_project(tmp_path / "project", ["floor"]), tmp_path / "run"
    advisor("run", str(project), "--out", str(run))
    (run / "finished.json").unlink()
    with (project / "train.csv").open("a", encoding="utf-8") as file:
        file.write("one more,row\n")
    refused = advisor("resume", str(run), check=False)
    assert refused.returncode == 2
    assert "train" in refused.stderr


def test_a_cached_run_carries_no_time_and_the_same_answers(tmp_path: Path) -> None:
    project = small_project(tmp_path / "project", ["zero-shot"], cases=12)
    first = json.loads(advisor("run", str(project), "--out", str(tmp_path / "a"), "--cache", "--json").stdout)
    again = json.loads(advisor("run", str(project), "--out", str(tmp_path / "b"), "--cache", "--json").stdout)
    answers = [json.loads(line) for line in (tmp_path / "b" / "answers" / "zero-shot.jsonl").read_text().splitlines()]
    assert all(answer["from_cache"] and answer["seconds"] is None for answer in answers)
    assert again["approaches"][0]["quality"] == first["approaches"][0]["quality"]


@pytest.mark.slow
def test_the_handbook_demo_needs_retrieval(tmp_path: Path) -> None:
    document = json.loads(advisor("demo", "handbook", "--out", str(tmp_path), "--json").stdout)
    quality = {approach["name"]: approach["quality"] for approach in document["approaches"]}
    assert quality["rag-1"]["low"] > quality["zero-shot"]["high"] + 0.3
    assert document["verdict"]["kind"] == "retrieval"
    assert all(approach["latency"]["n"] == 30 for approach in document["approaches"])
