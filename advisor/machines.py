"""Where the jobs of a run can be: this machine, or the machines of a cluster that the project names.

    machines = machines_of(spec)                        # EnvironmentFault where the cluster cannot be reached
    machines.machine, machines.slots                    # for estimates; what jobs are spread over
    worker = await machines.start(job, log, place, folder)

Whatever asks an endpoint stays on this machine, where its keys and the ledger are; so does what takes no time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from advisor import hardware, workers
from advisor.gpus import Gpu
from advisor.placement import Needs, Place, addressable, needs_of
from baselines.jobs import Job
from reports.run.schema import Expected, RunSpec

if TYPE_CHECKING:
    from advisor.cluster import Cluster


class Machines(Protocol):
    """What computes."""

    @property
    def machine(self) -> hardware.Hardware:
        """As one machine, for estimates and for the record."""
        ...

    @property
    def slots(self) -> tuple[Gpu, ...]:
        """What jobs that compute hold one of, or several."""
        ...

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a reader of the run must know of them."""
        ...

    def needs(self, names: Iterable[str], spec: RunSpec, expected: Mapping[str, Expected]) -> Needs:
        """Of a job that answers with these approaches."""
        ...

    def parted(self, job: Job, spec: RunSpec, expected: Mapping[str, Expected]) -> list[tuple[Job, Place]]:
        """A job over many approaches, alone with the machines: as it must be cut."""
        ...

    async def start(self, job: Job, errors: int, place: Place, folder: Path) -> workers.Worker:
        """`errors`: file descriptor of the log; `folder`: the run's."""
        ...


class ThisMachine:
    """No cluster."""

    remarks = ()

    def __init__(self) -> None:
        self.machine = hardware.describe()

    @property
    def slots(self) -> tuple[Gpu, ...]:
        return addressable(self.machine.cards)

    def needs(self, names: Iterable[str], spec: RunSpec, expected: Mapping[str, Expected]) -> Needs:
        return needs_of(names, spec, expected, self.slots)

    def parted(self, job: Job, spec: RunSpec, expected: Mapping[str, Expected]) -> list[tuple[Job, Place]]:
        return [(job, Place())]

    async def start(self, job: Job, errors: int, place: Place, folder: Path) -> workers.Worker:
        return await workers.start(job, errors, place.environment)


class Afar:
    """The machines of a cluster for what computes, this one for the rest."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.machine = cluster.machine
        self.slots = cluster.slots
        self.remarks = cluster.differences

    def needs(self, names: Iterable[str], spec: RunSpec, expected: Mapping[str, Expected]) -> Needs:
        names = tuple(names)
        found = needs_of(names, spec, expected, self.slots)
        if found.cards and (found.endpoints or not _can_travel(names, spec)):
            return replace(found, cards=0, memory=0.0, processor="beside" if found.endpoints else "alone")
        return found

    def parted(self, job: Job, spec: RunSpec, expected: Mapping[str, Expected]) -> list[tuple[Job, Place]]:
        """What computes goes to one machine, in turns there; the rest is measured here."""
        needs = {name: self.needs([name], spec, expected) for name in job.approaches}
        afar = tuple(name for name in job.approaches if needs[name].cards)
        here = tuple(name for name in job.approaches if not needs[name].cards)
        found = [(job.model_copy(update={"approaches": here}), Place())] if here else []
        if afar:
            count = max(needs[name].cards for name in afar)
            host = max((slot.host for slot in self.slots), key=lambda one: sum(s.host == one for s in self.slots))
            cards = tuple(slot for slot in self.slots if slot.host == host)[:count]
            far = job.model_copy(update={"approaches": afar, "id": f"{job.id} on {cards[0].token}"})
            found.append((far, Place(Needs(count), cards, isolated=True)))
        return found

    async def start(self, job: Job, errors: int, place: Place, folder: Path) -> workers.Worker:
        if place.cards:
            return await self.cluster.start(job, errors, place, folder)
        return await workers.start(job, errors, {})


def machines_of(spec: RunSpec) -> Machines:
    """Raises EnvironmentFault where the cluster that the project names is not to be had."""
    if spec.cluster is None:
        return ThisMachine()
    from advisor.cluster import connect

    return Afar(connect(spec.cluster))


def _can_travel(names: Iterable[str], spec: RunSpec) -> bool:
    """False where an approach reads files of the project, or another trainer is installed here."""
    options = {item.name: item.options for item in spec.approaches}
    return not any(options[name].get("engine") or options[name].get("probe") not in (None, "none") for name in names)
