"""The run directory: written by one process, append-only, readable at any moment and after any kill.

    with RunStore.create(folder, header, cases, train=…, dev=…, documents=…) as store:
        store.record(event)                       # answers, scores, latency, training, the rest to events.jsonl
        store.finish(Finished(…))
    with RunStore.open(folder, write=True) as store:
        store.check_same(header); done = store.answered("rag", fingerprint)

    run.json                   header: spec, fingerprints, environment (atomic replace)
    data/                      cases, train, dev, documents as JSON lines
    answers|scores|latency/    <approach>.jsonl, appended
    artifacts/<approach>/      training.json, adapter, index, logs
    events.jsonl               every other event           prior.json      what the interview suggested
    finished.json              written last

Refuses to know how answers come about and what scores mean. Reading needs no lock and writes nothing.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Self, TypeVar

from pydantic import ValidationError

from reports.errors import DataError, UsageError
from reports.prior import PriorRecord
from reports.run import atomic
from reports.run.changes import spec_changes
from reports.run.documents import read_document, read_header
from reports.run.events import EVENT, Answered, Event, Measured, RunFinished, Scored, TrainingFinished
from reports.run.journal import Journal, read_lines, to_line
from reports.run.lock import RunLock, refuse_foreign
from reports.run.naming import file_name
from reports.run.schema import (
    Answer,
    Case,
    Document,
    Example,
    Finished,
    LatencySample,
    Record,
    RunHeader,
    Score,
    TrainingRecord,
)
from reports.run.table import AnswerIndex, AnswerTable
from reports.run.versions import supersedes

R = TypeVar("R", bound=Record)
SYNC_SECONDS = 1.0
"""A power failure costs at most this much; a kill costs nothing."""


class RunStore:
    """One run's directory. Construct it with `create` or `open`; writing methods need `write=True`."""

    def __init__(self, folder: Path, header: RunHeader, lock: RunLock | None) -> None:
        self.folder = folder
        self.header = header
        self.damaged: set[str] = set()
        """Stored lines that could not be read, as 'answers/rag.jsonl at byte 1200'; filled by reading."""
        self._lock = lock
        self._journals: dict[Path, Journal] = {}
        self._paths: dict[tuple[str, str], Path] = {}
        self._indexes: dict[str, AnswerIndex] = {}
        self._stop = threading.Event()
        self._syncing: threading.Thread | None = None

    # --- opening and closing ----------------------------------------------------------------------------

    @classmethod
    def create(
        cls,
        folder: Path,
        header: RunHeader,
        cases: Iterable[Case],
        *,
        train: Iterable[Example] = (),
        dev: Iterable[Example] = (),
        documents: Iterable[Document] = (),
    ) -> Self:
        """A new run, open for writing. run.json comes last: a folder without it is no run and is filled again.

        Raises UsageError where the folder holds a run or something else, or is being written.
        """
        refuse_foreign(folder)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise atomic.unwritable(folder, error) from error
        lock = RunLock(folder / "lock")
        try:
            refuse_foreign(folder)
            tables: dict[str, Iterable[Record]] = {"cases": cases, "train": train, "dev": dev, "documents": documents}
            for name, records in tables.items():
                atomic.write_lines(folder / "data" / f"{name}.jsonl", map(_line, records))
            atomic.write(folder / "run.json", header.model_dump_json(indent=2) + "\n")
        except BaseException:  # Ctrl-C, too: it goes on, and the folder stays free for others
            lock.release()
            raise
        return cls(folder, header, lock)

    @classmethod
    def open(cls, folder: Path, *, write: bool = False) -> Self:
        """A stored run. Raises UsageError where there is none or (to write) another process writes it, DataError
        where run.json is broken or newer than this program."""
        path = folder / "run.json"
        if not path.is_file():
            raise UsageError(f"{folder} holds no run (no run.json)", hint="`advisor runs` lists the stored runs.")
        lock = RunLock(folder / "lock") if write else None
        try:
            return cls(folder, read_header(path), lock)
        except BaseException:  # as in `create`
            if lock:
                lock.release()
            raise

    def close(self) -> None:
        """Syncs every file and lets go of the lock. Calling it twice is fine."""
        self._stop.set()
        if self._syncing:
            self._syncing.join()
        try:
            for journal in self._journals.values():
                journal.close()
        finally:
            self._journals.clear()
            if self._lock:
                self._lock.release()
                self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- writing ----------------------------------------------------------------------------------------

    def record(self, event: Event) -> None:
        """Stores an event where it belongs. RunFinished is stored too; `finish` is a separate, last step."""
        match event:
            case Answered(answer=answer):
                self.append_answer(answer)
            case Scored(score=score):
                self.append_score(score)
            case Measured(sample=sample):
                self.append_latency(sample)
            case _:
                if isinstance(event, TrainingFinished):
                    self.write_training(event.approach, event.training)
                self._append(self.folder / "events.jsonl", event)
                if isinstance(event, RunFinished):
                    self.sync()

    def append_answer(self, answer: Answer) -> None:
        """One answer to its approach's file. A second one for the same case replaces the first on reading."""
        self._journal("answers", answer.approach).append(to_line(answer))

    def append_score(self, score: Score) -> None:
        """One score; the last one of a case, metric and version counts."""
        self._journal("scores", score.approach).append(to_line(score))

    def append_latency(self, sample: LatencySample) -> None:
        """One sample of the latency pass."""
        self._journal("latency", sample.approach).append(to_line(sample))

    def append(self, name: str, record: Record) -> None:
        """One line to a file of its own beside the run's (`reviews` for human judgements): <name>.jsonl."""
        self._append(self.folder / f"{file_name(name)}.jsonl", record)

    def write_training(self, approach: str, training: TrainingRecord) -> None:
        """What a fine-tuning did, to artifacts/<approach>/training.json."""
        atomic.write(self.artifacts(approach) / "training.json", training.model_dump_json(indent=2) + "\n")

    def write_prior(self, prior: PriorRecord) -> None:
        """What the interview alone suggested, to prior.json: written before anything is measured."""
        self._need_lock()
        atomic.write(self.folder / "prior.json", prior.model_dump_json(indent=2) + "\n")

    def write_header(self, header: RunHeader) -> None:
        """Replaces run.json, for what is known only once a run has started (device, fingerprints)."""
        self._need_lock()
        atomic.write(self.folder / "run.json", header.model_dump_json(indent=2) + "\n")
        self.header = header

    def finish(self, finished: Finished) -> None:
        """Syncs everything, then writes finished.json."""
        self._need_lock()
        self.sync()
        atomic.write(self.folder / "finished.json", finished.model_dump_json(indent=2) + "\n")

    def sync(self) -> None:
        """Makes all that was appended survive a power failure."""
        for journal in list(self._journals.values()):
            journal.sync()

    # --- resuming ---------------------------------------------------------------------------------------

    def check_same(self, header: RunHeader) -> None:
        """Raises UsageError that names the fields (and files) in which another header differs from the stored one."""
        moved = spec_changes(self.header, header)
        if moved:
            shown = "; ".join(str(change) for change in moved[:5])
            more = f"; and {len(moved) - 5} more" if len(moved) > 5 else ""
            raise UsageError(
                f"The run in {self.folder} was started with another project: {shown}{more}",
                hint="Undo the change to resume, or start a new run: answers to different questions do not mix.",
            )

    def answered(self, approach: str, fingerprint: str, *, retry_failed: bool = False) -> set[str]:
        """Ids of the cases whose stored answer carries this fingerprint. 10,000 rows take about 30 ms.

        `retry_failed` leaves out answers whose status is error or timeout.
        """
        return self.answers(approach).answered(fingerprint, retry_failed=retry_failed)

    # --- reading ----------------------------------------------------------------------------------------

    @property
    def approaches(self) -> tuple[str, ...]:
        """Names of the approaches of the run, in the order of the project file."""
        return tuple(spec.name for spec in self.header.spec.approaches)

    @property
    def finished(self) -> Finished | None:
        """The content of finished.json; None while the run is not complete."""
        return read_document(self.folder / "finished.json", Finished)

    @property
    def prior(self) -> PriorRecord | None:
        """The content of prior.json; None where there was no interview."""
        return read_document(self.folder / "prior.json", PriorRecord)

    def cases(self) -> Iterator[Case]:
        """The eval cases in the user's order. Raises DataError where the file is gone."""
        return self._data("cases", Case)

    def train(self) -> Iterator[Example]:
        """The training pairs; nothing where there are none."""
        return self._data("train", Example)

    def dev(self) -> Iterator[Example]:
        """The pairs that dials are turned on."""
        return self._data("dev", Example)

    def documents(self) -> Iterator[Document]:
        """The corpus."""
        return self._data("documents", Document)

    def answers(self, approach: str) -> AnswerTable:
        """The answers of an approach by case id, read from disk one at a time; the last one of a case counts."""
        index = self._indexes.get(approach)
        if index is None or not index.is_current:
            index = self._indexes[approach] = AnswerIndex(self._path("answers", approach), self._damage)
        return AnswerTable(index)

    def scores(self, approach: str, metric: str) -> dict[str, Score]:
        """Case id to its score by that metric: the newest version of the metric, the last one written."""
        found: dict[str, Score] = {}
        for score in self._records(self._path("scores", approach), Score, _other_metric(metric)):
            known = found.get(score.case)
            if score.metric == metric and (known is None or supersedes(metric, score.version, known.version)):
                found[score.case] = score
        return found

    def every_score(self, approach: str) -> Iterator[Score]:
        """All stored scores of an approach one at a time, superseded ones too, in the order of the file."""
        return self._records(self._path("scores", approach), Score)

    def latency(self, approach: str) -> list[LatencySample]:
        """The samples of the latency pass, in the order they were taken."""
        return list(self._records(self._path("latency", approach), LatencySample))

    def training(self, approach: str) -> TrainingRecord | None:
        """What the fine-tuning of an approach did; None where it was not trained."""
        return read_document(self.artifacts(approach) / "training.json", TrainingRecord)

    def events(self) -> Iterator[Event]:
        """Every stored event that is not an answer, a score or a latency sample, in order."""
        for offset, line in read_lines(self.folder / "events.jsonl"):
            try:
                yield EVENT.validate_json(line)
            except ValidationError:
                self._damage(self.folder / "events.jsonl", offset)

    def appended(self, name: str, kind: type[R]) -> Iterator[R]:
        """What `append(name, …)` stored."""
        return self._records(self.folder / f"{file_name(name)}.jsonl", kind)

    def artifacts(self, approach: str) -> Path:
        """Folder for the indexes, adapters and logs of an approach; not made here."""
        return self.folder / "artifacts" / file_name(approach)

    # --- parts ------------------------------------------------------------------------------------------

    def _path(self, part: str, approach: str) -> Path:
        return self.folder / part / f"{file_name(approach)}.jsonl"

    def _data(self, name: str, kind: type[R]) -> Iterator[R]:
        path = self.folder / "data" / f"{name}.jsonl"
        if not path.exists():
            raise DataError(f"The run in {self.folder} has lost {path.name}", hint="Restore data/ from a backup.")
        return self._records(path, kind)

    def _records(self, path: Path, kind: type[R], passed_over: re.Pattern[bytes] | None = None) -> Iterator[R]:
        for offset, line in read_lines(path):
            if passed_over is not None and passed_over.search(line):
                continue
            try:
                yield kind.model_validate_json(line)
            except ValidationError:
                self._damage(path, offset)

    def _damage(self, path: Path, offset: int) -> None:
        self.damaged.add(f"{path.relative_to(self.folder).as_posix()} at byte {offset}")

    def _journal(self, part: str, approach: str) -> Journal:
        path = self._paths.get((part, approach))
        if path is None:  # building a path takes longer than writing to it
            path = self._paths[part, approach] = self._path(part, approach)
        return self._opened(path)

    def _append(self, path: Path, record: Record) -> None:
        self._opened(path).append(to_line(record))

    def _opened(self, path: Path) -> Journal:
        journal = self._journals.get(path)
        if journal is None:
            self._need_lock()
            journal = self._journals[path] = Journal(path)
            if self._syncing is None:
                self._syncing = threading.Thread(target=self._keep_syncing, name="run-store-sync", daemon=True)
                self._syncing.start()
        return journal

    def _keep_syncing(self) -> None:
        while not self._stop.wait(SYNC_SECONDS):
            for journal in list(self._journals.values()):
                if not journal.try_sync():
                    break  # the next append or the close meets the same disk and says so

    def _need_lock(self) -> None:
        if self._lock is None:
            raise UsageError(f"The run in {self.folder} is open for reading only", hint="Open it with write=True.")


def _other_metric(metric: str) -> re.Pattern[bytes]:
    """Lines that are of another metric as this program writes them: a look takes 1 µs, reading the line 13. Text
    inside a line cannot match, its quotes are escaped there."""
    return re.compile(rb'"metric":"(?!%s")[\w.@:/-]+"' % re.escape(metric.encode("utf-8", "surrogatepass")))


def _line(record: Record) -> bytes:
    return to_line(record).encode() + b"\n"
