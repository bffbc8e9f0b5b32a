"""What an eval set can show, in words, before anything is measured."""

from __future__ import annotations

import pytest

from advisor.detectable import shows
from reports.statistics import ScoreKind


@pytest.mark.parametrize(
    ("cases", "groups", "kind", "said"),
    [
        (2, 2, "binary", ("cannot show any difference", "gives no verdict")),
        (49, 49, "binary", ("49 cases can show", "below 50 it is a pilot")),
        (200, 200, "binary", ("difference of 9 points", "disagree on 20 %")),  # evidence 1.9: 8.8
        (1000, 50, "binary", ("4 points", "from 50 groups, reckoned as 778 that stand alone")),  # 1 + 19 * .015
        (200, 200, "bounded", ("difference of 0.05 ", "standard deviation")),  # evidence 1.9: .050
    ],
)
def test_the_sentence(cases: int, groups: int, kind: ScoreKind, said: tuple[str, ...]) -> None:
    found = shows(cases, groups, kind)
    for words in said:
        assert words in found
    assert ("pilot" in found) == (cases < 50)
    assert ("groups" in found) == (groups < cases)
