"""The pace of an endpoint on a clock that only sleeping moves, and what headers say."""

from __future__ import annotations

import asyncio

import pytest

from baselines.models.limits import Limits
from baselines.models.pacing import Pace, Ticket, asked_wait, seconds_of


class Clock:
    """Time that passes when someone sleeps."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        await asyncio.sleep(0)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def pace_of(clock: Clock, limits: Limits | None = None) -> Pace:
    return Pace(limits or Limits(), clock, clock.sleep)


async def answered_round(pace: Pace, count: int) -> None:
    """So many requests at once, all answered."""
    tickets = [await pace.start(1) for _ in range(count)]
    for ticket in tickets:
        pace.succeeded(ticket, 1)
        pace.end(ticket)


async def test_slow_start_grows_ever_faster_up_to_the_most(clock: Clock) -> None:
    pace = pace_of(clock, Limits(max_concurrency=16))
    seen = []
    for _ in range(8):
        seen.append(int(pace.allowed))
        await answered_round(pace, int(pace.allowed))
    assert seen[0] == 2
    assert seen == sorted(seen)
    assert seen[3] >= 7
    assert seen[-1] == 16


async def test_a_storm_of_refusals_halves_once_and_lets_one_probe_through(clock: Clock) -> None:
    pace = pace_of(clock)
    pace.allowed = 16.0
    tickets = [await pace.start(1) for _ in range(16)]
    clock.now += 1
    for ticket in tickets:
        pace.refused(ticket, None)
        pace.end(ticket)
    assert pace.allowed == 8.0
    probe = await pace.start(1)
    blocked = asyncio.ensure_future(pace.start(1))
    await asyncio.sleep(0.01)
    assert not blocked.done()
    pace.succeeded(probe, 1)
    pace.end(probe)
    assert isinstance(await blocked, Ticket)


async def test_requests_that_hang_hold_no_probe_back(clock: Clock) -> None:
    pace = pace_of(clock)
    hanging, refused = [await pace.start(1) for _ in range(2)]
    clock.now += 1
    pace.refused(refused, 0.0)
    pace.end(refused)
    probe = await asyncio.wait_for(pace.start(1), 1)
    assert probe.started < hanging.started + 2
    clock.now += 2  # the probe hangs, too
    assert (await asyncio.wait_for(pace.start(1), 1)).started >= probe.started + 2


async def test_a_request_that_hangs_among_quick_ones_holds_no_place_and_halves_nothing(clock: Clock) -> None:
    pace = pace_of(clock)
    await answered_round(pace, 2)
    pace.allowed = 1.0
    hanging = await pace.start(1)
    blocked = asyncio.ensure_future(pace.start(1))
    await asyncio.sleep(0.01)
    assert not blocked.done()
    clock.now += 0.3
    quick = await asyncio.wait_for(blocked, 2)
    pace.succeeded(quick, 1)
    pace.end(quick)
    pace.allowed = 4.0
    pace.timed_out(hanging)
    assert pace.allowed == 4.0


async def test_no_more_hang_than_have_a_place_and_slow_answers_still_halve(clock: Clock) -> None:
    pace = pace_of(clock, Limits(max_concurrency=16))
    await answered_round(pace, 2)
    pace.allowed = 8.0
    for _ in range(2):  # the endpoint has stalled altogether
        tickets = [await asyncio.wait_for(pace.start(1), 1) for _ in range(8)]
        clock.now += 1
    blocked = asyncio.ensure_future(pace.start(1))
    await asyncio.sleep(0.01)
    assert not blocked.done()
    blocked.cancel()
    for ticket in tickets:
        clock.now += 10
        pace.succeeded(ticket, 1)
        pace.end(ticket)
    late = await pace.start(1)
    clock.now += 2
    pace.allowed = 8.0
    pace.timed_out(late)
    assert pace.allowed == 4.0


async def test_growth_after_a_refusal_is_one_a_round(clock: Clock) -> None:
    pace = pace_of(clock)
    pace.allowed = 16.0
    ticket = await pace.start(1)
    pace.refused(ticket, 0.0)
    pace.end(ticket)
    await answered_round(pace, 1)
    await answered_round(pace, 8)
    assert 8.0 < pace.allowed <= 9.0


async def test_nobody_leaves_before_the_wait_that_the_endpoint_asked_for(clock: Clock) -> None:
    pace = pace_of(clock)
    ticket = await pace.start(1)
    pace.refused(ticket, 7.5)
    pace.end(ticket)
    refused_at = clock.now
    assert (await pace.start(1)).started >= refused_at + 7.5


async def test_probes_of_a_long_storm_waste_little_and_are_few(clock: Clock) -> None:
    pace = pace_of(clock)
    began = clock.now
    probes = 0
    while True:
        ticket = await pace.start(1)
        probes += 1
        if clock.now - began >= 60:  # a window of a minute that says nothing
            break
        pace.refused(ticket, None)
        pace.end(ticket)
    assert clock.now - began < 60 * 1.25
    assert probes < 40


@pytest.mark.parametrize("tokens", [1, 50, 1_000])
async def test_caps_hold_over_any_minute(clock: Clock, tokens: int) -> None:
    pace = pace_of(clock, Limits(requests_per_minute=600, tokens_per_minute=6_000))
    began = clock.now
    for _ in range(200):
        ticket = await pace.start(tokens)
        pace.succeeded(ticket, tokens)
        pace.end(ticket)
    minutes = (clock.now - began) / 60
    assert 600 * minutes + 10 + 1 >= 200
    assert 6_000 * minutes + 100 + 1 >= (200 - 1) * tokens
    assert minutes <= 1.01 * max(200 / 600, 200 * tokens / 6_000)


async def test_tokens_that_were_not_used_are_given_back_to_the_cap(clock: Clock) -> None:
    pace = pace_of(clock, Limits(tokens_per_minute=6_000))
    began = clock.now
    for _ in range(60):
        ticket = await pace.start(1_000)
        pace.succeeded(ticket, 100)
        pace.end(ticket)
    assert clock.now - began < 70


async def test_rate_limit_headers_hold_requests_back_until_the_reset(clock: Clock) -> None:
    pace = pace_of(clock)
    pace.observe({"x-ratelimit-remaining-requests": "1", "x-ratelimit-reset-requests": "6m0s"})
    first = await pace.start(1)
    assert first.started == 100.0
    assert (await pace.start(1)).started >= 100.0 + 300  # six minutes, but never longer than the patience


async def test_a_request_larger_than_the_tokens_left_waits_for_the_reset(clock: Clock) -> None:
    pace = pace_of(clock)
    pace.observe({"x-ratelimit-remaining-tokens": "500", "x-ratelimit-reset-tokens": "20s"})
    assert (await pace.start(100)).started == 100.0
    assert (await pace.start(450)).started >= 120.0


async def test_patience_ends_when_everything_was_refused_for_its_length(clock: Clock) -> None:
    pace = pace_of(clock, Limits(patience_seconds=5))
    while not pace.starved():
        ticket = await pace.start(1)
        pace.refused(ticket, None)
        pace.end(ticket)
    assert 5 < clock.now - 100 < 10


async def test_a_cancelled_wait_leaves_the_gate_open_for_others(clock: Clock) -> None:
    pace = pace_of(clock)
    tickets = [await pace.start(1) for _ in range(2)]
    waiting = asyncio.ensure_future(pace.start(1))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    for ticket in tickets:
        pace.end(ticket)
    assert isinstance(await asyncio.wait_for(pace.start(1), 1), Ticket)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"retry-after": "2"}, 2.0),
        ({"retry-after": "0.05"}, 0.05),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "Thu, 01 Jan 1970 00:00:30 GMT"}, 20.0),
        ({"retry-after": "Thu, 01 Jan 1970 00:00:01 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "nan"}, None),
        ({}, None),
    ],
)
def test_retry_after_in_its_forms(headers: dict[str, str], expected: float | None) -> None:
    assert asked_wait(headers, wall=lambda: 10.0) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("20ms", 0.02), ("1s", 1.0), ("6m0s", 360.0), ("1h2m", 3720.0), ("12.5", 12.5), ("whenever", None), ("1s?", None)],
)
def test_durations_of_reset_headers(text: str, expected: float | None) -> None:
    assert seconds_of(text) == expected
