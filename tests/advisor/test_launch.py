"""A stored run finds its project again: moved together, named by the user, or said to be lost."""

from __future__ import annotations

import asyncio
import shutil
import sys
from asyncio.subprocess import Process
from collections.abc import Mapping
from pathlib import Path

import pytest

from advisor import launch, orchestrator, plan, project, workers
from baselines.jobs import Job
from reports.errors import UsageError
from reports.run.events import ApproachFailed, Event, Measured, Warned
from reports.run.store import RunStore

EVAL = "id,text,label\n" + "".join(f"{n},question {n},{'ab'[n % 2]}\n" for n in range(40))


def project_in(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "eval.csv").write_text(EVAL)
    (folder / "advisor.yaml").write_text(
        "name: p\ntask: {type: classification}\ndata: {eval: eval.csv}\napproaches: [floor]\n"
    )
    return folder


def started(home: Path, run: Path) -> None:
    orchestrator.create(plan.prepare(project.load(home)), run).close()


def test_a_run_inside_its_project_moves_with_it(tmp_path: Path) -> None:
    home = project_in(tmp_path / "old")
    started(home, home / "runs" / "one")
    shutil.move(home, tmp_path / "new")
    found = launch.reopen(tmp_path / "new" / "runs" / "one")
    found.store.close()
    assert RunStore.open(tmp_path / "new" / "runs" / "one").header.spec.project_folder == str(tmp_path / "new")


def test_a_copy_belongs_to_the_project_that_it_lies_in(tmp_path: Path) -> None:
    home = project_in(tmp_path / "first")
    started(home, home / "runs" / "one")
    shutil.copytree(home, tmp_path / "second")
    (home / "eval.csv").write_text(EVAL.replace("question", "another question"))
    launch.reopen(tmp_path / "second" / "runs" / "one").store.close()
    with pytest.raises(UsageError, match=r"eval"):
        launch.reopen(home / "runs" / "one")


def test_a_run_elsewhere_asks_for_its_project_where_that_was_moved(tmp_path: Path) -> None:
    home = project_in(tmp_path / "old")
    started(home, tmp_path / "elsewhere")
    launch.reopen(tmp_path / "elsewhere").store.close()
    shutil.move(home, tmp_path / "new")
    with pytest.raises(UsageError, match=r"is not in .*old any more") as caught:
        launch.reopen(tmp_path / "elsewhere")
    assert "--project" in caught.value.hint
    with RunStore.open(tmp_path / "elsewhere", write=True) as store:
        launch.models_to_resume(store, tmp_path / "new")
        assert store.header.spec.project_folder == str(tmp_path / "new")
    launch.reopen(tmp_path / "elsewhere").store.close()


def test_a_latency_pass_that_dies_costs_no_approach_and_is_made_up_for_on_resume(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = project_in(tmp_path / "p")
    spawn = workers.spawn

    async def dying(job: Job, errors: int, environment: Mapping[str, str]) -> Process:
        if job.action != "measure":
            return await spawn(job, errors, environment)
        return await asyncio.create_subprocess_exec(
            sys.executable, "-c", "import os; os._exit(9)", stdout=asyncio.subprocess.PIPE, start_new_session=True
        )

    def run(begun: launch.Launch) -> list[Event]:
        async def consume() -> list[Event]:
            return [e async for e in orchestrator.run(begun.store, begun.models, resumed=begun.resumed)]

        with begun.store:
            return asyncio.run(consume())

    with monkeypatch.context() as patched:
        patched.setattr(workers, "spawn", dying)
        events = run(launch.begin(plan.prepare(project.load(home)), home / "runs" / "one"))
    assert not [event for event in events if isinstance(event, ApproachFailed)]
    assert ["latency pass ended" in event.text for event in events if isinstance(event, Warned)] == [True]
    finished = RunStore.open(home / "runs" / "one").finished
    assert finished is not None
    assert (finished.failed, finished.unmeasured) == ((), ("floor",))
    assert [event for event in run(launch.reopen(home / "runs" / "one")) if isinstance(event, Measured)]
    finished = RunStore.open(home / "runs" / "one").finished
    assert finished is not None
    assert finished.unmeasured == ()
