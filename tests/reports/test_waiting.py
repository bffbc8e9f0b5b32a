"""The latency pass in words: every figure with its interval, its n and how it was taken."""

from __future__ import annotations

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
        "p95 95 ms; 20 answer tokens a second; 100 requests"
    )
    assert facts["Latency, 4 at a time"].endswith("24 requests")
    assert facts["Cold start"].startswith("2.0 s for the first request")
    assert "embedding and search included" in facts["How latency was measured"]
    assert "100 requests one at a time, then 24 requests 4 at a time" in facts["How latency was measured"]
    assert "the next ones when the last answer has come" in facts["How latency was measured"]
    assert "leave together" not in dict(latency_facts(approach(sample(0))))["How latency was measured"]
    table = concurrency_table([found])
    assert table is not None
    assert [row[1].text for row in table.rows] == ["1", "4"]
    assert "p95 needs 72 requests" in table.rows[1][3].note


def test_nothing_is_said_of_what_was_not_measured() -> None:
    assert latency_facts(approach()) == []
    assert concurrency_table([approach(sample(0))]) is None
