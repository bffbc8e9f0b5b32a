"""Fixtures for the whole suite."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.misbehaving_server import Behaviour, Script, Server

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real public data beside the checkout; its tests skip where it is absent."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the public data sets are not beside this checkout (../shared/data)")
    return folder


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """`serve(script, **server's)`: an endpoint that does what the script says, or always the one thing it names."""
    servers: list[Server] = []

    def start(script: Script | Behaviour = "ok", **options: Any) -> Server:
        told = script if callable(script) else lambda number, body: script
        servers.append(Server(told, **options).start())
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture(scope="session")
def build_tiny() -> Callable[..., Path]:
    """`build(folder, chat=True, …)` of tests/tiny_model.py: a small random model in a folder."""
    from tests.tiny_model import build  # torch: only where a test needs it

    return build


@pytest.fixture(scope="session")
def tiny_model(build_tiny: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Llama with a chat template. Read-only: shared by the whole session."""
    return build_tiny(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="session")
def plain_model(build_tiny: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same without a chat template."""
    return build_tiny(tmp_path_factory.mktemp("models") / "plain", chat=False)
