"""How long the answering of a run takes where jobs go side by side: the estimates laid out as they will be started.

    found = timetable(prepared.spec, estimated, machine.cards)
    found.seconds, found.at_once        # (low, best guess, high) until the last job ends; most of them at a time

Plays `placement` through three times, with the low, the likely and the high seconds. Knows no process and no clock.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

from advisor.gpus import Gpu
from advisor.placement import Needs, Place, Room, addressable, needs_of
from advisor.stopping import why_not
from baselines.jobs import Job, answering_jobs
from reports.run.schema import Expected, RunSpec, Span


@dataclass(frozen=True)
class Timetable:
    """The jobs of a run, laid out."""

    seconds: Span | None
    """Until all have answered; None where nothing is known of any."""
    jobs: int
    at_once: int
    """Most jobs at the same time, of those that hold something."""


def timetable(spec: RunSpec, expected: Sequence[Expected], cards: Sequence[Gpu]) -> Timetable:
    """`expected`: the estimates of the approaches; without one an approach counts as done at once."""
    named = {one.approach: one for one in expected}
    jobs = answering_jobs(Job(id="", action="answer", run="", approaches=()), spec.approaches)
    cards = addressable(cards)
    needs = [needs_of(job.approaches, spec, named, cards) for job in jobs]
    looks = spec.decision.stop_early and why_not(spec.metrics[0], spec.data.groups) is None
    most = 1 if looks else spec.parallel or 0
    ends, peaks = [], []
    for end in range(3):
        lasting = [sum(_seconds(named.get(name), end) for name in job.approaches) for job in jobs]
        ended, peak = _played(needs, lasting, Room(cards, most))
        ends.append(ended)
        peaks.append(peak)
    known = any(one.seconds for one in expected)
    return Timetable((ends[0], ends[1], ends[2]) if known else None, len(jobs), max(peaks))


def _seconds(one: Expected | None, end: int) -> float:
    return one.seconds[end] if one is not None and one.seconds is not None else 0.0


def _played(needs: Sequence[Needs], lasting: Sequence[float], room: Room) -> tuple[float, int]:
    """(when the last job ends, most at a time)."""
    waiting = list(zip(needs, lasting, strict=True))
    under_way: list[tuple[float, int, Place]] = []
    now, peak, number = 0.0, 0, 0
    while waiting or under_way:
        while (found := room.next([each for each, _ in waiting])) is not None:
            heapq.heappush(under_way, (now + waiting.pop(found[0])[1], number, found[1]))
            number += 1
        peak = max(peak, sum(place.needs != Needs() for place in room.taken))
        now, _, place = heapq.heappop(under_way)
        room.give_back(place)
    return now, peak
