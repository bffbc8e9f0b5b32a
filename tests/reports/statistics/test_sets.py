"""Metrics of a whole set: values against sklearn, joint resampling, pairing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from reports import statistics
from reports.statistics.sets import set_sample


def noisy(expected: list[str], share: float, seed: int) -> list[str | None]:
    """Predictions that are right with this probability, else a random other label or nothing."""
    rng = np.random.default_rng(seed)
    labels = [*sorted(set(expected)), None]
    return [label if rng.random() < share else labels[rng.integers(len(labels))] for label in expected]


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["a", "b", "c", "d", None])), min_size=1, max_size=60)
)
def test_macro_f1_equals_sklearn(pairs: list[tuple[str, str | None]]) -> None:
    expected, predicted = [e for e, _ in pairs], [p for _, p in pairs]
    reference = f1_score(
        expected, [p or "none" for p in predicted], labels=sorted(set(expected)), average="macro", zero_division=0
    )
    assert statistics.macro_f1(predicted, expected) == pytest.approx(reference)


def test_multilabel_f1_counts_decisions() -> None:
    expected, predicted = ["a|b", "b", ""], ["a", "b|c", None]
    assert statistics.multilabel_f1(predicted, expected) == pytest.approx(2 * 2 / (3 + 3))


def test_always_one_label() -> None:
    expected = ["yes"] * 276 + ["no"] * 169 + ["maybe"] * 55
    assert statistics.macro_f1(["yes"] * 500, expected) == pytest.approx(0.2371, abs=5e-5)


def test_jackknife_leaves_one_case_out() -> None:
    expected = ["a", "a", "b", "b", "c", "a"]
    predicted = ["a", "b", "b", "c", "c", None]
    left_out = [
        statistics.macro_f1(predicted[:i] + predicted[i + 1 :], expected[:i] + expected[i + 1 :])
        for i in range(len(expected))
    ]
    assert set_sample("macro-f1", predicted, expected).jackknife == pytest.approx(left_out)


def test_pairing_narrows_the_difference() -> None:
    expected = [str(i % 5) for i in range(400)]
    a = noisy(expected, 0.8, seed=1)
    rng = np.random.default_rng(2)
    b = [e if rng.random() < 0.3 else p for p, e in zip(a, expected, strict=True)]
    result = statistics.compare_sets("macro-f1", [a], [b], expected)
    assert result.words == "better"
    own = [statistics.set_interval("macro-f1", side, expected) for side in (a, b)]
    assert result.high - result.low < np.hypot(own[0].half_width, own[1].half_width) * 2 * 0.8
    assert result.difference == pytest.approx(own[1].value - own[0].value)


def test_identical_predictions_are_not_shown_to_differ() -> None:
    expected = [str(i % 3) for i in range(90)]
    a = noisy(expected, 0.7, seed=3)
    result = statistics.compare_sets("macro-f1", [a], [a], expected, margin=0.02)
    assert (result.difference, result.p, result.words) == (0.0, 1.0, "not shown")


def test_groups_resample_together() -> None:
    expected = [str(i % 4) for i in range(400)]
    groups = [str(i // 20) for i in range(400)]
    right = np.repeat(np.random.default_rng(0).random(20) < 0.7, 20)
    predicted = [e if ok else "0" for e, ok in zip(expected, right, strict=True)]
    outcomes = statistics.Outcomes(
        "macro-f1", "set", {"x": right.astype(float)}, predicted={"x": predicted}, expected=expected, groups=groups
    )
    plain = statistics.set_interval("macro-f1", predicted, expected)
    clustered = outcomes.quality("x")
    assert clustered.n_clusters == 20
    assert clustered.half_width > 2 * plain.half_width


def test_a_label_of_a_single_case_is_reckoned_with_as_a_coin() -> None:
    expected = ["a"] * 20 + ["b"] * 19 + ["c"]
    predicted = ["a"] * 15 + ["b"] * 5 + ["b"] * 16 + ["a"] * 3 + ["c"]
    sample = set_sample("macro-f1", predicted, expected)
    assert sample.unseen == pytest.approx(1 / 4 / 9)
    half = 2.0227 * (sample.standard_error() ** 2 + sample.unseen) ** 0.5  # t with 39 degrees of freedom
    assert sample.value - sample.interval().low == pytest.approx(half, rel=1e-3)
    assert sample.minus(sample).unseen == 0
    twice = set_sample("macro-f1", predicted * 2, expected * 2)
    assert twice.unseen == 0
    grouped = set_sample("macro-f1", predicted * 2, expected * 2, np.arange(80) % 40)
    assert grouped.unseen == sample.unseen


def test_lengths_must_agree() -> None:
    with pytest.raises(ValueError, match="2 predictions for 3 references"):
        statistics.set_value("macro-f1", ["a", "b"], ["a", "b", "c"])
