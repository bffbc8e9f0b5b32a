"""Runs whose jobs go side by side: the same answers, one budget, the latency pass alone; killed anywhere, resumed."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
import yaml

from advisor import hardware, launch, orchestrator, plan, project
from advisor.demo import model_folder
from advisor.gpus import Gpu
from baselines.models.ledger import FILE, spent_of
from reports.run.events import Answered, ApproachFailed, Event, JobFinished, JobStarted, Measured, RunFinished
from reports.run.store import RunStore
from tests.misbehaving_server import Server

CASES = 30
PRICES = {"input_usd_per_million": 1000.0, "output_usd_per_million": 1000.0}


@pytest.fixture
def servers() -> Iterator[tuple[Any, Any]]:
    """Two endpoints on ports of their own, each answer after 0.15 s."""
    pair = tuple(Server(lambda number, body: "slow").start() for _ in range(2))
    yield pair[0], pair[1]
    for server in pair:
        server.stop()


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


def write_project(folder: Path, servers: tuple[Any, ...], at_once: int = 3, **more: Any) -> Path:
    """Zero-shot by each endpoint, `at_once` requests at a time."""
    folder.mkdir(exist_ok=True)
    rows = "".join(f"{i},repeat the word{i},WORD{i}\n" for i in range(CASES))
    (folder / "eval.csv").write_text("id,question,answer\n" + rows, encoding="utf-8")
    names = [f"m{number}" for number in range(len(servers))]
    limits = {"id": "openai:test", "max_concurrency": at_once, **PRICES}
    said = {
        "name": "parallel",
        "task": {"type": "qa", "instruction": "Say it."},
        "data": {"eval": "eval.csv", "split": False},
        "models": {name: {"base_url": server.url, **limits} for name, server in zip(names, servers, strict=True)},
        "approaches": [{"zero-shot": {"model": name, "as": name}} for name in names],
        "latency_samples": 0,
        "max_answer_tokens": 8,
        **more,
    }
    (folder / "advisor.yaml").write_text(yaml.safe_dump(said), encoding="utf-8")
    return folder


def consume(begun: launch.Launch, look: Callable[[Event], object] = lambda event: None) -> list[Event]:
    """All events of a run, each looked at as it comes."""

    async def collect() -> list[Event]:
        found = []
        async with aclosing(orchestrator.run(begun.store, begun.models, resumed=begun.resumed)) as events:
            async for event in events:
                found.append(event)
                look(event)
        return found

    with begun.store:
        return asyncio.run(collect())


def begin(home: Path, name: str) -> launch.Launch:
    return launch.begin(plan.prepare(project.load(home)), home / "runs" / name)


def answers_of(run: Path) -> list[list[dict[str, Any]]]:
    """Stored answers of each approach, in the order of the files."""
    return [
        [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        for file in sorted((run / "answers").glob("*.jsonl"))
    ]


def cases_of(run: Path) -> dict[str, list[str]]:
    return {lines[0]["approach"]: sorted(line["case"] for line in lines) for lines in answers_of(run)}


ALL = dict.fromkeys(("m0", "m1"), sorted(str(n) for n in range(CASES)))


def alive_at_once(events: list[Event]) -> int:
    """Most jobs under way at the same time."""
    alive, most = 0, 0
    for event in events:
        alive += isinstance(event, JobStarted) - isinstance(event, JobFinished)
        most = max(most, alive)
    return most


def test_two_endpoints_answer_at_the_same_time_and_the_latency_pass_is_alone(
    servers: tuple[Any, Any], tmp_path: Path
) -> None:
    home = write_project(tmp_path / "p", servers, latency_samples=4)
    events = consume(begin(home, "one"))
    assert cases_of(home / "runs" / "one") == ALL
    said = [sorted((line["case"], line["text"]) for line in lines) for lines in answers_of(home / "runs" / "one")]
    assert said[0] == said[1]
    latency = next(n for n, event in enumerate(events) if isinstance(event, JobStarted) and event.job == "latency")
    assert alive_at_once(events[:latency]) == 2
    assert sum(isinstance(event, JobFinished) for event in events[:latency]) == 2
    assert not any(isinstance(event, Measured) for event in events[:latency])
    assert alive_at_once(events[latency:]) == 1


def test_a_budget_holds_over_jobs_that_spend_at_the_same_time(servers: tuple[Any, Any], tmp_path: Path) -> None:
    home, run = write_project(tmp_path / "p", servers, budget_usd=0.25), tmp_path / "p" / "runs" / "one"
    events = consume(begin(home, "one"))
    failed = {event.approach: event.cause for event in events if isinstance(event, ApproachFailed)}
    assert failed == {"m0": "budget", "m1": "budget"}
    stopped = RunStore.open(run).finished
    assert stopped is not None
    assert stopped.cause == "budget"
    bill = sum(0.001 * (len(prompt.split()) + 1) * n for s in servers for prompt, n in s.answered.items())
    assert sum(spent_of(run / "artifacts" / FILE).values()) == pytest.approx(bill)
    assert 0.12 < bill <= 0.25
    assert all(server.requests for server in servers)


def gone(pid: int) -> bool:
    """Ended, or a zombie that nobody has asked for yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def answered(run: Path) -> list[int]:
    files = [run / "answers" / f"{name}.jsonl" for name in ALL]
    return [file.read_bytes().count(b"\n") if file.is_file() else 0 for file in files]


def killed_with_two_jobs(home: Path, run: Path) -> None:
    """The command line, by SIGKILL once both jobs have answers on disk."""
    words = [sys.executable, "-m", "advisor.cli", "run", str(home), "--out", str(run)]
    cli = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    ends = time.monotonic() + 120
    while not all(answered(run)) and time.monotonic() < ends:
        time.sleep(0.02)
    cli.kill()
    cli.wait(timeout=30)
    events = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]
    pids = [event["pid"] for event in events if event["kind"] == "job-started"]
    while not all(map(gone, pids)) and time.monotonic() < ends:
        time.sleep(0.02)
    assert [gone(pid) for pid in pids] == [True, True], "no worker outlives its run"


@pytest.mark.slow
def test_two_jobs_under_way_survive_a_kill_of_the_run_and_of_one_of_them(
    servers: tuple[Any, Any], tmp_path: Path
) -> None:
    home, run = write_project(tmp_path / "p", servers, at_once=1), tmp_path / "p" / "runs" / "one"
    killed_with_two_jobs(home, run)
    before = answered(run)
    assert all(0 < count < CASES for count in before), "a kill in the middle is what this is about"
    pids: dict[str, int] = {}

    def strike(event: Event) -> None:
        if isinstance(event, JobStarted) and event.pid is not None:
            pids.update(dict.fromkeys(event.approaches, event.pid))
        if isinstance(event, Answered) and event.answer.approach == "m0" and event.done < CASES - 1:
            os.kill(pids["m0"], signal.SIGKILL)

    events = consume(launch.reopen(run), strike)
    (failed,) = [event for event in events if isinstance(event, ApproachFailed)]
    assert (failed.approach, "SIGKILL" in failed.error) == ("m0", True)
    assert isinstance(events[-1], RunFinished)
    assert events[-1].failed == ("m0",)
    assert before[0] < answered(run)[0] < CASES
    assert cases_of(run)["m1"] == ALL["m1"], "the other job goes on"
    consume(launch.reopen(run))
    assert cases_of(run) == ALL
    bill = sum(0.001 * (len(prompt.split()) + 1) * n for s in servers for prompt, n in s.answered.items())
    assert bill <= sum(spent_of(run / "artifacts" / FILE).values()) + 1e-9


@pytest.mark.slow
@pytest.mark.skipif(not (model_folder() / "model.safetensors").is_file(), reason="the bundled model has no weights")
def test_on_two_cards_two_local_models_answer_at_the_same_time_what_each_answers_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = hardware.describe()
    cards = tuple(Gpu("card", 24 * 10**9, 24 * 10**9, (8, 0), "1", f"GPU-{n}") for n in range(2))
    monkeypatch.setattr(hardware, "describe", lambda: dataclasses.replace(real, gpus=cards, torch="2.13.0"))
    home, run = write_project(tmp_path / "p", ()), tmp_path / "p" / "runs" / "one"
    said = yaml.safe_load((home / "advisor.yaml").read_text())
    said["models"] = {"a": {"id": "demo"}, "b": {"id": "demo", "context_length": 500}}
    said["approaches"] = [{"zero-shot": {"model": "a", "as": "m0"}}, {"zero-shot": {"model": "b", "as": "m1"}}]
    (home / "advisor.yaml").write_text(yaml.safe_dump(said))
    events = consume(begin(home, "one"))
    assert alive_at_once(events) == 2
    assert {e.approaches: e.cards for e in events if isinstance(e, JobStarted)} == {
        ("m0",): ("GPU-0",),
        ("m1",): ("GPU-1",),
    }
    assert cases_of(run) == ALL
    first, second = ([(line["case"], line["text"]) for line in lines] for lines in answers_of(run))
    assert first == second, "the same weights, in two jobs"
