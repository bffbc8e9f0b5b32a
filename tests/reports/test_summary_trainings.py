"""Trainings beside an approach, and approaches that were ended: where they stand and what they do to intervals."""

from __future__ import annotations

from pathlib import Path

import pytest

from reports.run.events import StoppedEarly, Warned
from reports.run.schema import ApproachSpec, Decision, TrainingRecord
from reports.run.store import RunStore
from reports.statistics.sequential import e_value
from reports.tables import main_table
from tests.reports.test_summary import run, summary_of


def test_points_of_a_learning_curve_stand_on_it_and_nowhere_else(tmp_path: Path) -> None:
    shares = {"qlora@50": 0.5, "qlora@100": 0.62, "qlora@200": 0.72, "qlora": 0.8, "rag": 0.85}
    outcomes = {name: [1.0] * round(100 * share) + [0.0] * round(100 - 100 * share) for name, share in shares.items()}
    specs = tuple(
        ApproachSpec(name=name, kind=name.split("@")[0], options={"curve_of": "qlora"} if "@" in name else {})
        for name in outcomes
    )
    store = run(tmp_path / "r", outcomes, approaches=specs)
    for name, examples in (("qlora@50", 50), ("qlora@100", 100), ("qlora@200", 200), ("qlora", 400)):
        training = TrainingRecord(
            method="qlora", examples=examples, validation_examples=5, trained_tokens=1, steps=1, epochs=1, best_step=1,
            best_validation_loss=None, stopped="all epochs", seconds=1,
        )  # fmt: skip
        store.write_training(name, training)
    found = summary_of(store)
    assert [a.name for a in found.approaches] == ["qlora", "rag"]
    assert {name for c in found.comparisons for name in (c.a, c.b)} == {"qlora", "rag"}
    tuned = found.approach("qlora")
    assert [(p.examples, p.value) for p in tuned.curve] == [(50, 0.5), (100, 0.62), (200, 0.72), (400, 0.8)]
    assert tuned.curve_words in ("yes", "uncertain")
    assert "rag" in tuned.curve_verdict
    assert "1,600" in tuned.curve_verdict
    spec = store.header.spec.model_copy(update={"interview": {"labels_obtainable": 600}})
    (store.folder / "run.json").write_text(store.header.model_copy(update={"spec": spec}).model_dump_json())
    with RunStore.open(store.folder) as limited:
        assert "1,600" not in summary_of(limited).approach("qlora").curve_verdict, "no more labels can be had"


def test_several_trainings_of_a_size_stand_on_the_curve_as_their_mean_with_both_noises(tmp_path: Path) -> None:
    sizes = {"qlora@1/4": 100, "qlora@1/4@seed-2": 100, "qlora@1/2": 200, "qlora@1/2@seed-2": 200,
             "qlora": 400, "qlora@seed-2": 400}  # fmt: skip
    shares = {"qlora@1/4": 0.5, "qlora@1/4@seed-2": 0.6, "qlora@1/2": 0.7, "qlora@1/2@seed-2": 0.7,
              "qlora": 0.8, "qlora@seed-2": 0.84, "rag": 0.85}  # fmt: skip
    outcomes = {name: [1.0] * round(100 * share) + [0.0] * round(100 - 100 * share) for name, share in shares.items()}
    specs = tuple(
        ApproachSpec(
            name=name,
            kind=name.split("@")[0],
            options={"curve_of" if "/" in name else "seed_of": "qlora"} if "@" in name else {},
        )
        for name in outcomes
    )
    store = run(tmp_path / "r", outcomes, approaches=specs)
    for name, examples in sizes.items():
        training = TrainingRecord(
            method="qlora", examples=examples, validation_examples=5, trained_tokens=1, steps=1, epochs=1, best_step=1,
            best_validation_loss=None, stopped="all epochs", seconds=1,
        )  # fmt: skip
        store.write_training(name, training)
    tuned = summary_of(store).approach("qlora")
    assert [p.trainings for p in tuned.curve] == [(0.5, 0.6), (0.7, 0.7), (0.8, 0.84)]
    assert [p.value for p in tuned.curve] == pytest.approx([0.55, 0.7, 0.82])
    widths = [(p.high or 0) - (p.low or 0) for p in tuned.curve]
    assert widths[0] > 0.25 > widths[1]
    assert not any("one seed each" in warning for warning in tuned.curve_warnings)


def test_repeated_seeds_are_averaged_open_the_intervals_and_stand_nowhere_else(tmp_path: Path) -> None:
    shares = {"zero-shot": 0.6, "qlora": 0.8, "qlora@seed-2": 0.7, "qlora@seed-3": 0.75}
    outcomes = {name: [1.0] * round(100 * share) + [0.0] * round(100 - 100 * share) for name, share in shares.items()}

    def specs(option: str) -> tuple[ApproachSpec, ...]:
        return tuple(
            ApproachSpec(name=name, kind=name.split("@")[0], options={option: "qlora"} if "@" in name else {})
            for name in outcomes
        )

    found = summary_of(run(tmp_path / "seeds", outcomes, approaches=specs("seed_of")))
    plain = summary_of(run(tmp_path / "once", outcomes, approaches=specs("curve_of")))
    assert [a.name for a in found.approaches] == ["zero-shot", "qlora"]
    tuned, once = found.approach("qlora"), plain.approach("qlora")
    assert once.seeds is None
    assert tuned.seeds is not None
    assert tuned.seeds.values == (0.8, 0.7, 0.75)
    assert [tuned.seeds.mean, tuned.seeds.sd] == pytest.approx([0.75, 0.05])
    assert once.quality.value == 0.8
    assert tuned.quality.value == pytest.approx(0.75)
    assert found.comparisons[0].difference == pytest.approx(0.15)
    assert tuned.quality.low is not None
    assert once.quality.low is not None
    assert tuned.quality.low < once.quality.low - 0.05 - 0.01
    assert found.comparisons[0].low < plain.comparisons[0].low - 0.05
    cells = [cell.text + cell.note for row in main_table(found).rows for cell in row]
    assert sum("mean of 3 trainings" in cell for cell in cells) == 1
    assert any("Between 3 training seeds qlora varied" in warning for warning in found.verdict.warnings)
    assert any("Seed noise was not measured" in warning for warning in plain.verdict.warnings)


def test_what_several_trainings_warn_of_alike_is_said_once(tmp_path: Path) -> None:
    names = ("qlora", "qlora@seed-2", "qlora@1/2", "rag")
    options = {"qlora@seed-2": {"seed_of": "qlora"}, "qlora@1/2": {"curve_of": "qlora"}}
    specs = tuple(ApproachSpec(name=n, kind=n.split("@")[0], options=options.get(n, {})) for n in names)
    store = run(tmp_path / "r", {name: [1.0] * 60 for name in names}, approaches=specs)
    said = [("qlora@seed-2", "too high"), ("qlora", "too high"), ("qlora@1/2", "too high"), ("rag", "too high")]
    said += [("qlora@seed-2", "overfitting"), ("qlora@1/2", "overfitting"), ("qlora", "slow")]
    for name, words in said:
        store.record(Warned(approach=name, text=words))
    expected = ("qlora: too high", "rag: too high", "qlora@seed-2: overfitting", "qlora: slow")
    assert summary_of(store).trust.warnings == expected


def test_an_approach_that_was_stopped_early_is_compared_on_its_cases_by_a_p_that_holds_at_any_look(
    tmp_path: Path,
) -> None:
    outcomes = {"zero-shot": [0.0] * 12 + [1.0] * 38, "few-shot": [1.0] * 100 + [0.0] * 20, "rag": [1.0] * 120}
    store = run(tmp_path / "r", outcomes, decision=Decision(stop_early=True))
    said = {"approach": "zero-shot", "answered": 50, "total": 120, "rival": "rag", "reason": "clearly worse than rag"}
    store.record(StoppedEarly.model_validate(said))
    found = summary_of(store)
    ended = found.approach("zero-shot")
    assert (ended.state, ended.quality.n, ended.quality.value) == ("stopped early", 50, 0.76)
    assert ended.stopped == "stopped early after 50 of 120 cases, clearly worse than rag"
    assert found.baseline == "few-shot"
    against = next(c for c in found.comparisons if {c.a, c.b} == {"zero-shot", "few-shot"})
    assert (against.n, against.words, against.low90) == (50, "worse", None)
    assert "any look" in against.method
    assert against.p == pytest.approx(1 / e_value(0, 12))
    whole = next(c for c in found.comparisons if {c.a, c.b} == {"rag", "few-shot"})
    assert whole.n == 120
    assert "zero-shot" not in found.verdict.could_be_best
    assert any("Stopped early: zero-shot" in warning for warning in found.verdict.warnings)
    texts = [cell.text + cell.note for row in main_table(found).rows for cell in row]
    assert any("n = 50, at stopping" in text for text in texts)


def test_a_leader_that_was_ended_because_all_is_settled_is_named_and_marked(tmp_path: Path) -> None:
    outcomes = {"few-shot": [1.0] * 30 + [0.0] * 20, "zero-shot": [1.0] * 20 + [0.0] * 55, "qlora": [1.0] * 74 + [0.0]}
    store = run(tmp_path / "r", outcomes, decision=Decision(stop_early=True))
    for name, answered, rival, settled in (
        ("few-shot", 50, "qlora", False),
        ("zero-shot", 75, "qlora", False),
        ("qlora", 75, "zero-shot", True),
    ):
        event = StoppedEarly(
            approach=name,
            answered=answered,
            total=300,
            rival=rival,
            settled=settled,
            reason="all others are clearly worse",
        )
        store.record(event)
    found = summary_of(store)
    assert (found.verdict.approach, found.verdict.could_be_best) == ("qlora", ("qlora",))
    leader = found.approach("qlora")
    assert (leader.settled, leader.quality.n, leader.state) == (True, 75, "stopped early")
    assert any("Stopped early: few-shot, zero-shot and qlora" in warning for warning in found.verdict.warnings)
