"""Two runs side by side: how cases are joined, what is named as changed, what may be put down to it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from reports.diff import RunDiff, diff_runs, lines, pair_cases
from reports.diff.pairing import Pairing, pooled
from reports.run.schema import Answer, Case, Question, Score
from reports.run.store import RunStore
from reports.statistics import Outcomes

MakeRun = Callable[..., RunStore]


def case(known: str, said: str, expected: str = "x", group: str | None = None) -> Case:
    return Case(question=Question(id=known, input=said, group=group), references=(expected,))


def rewrite(store: RunStore, part: str, change: Callable[[dict[str, object]], dict[str, object]]) -> None:
    """Every line of a file of the run, changed."""
    path = store.folder / part
    made = [json.dumps(change(json.loads(line))) for line in path.read_text("utf-8").splitlines()]
    path.write_text("".join(f"{line}\n" for line in made), "utf-8")


def edited(store: RunStore, **spec: object) -> RunStore:
    """The run with other keys in its stored spec."""
    store.write_header(store.header.model_copy(update={"spec": store.header.spec.model_copy(update=spec)}))
    return store


def options(store: RunStore, name: str, **more: object) -> RunStore:
    """The run with other options of one approach."""
    known = store.header.spec.approaches
    changed = [a.model_copy(update={"options": {**a.options, **more}}) if a.name == name else a for a in known]
    return edited(store, approaches=tuple(changed))


def of(diff: RunDiff, name: str) -> str:
    return next(item.attribution for item in diff.approaches if item.name == name)


# --- joining --------------------------------------------------------------------------------------------


def test_cases_are_joined_by_id_where_question_and_reference_agree() -> None:
    a = [case("1", "one"), case("2", "two"), case("3", "three"), case("4", "four")]
    b = [case("2", "two"), case("1", "one"), case("3", "THREE"), case("4", "four", "y"), case("5", "five")]
    found = pair_cases(a, b)
    assert (found.rows_a, found.rows_b) == ((0, 1), (1, 0))
    assert found.question_changed == ("3",)
    assert found.reference_changed == ("4",)
    assert (found.only_a, found.only_b, found.under_another_id) == ((), ("5",), 0)


def test_row_numbers_that_shifted_are_joined_by_content() -> None:
    a = [case("1", "one"), case("2", "two"), case("3", "two")]
    b = [case("1", "new"), case("2", "one"), case("3", "two"), case("4", "two")]
    found = pair_cases(a, b)
    assert sorted(zip(found.rows_a, found.rows_b, strict=True)) == [(0, 1), (1, 3), (2, 2)]
    assert found.under_another_id == 2
    assert (found.only_a, found.only_b, found.question_changed) == ((), ("1",), ())


# --- what changed, and what it did ----------------------------------------------------------------------


def test_the_same_run_twice_shows_nothing(make_run: MakeRun) -> None:
    a, b = (make_run(name, cases=60, contenders=3) for name in "ab")
    diff = diff_runs(a, b)
    assert diff.moved == ()
    assert diff.cases.shared == 60
    assert [item.name for item in diff.approaches] == ["zero-shot", "few-shot"]
    assert all((item.difference, item.same_text, item.words) == (0, 60, "not shown") for item in diff.approaches)
    assert of(diff, "few-shot") == "Nothing that can move it changed, and every answer is the same."
    assert "Nothing that is recorded changed." in list(lines(diff))


def test_one_change_is_named_as_the_cause_and_two_are_not_told_apart(make_run: MakeRun) -> None:
    a, b = make_run("a", cases=60, contenders=3), options(make_run("b", cases=60, contenders=3), "few-shot", shots=4)
    diff = diff_runs(a, b)
    assert [(m.area, m.name, m.text) for m in diff.moved] == [("settings", "few-shot: shots", "8 → 4")]
    assert of(diff, "few-shot") == "Only one thing changed that can have moved it: few-shot: shots."
    again = diff_runs(a, edited(b, max_answer_tokens=32, seed=8))
    assert of(again, "few-shot").startswith("3 things changed at once (few-shot: shots; max_answer_tokens; seed)")
    assert of(again, "few-shot").endswith("Change one thing at a time.")
    assert of(again, "zero-shot") == "Only one thing changed that can have moved it: max_answer_tokens."


def test_what_is_measured_beside_the_answers_moves_none(make_run: MakeRun) -> None:
    a, b = make_run("a", cases=60), options(make_run("b", cases=60), "qlora", rank=8)
    b = options(b, "qlora", probe="none", curve=True, merged_latency=True)
    diff = diff_runs(a, b)
    assert {m.name: m.moves for m in diff.moved} == {
        "qlora: rank": "answers",
        "qlora: probe": "nothing",
        "qlora: curve": "nothing",
        "qlora: merged_latency": "nothing",
    }
    assert of(diff, "qlora") == "Only one thing changed that can have moved it: qlora: rank."


def test_the_rule_moves_the_verdict_and_no_answer(make_run: MakeRun) -> None:
    a, b = (make_run(name, cases=60, contenders=3) for name in "ab")
    decision = b.header.spec.decision.model_copy(update={"min_quality": 0.5})
    diff = diff_runs(a, edited(b, decision=decision))
    assert [(m.area, m.moves, m.approaches) for m in diff.moved] == [("rule and prices", "verdict", ())]
    assert of(diff, "zero-shot").startswith("Nothing that can move it changed")


def test_data_are_compared_row_by_row(make_run: MakeRun) -> None:
    a, b = make_run("a", cases=60, contenders=4), make_run("b", cases=64, contenders=4, groups=False)
    rows = (b.folder / "data" / "train.jsonl").read_text("utf-8").splitlines()
    (b.folder / "data" / "train.jsonl").write_text("\n".join(rows[5:]) + "\n", "utf-8")
    diff = diff_runs(a, b)
    found = {m.name: m for m in diff.moved}
    assert found["train"].text == "0 added, 5 removed (400 → 395 examples)"
    assert found["train"].approaches == ("floor", "few-shot", "knn-few-shot")
    assert found["eval cases"].moves == "cases"
    parts = diff.cases.question_changed, diff.cases.reference_changed, diff.cases.only_a
    assert diff.cases.shared + sum(map(len, parts)) == 60


def test_prompts_follow_from_a_setting_and_stand_alone_without_one(make_run: MakeRun) -> None:
    a, b = (make_run(name, cases=60, contenders=3) for name in "ab")
    rewrite(b, "answers/few-shot.jsonl", lambda row: {**row, "prompt": f"Please. {row['prompt']}"})
    alone = diff_runs(a, b)
    assert [(m.area, m.name, m.consequence) for m in alone.moved] == [("prompts", "few-shot", False)]
    follows = diff_runs(a, options(b, "few-shot", shots=4))
    assert [(m.area, m.consequence) for m in follows.moved] == [("settings", False), ("prompts", True)]
    assert of(follows, "few-shot").startswith("Only one thing changed")


def test_other_weights_under_the_same_settings_are_seen(make_run: MakeRun) -> None:
    a, b = (make_run(name, cases=60, contenders=3) for name in "ab")
    rewrite(b, "answers/zero-shot.jsonl", lambda row: {**row, "fingerprint": "another"})
    assert [(m.area, m.name) for m in diff_runs(a, b).moved] == [("weights", "zero-shot")]


def test_all_packages_are_one_thing_and_recorded_answers_do_not_run_them(make_run: MakeRun) -> None:
    a, b = (make_run(name, cases=60) for name in "ab")
    machine = b.header.environment.model_copy(update={"packages": {"torch": "3.0", "peft": "1.0"}, "python": "3.13"})
    b.write_header(b.header.model_copy(update={"environment": machine}))
    diff = diff_runs(a, b)
    assert {m.area for m in diff.moved} == {"versions"}
    assert next(i.causes for i in diff.approaches if i.name == "qlora") == ("versions",)
    assert next(i.causes for i in diff.approaches if i.name == "gpt-4-today") == ()


def test_a_resolved_dial_of_the_training_is_named(make_run: MakeRun) -> None:
    a, b = (make_run(name, cases=60) for name in "ab")
    trained = b.training("qlora")
    assert trained is not None
    b.write_training("qlora", trained.model_copy(update={"recipe": {**trained.recipe, "rank": 8}}))
    assert [(m.area, m.name, m.text) for m in diff_runs(a, b).moved] == [("recipe", "qlora: rank", "16 → 8")]


def test_a_real_difference_is_shown_with_the_house_s_statistics(make_run: MakeRun) -> None:
    a, b = (make_run(name, cases=120, contenders=3, groups=False) for name in "ab")
    for known in (c.question.id for c in list(b.cases())[:40]):
        answer = Answer(case=known, approach="few-shot", text="?")
        b.append_answer(answer)
        for metric in ("accuracy", "macro-f1"):
            b.append_score(Score(case=known, approach="few-shot", metric=metric, version=1, value=0.0, predicted="?",
                                 expected=None))  # fmt: skip
    diff = diff_runs(a, b)
    found = next(item for item in diff.approaches if item.name == "few-shot")
    assert found.words == "worse"
    assert found.b_only == 0
    assert found.a_only == round(-found.difference * 120)
    assert found.p_adjusted == found.p  # the other approach answered the same: nothing to test, nothing to pay for
    (same,) = [item for item in diff.approaches if item.name != "few-shot"]
    assert (same.p_adjusted, same.both_answered) == (None, same.same_text)
    said = "\n".join(lines(diff))
    assert "not tested and not counted in the adjustment, since every answer is the same: zero-shot" in said
    assert "Bonett-Price" in found.method


def test_another_version_of_the_metric_is_a_change(make_run: MakeRun) -> None:
    a, b = (make_run(name, cases=60, contenders=2) for name in "ab")
    rewrite(b, "scores/zero-shot.jsonl", lambda row: {**row, "version": 2})
    rewrite(b, "scores/floor.jsonl", lambda row: {**row, "version": 2})
    diff = diff_runs(a, b)
    assert [(m.area, m.text, m.moves) for m in diff.moved] == [("scoring", "1 → 2", "scores")]
    assert of(diff, "zero-shot") == "Only one thing changed that can have moved it: accuracy: version."


def test_runs_without_shared_cases_say_so(make_run: MakeRun) -> None:
    a, b = make_run("a", cases=20, contenders=2), make_run("b", cases=20, contenders=2, seed=9)
    rewrite(b, "data/cases.jsonl", lambda row: {**row, "references": ["other words"]})
    diff = diff_runs(a, b)
    assert diff.approaches == ()
    assert diff.warnings == ("The runs share no case: nothing can be compared.",)


def test_a_pilot_and_an_unfinished_run_are_warned_of(make_run: MakeRun) -> None:
    a, b = make_run("a", cases=20, contenders=2), make_run("b", cases=20, contenders=2, finished=False)
    assert diff_runs(a, b).warnings == (
        "Run B is not finished: only what it has answered so far is compared.",
        "Only 20 shared cases: a pilot. Read no difference as shown.",
    )


def test_approaches_on_one_side_are_listed(make_run: MakeRun) -> None:
    diff = diff_runs(make_run("a", cases=50, contenders=4), make_run("b", cases=50, contenders=3))
    assert (diff.only_a, diff.only_b) == (("knn-few-shot",), ())
    assert "  approaches only in A: knn-few-shot" in list(lines(diff))


def test_foreign_names_are_cleaned(make_run: MakeRun) -> None:
    a, b = make_run("a", cases=50, contenders=2), make_run("b", cases=50, contenders=2)
    task = b.header.spec.task.model_copy(update={"instruction": "say \x1b[31mred\x1b[0m"})
    said = "\n".join(lines(diff_runs(a, edited(b, task=task, name="evil\x1b]0;t\x07\nname"))))
    assert "\x1b" not in said
    assert "evil name" in said


def test_the_frozen_run_compares_with_itself(make_run: MakeRun) -> None:
    frozen = RunStore.open(Path(__file__).resolve().parents[2] / "runs" / "v1-small")
    diff = diff_runs(frozen, make_run("b", cases=60))
    assert diff.cases.shared == 60
    assert len(diff.approaches) == 7


def test_seeds_open_an_interval_between_runs_as_they_do_within_one() -> None:
    rng = np.random.default_rng(0)
    rates = {"zero-shot": 0.6, "qlora": 0.7, "qlora@seed-2": 0.8, "qlora@seed-3": 0.6}
    scores = {name: (rng.random(200) < rate).astype(float) for name, rate in rates.items()}
    read: dict[str, list[str | None]] = {name: ["x"] * 200 for name in scores}
    plain = Outcomes("accuracy", "binary", scores, predicted=read, expected=["x"] * 200)
    seeded = plain.averaged({"qlora": ["qlora@seed-2", "qlora@seed-3"]})
    rows = tuple(range(200))
    pairing = Pairing(rows, rows, 0, (), (), (), ())
    for table in (plain, seeded):
        between = pooled(table, table, ("zero-shot", "qlora"), pairing).compare("A", "B")
        within = table.only(["zero-shot", "qlora"]).compare("zero-shot", "qlora")
        assert (between.low, between.high, between.p) == (within.low, within.high, within.p)
    widths = [found.high - found.low for found in (t.compare("zero-shot", "qlora") for t in (seeded, plain))]
    assert widths[0] > widths[1]
