"""Would more data make fine-tuning win: the fits, the band, and the words on real and made curves."""

from __future__ import annotations

import csv
from collections import defaultdict
from math import exp, log
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.learning_curve import FARTHEST, TrainedAt, ceiling_fit, fit_all, judge, logit_fit, power_fit

SIZES = (100, 200, 400, 800)


def logistic(n: float) -> float:
    """A curve that the logit fit describes exactly."""
    return 1 / (1 + exp(-(-3 + 0.6 * log(n))))


def points(curve: dict[int, float], seeds: int = 2) -> list[TrainedAt]:
    return [TrainedAt(n, q, seeds=seeds) for n, q in curve.items()]


def test_each_fit_finds_its_own_curve() -> None:
    for fit, truth in (
        (logit_fit, logistic),
        (power_fit, lambda n: 1 - 4 * n**-0.4),
        (ceiling_fit, lambda n: 0.8 - 3 * n**-0.5),
    ):
        found = fit(points({n: truth(n) for n in (50, *SIZES)}))
        assert [found.predict(n) for n in (*SIZES, 3200)] == pytest.approx([truth(n) for n in (*SIZES, 3200)], abs=2e-3)


def test_third_fit_needs_five_sizes() -> None:
    assert len(fit_all(points({n: logistic(n) for n in SIZES}))) == 2
    assert len(fit_all(points({n: logistic(n) for n in (50, *SIZES)}))) == 3


def test_yes_no_and_uncertain() -> None:
    curve = points({n: logistic(n) for n in SIZES})
    reached = judge(curve, rival=0.5)
    assert reached.low is not None
    assert reached.high is not None
    assert reached.target == 3200
    verdicts = [judge(curve, rival).words for rival in (reached.low - 0.01, (reached.low + reached.high) / 2, 0.99)]
    assert verdicts == ["yes", "uncertain", "no"]


def test_labels_needed_invert_the_logit_fit() -> None:
    rival = logistic(1500)
    found = judge(points({n: logistic(n) for n in SIZES}), rival)
    assert found.labels_needed == pytest.approx(1500, abs=2)
    assert found.label_budget == pytest.approx(2250, abs=3)
    assert judge(points({n: logistic(n) for n in SIZES}), logistic(FARTHEST * 800 + 200)).labels_needed is None


def test_obtainable_labels_limit_the_target() -> None:
    curve = points({n: logistic(n) for n in SIZES})
    assert judge(curve, 0.5, obtainable=1000).target == 1000
    assert judge(curve, 0.5, obtainable=100).target == 800
    assert judge(curve, 0.5, obtainable=10**6).target == 3200


def test_already_winning_is_said() -> None:
    assert "already" in judge(points({n: logistic(n) for n in SIZES}), rival=0.3).text


def test_two_sizes_tell_nothing() -> None:
    found = judge(points({100: 0.5, 200: 0.6}), 0.7)
    assert (found.words, found.low, found.fits) == ("uncertain", None, ())


def test_collapse_and_single_seeds_are_warned_of() -> None:
    curve = points({100: 0.5, 200: 0.6, 400: 0.2, 800: 0.7}, seeds=1)
    warnings = " ".join(judge(curve, 0.8).warnings)
    assert "falls from 200 to 400" in warnings
    assert "one seed each" in warnings


@pytest.mark.parametrize(
    ("curve", "rival", "message"),
    [([TrainedAt(100, 3.2)], 0.5, "between 0 and 1"), ([TrainedAt(100, 0.2), TrainedAt(100, 0.3)], 0.5, "same number")],
)
def test_bad_points_are_refused(curve: list[TrainedAt], rival: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        judge(curve, rival)


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.floats(0, 1), min_size=3, max_size=7),
    st.floats(0, 1),
)
def test_any_curve_gets_a_word_inside_its_band(values: list[float], rival: float) -> None:
    found = judge([TrainedAt(64 * 2**i, q) for i, q in enumerate(values)], rival)
    assert found.low is not None
    assert found.high is not None
    assert found.guess is not None
    assert 0 <= found.low <= found.guess <= found.high <= 1
    assert found.words == ("yes" if found.low > rival else "no" if found.high < rival else "uncertain")


def test_real_curve_is_never_judged_wrongly(shared_data: Path) -> None:
    """Banking77, LoRA, five runs a size: the words at four times the largest size against what came out there."""
    path = shared_data / "icl_predictions_banking77/raw/final-results/finetuning/banking77.csv"
    runs: dict[int, dict[int, float]] = defaultdict(dict)
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            runs[int(row["n_shots"])][int(row["run_num"])] = float(row["accuracy"])
    curve = {n: (float(np.mean(list(r.values()))), float(np.std(list(r.values()), ddof=1))) for n, r in runs.items()}
    sizes = sorted(n for n in curve if n >= 64)
    words = []
    for last in (512, 1024, 2048, 4096):
        tried = [TrainedAt(n, curve[n][0], se=max(curve[n][1] / 5**0.5, 0.015), seeds=5) for n in sizes if n <= last]
        for rival in (0.888, 0.924):  # retrieved examples in the prompt: 10 and 100 of them
            found = judge(tried, rival)
            actual = curve[4 * last][0] if 4 * last in curve else curve[max(sizes)][0]
            words.append(found.words)
            assert found.words != ("no" if actual > rival + 0.01 else "yes" if actual < rival - 0.01 else "")
    assert len(words) == 8
    assert words.count("no") == 5
    assert words.count("uncertain") == 3
