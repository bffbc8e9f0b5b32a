"""Fixtures for reports: runs that look real, written by tests/runs/synthetic.py."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from reports.run.store import RunStore
from reports.summary import Summary, summarise

RUNS = Path(__file__).resolve().parents[1] / "runs"


def _load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def synthetic() -> ModuleType:
    """The module that writes runs."""
    return _load(RUNS / "synthetic.py")


@pytest.fixture(scope="session")
def small_run(synthetic: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of 120 cases and 8 approaches."""
    folder = tmp_path_factory.mktemp("runs") / "small"
    synthetic.write(folder, cases=120).close()
    return folder


@pytest.fixture
def store(small_run: Path) -> RunStore:
    """That run, open for reading."""
    return RunStore.open(small_run)


@pytest.fixture(scope="session")
def summary(small_run: Path) -> Summary:
    """Its summary."""
    return summarise(RunStore.open(small_run))


@pytest.fixture
def make_run(synthetic: ModuleType, tmp_path: Path) -> Callable[..., RunStore]:
    """Writes a run below the test's folder; the store is open for writing."""

    def write(name: str = "run", **options: object) -> RunStore:
        made = synthetic.write(tmp_path / name, **options)
        assert isinstance(made, RunStore)
        return made

    return write
