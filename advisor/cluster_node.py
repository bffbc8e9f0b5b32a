"""The far end of a job on a cluster: a folder of this machine, a worker in it, its lines and files handed over.

Runs inside a ray actor on the machine that computes; ray gives that process its GPUs, and the worker inherits them.
When the actor dies, however it does, the worker's standard input closes and it ends at once. Knows no orchestrator.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import NamedTuple

from advisor.gpus import COUNTED_ALIKE
from baselines.jobs import Job

PREFIX = "advisor-job-"
WAIT_SECONDS = 1.0
"""A call for news returns after this, with or without any."""
PACKAGES = ("advisor", "baselines", "finetune", "reports")


class News(NamedTuple):
    """What a worker said since the last call."""

    lines: list[bytes]
    log: bytes
    code: int | None
    """None while it runs, or while something of it is still to come."""


class NodeJob:
    """One job. Its methods are called from afar, two at a time."""

    def __init__(self) -> None:
        _sweep()
        self.folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
        self._news = threading.Condition()
        self._lines: list[bytes] = []
        self._ended = False
        self._logged = 0
        self._before: dict[str, tuple[int, int]] = {}
        self._process: subprocess.Popen[bytes] | None = None

    def put(self, name: str, piece: bytes) -> None:
        """Appends to a file of the run's folder."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.write(piece)

    def start(self, job: str) -> int:
        """The worker, in this folder; its process id."""
        said = Job.model_validate_json(job)
        local = said.model_copy(update={"run": str(self.folder), "models": models_here(said.models), "cache": None})
        self._before = self._artifacts()
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "baselines.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
                env={**COUNTED_ALIKE, **os.environ, "TOKENIZERS_PARALLELISM": "false"},
            )
        self.tell(local.model_dump_json().encode() + b"\n")
        threading.Thread(target=self._read, daemon=True).start()
        return self._process.pid

    def tell(self, line: bytes) -> None:
        """A line on the worker's standard input."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(line)
        self._process.stdin.flush()

    def news(self) -> News:
        """Waits a while for something to say."""
        assert self._process is not None
        with self._news:
            if not self._lines and not self._ended:
                self._news.wait(WAIT_SECONDS)
            lines, self._lines = self._lines, []
            code = self._process.wait() if self._ended else None
        with (self.folder / "log").open("rb") as log:
            log.seek(self._logged)
            printed = log.read()
        self._logged += len(printed)
        return News(lines, printed, code)

    def changed(self) -> list[str]:
        """Artifacts that the worker made or changed, as paths below the folder."""
        return [name for name, state in self._artifacts().items() if self._before.get(name) != state]

    def read(self, name: str, offset: int, size: int) -> bytes:
        """A piece of a file."""
        with (self.folder / name).open("rb") as file:
            file.seek(offset)
            return file.read(size)

    def close(self) -> None:
        """Ends what runs and leaves nothing here."""
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._news:
                self._lines.append(line)
                self._news.notify_all()
        self._process.wait()
        with self._news:
            self._ended = True
            self._news.notify_all()

    def _artifacts(self) -> dict[str, tuple[int, int]]:
        files = [file for file in (self.folder / "artifacts").rglob("*") if file.is_file()]
        return {
            file.relative_to(self.folder).as_posix(): (file.stat().st_size, file.stat().st_mtime_ns) for file in files
        }


def models_here(models: dict[str, str]) -> dict[str, str]:
    """Where they lie on this machine: bundled ones in this installation, others where they lie on the first one."""
    from advisor import demo

    return {name: str(demo.model_folder()) if name == "demo" else folder for name, folder in models.items()}


def source_hash() -> str:
    """Of the program as it is installed here: two machines with the same one give the same answers."""
    home, digest = Path(__file__).resolve().parents[1], hashlib.sha256()
    for package in PACKAGES:
        for file in sorted((home / package).rglob("*.py")):
            digest.update(file.relative_to(home).as_posix().encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]


def _sweep() -> None:
    """What jobs left whose process was killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        owner = folder.name.removeprefix(PREFIX).partition("-")[0]
        if owner.isdigit() and not _alive(int(owner)):
            shutil.rmtree(folder, ignore_errors=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
