"""1,000 requests against a server that misbehaves: none lost or counted twice, and time against its rate limit.

python -m tests.bench.endpoint            # about two minutes; one line a limit, exit code 1 where one is missed

The server keeps a bucket as providers do. "fastest" is what its rate allows: (requests that it counted - burst) / rate.
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any

from baselines.models.contract import Decoding, Generation
from baselines.models.limits import BudgetReached, Limits
from baselines.models.remote import load
from baselines.prompts import Prompt
from reports.costs.tokens import TokenPrice
from reports.run.schema import ModelSpec
from tests.misbehaving_server import Bucket, Server

PRICE = TokenPrice("bench", input=1000.0, output=5000.0, cached_input=500.0)
FAULTS = (
    *("busy", "busy-hint", "error", "hang", "cut", "invalid-json", "empty-choices"),
    *("slow", "no-usage", "wrong-usage"),
)
TIMEOUT_SECONDS = 2.0
"""After which a request that hangs is given up; every other one is answered within a fraction of it."""
MOST = 1.3


def script(number: int, body: dict[str, Any], seen: set[str]) -> str:
    """One prompt in five meets a fault at its first attempt."""
    prompt = body["messages"][0]["content"]
    index = int(prompt.rpartition("word")[2])
    if prompt in seen or index % 5:
        return "ok"
    seen.add(prompt)
    return FAULTS[(index // 5) % len(FAULTS)]


def measure(requests: int, rate: float, *, hint: bool, cap: bool) -> bool:
    """One line; True where everything holds."""
    seen: set[str] = set()
    burst = rate / 4
    server = Server(lambda number, body: script(number, body, seen), bucket=Bucket(rate, burst), hint=hint).start()
    limits = Limits(
        requests_per_minute=60 * rate if cap else None,
        first_wait_seconds=0.05,
        price=PRICE,
        timeout_seconds=TIMEOUT_SECONDS,
    )
    model = load(ModelSpec(id="openai:bench", base_url=server.url), limits=limits)
    model.generate_one(Prompt("say hello word1"), Decoding(max_new_tokens=8))  # imports, connection
    started = time.perf_counter()
    found: list[Generation] = []
    for batch in model.generate([Prompt(f"say word{i}") for i in range(requests)], Decoding(max_new_tokens=8)):
        found.extend(batch)
    seconds = time.perf_counter() - started
    model.close()
    server.stop()
    lost = requests - len({g.index for g in found if g.status == "ok"})
    double = sum(count - 1 for count in server.answered.values()) + len(found) - len({g.index for g in found})
    fastest = (requests - burst) / rate
    fine = not lost and not double and seconds <= MOST * fastest
    name = f"{'Retry-After' if hint else 'no Retry-After'}, {'own cap' if cap else 'no cap of ours'}"
    refused = len(server.requests) - sum(server.answered.values())
    print(  # noqa: T201
        f"{name:32} {seconds:6.1f} s, fastest {fastest:5.1f} s: {seconds / fastest:.2f}x, lost {lost}, "
        f"double {double}, refused {refused}{'' if fine else '   MISSED'}"
    )
    return fine


def keep_budget(requests: int, budget: float) -> bool:
    """The server's own bill against the budget, under faults that may have been billed."""
    seen: set[str] = set()
    server = Server(lambda number, body: script(number, body, seen)).start()
    limits = Limits(budget_usd=budget, price=PRICE, first_wait_seconds=0.05, timeout_seconds=TIMEOUT_SECONDS)
    model = load(ModelSpec(id="openai:bench", base_url=server.url), limits=limits)
    found: list[Generation] = []
    try:
        for batch in model.generate([Prompt(f"say word{i}") for i in range(requests)], Decoding(max_new_tokens=8)):
            found.extend(batch)
    except BudgetReached:
        pass
    spent = model.spent_usd
    model.close()
    server.stop()
    bill = sum(server.answered.values()) * PRICE.of(2, 1, 1)
    fine = bill <= spent + 1e-9 and spent <= budget and len(found) < requests
    print(  # noqa: T201
        f"budget ${budget:.2f}: counted ${spent:.4f}, the server's bill ${bill:.4f}, {len(found)} answers"
        f"{'' if fine else '   MISSED'}"
    )
    return fine


def main() -> int:
    """Exit code 1 where a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=1_000)
    parser.add_argument("--rate", type=float, default=40.0, help="requests a second that the server takes")
    said = parser.parse_args()
    fine = [measure(said.requests, said.rate, hint=hint, cap=cap) for hint in (True, False) for cap in (False, True)]
    fine.append(keep_budget(said.requests, 3.0))
    return 0 if all(fine) else 1


if __name__ == "__main__":
    sys.exit(main())
