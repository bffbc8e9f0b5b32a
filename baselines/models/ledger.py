"""What a run has spent at endpoints, in dollars, kept on disk so that a budget counts over kills and resumes.

    ledger = Ledger(Path("artifacts/spending.jsonl"), owner="4711")
    entry = ledger.reserve("a1b2", 0.004)        # written before the request leaves
    ledger.settle(entry, 0.0011)                 # what was really billed
    ledger.spent("a1b2"), ledger.spent()         # of one model, of the run

A request that was on its way when the process was killed may have been billed: it counts at its worst case.
What an endpoint bills beyond a worst case (a gateway's own prompt, hidden reasoning) is learnt from the bills of the
account, over resumes too, and set aside from then on; until the first one has come, requests under a ceiling go one
by one.
Several processes may write one file, each as an owner: a sum is set aside under the file's lock against what all of
them have spent and reserved, so that a budget holds over jobs that run at the same time. Who sees owners end says so
with `close_open`. Within a process any thread may write.
"""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from reports.run.journal import read_lines
from reports.run.shared_journal import SharedJournal

FILE = "spending.jsonl"
"""Below the run's artifacts."""


@dataclass(frozen=True)
class Entry:
    """One reservation."""

    number: int
    account: str
    usd: float
    owner: str = ""
    margin: float = 0.0
    """Of `usd`, what bills of the account came to beyond their worst case."""


@dataclass
class _Book:
    """What the lines say: bills, and requests whose bill is not known."""

    spent: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    waiting: dict[int, Entry] = field(default_factory=dict)
    billed: dict[int, float] = field(default_factory=dict)
    margins: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    last: int = 0

    def reserved(self, entry: Entry) -> None:
        """A request may cost so much."""
        self.last = max(self.last, entry.number)
        self.waiting[entry.number] = entry

    def bill(self, number: int, account: str, usd: float) -> None:
        """What it did cost; a second bill of one request replaces the first."""
        entry = self.waiting.pop(number, None)
        if entry is not None:
            self.margins[account] = max(self.margins[account], entry.margin + usd - entry.usd)
        self.spent[account] += usd - self.billed.get(number, 0.0)
        self.billed[number] = usd
        self.last = max(self.last, number)

    def take(self, lines: Iterable[bytes]) -> None:
        """Lines of the file, in order."""
        for line in lines:
            said = json.loads(line)
            number, account = int(said["request"]), str(said["account"])
            if "reserved" in said:
                usd, margin = float(said["reserved"]), float(said.get("margin", 0.0))
                self.reserved(Entry(number, account, usd, str(said.get("owner", "")), margin))
            else:
                self.bill(number, account, float(said["spent"]))


class Ledger:
    """Dollars spent and reserved, by account (a model). Without a path nothing outlives the process."""

    def __init__(self, path: Path | None = None, owner: str = "") -> None:
        """`owner`: this process among those that share the file now: what the others have open is on its way. Without
        one nobody else is there: what stands open was left by a process that is gone, and counts as spent."""
        self._lock = threading.RLock()
        self._book = _Book()
        self._owner = owner
        self._path = path
        self._journal: SharedJournal | None = None
        if path is not None and path.exists():
            with self._locked():
                left = [] if owner else list(self._book.waiting.values())
            for entry in left:
                self._book.bill(entry.number, entry.account, entry.usd)

    @property
    def open(self) -> int:
        """Requests whose bill was not known at the last look, those of other processes included."""
        return len(self._book.waiting)

    def spent(self, account: str | None = None) -> float:
        """Dollars billed to one account, or to all."""
        with self._lock:
            return self._book.spent[account] if account is not None else sum(self._book.spent.values())

    def committed(self, account: str | None = None) -> float:
        """Spent and reserved."""
        with self._lock:
            waiting = self._book.waiting.values()
            return self.spent(account) + sum(e.usd for e in waiting if account in (None, e.account))

    def margin(self, account: str) -> float:
        """Dollars that a request of the account may cost beyond its worst case, as far as its bills have shown."""
        with self._lock:
            return self._book.margins[account]

    def reserve(
        self, account: str, usd: float, *, most: float | None = None, most_of_all: float | None = None
    ) -> Entry | None:
        """Sets the sum and the account's margin aside; None where that would pass `most` of the account or
        `most_of_all` of the run, or while the account's first bill is on its way."""
        with self._locked():
            ceiling = most is not None or most_of_all is not None
            if ceiling and usd > 0 and not self._book.spent[account] and self._flying(account):
                return None
            margin = self._book.margins[account]
            usd += margin
            if most is not None and self.committed(account) + usd > most:
                return None
            if most_of_all is not None and self.committed() + usd > most_of_all:
                return None
            entry = Entry(self._book.last + 1, account, usd, self._owner, margin)
            more: dict[str, object] = {"owner": self._owner} if self._owner else {}
            if margin:
                more["margin"] = margin
            self._write({"request": entry.number, "account": account, "reserved": usd, **more})
            self._book.reserved(entry)
            return entry

    def settle(self, entry: Entry, usd: float) -> None:
        """Turns a reservation into what was billed; 0 for a request that was not served."""
        with self._locked():
            self._write({"request": entry.number, "account": entry.account, "spent": usd})
            self._book.bill(entry.number, entry.account, usd)

    def add_to(self, artifacts: Path) -> None:
        """Books what was spent here in a run's file as well, with what it showed beyond the worst case."""
        known = {account: usd for account, usd in self._book.spent.items() if usd}
        if not known:
            return
        other = Ledger(artifacts / FILE)
        for account, usd in known.items():
            entry = other.reserve(account, max(0.0, usd - self.margin(account)))
            assert entry is not None, "without a ceiling nothing is refused"
            other.settle(entry, usd)
        other.close()

    def close(self) -> None:
        """Gives the file back. Idempotent."""
        with self._lock:
            if self._journal is not None:
                self._journal.close()
                self._journal = None

    def _flying(self, account: str) -> bool:
        return any(entry.account == account for entry in self._book.waiting.values())

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Alone with the book, which knows all that other processes wrote."""
        with self._lock:
            if self._path is None:
                yield
                return
            if self._journal is None:
                self._journal = SharedJournal(self._path)
                self._book = _Book()
            with self._journal.locked() as news:
                self._book.take(news)
                yield

    def _write(self, line: dict[str, object]) -> None:
        if self._journal is not None:
            self._journal.append(json.dumps(line))


def close_open(path: Path, owner: str | None = None) -> float:
    """Bills in full what an owner that has ended left open (None: whoever it was), and returns the sum in dollars."""
    if not path.exists():
        return 0.0
    journal, book = SharedJournal(path), _Book()
    try:
        with journal.locked() as lines:
            book.take(lines)
            left = [entry for entry in book.waiting.values() if owner in (None, entry.owner)]
            for entry in left:
                journal.append(json.dumps({"request": entry.number, "account": entry.account, "spent": entry.usd}))
    finally:
        journal.close()
    return sum(entry.usd for entry in left)


def spent_of(path: Path) -> dict[str, float]:
    """Account to dollars, as the file says; empty where there is none. What was never settled counts in full."""
    book = _Book()
    book.take(line for _, line in read_lines(path))
    for entry in list(book.waiting.values()):
        book.bill(entry.number, entry.account, entry.usd)
    return dict(book.spent)
