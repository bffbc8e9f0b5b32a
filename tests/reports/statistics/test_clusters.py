"""Cases that share groups: clustered errors against Miller's formula, statsmodels, and a public text-to-SQL study."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st

from reports import statistics
from reports.statistics.clusters import group_codes
from tests.reports.study import CASES, DATABASES, study_rows

DIFFERENCES = np.array([1, 1, 0, 1, 0, 0, -1, 0, 1, 0, 1, 1, 0, -1, 0, 0, 1, 1, 1, 0], dtype=float)
GROUPS = np.repeat(np.arange(5), 4)

# A -> B, cases only A / only B got right, clustered standard error as published, of n = 1,034 in 20 databases
STUDY = [
    ("base -> RAG few-shot", 63, 61, 0.0165, "not shown"),
    ("base -> QLoRA", 60, 91, 0.0154, "not shown"),
    ("QLoRA -> QLoRA+RAG", 16, 26, 0.0071, "not shown"),
    ("QLoRA+RAG -> frontier API", 56, 122, 0.0265, "better"),
]


@given(st.lists(st.integers(0, 6), max_size=12))
def test_codes_of_codes_are_those_codes(named: list[int]) -> None:
    found, count = group_codes(named)
    assert count == len(set(named))
    np.testing.assert_array_equal(found, [sorted(set(named)).index(name) for name in named])
    again, recount = group_codes(found)
    assert recount == count
    np.testing.assert_array_equal(again, found)


def test_fixture() -> None:
    assert DIFFERENCES.mean() == pytest.approx(0.35)
    assert DIFFERENCES.std(ddof=1) / np.sqrt(20) == pytest.approx(0.15, abs=1e-6)
    assert statistics.clustered_se(DIFFERENCES, GROUPS, corrected=False) == pytest.approx(0.219089, abs=5e-7)
    assert statistics.clustered_se(DIFFERENCES, GROUPS) == pytest.approx(0.244949, abs=5e-7)


@pytest.mark.parametrize("corrected", [True, False])
def test_equals_statsmodels(corrected: bool) -> None:
    rng = np.random.default_rng(3)
    groups = rng.integers(0, 17, size=300)
    values = rng.normal(size=300) + rng.normal(size=17)[groups]
    fitted = sm.OLS(values, np.ones(300)).fit(
        cov_type="cluster", cov_kwds={"groups": groups, "use_correction": corrected}
    )
    assert statistics.clustered_se(values, groups, corrected) == pytest.approx(float(fitted.bse[0]), rel=1e-9)


@pytest.mark.parametrize(("name", "a_only", "b_only", "published", "word"), STUDY)
def test_study_of_four_approaches(name: str, a_only: int, b_only: int, published: float, word: str) -> None:
    a, b, groups = study_rows(a_only, b_only, published)
    assert statistics.clustered_se(b - a, groups, corrected=False) == pytest.approx(published, abs=3e-4)
    result = statistics.compare(a, b, groups)
    assert (result.a_only, result.b_only, result.n, result.n_clusters) == (a_only, b_only, CASES, DATABASES)
    assert result.words == word


def test_tuned_gain_is_shown_only_if_databases_are_ignored() -> None:
    a, b, groups = study_rows(60, 91, 0.0154)
    plain, clustered = statistics.compare(a, b), statistics.compare(a, b, groups)
    assert plain.p_exact == pytest.approx(0.0144, abs=1e-4)
    assert plain.words == "better"
    assert clustered.words == "not shown"
    assert clustered.p == pytest.approx(0.066, abs=0.012)
    assert clustered.difference == plain.difference == pytest.approx(0.0300, abs=5e-5)


def test_design_effect_and_correlation_see_shared_errors() -> None:
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(200), 5)
    values = rng.normal(size=1000) + rng.normal(size=200)[groups]
    assert statistics.intraclass_correlation(values, groups) == pytest.approx(0.5, abs=0.08)
    assert statistics.design_effect(values, groups) == pytest.approx(3.0, rel=0.15)
    assert statistics.intraclass_correlation(values, np.arange(1000)) == 0.0
    assert statistics.design_effect(rng.normal(size=1000), groups) < 1.3


def test_cluster_bootstrap_agrees_with_the_clustered_t() -> None:
    rng = np.random.default_rng(1)
    groups = np.repeat(np.arange(60), 5)
    values = rng.normal(size=300) + rng.normal(size=60)[groups]
    t, boot = statistics.clustered_mean(values, groups)[0], statistics.cluster_bootstrap(values, groups)
    assert (boot.low, boot.high) == pytest.approx((t.low, t.high), abs=0.06)


def test_too_few_groups_show_nothing() -> None:
    result = statistics.compare(np.zeros(100), np.ones(100), ["one"] * 100)
    assert result.words == "not shown"
    assert result.p == 1.0
