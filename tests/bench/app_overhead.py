"""What watching costs: the same run headless and in the app, and how soon a key is answered while it is under way.

    python -m tests.bench.app_overhead --repeats 5

Two runs, each headless and watched in turn: one with the bundled model (the worker is what takes time), and one whose
answers cost nothing (18,000 of them: the display is what takes time, the worst case). Prints medians over the pairs and
the slowest key press. Asserts nothing.
"""

# ruff: noqa: T201

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from contextlib import aclosing
from pathlib import Path

from textual import events

from advisor import demo, plan, project
from advisor.launch import Launch, begin
from advisor.narration import Lines
from advisor.orchestrator import run
from advisor.tui.app import AdvisorApp
from reports.run.events import RunFinished

KEY = "f12"
PRESS_SECONDS = 0.1
FREE_CASES = 6_000
HEAD = (
    "task: {type: classification, instruction: Name the queue.}\nmodel: demo\nlatency_samples: 0\nmetrics: [accuracy]\n"
)


class Watched(AdvisorApp):
    """The app with a key that only says when it was answered."""

    CSS_PATH = str(Path(sys.modules[AdvisorApp.__module__].__file__ or "").with_name("app.tcss"))
    answered = 0.0

    def on_mount_key(self) -> None:
        self.bind(KEY, "answered", show=False)

    def action_answered(self) -> None:
        self.answered = time.perf_counter()


def model_project(folder: Path) -> Path:
    """150 tickets, two prompts of the bundled model."""
    source = demo.project_folder("tickets")
    (folder / "advisor.yaml").write_text(
        f"name: model\n{HEAD}data:\n  eval: {{path: {source / 'eval.csv'}, input: ticket, reference: queue, id: id}}\n"
        f"  train: {{path: {source / 'train.csv'}, input: ticket, reference: queue}}\n"
        "approaches: [zero-shot, few-shot: {shots: 8}]\n"
    )
    return folder


def free_project(folder: Path) -> Path:
    """So many cases and three trivial approaches: nothing but events."""
    rows = "".join(f"{i},text number {i},{'even' if i % 2 else 'odd'}\n" for i in range(FREE_CASES))
    (folder / "eval.csv").write_text("id,text,label\n" + rows)
    (folder / "advisor.yaml").write_text(
        f"name: free\n{HEAD}data: {{eval: {{path: eval.csv, input: text, reference: label, id: id}}, split: false}}\n"
        "approaches: [floor, floor: {as: second}, floor: {as: third}]\n"
    )
    return folder


async def headless(launch: Launch) -> float:
    """Seconds of the run as the command line shows it in plain lines."""
    seconds = 0.0
    with Path("/dev/null").open("w") as nowhere:
        teller = Lines(lambda line: print(line, file=nowhere), "accuracy")
        async with aclosing(run(launch.store, launch.models)) as stream:
            async for event in stream:
                teller.tell(event)
                seconds = event.seconds if isinstance(event, RunFinished) else seconds
    launch.store.close()
    return seconds


async def watched(launch: Launch) -> tuple[float, list[float]]:
    """Seconds of the run in the app on its Run screen, and the seconds that each key press waited."""
    app = Watched()
    waits: list[float] = []
    async with app.run_test(size=(140, 40)) as pilot:
        app.on_mount_key()
        await pilot.pause(0.5)
        await app.start_run(launch)
        feed = app.session.feed
        assert feed is not None
        await pilot.pause(0.3)  # the screen opens: once, and before anything is answered
        while feed.state == "running":
            pressed = time.perf_counter()
            app.post_message(events.Key(KEY, None))
            while app.answered < pressed and feed.state == "running":
                await asyncio.sleep(0.001)
            waits.append(max(0.0, (app.answered or time.perf_counter()) - pressed))
            await asyncio.sleep(PRESS_SECONDS)
        await feed.ended()
        return feed.board.seconds or 0.0, waits


def compare(name: str, folder: Path, answers: int, repeats: int) -> None:
    """Both ways in turn, so that other work on the machine meets both."""
    prepared = plan.prepare(project.load(folder))
    alone, with_app, waits = [], [], []
    processor: tuple[list[float], list[float]] = ([], [])
    for i in range(repeats):
        started = time.process_time()
        alone.append(asyncio.run(headless(begin(prepared, folder / f"alone-{i}"))))
        between = time.process_time()
        seconds, pressed = asyncio.run(watched(begin(prepared, folder / f"watched-{i}")))
        with_app.append(seconds)
        processor[0].append(between - started)
        processor[1].append(time.process_time() - between)
        waits += pressed
    rates = [answers / statistics.median(found) for found in (alone, with_app)]
    pairs = [second / first - 1 for first, second in zip(alone, with_app, strict=True)]
    print(f"{name}: headless {rates[0]:,.1f} answers/s, in the app {rates[1]:,.1f} answers/s")
    print(
        f"  time in the app against headless, pair by pair: median {statistics.median(pairs):+.1%}, "
        f"from {min(pairs):+.1%} to {max(pairs):+.1%} (budget +2 %)"
    )
    own = [statistics.median(found) for found in processor]
    print(
        f"  processor time beside the worker: headless {own[0]:.1f} s, app {own[1]:.1f} s, its start and keys included"
    )
    ordered = sorted(waits)
    print(
        f"  {len(waits)} key presses under the run: median {1000 * statistics.median(ordered):.1f} ms, "
        f"95th percentile {1000 * ordered[int(0.95 * (len(ordered) - 1))]:.0f} ms, "
        f"slowest {1000 * ordered[-1]:.0f} ms (budget 100 ms)"
    )


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for name, make, answers in (
            ("bundled model, 300 answers", model_project, 300),
            ("answers that cost nothing", free_project, 3 * FREE_CASES),
        ):
            home = Path(folder) / name.split()[0]
            home.mkdir()
            compare(name, make(home), answers, options.repeats)


if __name__ == "__main__":
    main()
