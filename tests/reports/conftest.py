"""Fixtures for reports: runs that look real, written by tests/runs/synthetic.py."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reports.run.store import RunStore
from reports.summary import Summary, summarise
from tests.runs import synthetic

RUNS = Path(__file__).resolve().parents[1] / "runs"


@pytest.fixture(scope="session")
def small_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
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
def make_run(tmp_path: Path) -> Callable[..., RunStore]:
    """Writes a run below the test's folder; the store is open for writing."""

    def write(name: str = "run", **options: Any) -> RunStore:
        return synthetic.write(tmp_path / name, **options)

    return write
