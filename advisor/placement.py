"""Which jobs may run at the same time: what each holds while it runs, and whether there is room for it now.

    room = Room(machine.cards, most=2)
    found = room.next([needs_of(job.approaches, spec, expected, machine.cards) for job in waiting])
    room.give_back(place)

A job that computes holds a card of its own, or several where the estimate says that one is too small or the approach
asks for them; on a machine without cards one such job has the processor alone, because its seconds are measured. Jobs
of the same endpoint follow each other: they share its rate limit. What needs none of these runs beside anything.
Jobs that want the same thing get it in their order. Knows no process and no clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

from advisor.gpus import VISIBLE, Gpu
from baselines.kinds import KINDS, METHODS
from baselines.models.endpoint import OPENAI
from reports.run.schema import ApproachSpec, Expected, ModelSpec, RunSpec, is_endpoint

MOST = 8
"""Jobs at a time where nothing is said and fewer cards are there: a worker takes 0.1 to 0.6 GB of memory."""
USABLE = 0.9
"""Of several cards' memory together: layers do not divide evenly."""


@dataclass(frozen=True)
class Needs:
    """What a job holds from its start to its end."""

    cards: int = 0
    memory: float = 0.0
    """Bytes on its cards, by the estimate; 0 where nothing is known."""
    processor: Literal["", "beside", "alone"] = ""
    """`beside`: it computes a little (embeds for an endpoint) and would falsify the seconds of what is alone."""
    endpoints: frozenset[str] = frozenset()

    def clashes(self, other: Needs) -> bool:
        """True where the two cannot run at the same time, however many cards there are."""
        alone = "alone" in (self.processor, other.processor)
        return bool(self.endpoints & other.endpoints or (alone and self.processor and other.processor))

    def rivals(self, other: Needs) -> bool:
        """True where the two could want the same thing."""
        return bool(self.cards and other.cards) or self.clashes(other)


@dataclass(frozen=True)
class Place:
    """What a job got."""

    needs: Needs = Needs()
    cards: tuple[Gpu, ...] = ()
    isolated: bool = False
    """The machine has several cards: the job must see its own alone."""

    @property
    def environment(self) -> dict[str, str]:
        """For the job's process."""
        return {VISIBLE: ",".join(card.token for card in self.cards)} if self.isolated else {}

    @property
    def names(self) -> tuple[str, ...]:
        """Of its cards, for a reader; nothing where there is no choice."""
        return tuple(card.token for card in self.cards) if self.isolated else ()


@dataclass
class Room:
    """A machine's cards and how many jobs may run."""

    cards: Sequence[Gpu]
    most: int = 0
    """Jobs at a time; 0: as many as there are cards, and at least MOST."""
    taken: list[Place] = field(default_factory=list)

    def next(self, waiting: Sequence[Needs]) -> tuple[int, Place] | None:
        """(position, place) of the first job that can start now; None where all must wait.

        None waits for what comes after it: a job does not pass one that could want the same thing.
        """
        if len(self.taken) >= (self.most or max(MOST, len(self.cards))):
            return None
        for position, needs in enumerate(waiting):
            if any(needs.rivals(before) for before in waiting[:position]):
                continue
            if any(needs.clashes(place.needs) for place in self.taken):
                continue
            cards = self._free(needs)
            if cards is not None:
                place = Place(needs, cards, isolated=len(self.cards) > 1)
                self.taken.append(place)
                return position, place
        return None

    def give_back(self, place: Place) -> None:
        """The job has ended."""
        self.taken.remove(place)

    def _free(self, needs: Needs) -> tuple[Gpu, ...] | None:
        """The cards for it; None where too few are free."""
        if not needs.cards:
            return ()
        held = [card.token for place in self.taken for card in place.cards]
        free = [card for card in self.cards if card.token not in held]
        if needs.cards == 1:
            large = [card for card in free if card.free_bytes >= needs.memory]
            # Where no card is large enough, any will have to say so itself.
            hopeless = all(card.free_bytes < needs.memory for card in self.cards)
            fitting = free if hopeless else large
            return (min(fitting, key=lambda card: card.free_bytes),) if fitting else None
        for host in dict.fromkeys(card.host for card in free):
            whole = [card for card in free if not card.part and card.host == host]
            if len(whole) >= needs.cards:
                return tuple(whole[: needs.cards])
        return None


def addressable(cards: Sequence[Gpu]) -> tuple[Gpu, ...]:
    """The cards that jobs can be sent to: the first one alone where the driver names them not, or alike."""
    tokens = [card.token for card in cards]
    return tuple(cards) if all(tokens) and len(set(tokens)) == len(tokens) else tuple(cards[:1])


def needs_of(names: Iterable[str], spec: RunSpec, expected: Mapping[str, Expected], cards: Sequence[Gpu]) -> Needs:
    """Of a job that answers with these approaches. `expected`: the run's estimates, by approach."""
    items = {item.name: item for item in spec.approaches}
    chosen = [items[name] for name in names]
    local = [item for item in chosen if is_local(item.model)]
    embeds = any("embedder" in KINDS[item.kind].needs for item in chosen)
    endpoints = frozenset(endpoint_of(item.model) for item in chosen if item.model and not is_local(item.model))
    if cards and (local or embeds):
        memory = max((expected[i.name].memory_bytes or 0.0 for i in local if i.name in expected), default=0.0)
        spread = [spread_over(item, expected.get(item.name), cards) for item in local]
        count = max([1, *spread, *(asked_for(item, cards) for item in local)])
        return Needs(count, memory, endpoints=endpoints)
    processor: Literal["", "beside", "alone"] = ""
    if local or embeds:
        processor = "beside" if endpoints and not local else "alone"
    return Needs(processor=processor, endpoints=endpoints)


def asked_for(item: ApproachSpec, cards: Sequence[Gpu]) -> int:
    """Cards that a fine-tuning asks for with `devices`, as far as they are there; 1 where it does not."""
    asked = item.options.get("devices")
    return min(asked, len(_of_one_machine(cards))) if isinstance(asked, int) and asked > 1 else 1


def spread_over(item: ApproachSpec, expected: Expected | None, cards: Sequence[Gpu]) -> int:
    """Cards that weights are spread over: as few as hold them by the estimate, by powers of two; 1 where one does.

    Not for a fine-tuning: each of its processes needs all the weights.
    """
    whole = _of_one_machine(cards)
    if not whole or not is_local(item.model) or item.kind in METHODS:
        return 1
    needed = (expected.memory_bytes if expected else None) or 0.0
    if any(card.free_bytes >= needed for card in cards):
        return 1
    smallest, count = min(card.free_bytes for card in whole), 2
    while count < len(whole) and count * USABLE * smallest < needed:
        count *= 2  # heads and layers divide by it
    return min(count, len(whole))


def _of_one_machine(cards: Sequence[Gpu]) -> list[Gpu]:
    """The whole cards of the machine that has most of them."""
    hosts = {card.host: [one for one in cards if one.host == card.host and not one.part] for card in cards}
    return max(hosts.values(), key=len, default=[])


def is_local(model: ModelSpec | None) -> bool:
    """Weights that this machine computes with."""
    return model is not None and not is_endpoint(model)


def endpoint_of(model: ModelSpec) -> str:
    """Host and port, which share a rate limit whatever model is asked."""
    return urlsplit(model.base_url or OPENAI).netloc.rpartition("@")[2].lower()
