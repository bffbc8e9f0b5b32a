"""The latency pass in words: every figure with its interval, its n and how it was taken."""

from __future__ import annotations

import pytest

from reports.run.schema import LatencySample
from reports.summary.latency import latency_summary
from reports.summary.model import ApproachSummary, Estimate
from reports.waiting import concurrency_table, latency_facts


def approach(*samples: LatencySample) -> ApproachSummary:
    empty = Estimate(value=None)
    return ApproachSummary(
        name="rag", kind="rag", quality=empty, quality_answered=empty, latency=latency_summary(samples)
    )


def sample(number: int, concurrency: int = 1, phase: str = "warm") -> LatencySample:
    return LatencySample(
        case=str(number),
        approach="rag",
        seconds=(number + 1) / 100,
        ttft_seconds=(number + 1) / 1000,
        completion_tokens=10,
        concurrency=concurrency,
        phase=phase,
        scope="request",
    )


def test_each_concurrency_has_its_line_and_the_pass_its_sentence() -> None:
    found = approach(*(sample(n) for n in range(100)), *(sample(n, 4) for n in range(24)), sample(199, phase="cold"))
    facts = dict(latency_facts(found))
    assert facts["Latency, one at a time"] == (
        "median 0.51 s (0.41 s to 0.60 s); p95 0.95 s (0.91 s to 0.99 s); first token 50 ms (41 ms to 60 ms), "
        "p95 95 ms; 20 answer tokens a second (17 to 25); 100 requests"
    )
    assert facts["Latency, 4 at a time"].endswith("answer tokens a second for each caller (58 to 130); 24 requests")
    assert facts["Cold start"].startswith("2.0 s for the first request")
    assert "embedding and search included" in facts["How latency was measured"]
    assert "100 requests one at a time, then 24 requests 4 at a time" in facts["How latency was measured"]
    assert "the next ones when the last answer has come" in facts["How latency was measured"]
    assert "leave together" not in dict(latency_facts(approach(sample(0))))["How latency was measured"]
    table = concurrency_table([found])
    assert table is not None
    assert [row[1].text for row in table.rows] == ["1", "4"]
    assert "p95 needs 72 requests" in table.rows[1][3].note


def test_how_several_requests_followed_each_other_is_said_of_each_figure() -> None:
    looped = [sample(n, 4).model_copy(update={"load": "closed-loop"}) for n in range(24)]
    loop, both = approach(sample(0), *looped), approach(*looped, sample(0, 4))
    how = dict(latency_facts(loop))["How latency was measured"]
    assert "each caller sends its next request when its last one has ended" in how
    assert "leave together" not in how
    assert "leave together" in dict(latency_facts(both))["How latency was measured"]
    table = concurrency_table([loop])
    assert table is not None
    assert [row[1].note for row in table.rows] == ["", "closed loop"]
    assert "Closed loop: each caller" in table.caption
    assert "In rounds" not in table.caption
    mixed = concurrency_table([both])
    assert mixed is not None
    assert mixed.rows[0][1].note == "closed loop and in rounds"
    assert "In rounds: they leave together" in mixed.caption


def test_merged_weights_have_a_line_of_their_own_and_move_no_other_figure() -> None:
    alone = [sample(n) for n in range(30)]
    merged = [sample(n).model_copy(update={"merged": True, "seconds": 9.0}) for n in range(30)]
    found = approach(*(one.model_copy(update={"merged": False}) for one in alone), *merged)
    assert found.latency.p50_seconds == approach(*alone).latency.p50_seconds
    facts = dict(latency_facts(found))
    assert facts["The same with merged weights, one at a time"].startswith("median 9.0 s")
    assert "30 requests one at a time," in facts["How latency was measured"]


def test_nothing_is_said_of_what_was_not_measured() -> None:
    assert latency_facts(approach()) == []
    assert concurrency_table([approach(sample(0))]) is None


@pytest.mark.parametrize(("requests", "p95", "p99"), [(71, False, False), (72, True, False), (368, True, True)])
def test_a_percentile_is_refused_below_the_requests_that_bound_it(requests: int, p95: bool, p99: bool) -> None:
    latency = approach(*map(sample, range(requests))).latency
    level = latency.levels[0]
    assert (latency.p95_seconds is not None, level.p99_seconds is not None) == (p95, p99)
    assert ("needs 72 requests" in latency.p95_refused) == (not p95)
    assert ("p99" in dict(latency_facts(approach(*map(sample, range(requests)))))["Latency, one at a time"]) == p99
