"""Jobs on a ray cluster: what is said where it cannot be, and, where ray is installed, a run on a cluster of one."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from advisor import cluster, machines
from advisor.cluster import Cluster, Node
from advisor.cluster_node import PREFIX, NodeJob, source_hash
from advisor.gpus import Gpu
from advisor.hardware import Hardware
from advisor.placement import Needs
from baselines.jobs import Job
from reports.errors import EnvironmentFault
from reports.run.schema import ApproachSpec, DataFacts, ModelSpec, RunSpec, Task

with_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="ray is not installed: pip install 'approach-advisor[cluster]'"
)
PORT = 6397


def node(key: str, cards: int = 0, torch: str = "2.13.0") -> Node:
    gpus = tuple(Gpu("card", 24 * 10**9, 24 * 10**9, (8, 0), "1", f"GPU-{n}") for n in range(cards))
    return Node(key, f"10.0.0.{key}", Hardware("cpu", 8, 64 * 10**9, 60 * 10**9, gpus, torch), {"torch": torch})


def spec(*items: ApproachSpec) -> RunSpec:
    return RunSpec(
        name="x",
        task=Task(type="qa"),
        metrics=("exact-match",),
        approaches=items,
        data=DataFacts(eval_cases=1, train_examples=0, dev_examples=0, documents=0),
    )


LOCAL = ApproachSpec(name="local", kind="zero-shot", model=ModelSpec(id="small"))
SERVED = ApproachSpec(name="served", kind="rag", model=ModelSpec(id="openai:x"))
PROBED = ApproachSpec(name="probed", kind="qlora", model=ModelSpec(id="small"), options={"probe": "own.csv"})
FLOOR = ApproachSpec(name="floor", kind="floor")


def test_every_gpu_of_every_machine_is_a_slot_and_without_any_each_machine() -> None:
    mixed = Cluster("auto", (node("1"), node("2", cards=2), node("3", cards=1)))
    assert [(slot.token, slot.host) for slot in mixed.slots] == [
        ("10.0.0.2/0", "2"),
        ("10.0.0.2/1", "2"),
        ("10.0.0.3/0", "3"),
    ]
    assert len(mixed.machine.cards) == 3
    plain = Cluster("auto", (node("1"), node("2")))
    assert [slot.token for slot in plain.slots] == ["10.0.0.1", "10.0.0.2"]
    assert plain.machine.cards == ()


def test_what_asks_endpoints_or_reads_the_project_stays_here_and_the_latency_pass_is_cut() -> None:
    afar, run = machines.Afar(Cluster("auto", (node("1", cards=2),))), spec(LOCAL, SERVED, PROBED, FLOOR)
    assert afar.needs(["local"], run, {}) == Needs(cards=1)
    assert afar.needs(["served"], run, {}).cards == afar.needs(["probed"], run, {}).cards == 0
    assert (afar.needs(["served"], run, {}).processor, afar.needs(["probed"], run, {}).processor) == ("beside", "alone")
    latency = Job(id="latency", action="measure", run="/r", approaches=("local", "served", "floor"))
    (here, place), (there, far) = afar.parted(latency, run, {})
    assert (here.approaches, place.cards) == (("served", "floor"), ())
    assert (there.approaches, [card.token for card in far.cards]) == (("local",), ["10.0.0.1/0"])


def test_other_versions_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("advisor.hardware.version", lambda name: "2.13.0")
    assert Cluster("auto", (node("1"),)).differences == ()
    assert Cluster("auto", (node("1", torch="2.12"),)).differences == ("torch is 2.12 on 10.0.0.1 and 2.13.0 here",)


def test_without_ray_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(EnvironmentFault, match="needs the package ray") as caught:
        cluster.connect.__wrapped__("auto")
    assert "approach-advisor[cluster]" in caught.value.hint


def test_a_job_on_a_node_has_a_folder_of_its_own_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / f"{PREFIX}999999999-left").mkdir()
    job = NodeJob()
    assert not (tmp_path / f"{PREFIX}999999999-left").exists(), "of a process that is gone"
    job.put("artifacts/a/old", b"1")
    job.start(Job(id="x", action="answer", run="/elsewhere", approaches=("floor",)).model_dump_json())
    lines: list[bytes] = []
    log, code = b"", None
    while code is None:
        news = job.news()
        lines, log, code = lines + news.lines, log + news.log, news.code
    assert code == 2, "there is no run.json"
    assert json.loads(lines[-1])["kind"] == "approach-failed"
    assert job.changed() == []
    job.put("artifacts/a/new", b"2")
    assert job.changed() == ["artifacts/a/new"]
    assert job.read("artifacts/a/new", 0, 10) == b"2"
    job.close()
    assert list(tmp_path.iterdir()) == []
    assert len(source_hash()) == 16


# --- with ray -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A cluster of this machine alone, on loopback."""
    ray = shutil.which("ray", path=str(Path(sys.executable).parent)) or "ray"
    home = str(Path(__file__).resolve().parents[2])
    surroundings = {**os.environ, "PYTHONPATH": home, "RAY_USAGE_STATS_ENABLED": "0", "OMP_NUM_THREADS": "1"}
    words = [f"--port={PORT}", "--node-ip-address=127.0.0.1", "--num-cpus=2", "--num-gpus=0"]
    started = subprocess.Popen(
        [ray, "start", "--head", "--block", "--include-dashboard=false", "--object-store-memory=200000000", *words],
        env=surroundings,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    yield f"127.0.0.1:{PORT}"
    os.killpg(started.pid, signal.SIGTERM)
    started.wait(60)


@with_ray
@pytest.mark.slow
def test_a_run_on_a_cluster_gives_the_answers_of_a_run_here(address: str, tmp_path: Path, tiny_model: Path) -> None:
    rows = "".join(f"{n},question {n},{'ab'[n % 2]}\n" for n in range(40))
    (tmp_path / "eval.csv").write_text("id,text,label\n" + rows)
    said = {
        "name": "p",
        "task": {"type": "classification"},
        "data": {"eval": "eval.csv"},
        "model": str(tiny_model),
        "approaches": ["floor", "zero-shot", "classifier"],
        "latency_samples": 2,
        "max_answer_tokens": 8,
    }
    answers = []
    for name, more in (("here", {}), ("there", {"run": {"cluster": address}})):
        (tmp_path / "advisor.yaml").write_text(yaml.safe_dump({**said, **more}))
        words = [sys.executable, "-m", "advisor.cli", "run", str(tmp_path), "--out", str(tmp_path / name), "--plain"]
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=240)
        assert done.returncode == 0, done.stderr
        files = sorted((tmp_path / name / "answers").glob("*.jsonl"))
        lines = [json.loads(line) for file in files for line in file.read_text().splitlines()]
        answers.append([{key: value for key, value in line.items() if key != "seconds"} for line in lines])
    assert answers[0] == answers[1]
    events = [json.loads(line) for line in (tmp_path / "there" / "events.jsonl").read_text().splitlines()]
    afar = [event["approaches"] for event in events if event["kind"] == "job-started" and event["pid"] is None]
    assert ["zero-shot"] in afar
    assert (tmp_path / "there" / "artifacts" / "classifier" / "choice.json").is_file(), "what it made came home"


@with_ray
def test_a_cluster_that_does_not_answer_ends_with_3_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / "eval.csv").write_text(
        "id,text,label\n" + "".join(f"{n},question {n},{'ab'[n % 2]}\n" for n in range(40))
    )
    said = {"name": "p", "task": {"type": "classification"}, "data": {"eval": "eval.csv"}, "approaches": ["floor"]}
    (tmp_path / "advisor.yaml").write_text(yaml.safe_dump({**said, "run": {"cluster": "127.0.0.1:9"}}))
    words = [sys.executable, "-m", "advisor.cli", "run", str(tmp_path), "--out", str(tmp_path / "run")]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 3
    assert "cannot be reached" in done.stderr
    assert not (tmp_path / "run").exists()
