"""Whole runs through the command line: end to end, killed at any moment and resumed, equal in the end."""

from __future__ import annotations

import json
import math
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

KILLS, CASES = 10, 300
"""In each of the two trials."""
MORE = 20
"""Answers between a kill by the clock and the one before, at most."""
TIMINGS = {
    "latency",
    "cost",
    "undominated",
    "seconds",
    "started",
    "run",
    "break_even",
    "verdict",
    "training",
    "seconds_per_answer",
}


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
    lines, more = (
        (source / name).read_text(encoding="utf-8").splitlines(keepends=True) for name in ("eval.csv", "train.csv")
    )
    numbered = [f"t{number:04},{line}" for number, line in enumerate(more[1:])]
    (folder / "eval.csv").write_text("".join([*lines, *numbered][: cases + 1]), encoding="utf-8")
    (folder / "train.csv").write_text("".join(more), encoding="utf-8")
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


APPROACHES: list[Any] = ["zero-shot", {"few-shot": {"shots": 2}}]
"""They share a model, so they are one job: its worker's death leaves no other job to go on with."""


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("calm")
    project = small_project(folder / "project", APPROACHES, CASES)
    document: dict[str, Any] = json.loads(advisor("run", str(project), "--out", str(folder / "run"), "--json").stdout)
    assert answered_once(folder / "run") == dict.fromkeys(("few-shot", "zero-shot"), CASES)
    return lasting(document)


def stored_answers(run: Path) -> int:
    """Lines on disk, whole or torn."""
    return sum(file.read_bytes().count(b"\n") for file in (run / "answers").glob("*.jsonl"))


def youngest_worker(run: Path) -> int | None:
    """The last worker that the run's events name, if it lives."""
    file = run / "events.jsonl"
    lines = file.read_text().splitlines(keepends=True) if file.is_file() else []
    pids = [event["pid"] for line in lines if line.endswith("\n") and (event := json.loads(line)).get("pid")]
    try:
        alive = bool(pids) and "baselines.worker" in Path(f"/proc/{pids[-1]}/cmdline").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return pids[-1] if alive else None


def killed(run: Path, words: list[str], victim: str, dice: random.Random, by_answers: bool) -> bool:
    """One attempt, ended by SIGKILL a while after the victim started, or once more answers are on disk.

    At most MORE answers come of it, so that a fast machine has some left for the last kill. False: it was over before.
    """
    running = subprocess.Popen(
        [sys.executable, "-m", "advisor.cli", *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    goal = stored_answers(run) + (dice.randint(1, 8) if by_answers else MORE)
    wait, seen = math.inf if by_answers else dice.uniform(0.0, 2.0), 0.0
    hit = False
    while not hit and running.poll() is None:
        target = running.pid if victim == "orchestrator" else youngest_worker(run)
        if target is not None:
            seen = seen or time.monotonic()
            if stored_answers(run) >= goal or time.monotonic() - seen > wait:
                os.kill(target, signal.SIGKILL)
                hit = True
        time.sleep(0.002)
    running.wait(timeout=280)
    return hit


@pytest.mark.slow
@pytest.mark.parametrize("victim", ["orchestrator", "worker"])
def test_killed_at_ten_random_moments_a_run_resumes_and_ends_equal(
    victim: str, tmp_path: Path, undisturbed: dict[str, Any]
) -> None:
    project, run = small_project(tmp_path / "project", APPROACHES, CASES), tmp_path / "run"
    dice, whole = random.Random(victim), len(APPROACHES) * CASES
    hits = in_the_middle = 0
    for number in range(KILLS):
        started = (run / "run.json").is_file()
        words = ["resume", str(run)] if started else ["run", str(project), "--out", str(run)]
        if not killed(run, words, victim, dice, by_answers=number % 2 == 1):
            break  # on a busy machine the pipe holds more answers than were stored when their worker was killed
        hits += 1
        in_the_middle += 0 < stored_answers(run) < whole
    assert hits >= KILLS // 2, "the run was over before it could be killed"
    assert in_the_middle >= KILLS // 3, "a kill in the middle is what this is about"
    document = json.loads(advisor("resume", str(run), "--json").stdout)
    assert answered_once(run) == dict.fromkeys(("few-shot", "zero-shot"), CASES)
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
    assert all(approach["latency"]["n"] == 72 for approach in document["approaches"])


@pytest.mark.slow
def test_the_orders_demo_needs_no_more_than_a_prompt(tmp_path: Path) -> None:
    project = small_project(tmp_path / "project", ["zero-shot", {"few-shot": {"shots": 4}}], cases=130)
    document = json.loads(advisor("run", str(project), "--out", str(tmp_path / "run"), "--json").stdout)
    (pair,) = document["comparisons"]
    gain = {"few-shot": -1, "zero-shot": 1}[pair["b"]] * pair["difference"]
    assert gain > 0.2
    assert pair["p_adjusted"] < 0.001
    assert min(abs(pair["low"]), abs(pair["high"])) > 0.1
    assert (document["verdict"]["kind"], document["verdict"]["approach"]) == ("prompting", "zero-shot")
