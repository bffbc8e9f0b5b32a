"""Answers of other systems, joined by id or by input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from baselines.dataset import Source, load_cases
from baselines.recordings import load_recorded
from reports.errors import DataError
from reports.run.schema import Question


def questions(*pairs: tuple[str, str]) -> list[Question]:
    return [Question(id=identity, input=text) for identity, text in pairs]


ASKED = questions(("1", "Who are you?"), ("2", "Where?"))


def test_join_by_id_reports_what_is_missing_and_unused(tmp_path: Path) -> None:
    (tmp_path / "out.csv").write_text("ticket,output\n1,me\n7,x\n8,y\n")
    joined = load_recorded("out.csv", tmp_path, answer="output", id="ticket").join(ASKED)
    assert (joined.by, joined.answers, joined.missing, joined.unused) == ("id", {"1": "me"}, ("2",), 2)


def test_join_by_input_whatever_its_case_and_blanks(tmp_path: Path) -> None:
    (tmp_path / "out.jsonl").write_text(json.dumps({"question": " who  are YOU?", "response": ""}))
    joined = load_recorded("out.jsonl", tmp_path).join(ASKED)
    assert (joined.by, joined.answers, joined.missing) == ("input", {"1": ""}, ("2",))


def test_inputs_are_used_where_the_ids_are_of_another_kind(tmp_path: Path) -> None:
    (tmp_path / "out.csv").write_text("id,question,answer\na,Where?,here\nb,Who are you?,me\n")
    joined = load_recorded("out.csv", tmp_path).join(ASKED)
    assert (joined.by, joined.answers) == ("input", {"1": "me", "2": "here"})


def test_an_object_of_ids_and_a_nested_field(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"1": "me", "2": "here"}))
    assert load_recorded("a.json", tmp_path).join(ASKED).answers == {"1": "me", "2": "here"}
    records = [{"id": q.id, "model": {"v2": {"text": q.input.upper()}}} for q in ASKED]
    (tmp_path / "b.json").write_text(json.dumps(records))
    joined = load_recorded("b.json", tmp_path, answer="model.v2.text").join(ASKED)
    assert joined.answers == {"1": "WHO ARE YOU?", "2": "WHERE?"}


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("id,output\n1,a\n1,b\n", {}, r"out.csv row 2 and out.csv row 3 give the id '1' two different answers"),
        ("id,output\n1,a\n", {"answer": "otput"}, r"no column 'otput', named as the answer"),
        ("id,x\n1,a\n", {}, r"no column looks like the recorded answer"),
        ("a,output\n1,a\n", {}, r"no column looks like an id or the input"),
    ],
)
def test_unusable_recordings(tmp_path: Path, text: str, options: dict[str, str], message: str) -> None:
    (tmp_path / "out.csv").write_text(text)
    with pytest.raises(DataError, match=message):
        load_recorded("out.csv", tmp_path, **options)  # type: ignore[arg-type]


def test_a_recording_of_other_cases_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out.csv").write_text("id,output\nx9,a\n")
    with pytest.raises(DataError, match=r"none of its 1 ids is one of the eval set's: it has 'x9', the eval set '1'"):
        load_recorded("out.csv", tmp_path).join(ASKED)


def test_several_answers_for_one_input_need_ids(tmp_path: Path) -> None:
    (tmp_path / "out.csv").write_text("question,output\nWhere?,a\nWhere?,b\n")
    with pytest.raises(DataError, match="several answers for the input of case 2"):
        load_recorded("out.csv", tmp_path).join(ASKED)


def test_promptfoo_outputs_are_unwrapped(tmp_path: Path) -> None:
    cell = '"[PASS] (1.00)\n\nhere\n\nPass Reason: No assertions"'
    (tmp_path / "out.csv").write_text(f"question,[m] ask\nWhere?,{cell}\n")
    assert load_recorded("out.csv", tmp_path, answer="[m] ask").join(ASKED).answers == {"2": "here"}


@pytest.mark.parametrize(
    ("name", "answered", "equal"),
    [
        ("BERT (ensemble) (Google AI Language)", 1190, 837),
        ("r-net+ (ensemble) (Microsoft Research Asia)", 1190, 815),
        ("SLQA+ (ensemble) (Alibaba iDST NLP)", 1190, 799),
        ("Match-LSTM with Ans-Ptr (Boundary+Ensemble) (Singapore Management University)", 1190, 682),
        ("Logistic Regression Baseline (Stanford University)", 1188, 384),
    ],
)
def test_squad_predictions(shared_data: Path, name: str, answered: int, equal: int) -> None:
    folder = shared_data / "xquad_en_de" / "raw"
    cases = load_cases(Source(path="google-deepmind__xquad/xquad.en.json"), "qa", folder).items
    recorded = load_recorded(f"rajpurkar__SQuAD-explorer/models/1.1/{name}.json", folder)
    joined = recorded.join([c.question for c in cases])
    assert (joined.by, len(joined.answers), len(joined.missing)) == ("id", answered, 1190 - answered)
    assert joined.unused > 9000
    assert sum(joined.answers.get(c.question.id) in c.references for c in cases) == equal


@pytest.mark.parametrize("system", ["6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification"])
def test_gsm8k_solutions_join_by_input(shared_data: Path, system: str) -> None:
    folder = shared_data / "gsm8k" / "raw" / "grade_school_math" / "data"
    cases = load_cases(Source(path="test.jsonl"), "qa", folder).items
    recorded = load_recorded("example_model_solutions.jsonl", folder, answer=f"{system}.solution")
    joined = recorded.join([c.question for c in cases])
    assert (joined.by, len(joined.answers), joined.missing) == ("input", 1319, ())


def test_banking77_predictions_join_by_row_index(shared_data: Path) -> None:
    runs = shared_data / "icl_predictions_banking77" / "raw" / "final-results" / "mistralai+Mistral-7B-Instruct-v0.2"
    eval_folder = shared_data / "banking77" / "raw" / "banking_data"
    cases = load_cases(Source(path="test.csv", id="@index"), "classification", eval_folder).items
    name = "mistralai+Mistral-7B-Instruct-v0+n_shots=10+run=0.csv"
    recorded = load_recorded(name, runs / "banking77-retrieval", answer="outputs", id="id")
    joined = recorded.join([c.question for c in cases])
    assert len(joined.answers) == 250
    labels = {c.question.id: c.references[0] for c in cases}
    right = [a.replace(" ", "_").strip().casefold() == labels[i].casefold() for i, a in joined.answers.items()]
    assert sum(right) > 200  # 222 by the file's own verdicts, which compare the deciding tokens only
