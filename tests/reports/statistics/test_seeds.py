"""Seed noise in intervals, tests and the set of the best: what one training shows, and what the next one would."""

from __future__ import annotations

from dataclasses import replace
from math import hypot

import numpy as np
import pytest

from reports.statistics.outcomes import Outcomes
from reports.statistics.seeds import known, widened, widened_difference

Z = 1.959964


def table(sd: float | None) -> Outcomes:
    """A tuned approach that is right on 75 of 100 cases where a prompt is on 60, among them all of the prompt's."""
    scores = {"zero-shot": np.r_[np.ones(60), np.zeros(40)], "qlora": np.r_[np.ones(75), np.zeros(25)]}
    return Outcomes("accuracy", "binary", scores, seed_sd={} if sd is None else {"qlora": sd})


def test_half_widths_add_in_squares() -> None:
    plain, opened = table(None).quality("qlora"), table(0.03).quality("qlora")
    assert opened.value == plain.value
    assert opened.value - opened.low == pytest.approx(hypot(plain.value - plain.low, Z * 0.03))
    assert opened.high - opened.value == pytest.approx(hypot(plain.high - plain.value, Z * 0.03))
    assert table(0.03).quality("zero-shot") == table(None).quality("zero-shot")
    assert widened(plain, 0.0).low == plain.low


@pytest.mark.parametrize(("trainings", "factor"), [(2, 1.75), (3, 1.25), (5, 1.0)])
def test_an_sd_of_few_trainings_is_taken_for_more(trainings: int, factor: float) -> None:
    few = replace(table(0.03), seeds={"qlora": trainings})
    assert few.quality("qlora") == table(0.03 * factor).quality("qlora")
    assert few.compare("zero-shot", "qlora") == table(0.03 * factor).compare("zero-shot", "qlora")
    # normal cases and seeds, these with twice the spread: the mean over trainings lies inside in 93 to 98 of 100
    rng, count = np.random.default_rng(trainings), 20_000
    shifts = rng.normal(0, 2, size=(count, trainings))
    sds = np.array([known(sd, trainings) for sd in shifts.std(axis=1, ddof=1)])
    inside = np.abs(shifts[:, 0] + rng.normal(size=count)) <= Z * np.hypot(1, sds)
    assert 0.93 <= inside.mean() <= 0.98


def test_a_difference_within_seed_noise_is_not_shown() -> None:
    calm, noisy = (table(sd).compare("zero-shot", "qlora") for sd in (0.01, 0.10))
    assert (calm.words, noisy.words) == ("better", "not shown")
    assert noisy.difference == calm.difference == pytest.approx(table(None).compare("zero-shot", "qlora").difference)
    assert noisy.low < 0 < calm.low
    assert noisy.p > 0.05 > calm.p


def test_p_is_that_of_the_wider_standard_error() -> None:
    plain = table(None).compare("zero-shot", "qlora")
    item_se = (plain.high - plain.low) / (2 * Z)
    doubled = widened_difference(plain, item_se * 3**0.5)
    assert doubled.high - doubled.low == pytest.approx(2 * (plain.high - plain.low), rel=1e-3)
    assert doubled.p > plain.p
    assert widened_difference(plain, 0.0) == plain


def test_seed_noise_keeps_a_rival_in_the_set_of_the_best() -> None:
    assert table(None).could_be_best() == ("qlora",)
    assert table(0.12).could_be_best() == ("zero-shot", "qlora")


def test_scores_beyond_one_are_not_cut_at_one() -> None:
    marks = np.array([1.0, 5.0, 4.0, 3.0] * 20)
    alone = Outcomes("judge", "bounded", {"qlora": marks}).quality("qlora")
    found = Outcomes("judge", "bounded", {"qlora": marks}, seed_sd={"qlora": 0.4}).quality("qlora")
    assert found.low < alone.low
    assert found.high > alone.high > 3.25
