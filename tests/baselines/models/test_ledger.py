"""One budget over several processes: nothing above it, no line lost, what a killed one left open counts in full."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from baselines.models.ledger import FILE, Ledger, close_open, spent_of

SPENDER = """
import sys
from pathlib import Path
from baselines.models.ledger import Ledger
ledger, count = Ledger(Path(sys.argv[1]), owner=sys.argv[2]), 0
while (entry := ledger.reserve(sys.argv[2], 0.01, most_of_all=3.0)) is not None:
    ledger.settle(entry, 0.005)
    count += 1
print(count)
ledger.close()
"""


def test_four_processes_spend_one_budget_to_its_end_and_not_beyond(tmp_path: Path) -> None:
    path = tmp_path / FILE
    spenders = [
        subprocess.Popen([sys.executable, "-c", SPENDER, str(path), str(owner)], stdout=subprocess.PIPE, text=True)
        for owner in range(4)
    ]
    counts = [int(spender.communicate(timeout=60)[0]) for spender in spenders]
    numbers = [json.loads(line)["request"] for line in path.read_text(encoding="utf-8").splitlines()]
    assert sorted(numbers) == sorted([*range(1, sum(counts) + 1)] * 2), "each request is reserved and billed once"
    assert sum(spent_of(path).values()) == pytest.approx(sum(counts) * 0.005)
    assert 3.0 - 4 * 0.01 <= sum(spent_of(path).values()) <= 3.0
    assert {owner: round(usd / 0.005) for owner, usd in spent_of(path).items()} == {
        str(owner): count for owner, count in enumerate(counts) if count
    }


def test_what_another_owner_has_on_its_way_is_reserved_and_its_bill_is_seen(tmp_path: Path) -> None:
    first, second = (Ledger(tmp_path / FILE, owner=name) for name in ("1", "2"))
    entry = first.reserve("a", 0.6)
    assert entry is not None
    assert second.reserve("b", 0.5, most_of_all=1.0) is None
    assert (second.open, second.spent()) == (1, 0.0)
    first.settle(entry, 0.1)
    assert second.reserve("b", 0.5, most_of_all=1.0) is not None
    assert second.spent("a") == pytest.approx(0.1)
    first.close()
    second.close()


def test_an_owner_that_was_killed_holds_a_budget_until_it_is_said_and_counts_in_full(tmp_path: Path) -> None:
    path = tmp_path / FILE
    hangs = SPENDER.replace("ledger.settle(entry, 0.005)", "print('reserved', flush=True); import time; time.sleep(60)")
    killed = subprocess.Popen([sys.executable, "-c", hangs, str(path), "77"], stdout=subprocess.PIPE, text=True)
    assert killed.stdout is not None
    assert killed.stdout.readline() == "reserved\n"
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    other = Ledger(path, owner="78")
    held = other.reserve("b", 0.02)
    assert held is not None
    assert other.reserve("b", 0.02, most_of_all=0.045) is None
    assert close_open(path, "77") == pytest.approx(0.01)
    assert close_open(path, "77") == 0.0, "once"
    assert other.reserve("b", 0.02, most_of_all=0.045) is None
    assert other.spent() == pytest.approx(0.01)
    assert other.open == 1, "what is alive is still on its way"
    other.settle(held, 0.02)
    other.close()
    assert spent_of(path) == {"77": pytest.approx(0.01), "b": pytest.approx(0.02)}


def test_a_bill_that_comes_late_replaces_the_worst_case(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / FILE, owner="1")
    entry = ledger.reserve("a", 0.5)
    assert entry is not None
    assert close_open(tmp_path / FILE) == 0.5
    ledger.settle(entry, 0.2)
    assert ledger.spent() == pytest.approx(0.2)
    ledger.close()
    assert spent_of(tmp_path / FILE) == {"a": pytest.approx(0.2)}


def test_a_torn_line_of_a_killed_writer_is_cut_off_by_the_next_one(tmp_path: Path) -> None:
    path = tmp_path / FILE
    first, second = Ledger(path, owner="1"), Ledger(path, owner="2")
    assert first.reserve("a", 0.1)
    with path.open("a", encoding="utf-8") as stream:
        stream.write('{"request": 2, "account": "a", "res')
    assert second.reserve("a", 0.1)
    assert first.reserve("a", 0.1)
    first.close()
    second.close()
    assert [json.loads(line)["request"] for line in path.read_text(encoding="utf-8").splitlines()] == [1, 2, 3]
    assert close_open(tmp_path / "none.jsonl") == 0.0
