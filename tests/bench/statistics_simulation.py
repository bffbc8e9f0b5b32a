"""Do the default intervals cover, do the default tests keep their size, what does early stopping save?

    python -m tests.bench.statistics_simulation            # minutes on one core
    python -m tests.bench.statistics_simulation --quick    # a tenth of the repetitions
    python -m tests.bench.statistics_simulation graded     # one section

Right-or-wrong scores and percentiles are enumerated (exact), the rest is simulated, each figure with its Monte Carlo
error. A line marked "!" misses its target (coverage 0.93 to 0.98, size at most 0.06), "*" is outside it for the reason
beside it.
Seeded: the same figures every time. The table at the end is the README's.
"""

# ruff: noqa: T201
from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

from tests.bench.simulated import binary, exact, numbers, trainings
from tests.bench.simulated.tally import Line, shown, table

SECTIONS: tuple[Callable[[float], Iterator[Line]], ...] = (
    exact.proportions,
    exact.pairs,
    exact.equivalence,
    exact.percentiles,
    binary.proportions_in_groups,
    binary.pairs_in_groups,
    binary.several,
    binary.several_in_groups,
    binary.stopping,
    numbers.latency,
    numbers.graded,
    numbers.graded_in_groups,
    numbers.set_metrics,
    trainings.several_trainings,
)


def main(arguments: list[str] | None = None) -> int:
    """Prints every figure, then the table; exit code 1 where a default misses its target."""
    given = sys.argv[1:] if arguments is None else arguments
    scale = 0.1 if "--quick" in given else 1.0
    only = next((word for word in given if not word.startswith("--")), "")
    found = []
    for section in SECTIONS:
        if only in section.__name__:
            for line in section(scale):
                print(shown(line), flush=True)
                found.append(line)
    missed = sum(not line.ok for line in found)
    print(f"{missed} of the defaults miss their target" if missed else "every default keeps its target")
    print(*table(found), sep="\n")
    return bool(missed)


if __name__ == "__main__":
    sys.exit(main())
