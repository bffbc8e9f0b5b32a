"""What `decision.stop_early` saves and how often it is wrong: simulated approaches, and four recorded GSM8K systems.

    python -m tests.bench.stopping                        # about a minute on one core

"Saved" is the share of all generations that were not made. "Wrong" is the share of runs in which anything was ended
wrongly: an approach for a rival that is no better, or a leader that is not the best: the rule promises at most 5 %,
however many approaches there are. "Decided" is the share of runs that ended before the last case. Answers of one case
are correlated over the approaches (rho of a latent normal), as real ones are. The approaches take turns, as those of
one job do.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from advisor.stopping import StoppingRule
from baselines.scoring.number import read_number
from reports.run.schema import ApproachSpec

Scores = NDArray[np.int8]

GSM8K = Path(__file__).resolve().parents[3] / "shared" / "data" / "gsm8k" / "raw" / "grade_school_math" / "data"
RHO = 0.6
RUNS = 400
MARGIN = 0.02
SCENES: Mapping[str, tuple[int, tuple[float, ...]]] = {
    "2 equal": (500, (0.8, 0.8)),
    "4 equal": (500, (0.8, 0.8, 0.8, 0.8)),
    "8 equal": (500, (0.8,) * 8),
    "12 equal": (500, (0.8,) * 12),
    "one 5 points better": (500, (0.75, 0.75, 0.75, 0.80)),
    "one 10 points better": (500, (0.7, 0.7, 0.7, 0.8)),
    "one 20 points better": (500, (0.5, 0.6, 0.6, 0.8)),
    "as the tickets demo": (150, (0.20, 0.22, 0.17, 0.20, 0.51)),
    "8, spread over 30": (1000, (0.5, 0.55, 0.6, 0.65, 0.7, 0.74, 0.78, 0.80)),
}
"""Cases, and the true quality of each approach."""


def main() -> int:
    """Writes one line a scene, then GSM8K where the data are beside this checkout."""
    sys.stdout.write(f"{RUNS} runs each, rho {RHO}, margin {MARGIN:.0%}, alpha 5 %\n")
    for name, (cases, truth) in SCENES.items():
        rng = np.random.default_rng(1)
        found = [play(simulated(truth, cases, rng), truth) for _ in range(RUNS)]
        tell(f"{name} ({len(truth)} x {cases})", found)
    for limit in (0.7, 0.8, 0.9):  # the leader's true quality is .8
        rng, (cases, truth) = np.random.default_rng(1), SCENES["one 20 points better"]
        found = [play(simulated(truth, cases, rng), truth, limit) for _ in range(RUNS)]
        tell(f"the same, limit {limit:.0%}", found)
    file = GSM8K / "example_model_solutions.jsonl"
    if not file.is_file():
        sys.stdout.write("GSM8K is not beside this checkout (../shared/data)\n")
        return 0
    scores = recorded(file)
    rng = np.random.default_rng(2)
    orders = [rng.permutation(scores.shape[1]) for _ in range(RUNS)]
    tell("GSM8K, 4 systems x 1,319", [play(scores[:, order], tuple(scores.mean(axis=1))) for order in orders])
    return 0


def simulated(truth: Sequence[float], cases: int, rng: np.random.Generator) -> Scores:
    """Right or wrong, shape (approaches, cases)."""
    from scipy.stats import norm

    shared, own = rng.normal(size=cases), rng.normal(size=(len(truth), cases))
    latent = np.sqrt(RHO) * shared + np.sqrt(1 - RHO) * own
    scores: Scores = (latent < norm.ppf(truth)[:, None]).astype(np.int8)
    return scores


def recorded(file: Path) -> Scores:
    """The four systems' answers against the reference number, shape (4, 1319)."""
    systems = ("6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification")
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    return np.array(
        [[read_number(row[name]["solution"]) == read_number(row["ground_truth"]) for row in rows] for name in systems],
        dtype=np.int8,
    )


def play(scores: Scores, truth: Sequence[float], limit: float | None = None) -> tuple[float, bool, int, bool]:
    """Share of generations saved, whether anything was ended wrongly, how many were ended, whether all were."""
    k, n = scores.shape
    names = [str(i) for i in range(k)]
    approaches = [ApproachSpec(name=name, kind="zero-shot") for name in names]
    rule = StoppingRule("accuracy", MARGIN, [str(i) for i in range(n)], approaches, min_quality=limit)
    rule.right = dict(zip(names, scores, strict=True))
    live, used, wrong = list(names), 0, False
    for look in rule.looks:
        for event in rule.decide(live, look):
            live.remove(event.approach)
            used += look
            if event.settled:
                below = limit is not None and (truth[int(event.approach)] < limit) != ("below" in event.reason)
                wrong |= truth[int(event.approach)] < max(truth) or below
            else:
                wrong |= truth[int(event.rival)] <= truth[int(event.approach)]
    used += len(live) * n
    return 1 - used / (k * n), wrong, k - len(live), not live


def tell(name: str, found: Sequence[tuple[float, bool, int, bool]]) -> None:
    """One line of means over the runs."""
    saved, wrong, ended, decided = np.array(found, dtype=float).T
    sys.stdout.write(
        f"{name:34} saved {saved.mean():6.1%} (5 to 95 %: {np.quantile(saved, 0.05):.0%} to "
        f"{np.quantile(saved, 0.95):.0%})  ended {ended.mean():.2f} a run  decided {decided.mean():.1%}  "
        f"wrong in {wrong.mean():.1%} of runs\n"
    )


if __name__ == "__main__":
    sys.exit(main())
