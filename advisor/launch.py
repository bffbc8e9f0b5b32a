"""From a prepared project, or from a stored run, to a run that can be consumed. Shared by command line and app.

    launch = begin(prepared)                  # a new folder below runs/ of the project
    launch = reopen(folder)                   # goes on; refuses where the project moved
    async for event in orchestrator.run(launch.store, launch.models, resumed=launch.resumed): ...
    launch.store.close()

Reads data and configurations, starts nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from advisor import endpoints, orchestrator, plan, project
from advisor.plan import Prepared
from reports.errors import UsageError
from reports.run.store import RunStore

RUNS = "runs"
"""Folder of a project's own runs."""


@dataclass(frozen=True)
class Launch:
    """A run that is ready to go: its store, open for writing, and where its models lie."""

    store: RunStore
    models: dict[str, str]
    """Model id to folder, for bundled and relative ones."""
    resumed: bool = False


def begin(prepared: Prepared, folder: Path | None = None) -> Launch:
    """A new run of the project; without a folder below its `runs/`. Raises as RunStore.create does."""
    home = prepared.project
    store = orchestrator.create(prepared, folder or orchestrator.new_folder(home.folder / RUNS))
    return Launch(store, home.model_folders(prepared.spec.approaches))


def reopen(folder: Path) -> Launch:
    """A stored run, to go on with. Raises UsageError where another process writes it or its project has moved."""
    store = RunStore.open(folder, write=True)
    try:
        return Launch(store, models_to_resume(store), resumed=True)
    except BaseException:  # Ctrl-C, too: it goes on, and the run stays free for others
        store.close()
        raise


def home_of(store: RunStore) -> Path:
    """The project's folder: the one that the run lies in, so that both may be moved, else where it was at the start.

    Raises UsageError where neither holds a project.
    """
    folder, stored = store.folder.resolve(), Path(store.header.spec.project_folder)
    inside = [folder.parent.parent] if folder.parent.name == RUNS else []
    for place in (*inside, stored):
        if (place / project.FILE).is_file():
            return place
    raise UsageError(
        f"the project of the run in {store.folder} is not in {stored} any more",
        "say where it is now: advisor resume RUN --project FOLDER",
    )


def models_to_resume(store: RunStore, home: Path | None = None) -> dict[str, str]:
    """Where the models of a stored run lie; an endpoint's new limits and the project's new place are taken over.

    `home`: the project's folder where the user names it. Raises UsageError that names what moved in the project, or
    that the project is not to be found.
    """
    loaded = project.load(home or home_of(store))
    if store.header.spec.data.broken_rows:
        loaded = project.allowing_broken(loaded)
    header = orchestrator.header_of(plan.prepare(loaded), store.folder)
    store.check_same(header)
    endpoints.adopt_limits(store, header.spec)
    if store.header.spec.project_folder != header.spec.project_folder:
        spec = store.header.spec.model_copy(update={"project_folder": header.spec.project_folder})
        store.write_header(store.header.model_copy(update={"spec": spec}))
    return loaded.model_folders(store.header.spec.approaches)
