"""The figures as numbers: the same approaches and findings as the page's, in the units of a reader."""

from __future__ import annotations

import pytest

from reports.charts.differences import differences
from reports.charts.plain import difference_whiskers, quality_cost_points, volume_lines
from reports.charts.quality_cost import quality_cost
from reports.charts.volume import volume
from reports.summary import Summary


def test_points_are_percent_with_their_intervals_best_first(summary: Summary) -> None:
    figure, page = quality_cost_points(summary), quality_cost(summary)
    assert figure is not None
    assert page is not None
    assert figure.title == page.title
    assert figure.percent
    values = [point.y for point in figure.points]
    assert values == sorted(values, reverse=True)
    assert all(point.low <= point.y <= point.high for point in figure.points)
    assert {p.name for p in figure.points if p.standing == "recommended"} <= {summary.verdict.approach}


def test_lines_are_totals_and_cross_where_the_page_says(summary: Summary) -> None:
    figure, page = volume_lines(summary), volume(summary)
    assert figure is not None
    assert page is not None
    assert figure.title == page.title
    assert figure.here == 5000
    for line in figure.lines:
        assert line.here == pytest.approx(summary.approach(line.name).cost.total_usd)
        assert len(line.y) == len(figure.x)


def test_whiskers_are_points_against_the_baseline(summary: Summary) -> None:
    figure, page = difference_whiskers(summary), differences(summary)
    assert figure is not None
    assert page is not None
    assert figure.title == page.title
    assert figure.margin == pytest.approx(2.0)
    by_name = {c.b: c for c in summary.comparisons if c.primary}
    for row in figure.rows:
        assert row.value == pytest.approx(100 * by_name[row.name].difference)
        assert row.words == by_name[row.name].words


def test_nothing_to_compare_is_no_figure(summary: Summary) -> None:
    alone = summary.model_copy(update={"approaches": summary.approaches[:1], "comparisons": ()})
    assert quality_cost_points(alone) is None
    assert volume_lines(alone) is None
    assert difference_whiskers(alone) is None
