"""Intervals, paired tests, detectable differences: pure functions on numpy arrays. Knows no runs and no files.

    from reports import statistics
    statistics.wilson(45, 50)
    statistics.compare(a_scores, b_scores, kind="binary", margin=0.02).words
    statistics.Outcomes("accuracy", "binary", {"zero-shot": a, "rag": b}).could_be_best()

The default path uses numpy and scipy.special only, imported where needed: scipy.stats costs 0.7 s of processor time
and statsmodels 1.2 s, and a whole report has 2 s. The tests hold every function against scipy.stats or statsmodels
where they offer it.
"""

from __future__ import annotations

from reports.statistics.bounded import bca, mean_interval, ratio_interval, sign_flip, t_interval
from reports.statistics.clusters import (
    FEW_CLUSTERS,
    cluster_bootstrap,
    clustered_mean,
    clustered_se,
    design_effect,
    intraclass_correlation,
)
from reports.statistics.comparison import adjust, compare, compare_sets, declared
from reports.statistics.equivalence import is_equivalent, is_not_worse, words
from reports.statistics.latency import (
    QuantileInterval,
    interpolated_interval,
    minimum_n,
    quantile_difference,
    quantile_interval,
    quantile_ranks,
)
from reports.statistics.multiplicity import (
    benjamini_hochberg,
    best_intervals,
    could_be_best,
    dunnett_critical,
    holm,
)
from reports.statistics.outcomes import Outcomes, score_kind
from reports.statistics.paired import (
    bonett_price,
    credible_difference,
    mcnemar_exact,
    mcnemar_midp,
    paired_interval,
    probability_better,
    tango,
)
from reports.statistics.power import (
    DISCORDANCE_DIFFERENT_MODEL,
    DISCORDANCE_SAME_MODEL,
    cases_for,
    cases_for_mean,
    clustered_design_effect,
    detectable_difference,
    detectable_mean,
    detectable_one_sided,
    exact_detectable_difference,
    midp_power,
    miller_cases,
    miller_detectable,
    size_for_equivalence,
    unpaired_detectable,
)
from reports.statistics.proportions import (
    PILOT_BELOW,
    clopper_pearson,
    clustered_wilson,
    is_pilot,
    jeffreys,
    uniform_bayes,
    wilson,
)
from reports.statistics.results import Interval, PairedResult, ScoreKind, Words
from reports.statistics.seeds import NOT_MEASURED, SeedNoise
from reports.statistics.sequential import anytime_p, e_path, e_value, is_settled, stop_at, win_share
from reports.statistics.sets import macro_f1, multilabel_f1, set_interval, set_sample, set_value
from reports.statistics.winners import Shrunk, expected_maximum, paired_sigma, shrink

__all__ = [
    "DISCORDANCE_DIFFERENT_MODEL",
    "DISCORDANCE_SAME_MODEL",
    "FEW_CLUSTERS",
    "NOT_MEASURED",
    "PILOT_BELOW",
    "Interval",
    "Outcomes",
    "PairedResult",
    "QuantileInterval",
    "ScoreKind",
    "SeedNoise",
    "Shrunk",
    "Words",
    "adjust",
    "anytime_p",
    "bca",
    "benjamini_hochberg",
    "best_intervals",
    "bonett_price",
    "cases_for",
    "cases_for_mean",
    "clopper_pearson",
    "cluster_bootstrap",
    "clustered_design_effect",
    "clustered_mean",
    "clustered_se",
    "clustered_wilson",
    "compare",
    "compare_sets",
    "could_be_best",
    "credible_difference",
    "declared",
    "design_effect",
    "detectable_difference",
    "detectable_mean",
    "detectable_one_sided",
    "dunnett_critical",
    "e_path",
    "e_value",
    "exact_detectable_difference",
    "expected_maximum",
    "holm",
    "interpolated_interval",
    "intraclass_correlation",
    "is_equivalent",
    "is_not_worse",
    "is_pilot",
    "is_settled",
    "jeffreys",
    "macro_f1",
    "mcnemar_exact",
    "mcnemar_midp",
    "mean_interval",
    "midp_power",
    "miller_cases",
    "miller_detectable",
    "minimum_n",
    "multilabel_f1",
    "paired_interval",
    "paired_sigma",
    "probability_better",
    "quantile_difference",
    "quantile_interval",
    "quantile_ranks",
    "ratio_interval",
    "score_kind",
    "set_interval",
    "set_sample",
    "set_value",
    "shrink",
    "sign_flip",
    "size_for_equivalence",
    "stop_at",
    "t_interval",
    "tango",
    "uniform_bayes",
    "unpaired_detectable",
    "wilson",
    "win_share",
    "words",
]
