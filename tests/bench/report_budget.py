"""Measures what DESIGN promises of run record and report: append, resume, summary, page. Prints; asserts nothing.

python -m tests.bench.report_budget            # about 20 s, two cores
"""

# ruff: noqa: T201
from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from reports.run.schema import Answer
from reports.run.store import RunStore
from tests.runs import synthetic

ROWS = 10_000
REPEATS = 5
RENDER = (
    "import sys, time; start = time.perf_counter()\n"
    "from reports.drawing import Drawer\n"
    "drawer = Drawer()\n"
    "from pathlib import Path\n"
    "from reports.exports import write_report\n"
    "from reports.run.store import RunStore\n"
    "write_report(RunStore.open(Path(sys.argv[1])), ('html',), Path(sys.argv[2]), drawer=drawer)\n"
    "heavy = {'torch', 'transformers', 'sklearn', 'pandas'} & set(sys.modules)\n"
    "print(time.perf_counter() - start, sorted(heavy))"
)


def main() -> None:
    """Prints one line a promise: measured, promised."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        print(f"append: {1e6 * _append(folder):.0f} µs an answer (promised: well under 1,000)")
        print(f"resume: {_resume(folder / 'append'):.2f} s for {ROWS:,} rows x 3 approaches (promised: under 1 s)")
        synthetic.write(folder / "page", cases=1000).close()
        seconds, size = _page(folder / "page", folder / "out")
        print(f"report: {seconds:.2f} s, median of {REPEATS}, 1,000 cases x 8 approaches, imports included (under 2 s)")
        print(f"report: {size / 1e6:.1f} MB in all files (under 5 MB)")
        print(f"report: first byte after {_first_byte(folder / 'page', folder / 'out'):.2f} s (under 0.3 s)")


def _append(folder: Path) -> float:
    """Seconds for one answer with a prompt of 2,000 characters, over 30,000 of them; prints the memory it took."""
    prompt = "x" * 2000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with synthetic.write(folder / "append", cases=10, contenders=4, finished=False) as store:
        names = store.approaches[1:]
        start = time.perf_counter()
        for i in range(ROWS):
            for name in names:
                store.append_answer(Answer(case=str(i), approach=name, text="billing", prompt=prompt, fingerprint="f"))
        spent = time.perf_counter() - start
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(f"memory: {grown:.0f} MB more after {ROWS * len(names):,} answers (promised: flat)")
    return spent / (ROWS * len(names))


def _resume(folder: Path) -> float:
    start = time.perf_counter()
    with RunStore.open(folder, write=True) as store:
        counts = [len(store.answered(name, "f")) for name in store.approaches[1:]]
    assert counts == [ROWS] * len(counts)
    return time.perf_counter() - start


def _page(folder: Path, out: Path) -> tuple[float, int]:
    times = []
    for _ in range(REPEATS):
        command = [sys.executable, "-c", RENDER, str(folder), str(out)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        seconds, heavy = done.stdout.split(" ", 1)
        assert heavy.strip() == "[]", heavy
        times.append(float(seconds))
    return statistics.median(times), sum(path.stat().st_size for path in out.iterdir())


def _first_byte(folder: Path, out: Path) -> float:
    """Seconds until `advisor report` says its first word, median."""
    times = []
    for _ in range(REPEATS):
        command = [sys.executable, "-m", "advisor.cli", "report", str(folder), "--out", str(out)]
        start = time.perf_counter()
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
            assert process.stderr is not None
            process.stderr.read(1)
            times.append(time.perf_counter() - start)
            process.stderr.read()
    return statistics.median(times)


if __name__ == "__main__":
    main()
