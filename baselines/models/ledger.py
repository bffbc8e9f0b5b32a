"""What a run has spent at endpoints, in dollars, kept on disk so that a budget counts over kills and resumes.

    ledger = Ledger(Path("artifacts/spending.jsonl"))
    entry = ledger.reserve("a1b2", 0.004)        # written before the request leaves
    ledger.settle(entry, 0.0011)                 # what was really billed
    ledger.spent("a1b2"), ledger.spent()         # of one model, of the run

A request that was on its way when the process was killed may have been billed: it counts at its worst case.
One process writes at a time; within it any thread may.
"""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from reports.run.journal import Journal, read_lines

FILE = "spending.jsonl"
"""Below the run's artifacts."""


@dataclass(frozen=True)
class Entry:
    """One reservation."""

    number: int
    account: str
    usd: float


class Ledger:
    """Dollars spent and reserved, by account (a model). Without a path nothing outlives the process."""

    def __init__(self, path: Path | None = None) -> None:
        self._lock = threading.RLock()
        self._spent: defaultdict[str, float] = defaultdict(float)
        self._reserved: defaultdict[str, float] = defaultdict(float)
        self._open: set[int] = set()
        self._numbers = 0
        self._path = path
        self._journal: Journal | None = None
        if path is not None:
            self._spent.update(spent_of(path))
            self._numbers = _last_number(path)

    @property
    def open(self) -> int:
        """Requests whose bill is not known yet."""
        return len(self._open)

    def spent(self, account: str | None = None) -> float:
        """Dollars billed to one account, or to all."""
        with self._lock:
            return self._spent[account] if account is not None else sum(self._spent.values())

    def committed(self, account: str | None = None) -> float:
        """Spent and reserved."""
        with self._lock:
            reserved = self._reserved[account] if account is not None else sum(self._reserved.values())
            return self.spent(account) + reserved

    def reserve(
        self, account: str, usd: float, *, most: float | None = None, most_of_all: float | None = None
    ) -> Entry | None:
        """Sets the sum aside; None where that would pass `most` of the account or `most_of_all` of the run."""
        with self._lock:
            if most is not None and self.committed(account) + usd > most:
                return None
            if most_of_all is not None and self.committed() + usd > most_of_all:
                return None
            self._numbers += 1
            entry = Entry(self._numbers, account, usd)
            self._write({"request": entry.number, "account": account, "reserved": usd})
            self._reserved[account] += usd
            self._open.add(entry.number)
            return entry

    def settle(self, entry: Entry, usd: float) -> None:
        """Turns a reservation into what was billed; 0 for a request that was not served."""
        with self._lock:
            self._open.discard(entry.number)
            self._reserved[entry.account] -= entry.usd
            if not self._open:
                self._reserved.clear()  # no rounding errors are carried along
            self._spent[entry.account] += usd
            self._write({"request": entry.number, "account": entry.account, "spent": usd})

    def close(self) -> None:
        """Gives the file back. Idempotent."""
        with self._lock:
            if self._journal is not None:
                self._journal.close()
                self._journal = None

    def _write(self, line: dict[str, object]) -> None:
        if self._path is None:
            return
        if self._journal is None:
            self._journal = Journal(self._path)
        self._journal.append(json.dumps(line))


def spent_of(path: Path) -> dict[str, float]:
    """Account to dollars, as the file says; empty where there is none. What was never settled counts in full."""
    waiting: dict[int, tuple[str, float]] = {}
    spent: defaultdict[str, float] = defaultdict(float)
    for line in _lines(path):
        number, account = int(line["request"]), str(line["account"])
        if "reserved" in line:
            waiting[number] = account, float(line["reserved"])
        else:
            waiting.pop(number, None)
            spent[account] += float(line["spent"])
    for account, usd in waiting.values():
        spent[account] += usd
    return dict(spent)


def _last_number(path: Path) -> int:
    return max((int(line["request"]) for line in _lines(path)), default=0)


def _lines(path: Path) -> list[dict[str, str | float]]:
    return [json.loads(line) for _, line in read_lines(path)]
