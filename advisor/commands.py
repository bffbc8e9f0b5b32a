"""What the commands do, one function each: project or run in, text on stdout, narration on stderr, exit code back.

Holds the glue between project, orchestrator, summary and report; neither statistics nor evaluation.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, aclosing, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reports.errors import EnvironmentFault, UsageError
from reports.text import clean

if TYPE_CHECKING:
    from advisor.narration import Teller
    from baselines.models.ledger import Ledger
    from reports.drawing import Drawer
    from reports.run.schema import Finished, RunSpec
    from reports.run.store import RunStore
    from reports.summary import Summary

INTERRUPTED = 130
CONCLUDING = ("html", "md", "json")
"""What a run ends with."""


@dataclass(frozen=True)
class Display:
    """How a run is shown."""

    json: bool = False
    plain: bool = False

    def teller(self, primary: str) -> Teller:
        """Lines for logs and pipes, a live table on a terminal."""
        from advisor.narration import Lines, Live

        if self.plain or self.json or not sys.stderr.isatty():
            return Lines(lambda line: print(line, file=sys.stderr, flush=True), primary)  # noqa: T201
        from rich.console import Console

        return Live(Console(stderr=True), primary)


def run_project(path: Path, out: Path | None, display: Display, *, cache: bool, allow_broken: bool) -> int:
    """Prepares and runs a project from the start."""
    from advisor import orchestrator, plan, project

    loaded = project.load(path)
    if allow_broken:
        loaded = project.allowing_broken(loaded)
    prepared = plan.prepare(loaded)
    asked = _check_endpoints(prepared.spec)
    folder = out or orchestrator.new_folder(loaded.folder / "runs")
    for note in prepared.notes:
        _narrate(f"note: {note}")
    if prepared.spec.data.leaked:
        _narrate(f"note: {len(prepared.spec.data.leaked)} eval cases also stand in the training data")
    if prepared.spec.data.leaked_near:
        _narrate(f"note: {len(prepared.spec.data.leaked_near)} eval cases stand nearly word for word in it")
    with orchestrator.create(prepared, folder) as store:
        asked.add_to(store.folder / "artifacts")
        models = loaded.model_folders(prepared.spec.approaches)
        return _go(store, models, display, cache=_cache_file(loaded.folder) if cache else None, resumed=False)


def resume_run(path: Path, display: Display, *, cache: bool, home: Path | None = None) -> int:
    """Goes on with a run: only what is missing is done. A changed project refuses and names what moved.

    `home`: the project's folder or its advisor.yaml, where the run cannot tell it.
    """
    from advisor import launch
    from reports.run.store import RunStore

    folder = latest_run(path)
    with RunStore.open(folder, write=True) as store:
        finished = store.finished
        rejudged = store.header.spec.judge is not None  # by another judge, perhaps: the project says
        if finished is not None and not finished.failed and not finished.unmeasured and not rejudged:
            _narrate(f"{folder} is complete: nothing is left to do")
            return _conclude(store, display)
        models = launch.models_to_resume(store, home)
        _check_endpoints(store.header.spec).add_to(store.folder / "artifacts")
        answered = _cache_file(Path(store.header.spec.project_folder))
        return _go(store, models, display, cache=answered if cache else None, resumed=True)


def run_demo(name: str, out: Path, display: Display) -> int:
    """Copies a bundled project to a folder of the user's and runs it there."""
    from advisor import demo

    if name not in demo.PROJECTS:
        raise UsageError(f"there is no demo {name!r}", f"choose from {', '.join(demo.PROJECTS)}")
    folder = demo.copy_project(name, out)
    _narrate(f"the demo project is in {folder}")
    return run_project(folder, None, display, cache=False, allow_broken=False)


def report_run(path: Path, formats: list[str], out: Path | None, paper: str = "a4") -> None:
    """Writes the report of a stored run; JSON alone goes to stdout. What it does is said before anything is loaded."""
    folder = latest_run(path)
    _narrate(f"writing the report of {_shown(folder)}")
    with _drawing(formats) as drawer:
        from reports.exports import render_json, write_report
        from reports.run.store import RunStore
        from reports.summary import summarise

        with RunStore.open(folder) as store:
            if formats == ["json"] and out is None:
                sys.stdout.write(render_json(summarise(store)))
                return
            for file in write_report(store, formats, out, drawer=drawer, paper=paper):
                _print(str(file))


def latest_run(path: Path) -> Path:
    """The run itself, or the latest run of a project. Raises UsageError where there is none."""
    if (path / "run.json").is_file():
        return path
    home = path.parent if path.is_file() else path
    found = sorted(file.parent for file in (home / "runs").glob("*/run.json"))
    if not found:
        raise UsageError(f"{path} is no run and has none", "`advisor run PROJECT` makes one")
    return found[-1]


# --- parts ----------------------------------------------------------------------------------------------


def _go(store: RunStore, models: dict[str, str], display: Display, *, cache: Path | None, resumed: bool) -> int:
    from advisor.precision import words_of_environment

    fallback = words_of_environment(store.header.spec.approaches, store.header.environment)
    if fallback:
        _narrate(f"warning: {fallback}")
    try:
        asyncio.run(_consume(store, models, display, cache, resumed))
    except (KeyboardInterrupt, asyncio.CancelledError):
        _narrate(f"interrupted; to go on: advisor resume {_shown(store.folder)}")
        return INTERRUPTED
    return _conclude(store, display)


async def _consume(
    store: RunStore, models: dict[str, str], display: Display, cache: Path | None, resumed: bool
) -> None:
    from advisor.orchestrator import run

    teller = display.teller(store.header.spec.metrics[0])
    try:
        async with aclosing(run(store, models, cache=cache, resumed=resumed)) as events:
            async for event in events:
                teller.tell(event)
    finally:
        teller.close()


def _conclude(store: RunStore, display: Display) -> int:
    """Report files, table and verdict; the run's folder last. Exit code by what failed."""
    from baselines.models import ledger

    with _drawing(CONCLUDING) as drawer:
        from reports.exports import render_json, write_report
        from reports.summary import summarise

        store.sync()
        summary = summarise(store)
        files = write_report(store, CONCLUDING, summary=summary, drawer=drawer)
    if display.json:
        sys.stdout.write(render_json(summary))
    else:
        _show(summary, files[0], display)
        _print(_shown(store.folder))
    spent = sum(ledger.spent_of(store.folder / "artifacts" / ledger.FILE).values())
    if spent:
        _narrate(f"spent at endpoints so far: ${spent:.4f}, resumes and failed attempts included")
    if store.finished is not None and store.finished.cause == "budget":
        _narrate(f"the budget stopped the run; to go on, raise budget_usd and: advisor resume {_shown(store.folder)}")
        return EnvironmentFault.exit_code
    return _exit_code(store.finished)


def _drawing(formats: Sequence[str]) -> AbstractContextManager[Drawer | None]:
    """The process that draws a page's figures, started before this one loads what is heavy: they load side by side."""
    from reports.drawing import Drawer

    return Drawer() if {"html", "pdf"} & set(formats) else nullcontext()


def _show(summary: Summary, page: Path, display: Display) -> None:
    from advisor.narration import result_rows, result_table

    verdict = summary.verdict
    if display.plain or not sys.stdout.isatty():
        for name, value, interval, p50, p95, money, failed in result_rows(summary):
            state = f"failed {failed}" if "/" in failed else failed
            _print(
                f"{name}: {summary.primary.name} {value} (95 % {interval}), p50 {p50}, p95 {p95}, "
                f"{money} per 1,000, {state}"
            )
    else:
        from rich.console import Console

        Console().print(result_table(summary))
    for approach in summary.approaches:
        if approach.stopped:
            _print(f"{approach.name}: {approach.stopped}")
    for item in summary.skipped:
        _print(f"skipped {item.name}: {item.reason}")
    _print(verdict.headline)
    for reason in verdict.because:
        _print(f"  {reason}")
    for warning in verdict.warnings:
        _print(f"  note: {warning}")
    _print(f"report: {_shown(page)}")


def _check_endpoints(spec: RunSpec) -> Ledger:
    """Asks the endpoints before anything is written or trained. Raises as they refuse. Returns what it cost."""
    from advisor.endpoints import check_endpoints
    from baselines.models.ledger import Ledger

    ledger = Ledger()
    for line in check_endpoints(spec, ledger):
        _narrate(line)
    return ledger


def _exit_code(finished: Finished | None) -> int:
    return 1 if finished is None or finished.failed else 0


def _cache_file(project: Path) -> Path:
    return project / "runs" / "cache.sqlite"


def _shown(path: Path) -> str:
    """Relative to where the user stands, where that is shorter."""
    absolute = path.resolve()
    here = Path.cwd()
    return str(absolute.relative_to(here)) if absolute.is_relative_to(here) else str(absolute)


def _print(line: str) -> None:
    sys.stdout.write(clean(line) + "\n")
    sys.stdout.flush()


def _narrate(line: str) -> None:
    sys.stderr.write(clean(line) + "\n")
    sys.stderr.flush()
