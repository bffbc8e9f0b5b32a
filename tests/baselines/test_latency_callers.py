"""The latency pass at an endpoint: callers, each of which sends its next request when its last one has ended."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest

from baselines.latency import measure_interleaved
from baselines.models.limits import Limits
from baselines.models.remote import RemoteModel, load
from baselines.prompting import PromptedApproach, ZeroShot
from reports.costs.tokens import TokenPrice
from reports.run.events import Event, Measured, Warned
from reports.run.schema import ApproachSpec, LatencySample, ModelSpec, Question
from reports.summary.latency import latency_summary
from tests.misbehaving_server import Server

COUNT, CALLERS = 18, 3
QUESTIONS = [Question(id=f"q{n}", input=f"text n{n}") for n in range(COUNT)]
Contender = Callable[..., PromptedApproach]


@pytest.fixture
def contender(world: Any) -> Iterator[Contender]:
    """`contender(server, name="a", limits=…)`: zero-shot through the server."""
    opened: list[RemoteModel] = []

    def make(server: Server, name: str = "a", limits: Limits | None = None) -> PromptedApproach:
        spec = ModelSpec(id="openai:test", base_url=server.url)
        model = load(spec, limits=limits or Limits(attempts=1))
        opened.append(model)
        entry = ApproachSpec(name=name, kind="zero-shot", model=spec)
        return PromptedApproach(entry, world.resources(questions=QUESTIONS), ZeroShot(), model=lambda: model)

    yield make
    for model in opened:
        model.close()


def number_of(body: dict[str, Any]) -> int:
    """Which question a request asks."""
    found = re.search(r"text n(\d+)", body["messages"][0]["content"])
    assert found is not None
    return int(found[1])


def measured(
    *approaches: PromptedApproach, level: int = CALLERS, taken: Sequence[tuple[str, str, int]] = ()
) -> tuple[list[Event], list[LatencySample]]:
    events: list[Event] = []
    measure_interleaved(approaches, QUESTIONS, taken, events.append, levels=(level,))
    return events, [event.sample for event in events if isinstance(event, Measured)]


def hold(server: Server, count: int) -> None:
    """Waits until so many requests are under way, and all of them held."""
    end = time.monotonic() + 20
    while not server.held == server.at_once == count:
        assert time.monotonic() < end, (server.held, server.at_once, count)
        time.sleep(0.005)


def test_as_many_as_there_are_callers_are_under_way_as_long_as_work_remains(
    serve: Callable[..., Server], contender: Contender
) -> None:
    server = serve(lambda number, body: "ok" if number <= CALLERS else "held")  # the warm-up passes
    samples: list[LatencySample] = []
    work = threading.Thread(target=lambda: samples.extend(measured(contender(server))[1]), daemon=True)
    work.start()
    for left in range(COUNT, 0, -1):
        hold(server, min(CALLERS, left))
        server.release()  # the youngest: the first request is under way to the very end, and holds nobody back
    work.join(20)
    assert server.most_at_once == CALLERS
    assert len(server.requests) == CALLERS + COUNT
    assert {sample.case for sample in samples} == {question.id for question in QUESTIONS}
    assert {(sample.concurrency, sample.load) for sample in samples} == {(CALLERS, "closed-loop")}


def test_each_answer_takes_what_the_endpoint_took_for_it_and_percentiles_follow(
    serve: Callable[..., Server], contender: Contender
) -> None:
    delays = [0.1 + 0.05 * (n * 5 % COUNT) for n in range(COUNT)]
    server = serve(lambda number, body: ("after", delays[number_of(body)]))
    samples = measured(contender(server))[1]
    slack = 0.3  # of a busy machine
    for sample in samples:
        expected = delays[int(sample.case[1:])]
        assert expected <= sample.seconds < expected + slack
        assert sample.ttft_seconds is not None
        assert expected <= sample.ttft_seconds <= sample.seconds
    (level,) = latency_summary(samples).levels
    assert level.n == COUNT
    assert np.median(delays) <= level.p50_seconds < np.median(delays) + slack
    assert level.loads == ("closed-loop",)


def test_approaches_take_turns_in_blocks(serve: Callable[..., Server], contender: Contender) -> None:
    server = serve(lambda number, body: "ok")
    two = [contender(server, "a"), contender(server, "b")]
    order = [sample.approach for sample in measured(*two, level=2)[1]]
    assert order == ["a"] * 8 + ["b"] * 8 + ["a"] * 10 + ["b"] * 10, "at least four requests of each caller"


def test_only_what_is_missing_is_measured_again_with_as_many_under_way(
    serve: Callable[..., Server], contender: Contender
) -> None:
    server = serve(lambda number, body: "ok")
    taken = [("a", question.id, CALLERS) for question in QUESTIONS if question.id != "q7"]
    _, samples = measured(contender(server), taken=taken)
    assert sorted(sample.case for sample in samples) == ["q0", "q1", "q7"]


def test_a_fault_ends_the_sending_and_keeps_what_was_measured(
    serve: Callable[..., Server], contender: Contender
) -> None:
    server = serve(lambda number, body: "unauthorized" if number == 2 * CALLERS else "ok")
    events, samples = measured(contender(server))
    assert [event.approach for event in events if isinstance(event, Warned)] == ["a"]
    assert len(server.requests) < 2 * CALLERS + CALLERS, "those that were under way end, and no other is sent"
    assert len(samples) == sum(server.answered.values()) - CALLERS


def test_a_budget_holds_for_all_callers_together(serve: Callable[..., Server], contender: Contender) -> None:
    server = serve(lambda number, body: "ok")
    price = TokenPrice("test", input=1_000.0, output=1_000.0)
    approach = contender(server, limits=Limits(budget_usd=0.2, price=price, attempts=1))
    events, _ = measured(approach)
    spent = sum(len(text.split()) + 1 for text in server.answered.elements()) * price.input / 1e6
    assert 0 < spent <= 0.2
    assert any("budget" in event.text for event in events if isinstance(event, Warned))
    assert len(server.requests) < CALLERS + COUNT
