"""Jobs on the machines of a ray cluster, through the worker's own seam: its job in, its lines out, its files home.

    cluster = connect("auto")                    # the one that this machine belongs to, or host:port of its head
    cluster.machine                              # what its machines can do together
    worker = await cluster.start(job, log, place, folder)

A job that computes goes where `placement` says, with its data; nothing is assumed to lie there but this program and
models that are no part of it. The orchestrator stays the one writer: what a job made (an adapter, an index) is brought
home when it ends. Needs the extra `cluster`; imports ray when it connects.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from advisor import hardware
from advisor.cluster_node import NodeJob, source_hash
from advisor.gpus import Gpu
from advisor.placement import Place
from baselines.jobs import Job
from reports.errors import EnvironmentFault
from reports.run.naming import file_name

PIECE = 32 << 20
"""Bytes of a file that travel at once."""
SHARED_ARTIFACTS = ("_embeddings", "probes")
KNOCK_SECONDS = 10.0
CLOSE_SECONDS = 5.0
"""For a machine to end a job and to clear its folder; then ray ends it."""
QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
"""Nothing is sent anywhere that the user did not name."""


@dataclass(frozen=True)
class Node:
    """One machine of the cluster."""

    key: str
    address: str
    machine: hardware.Hardware
    versions: dict[str, str]

    def slots(self, with_gpus: bool) -> Iterator[Gpu]:
        """Where a job can be: each GPU; where the cluster has none, the machine itself."""
        if with_gpus:
            for number, gpu in enumerate(self.machine.cards):
                yield replace(gpu, token=f"{self.address}/{number}", host=self.key)
            return
        memory = self.machine.memory_bytes
        yield Gpu("cpu", memory, self.machine.available_bytes, (0, 0), "", self.address, part=True, host=self.key)


@dataclass(frozen=True)
class Cluster:
    """A cluster that this process is connected to."""

    address: str
    nodes: tuple[Node, ...]

    @property
    def has_gpus(self) -> bool:
        return any(node.machine.cards for node in self.nodes)

    @property
    def slots(self) -> tuple[Gpu, ...]:
        """What jobs are spread over."""
        return tuple(slot for node in self.nodes for slot in node.slots(self.has_gpus))

    @property
    def machine(self) -> hardware.Hardware:
        """For estimates and the record: the first machine that has what the cluster computes on, with all GPUs."""
        first = next((node for node in self.nodes if node.machine.cards), self.nodes[0])
        return replace(first.machine, gpus=self.slots if self.has_gpus else ())

    @property
    def differences(self) -> tuple[str, ...]:
        """Packages whose versions are others on the cluster than here, in words."""
        found: dict[str, None] = {}
        for node in self.nodes:
            for name, there in node.versions.items():
                here = hardware.version(name)
                if here != there:
                    found[
                        f"{name} is {there or 'not installed'} on {node.address} and {here or 'not installed'} here"
                    ] = None
        return tuple(found)

    async def start(self, job: Job, errors: int, place: Place, folder: Path) -> RemoteWorker:
        """The job on the machine of its place, with what it needs of the run's folder. `errors`: file of the log."""
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        slot = place.cards[0]
        actor = (
            ray.remote(NodeJob)
            .options(
                num_cpus=0,
                num_gpus=len(place.cards) if self.has_gpus else 0,
                max_concurrency=2,
                scheduling_strategy=NodeAffinitySchedulingStrategy(slot.host, soft=False),
            )
            .remote()
        )
        worker = RemoteWorker(actor, os.dup(errors), folder)
        await worker.begin(job)
        return worker


class RemoteWorker:
    """A worker on another machine (see advisor.workers.Worker)."""

    pid = None

    def __init__(self, actor: Any, log: int, folder: Path) -> None:
        self._actor = actor
        self._log = log
        self._folder = folder
        self._code: int | None = None

    async def begin(self, job: Job) -> None:
        """Ships what the job reads and starts it."""
        for file in _needed(self._folder, job):
            name = file.relative_to(self._folder).as_posix()
            with file.open("rb") as source:
                await self._call("put", name, source.read(PIECE))
                while piece := source.read(PIECE):
                    await self._call("put", name, piece)
        await self._call("start", job.model_dump_json())

    async def lines(self) -> AsyncIterator[bytes]:
        from ray.exceptions import RayError

        try:
            while self._code is None:
                news = await self._call("news")
                os.write(self._log, news.log)
                for line in news.lines:
                    yield line
                if news.code is not None:
                    await self._bring_home()
                    self._code = news.code
        except RayError as error:
            os.write(self._log, f"the cluster lost the job: {error}\n".encode())
            self._code = -9

    def tell(self, line: bytes) -> None:
        self._actor.tell.remote(line)

    async def ended(self) -> int:
        await self.kill()
        return -9 if self._code is None else self._code

    async def kill(self) -> None:
        import ray
        from ray.exceptions import RayError

        if self._log < 0:
            return
        os.close(self._log)
        self._log = -1
        with contextlib.suppress(RayError, TimeoutError):
            await asyncio.wait_for(self._call("close"), CLOSE_SECONDS)
        ray.kill(self._actor)

    async def _bring_home(self) -> None:
        for name in await self._call("changed"):
            target = (self._folder / name).resolve()
            if not target.is_relative_to(self._folder.resolve() / "artifacts"):
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            partial = target.with_name(f".{target.name}.{os.getpid()}.tmp")
            with partial.open("wb") as file:
                while piece := await self._call("read", name, file.tell(), PIECE):
                    file.write(piece)
            partial.replace(target)

    async def _call(self, method: str, *arguments: object) -> Any:
        return await asyncio.wrap_future(getattr(self._actor, method).remote(*arguments).future())


@cache
def connect(address: str) -> Cluster:
    """Raises EnvironmentFault: ray is missing, no cluster answers, or another version of this program is on it."""
    if importlib.util.find_spec("ray") is None:
        raise EnvironmentFault(
            "`run: {cluster: …}` needs the package ray, which is not installed here.",
            "pip install 'approach-advisor[cluster]' on every machine, or leave `cluster` out",
        )
    os.environ.update(QUIET)
    import ray

    try:
        _knock(address)
        if not ray.is_initialized():
            ray.init(address=address, log_to_driver=False, logging_level="ERROR", configure_logging=False)
        nodes = [node for node in ray.nodes() if node["Alive"]]
    except (OSError, RuntimeError, ValueError) as error:
        raise EnvironmentFault(
            f"The ray cluster at {address} cannot be reached: {str(error).strip().splitlines()[0]}",
            "start ray on this machine (`ray start --head`, or --address to join), check the address, or leave "
            "`cluster` out",
        ) from error
    return Cluster(address, tuple(_asked(node) for node in nodes))


def _knock(address: str) -> None:
    """ray itself waits minutes for an address where nobody is. Raises OSError."""
    host, _, port = address.rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host, int(port)), timeout=KNOCK_SECONDS).close()


def _asked(node: dict[str, Any]) -> Node:
    """What a machine says of itself."""
    import ray
    from ray.exceptions import RayError
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    def look(packages: tuple[str, ...]) -> Any:  # travels as it stands: the machine may lack this program
        try:
            from advisor import hardware
            from advisor.cluster_node import source_hash
        except ImportError as error:
            return str(error)
        return source_hash(), hardware.describe(), {name: hardware.version(name) or "" for name in packages}

    key, address = node["NodeID"], node["NodeManagerAddress"]
    task = ray.remote(look).options(
        num_cpus=0, scheduling_strategy=NodeAffinitySchedulingStrategy(key, soft=False), max_retries=0
    )
    try:
        said = ray.get(task.remote(("torch", "transformers", "peft", "bitsandbytes")), timeout=120)
    except RayError as error:
        raise EnvironmentFault(
            f"The machine {address} of the cluster does not answer: {error}", "see its ray log"
        ) from error
    if isinstance(said, str) or said[0] != source_hash():
        why = f"lacks this program ({said})" if isinstance(said, str) else "has another version of this program"
        raise EnvironmentFault(
            f"The machine {address} of the cluster {why}.", "install the same version on every machine"
        )
    return Node(key, address, said[1], said[2])


def _needed(folder: Path, job: Job) -> Iterator[Path]:
    """What a worker reads of a run: its spec and data, and what its approaches had answered and made before."""
    yield folder / "run.json"
    yield from sorted((folder / "data").glob("*.jsonl"))
    own = [file_name(name) for name in job.approaches]
    for part in ("answers", "latency"):
        yield from (file for name in own if (file := folder / part / f"{name}.jsonl").is_file())
    for name in (*own, *SHARED_ARTIFACTS):
        yield from sorted(file for file in (folder / "artifacts" / name).rglob("*") if file.is_file())
