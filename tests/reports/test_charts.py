"""Figures: findings in their titles, the same bytes each time, nothing active, labels that do not cover each other."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports import vega
from reports.charts import finish_all, finished, sketch_all
from reports.charts.differences import differences
from reports.charts.frame import padded, place_labels
from reports.charts.learning import curves, losses
from reports.charts.quality_cost import quality_cost
from reports.charts.volume import total, volume
from reports.drawing import Drawer
from reports.html import render_html
from reports.run.schema import TrainingStep
from reports.run.store import RunStore
from reports.summary import Summary
from reports.summary.bill import CostSummary
from reports.summary.model import CurvePoint


@pytest.fixture(scope="session")
def priced(summary: Summary) -> Summary:
    """The run with round prices: per 1,000 answers and once."""
    prices = {"zero-shot": (0.5, 0.0), "few-shot": (2.0, 0.0), "qlora": (0.1, 3000.0), "rag": (4.0, 1000.0)}
    approaches = []
    for approach in summary.approaches:
        each, once = prices.get(approach.name, (None, None))
        cost = CostSummary(per_1000_usd=each, one_off_usd=once, monthly_fixed_usd=0.0)
        front = approach.name in ("qlora",)
        approaches.append(approach.model_copy(update={"cost": cost, "undominated": front}))
    return summary.model_copy(update={"approaches": tuple(approaches)})


def test_the_drawing_process_gives_the_same_figures_as_drawing_here(summary: Summary, store: RunStore) -> None:
    with Drawer() as drawer:
        sketches = sketch_all(summary, store)
        drawer.ask([sketch.drawing for sketch in sketches])
        drawn = drawer.answer()
    assert drawn is not None
    assert finish_all(sketches, drawn) == finish_all(sketches)


def test_the_drawing_process_loads_nothing_of_the_run() -> None:
    code = "import sys; from reports import vega; from reports.vega.__main__ import FIRST\n"
    code += "vega.draw([FIRST]); print(sorted(m for m in sys.modules if m.startswith(('reports.', 'pydantic'))))"
    loaded = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True).stdout
    known = ["reports.vega", "reports.vega.__main__", "reports.vega.charts", "reports.vega.look"]
    assert loaded.strip() == str(known)


def test_drawings_carry_title_description_and_no_fixed_size(summary: Summary, store: RunStore) -> None:
    sketches = sketch_all(summary, store)
    assert {sketch.id for sketch in sketches} >= {"quality-cost", "differences", "latency", "volume"}
    for sketch, figure in zip(sketches, finish_all(sketches), strict=True):
        shown = str(figure.svg)
        assert shown.startswith('<svg version="1.1"')
        head = shown[: shown.index(">")]
        assert 'role="img"' in head
        assert "width=" not in head
        assert "viewBox=" in head
        assert f'<title id="{sketch.id}-title">' in shown
        assert "http" not in shown
        assert not re.search(r'\bid="(?!' + re.escape(sketch.id) + ")", shown)


def test_a_hostile_drawing_is_refused(summary: Summary) -> None:
    sketch = differences(summary)
    assert sketch is not None
    for attack in ("<script>", '<rect onclick="x"/>', '<a xlink:href="x">', "<foreignObject>"):
        with pytest.raises(AssertionError):
            finished(sketch, f'<svg width="1" height="1">{attack}</svg>')
    assert "onclick=" in str(finished(sketch, "<svg><text>x onclick=y</text></svg>").svg)


@pytest.mark.parametrize("program", ["/nowhere/python", "/bin/true"])
def test_without_a_drawing_process_the_page_is_the_same(
    monkeypatch: pytest.MonkeyPatch, summary: Summary, store: RunStore, program: str
) -> None:
    usual = render_html(summary, store)
    monkeypatch.setattr("sys.executable", program)
    with Drawer() as drawer:
        drawer.ask([sketch.drawing for sketch in sketch_all(summary, store)])
        assert drawer.answer() is None
    assert render_html(summary, store) == usual


def test_titles_state_the_finding(priced: Summary, summary: Summary) -> None:
    cost, cheap, gap = quality_cost(priced), volume(priced), differences(summary)
    assert cost is not None
    assert cheap is not None
    assert gap is not None
    assert cost.title == "qlora has the highest estimate, and none is cheaper to run"
    assert cheap.title == (
        "At 5,000 answers a day zero-shot (outside your limits) is the cheapest of these; above 21,000 a day qlora is"
    )
    assert "zero-shot" in gap.title


def test_total_cost_is_once_plus_months_of_traffic(priced: Summary) -> None:
    assert total(priced.approach("rag"), 1000, 12) == pytest.approx(1000 + 365 * 1000 * 0.004)


def test_nothing_to_show_gives_no_figure(summary: Summary) -> None:
    bare = summary.model_copy(update={"approaches": summary.approaches[:1], "comparisons": ()})
    assert quality_cost(bare) is None
    assert differences(bare) is None
    assert volume(bare) is None
    assert not list(curves(bare))


def test_a_learning_curve_is_drawn_with_its_verdict(summary: Summary) -> None:
    points = tuple(CurvePoint(examples=n, value=v, low=v - 0.05, high=v + 0.05) for n, v in ((50, 0.5), (400, 0.8)))
    tuned = summary.approach("qlora").model_copy(update={"curve": points, "curve_verdict": "More labels would help"})
    (sketch,) = curves(summary.model_copy(update={"approaches": (*summary.approaches[:2], tuned)}))
    assert sketch.title == "More labels would help"
    assert [row[0].text for row in sketch.table.rows] == ["50", "400"]
    assert vega.draw([sketch.drawing])[0].startswith("<svg")


def test_a_learning_curve_says_how_many_trainings_stand_behind_it(summary: Summary) -> None:
    def caption(*trainings: float) -> str:
        points = tuple(CurvePoint(examples=n, value=0.6, low=0.5, high=0.7, trainings=trainings) for n in (50, 400))
        tuned = summary.approach("qlora").model_copy(update={"curve": points, "curve_warnings": ("Mind this.",)})
        (sketch,) = curves(summary.model_copy(update={"approaches": (*summary.approaches[:2], tuned)}))
        assert ("'shape': 'stroke'" in str(vega.specs([sketch.drawing]))) == (len(trainings) > 1)
        return sketch.caption

    assert "One training a size" in caption(0.6)
    assert "2 trainings a size on the same examples" in caption(0.55, 0.65)
    assert "Mind this." in caption(0.6)


@pytest.mark.parametrize(
    ("held", "kept", "said"),
    [
        ((2.0, 1.0, 0.5), 2, "still improving when training ended"),
        ((0.1, 1.0, 0.5), 2, "still improving when training ended"),
        ((2.0, 0.5, 0.499), 2, "had levelled off when training ended"),
        ((2.0, 0.5, 0.7), 1, "was best at step 1; later steps only fitted"),
        ((2.0, 0.5, 0.7), 2, "had its lowest loss at step 1; the last weights are right as often and are kept"),
    ],
)
def test_a_loss_s_title_says_what_became_of_the_weights(
    summary: Summary, held: tuple[float, ...], kept: int, said: str
) -> None:
    steps = tuple(TrainingStep(step=i, epoch=float(i), loss=1.0, validation_loss=v) for i, v in enumerate(held))
    trained = next(a for a in summary.approaches if a.training is not None)
    assert trained.training is not None
    changed = {"history": steps, "best_step": kept, "best_validation_loss": held[kept]}
    training = trained.training.model_copy(update=changed)
    one = summary.model_copy(update={"approaches": (trained.model_copy(update={"training": training}),)})
    (sketch,) = losses(one)
    assert said in sketch.title


@given(st.lists(st.tuples(st.floats(0, 400), st.floats(0, 270)), min_size=2, max_size=6, unique=True))
def test_each_label_has_a_place_and_the_same_one_again(points: list[tuple[float, float]]) -> None:
    names = [f"approach-{i}" for i in range(len(points))]
    places = place_labels(points, names)
    assert len(places) == len(points)
    assert places == place_labels(points, names)


def test_labels_of_near_points_keep_apart() -> None:
    (_, first, side), (_, second, other) = place_labels([(100, 100), (100, 104)], ["zero-shot", "few-shot"])
    assert side != other or abs((100 + first) - (104 + second)) >= 12


def test_labels_of_points_on_the_axis_stay_beside_them_and_out_of_the_ticks() -> None:
    places = place_labels([(122, 268), (129, 270), (89, 270)], ["qlora", "few-shot", "zero-shot"])
    assert all(dy <= 0 for _, dy, _ in places)
    assert places[2][2] == "right"


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6))
def test_scales_hold_their_data(low: float, width: float) -> None:
    first, last = padded(low, low + width)
    assert first <= low <= low + width <= last
    assert first < last
