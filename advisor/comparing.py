"""`advisor diff` and `advisor gate`: stored runs in, lines or one JSON document out. Holds no statistics.

gate_run(Path("runs/new"), GateOptions(min_quality=0.85))      # 0 passed, 1 failed
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from pathlib import Path

from advisor.commands import latest_run
from reports.errors import UsageError
from reports.text import clean, json_text


@dataclass(frozen=True)
class GateOptions:
    """The options of `advisor gate`."""

    min_quality: float | None = None
    not_worse_than: Path | None = None
    approach: str | None = None
    against: str | None = None
    margin: float | None = None
    at: str = "lower"
    allow_unsure: bool = False
    junit: Path | None = None
    json: bool = False


def show_diff(a: Path, b: Path, *, as_json: bool) -> None:
    """What changed from run A to run B beside the paired difference of their answers."""
    from reports.diff import diff_runs, lines
    from reports.run.store import RunStore

    folders = latest_run(a), latest_run(b)
    if folders[0].resolve() == folders[1].resolve():
        raise UsageError(f"{a} and {b} are the same run", "`advisor runs PROJECT` lists the stored ones")
    with RunStore.open(folders[0]) as before, RunStore.open(folders[1]) as after:
        diff = diff_runs(before, after)
    if as_json:
        sys.stdout.write(json_text(diff.model_dump(mode="json")))
    else:
        _print(*lines(diff))


def gate_run(path: Path, options: GateOptions) -> int:
    """Holds a run to its rules. 0 passed, 1 failed; the JUnit file is written either way."""
    from contextlib import ExitStack

    from reports.gate import GateRules, judge, lines
    from reports.junit import write_junit
    from reports.run.store import RunStore

    _check(options)
    with ExitStack() as opened:
        store = opened.enter_context(RunStore.open(latest_run(path)))
        other = options.not_worse_than
        reference = opened.enter_context(RunStore.open(latest_run(other))) if other else None
        rules = GateRules(
            min_quality=options.min_quality,
            at="estimate" if options.at == "estimate" else "lower",
            reference=reference,
            reference_approach=options.against,
            margin=options.margin,
        )
        result = judge(store, rules, options.approach, allow_unsure=options.allow_unsure)
    if options.junit is not None:
        write_junit(result, options.junit)
    if options.json:
        sys.stdout.write(json_text(result.model_dump(mode="json")))
    else:
        _print(*lines(result))
    return 0 if result.passed else 1


def _check(options: GateOptions) -> None:
    """Raises UsageError for values that mean nothing."""
    if options.at not in ("lower", "estimate"):
        raise UsageError(f"--at {options.at!r} is no reading of --min-quality", "--at lower, or --at estimate")
    if options.min_quality is not None and not math.isfinite(options.min_quality):
        raise UsageError("--min-quality must be a number", "a share of 1 such as 0.85, or a score in the metric's unit")
    if options.margin is not None and not (math.isfinite(options.margin) and options.margin >= 0):
        raise UsageError("--margin must be 0 or more", "in the metric's unit: 0.02 is 2 points of accuracy")
    if options.not_worse_than is None and (options.margin is not None or options.against is not None):
        raise UsageError("--margin and --against belong to --not-worse-than", "add --not-worse-than RUN2")


def _print(*lines: str) -> None:
    sys.stdout.write("".join(clean(line) + "\n" for line in lines))
    sys.stdout.flush()
