"""A real OpenAI-compatible server on loopback that holds the bundled model, for as long as a block lasts.

with serving(transformers_serve()) as url:      # http://127.0.0.1:PORT/v1
    ...

Raises NotHere where what the server needs is not installed, DidNotStart where it does not answer.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from advisor.demo import model_folder
from advisor.export_llama import VARIABLE, llama_python
from finetune.chat import layout_of
from finetune.export.gguf_file import write_gguf
from finetune.model_files import open_model

START_SECONDS = 150
ENVIRONMENT = {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}


class NotHere(Exception):
    """What is missing, for the reason of a skip."""


class DidNotStart(Exception):
    """The server ended, or did not answer in time."""


@dataclass(frozen=True)
class Served:
    """How a server is started: host and port come on top. `page` answers once it is up."""

    command: tuple[str, ...]
    page: str


def transformers_serve() -> Served:
    """The bundled model in the precision in which the local engine runs it."""
    if absent := [name for name in ("fastapi", "uvicorn") if find_spec(name) is None]:
        raise NotHere(f"transformers serve needs {' and '.join(absent)} (extra dev)")
    _check_weights()
    program = str(Path(sys.executable).with_name("transformers"))
    return Served((program, "serve", str(model_folder()), "--device", "cpu", "--dtype", "float32"), "/health")


def llama_server(folder: Path) -> Served:
    """The same weights behind llama.cpp's server, from a 16-bit GGUF file that is written to `folder`."""
    python = llama_python()
    if python is None or find_spec("gguf") is None:
        raise NotHere(
            f"llama.cpp is not installed (llama-cpp-python[server], found through {VARIABLE}), or gguf is not"
        )
    if subprocess.run([python, "-c", "import llama_cpp.server.app"], capture_output=True, check=False).returncode:
        raise NotHere("llama-cpp-python is there without its server: pip install 'llama-cpp-python[server]'")
    _check_weights()
    files = open_model(str(model_folder()))
    write_gguf(files, folder / "demo.gguf", "f16", layout_of(files.tokenizer, {}, files.end_ids))
    words = ("--model", str(folder / "demo.gguf"), "--model_alias", str(model_folder()), "--n_ctx", "1024")
    return Served((python, "-m", "llama_cpp.server", *words), "/v1/models")


@contextmanager
def serving(served: Served) -> Iterator[str]:
    """Base URL of the server, on a free port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [*served.command, "--host", "127.0.0.1", "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **ENVIRONMENT},
        start_new_session=True,
    )
    try:
        _wait_for(f"http://127.0.0.1:{port}{served.page}", server)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def _check_weights() -> None:
    if not (model_folder() / "model.safetensors").is_file():
        raise NotHere("the bundled model has no weights in this checkout")


def _wait_for(address: str, server: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if server.poll() is not None:
            raise DidNotStart(f"the server ended with {server.returncode} before it answered")
        try:
            with urllib.request.urlopen(address, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.25)
    raise DidNotStart(f"{address} did not answer within {START_SECONDS} s")
