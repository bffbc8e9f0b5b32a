"""How fast to ask an endpoint: finds the concurrency it bears, obeys its waits, keeps the caller's caps.

Slow start (one more request in flight for each answer: nearly a doubling a round trip) until the first 429 or time-out;
then half, and one more a round: TCP's additive increase, multiplicative decrease (RFC 5681). A refusal pauses every
request, because limits belong to the account. While refusals last, one request alone probes, after waits that grow
with the length of the storm: by a fifth, so that at most a fifth of the waiting is wasted. A request that is out for
several times as long as others took hangs: it holds no place, and its time-out says nothing of the load.

    ticket = await pace.start(tokens=300)     # returns when the request may leave
    try: ...
    finally: pace.end(ticket)

For the latency of so many requests at a time the caller opens the gate to them (`open_to`) and is told afterwards
whether they were `held` back.

Knows no HTTP library: headers are a mapping of lower-case names to texts. Lives in one event loop.
"""

from __future__ import annotations

import asyncio
import math
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from baselines.models.limits import Limits

Headers = Mapping[str, str]

FIRST_IN_FLIGHT = 2.0
STORM_SHARE = 0.2
"""Of the time since the first refusal of a storm: the wait before the next probe."""
PROBE_SECONDS = 2.0
"""After which a probe that was neither answered nor refused no longer holds the next one back."""
HANGS = 4.0
"""Times the usual time of an answer: a request that is out for longer hangs, and holds no place."""
HANGS_SECONDS = 0.25
"""At least that long."""
HUNG = 4
"""Requests that may hang beside those that have a place; as many as have one, where that is more."""
BURST_SECONDS = 1.0
"""How much of a cap may be used at once after a pause."""
NO_TIME = 1e-6
"""Seconds that are rounding errors of the buckets, not waits."""
UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


@dataclass(frozen=True, eq=False)
class Ticket:
    """One request in flight."""

    started: float
    tokens: int


class Cap:
    """A rate of so many units a minute, as a bucket that fills evenly."""

    def __init__(self, per_minute: float, now: float) -> None:
        self.rate = per_minute / 60.0
        self.most = max(1.0, self.rate * BURST_SECONDS)
        self.level = self.most
        self.at = now

    def wait(self, need: float, now: float) -> float:
        """Seconds until `need` may be taken; more than the bucket holds is let through when it is full."""
        self.level = min(self.most, self.level + (now - self.at) * self.rate)
        self.at = now
        return max(0.0, (min(need, self.most) - self.level) / self.rate)

    def take(self, amount: float) -> None:
        self.level -= amount


@dataclass
class Window:
    """What the endpoint says is left until a moment."""

    left: float = math.inf
    until: float = 0.0

    def wait(self, need: float, now: float) -> float:
        return self.until - now if need > self.left and now < self.until else 0.0


class Pace:
    """The gate in front of one endpoint."""

    def __init__(
        self,
        limits: Limits,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.limits = limits
        self.clock = clock
        self._sleep = sleep
        self.allowed = FIRST_IN_FLIGHT
        """Requests in flight that the endpoint seems to bear."""
        self.held = False
        """Since `open_to`: a request had to wait, so that fewer were in flight than asked for."""
        self._flying: set[Ticket] = set()
        self._threshold = float(limits.max_concurrency)
        self._cut_at = -math.inf
        self._usual: float | None = None
        """Seconds of an answer, of late."""
        self._resume_at = 0.0
        self._storm_since: float | None = None
        now = clock()
        self._requests = Cap(limits.requests_per_minute, now) if limits.requests_per_minute else None
        self._tokens = Cap(limits.tokens_per_minute, now) if limits.tokens_per_minute else None
        self._windows = {"requests": Window(), "tokens": Window()}
        self._turn = asyncio.Lock()
        self._freed = asyncio.Event()

    def open_to(self, requests: int) -> None:
        """So many at once from now on, without the slow start; what the endpoint refuses cuts it down as ever."""
        self.allowed = min(float(self.limits.max_concurrency), max(self.allowed, float(requests)))
        self.held = False

    async def start(self, tokens: int) -> Ticket:
        """Waits for a place, for pauses to end and for the caps. First come, first served."""
        async with self._turn:
            while True:
                if (full := self._full()) > 0:
                    self.held = True
                    await self._place(full)
                elif (wait := self._wait(tokens)) > NO_TIME:
                    self.held = True
                    await self._sleep(wait)
                else:
                    break
            self._take(tokens)
            ticket = Ticket(self.clock(), tokens)
            self._flying.add(ticket)
            return ticket

    def end(self, ticket: Ticket) -> None:
        """The request is over, however it ended."""
        self._flying.discard(ticket)
        self._freed.set()

    def succeeded(self, ticket: Ticket, tokens: int) -> None:
        """An answer came and took so many tokens (before `end`): grow, if half the places are in use."""
        self._storm_since = None
        took = self.clock() - ticket.started
        self._usual = took if self._usual is None else 0.9 * self._usual + 0.1 * took
        if self._tokens is not None:
            self._tokens.take(tokens - ticket.tokens)
        if 2 * len(self._flying) >= int(self.allowed):
            step = 1.0 if self.allowed < self._threshold else 1.0 / self.allowed
            self.allowed = min(float(self.limits.max_concurrency), self.allowed + step)

    def refused(self, ticket: Ticket, wait: float | None) -> None:
        """The endpoint said "too many": halve, and let nobody go before `wait` seconds (None: it did not say)."""
        now = self.clock()
        self._halve(ticket)
        if self._storm_since is None:
            self._storm_since = now
        grown = STORM_SHARE * (now - self._storm_since)
        least = self.limits.first_wait_seconds if wait is None else wait
        self._resume_at = max(self._resume_at, now + max(least, grown))

    def timed_out(self, ticket: Ticket) -> None:
        """Too many at once make answers slow: halve, without a pause. One that hung among quick ones says nothing."""
        if self._hangs_after() >= self.clock() - ticket.started:
            self._halve(ticket)

    def observe(self, headers: Headers) -> None:
        """Takes in the x-ratelimit headers of any response."""
        now = self.clock()
        for kind, window in self._windows.items():
            left = _number(headers.get(f"x-ratelimit-remaining-{kind}"))
            reset = seconds_of(headers.get(f"x-ratelimit-reset-{kind}"))
            if left is not None and reset is not None:
                window.left, window.until = left, now + min(reset, self.limits.patience_seconds)

    def starved(self) -> bool:
        """True when everything has been refused for longer than the caller's patience."""
        since = self._storm_since
        return since is not None and self.clock() - since > self.limits.patience_seconds

    def _full(self) -> float:
        """Seconds for which there is no place (infinite: until one is given back); 0 where there is one.

        In a storm one probe flies alone, whatever else is still out from before; if it hangs, another one follows.
        """
        now, hangs = self.clock(), self._hangs_after()
        if self._storm_since is None:
            places = max(1, int(self.allowed))
            moving = [ticket.started for ticket in self._flying if now - ticket.started < hangs]
            hung = len(self._flying) - len(moving)
            spare = max(HUNG, places) - hung
            if len(moving) < places + min(0, spare) and len(self._flying) < self.limits.max_concurrency:
                return 0.0
            return min(moving) + hangs - now if moving and spare > 0 else math.inf
        probes = [ticket.started for ticket in self._flying if ticket.started >= self._storm_since]
        return max(0.0, max(probes) + min(PROBE_SECONDS, hangs) - now) if probes else 0.0

    def _hangs_after(self) -> float:
        """Seconds; infinite while nothing was answered."""
        return math.inf if self._usual is None else max(HANGS_SECONDS, HANGS * self._usual)

    async def _place(self, most: float) -> None:
        """Until a request ends, or so many seconds."""
        self._freed.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(most if math.isfinite(most) else None):
                await self._freed.wait()

    def _wait(self, tokens: int) -> float:
        now = self.clock()
        waits = [self._resume_at - now]
        waits += [self._windows["requests"].wait(1, now), self._windows["tokens"].wait(tokens, now)]
        waits += [self._requests.wait(1, now)] if self._requests else []
        waits += [self._tokens.wait(tokens, now)] if self._tokens else []
        return max(waits)

    def _take(self, tokens: int) -> None:
        self._windows["requests"].left -= 1
        self._windows["tokens"].left -= tokens
        if self._requests is not None:
            self._requests.take(1)
        if self._tokens is not None:
            self._tokens.take(tokens)

    def _halve(self, ticket: Ticket) -> None:
        """Once for all requests that left before the last cut: they are one sign, not many."""
        if ticket.started > self._cut_at:
            self._threshold = self.allowed = max(1.0, self.allowed / 2)
            self._cut_at = self.clock()


def asked_wait(headers: Headers, wall: Callable[[], float] = time.time) -> float | None:
    """Seconds of Retry-After (seconds or an HTTP date) or retry-after-ms; None where there is none to be read."""
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    text = headers.get("retry-after")
    if text is None:
        return None
    plain = _number(text)
    if plain is not None:
        return plain
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - wall())
    except (ValueError, TypeError, OverflowError):
        return None


def seconds_of(text: str | None) -> float | None:
    """`20ms`, `1s`, `6m0s` or a plain number of seconds; None for anything else."""
    if text is None:
        return None
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)", text)
    if parts and "".join(number + unit for number, unit in parts) == text.strip():
        return sum(float(number) * UNITS[unit] for number, unit in parts)
    return _number(text)


def _number(text: str | None) -> float | None:
    """A finite number from 0, or None."""
    try:
        value = float(text) if text is not None else math.nan
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None
