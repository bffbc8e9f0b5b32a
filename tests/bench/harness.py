"""What the harness itself costs: 10,000 cases through a stub model, resume, start of the command line.

    python -m tests.bench.harness

Prints overhead per answer and peak memory at two sizes (flat in n), the time to find 10,000 finished rows again, and
the time of `advisor --help` until its first byte. Asserts nothing.
"""

# ruff: noqa: T201

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from baselines import scoring
from baselines.contract import Emit, Reply
from baselines.evaluate import evaluate
from reports.run.events import Answered, Event, Scored
from reports.run.schema import ApproachSpec, Case, DataFacts, Environment, Question, RunHeader, RunSpec, Task
from reports.run.store import RunStore

BATCH = 32


class Stub:
    """Answers at once, in batches."""

    spec = ApproachSpec(name="stub", kind="floor")

    def prepare(self, emit: Emit) -> None:
        """Nothing."""

    def answer(self, questions: Sequence[Question]) -> Iterator[list[Reply]]:
        for start in range(0, len(questions), BATCH):
            yield [Reply(q.id, text="yes", prompt=q.input) for q in questions[start : start + BATCH]]

    def fingerprint(self) -> str:
        return "stub"


def store_of(folder: Path, cases: list[Case]) -> RunStore:
    """A run of one approach."""
    task = Task(type="classification", labels=("yes", "no"))
    facts = DataFacts(eval_cases=len(cases), train_examples=0, dev_examples=0, documents=0)
    spec = RunSpec(name="bench", task=task, metrics=("accuracy",), approaches=(Stub.spec,), data=facts)
    machine = Environment(python="", platform="", packages={}, device="cpu")
    header = RunHeader(run="bench", started="2026-01-01T00:00:00+00:00", spec=spec, environment=machine)
    return RunStore.create(folder, header, cases)


def overhead(count: int, folder: Path) -> tuple[float, float]:
    """Seconds an answer and MiB of peak memory: evaluate, score, store; the stub itself takes microseconds."""
    cases = [
        Case(question=Question(id=f"c{i}", input=f"question {i} " * 20), references=("yes",)) for i in range(count)
    ]
    by_id = {case.question.id: case for case in cases}
    with store_of(folder, cases) as store:
        task = store.header.spec.task

        def emit(event: Event) -> None:
            store.record(event)
            if isinstance(event, Answered):
                for score in scoring.score_many("accuracy", [(by_id[event.answer.case], event.answer)], task):
                    store.record(Scored(score=score))

        started = time.perf_counter()
        evaluate(Stub(), [case.question for case in cases], "stub", emit)
        seconds = time.perf_counter() - started
    return seconds / count, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def first_byte(*words: str) -> float:
    """Median seconds of 5 starts until the command line writes something."""
    taken = []
    for _ in range(5):
        started = time.perf_counter()
        with subprocess.Popen([sys.executable, "-m", "advisor.cli", *words], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.read(1)
            taken.append(time.perf_counter() - started)
            process.stdout.read()
    return statistics.median(taken)


def main() -> int:
    """Prints the figures beside their budgets."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        small, before = overhead(1_000, folder / "small")
        large, after = overhead(10_000, folder / "large")
        started = time.perf_counter()
        with RunStore.open(folder / "large") as store:
            found = len(store.answered("stub", "stub"))
        resumed = time.perf_counter() - started
    print(f"overhead an answer: {small * 1e3:.3f} ms at 1,000 cases, {large * 1e3:.3f} ms at 10,000 (budget 1 ms)")
    print(
        f"peak memory: {before:.0f} MiB after 1,000 cases, {after:.0f} MiB after 10,000, the cases themselves included"
    )
    print(f"resume of {found:,} finished rows: {resumed:.3f} s (budget 1 s)")
    print(f"advisor --help: {first_byte('--help'):.2f} s to the first byte (budget 0.3 s)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
