"""The table of all approaches on the same cases."""

from __future__ import annotations

import numpy as np
import pytest

from reports.statistics import Outcomes, score_kind, wilson


@pytest.fixture
def outcomes() -> Outcomes:
    rng = np.random.default_rng(0)
    base = (rng.random(200) < 0.6).astype(float)
    better = np.where(rng.random(200) < 0.5, 1.0, base)
    failed = np.zeros(200, dtype=bool)
    failed[:10] = True
    better[:10] = 0.0
    stopped = base.copy()
    stopped[80:] = np.nan
    return Outcomes(
        "accuracy", "binary", {"base": base, "better": better, "stopped": stopped}, failed={"better": failed}
    )


def test_quality_counts_failures_as_wrong(outcomes: Outcomes) -> None:
    hits = int(outcomes.scores["better"].sum())
    assert outcomes.quality("better") == wilson(hits, 200)
    assert outcomes.answered_only().quality("better") == wilson(hits, 190)
    assert outcomes.failures("better") == 10


def test_pairs_use_the_cases_both_were_asked(outcomes: Outcomes) -> None:
    assert outcomes.compare("base", "stopped").n == 80
    assert outcomes.compare("base", "better").n == 200
    assert outcomes.quality("stopped").n == 80


def test_family_is_adjusted_and_named(outcomes: Outcomes) -> None:
    found = outcomes.against("base", margin=0.02)
    assert [(r.a, r.b) for r in found] == [("base", "better"), ("base", "stopped")]
    assert found[0].words == "better"
    assert found[0].p_adjusted == pytest.approx(2 * found[0].p)


def test_subset_keeps_everything_aligned(outcomes: Outcomes) -> None:
    half = outcomes.subset(np.arange(200) < 100)
    assert half.cases == 100
    assert half.failures("better") == 10
    assert half.quality("base").value == outcomes.scores["base"][:100].mean()


def test_bounded_quality_stays_inside_the_range() -> None:
    scores = np.r_[np.ones(57), 0.9, 0.95, 0.99]
    found = Outcomes("token-f1", "bounded", {"x": scores}).quality("x")
    assert found.low < found.value < found.high <= 1.0


@pytest.mark.parametrize("cases", [6, 60])
@pytest.mark.parametrize(("score", "low", "high"), [(0.0, False, True), (1.0, True, False), (0.25, True, True)])
def test_scores_all_alike_are_no_certainty(cases: int, score: float, low: bool, high: bool) -> None:
    outcomes = Outcomes("token-f1", "bounded", {"a": np.full(cases, score)})
    found, share = outcomes.quality("a"), wilson(0, cases).high
    assert found.value == score
    assert (found.low < score, found.high > score) == (low, high)
    assert found.low == pytest.approx(score * (1 - share))
    assert found.high == pytest.approx(score + (1 - score) * share)


def test_all_right_in_macro_f1_is_no_certainty() -> None:
    labels = tuple("ab" * 20)
    outcomes = Outcomes("macro-f1", "set", {"a": np.ones(40)}, expected=labels, predicted={"a": labels})
    found = outcomes.quality("a")
    assert (found.value, found.high) == (1.0, 1.0)
    assert 0.85 < found.low < 0.95


def test_nothing_asked_is_no_estimate() -> None:
    found = Outcomes("accuracy", "binary", {"x": np.full(5, np.nan)}).quality("x")
    assert np.isnan(found.value)
    assert found.n == 0
    pair = Outcomes("accuracy", "binary", {"x": np.full(5, np.nan), "y": np.ones(5)}).compare("x", "y")
    assert pair.words == "not shown"


def test_set_metric_through_the_table() -> None:
    expected = ["a", "b", "c"] * 40
    good = expected[:100] + ["a"] * 20
    poor = expected[:60] + ["a"] * 60
    hits = {
        k: np.array([p == e for p, e in zip(v, expected, strict=True)], float)
        for k, v in {"good": good, "poor": poor}.items()
    }
    table = Outcomes("macro-f1", "set", hits, predicted={"good": good, "poor": poor}, expected=expected)
    assert table.compare("poor", "good").words == "better"
    assert table.could_be_best() == ("good",)
    assert table.quality("good").covers(0.87)


def test_lengths_and_labels_are_checked() -> None:
    with pytest.raises(ValueError, match="differ in their number"):
        Outcomes("accuracy", "binary", {"a": np.ones(3), "b": np.ones(4)})
    with pytest.raises(ValueError, match="macro-f1 needs"):
        Outcomes("macro-f1", "set", {"a": np.ones(3)})


@pytest.mark.parametrize(
    ("metric", "scores", "kind"),
    [
        ("accuracy", [1.0], "binary"),
        ("macro-f1", [1.0], "set"),
        ("rougeL", [0.2, 1.0], "bounded"),
        ("own", [0.0, 1.0, 1.0], "binary"),
        ("own", [3.0, 1.0], "bounded"),
    ],
)
def test_kind_of_score(metric: str, scores: list[float], kind: str) -> None:
    assert score_kind(metric, scores) == kind
