"""advisor.yaml: every wrong key, value and file is one message with a place; what is right is read as it is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from advisor import project
from advisor.project import Project
from reports.errors import UsageError

START = "name: a\ntask: {type: classification}\ndata: {eval: eval.csv}\n"


def read(folder: Path, text: str | bytes) -> Project:
    file = folder / project.FILE
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return project.load(folder)


def refused(folder: Path, text: str | bytes) -> UsageError:
    with pytest.raises(UsageError) as caught:
        read(folder, text).approach_specs()
    return caught.value


@pytest.mark.parametrize(
    ("text", "key", "nearest"),
    [
        (START + "aproaches: [floor]", "unknown key 'aproaches'", "did you mean approaches?"),
        (START + "modle: x", "unknown key 'modle'", "did you mean model?"),
        (START + "decision: {marign: 1}", "unknown key 'marign' in decision", "did you mean margin?"),
        (START + "traffic: {querys: 3}", "unknown key 'querys' in traffic", "did you mean queries_per_day?"),
        (START + "prices: {gpu_hour: 3}", "unknown key 'gpu_hour' in prices", "did you mean gpu_hour_usd?"),
        (START + "model: {idd: x}", "unknown key 'idd' in model", "did you mean id?"),
        (START + "models: {m: {idd: x}}", "unknown key 'idd' in models.m", "did you mean id?"),
        (START.replace("type:", "lables: [a], type:"), "unknown key 'lables' in task", "did you mean labels?"),
        (START.replace("}\n", ", x: y}\n"), "unknown key 'x'", "type"),
        (START.replace("eval.csv", "e.csv, trian: t.csv"), "unknown key 'trian' in data", "did you mean train?"),
        (
            START.replace("eval.csv", "{path: e.csv, inptu: q}"),
            "unknown key 'inptu' in data.eval",
            "did you mean input?",
        ),
        (START + "approaches: [{few-shot: {shot: 3}}]", "few-shot has no option 'shot'", "did you mean shots?"),
        (START + "approaches: [flor]", "no approach 'flor'", "did you mean floor?"),
        (START + "decision: {baseline: flor}\napproaches: [floor]", "decision.baseline", "did you mean floor?"),
        (START + "folder: /x", "no key 'folder'", "relative"),
    ],
)
def test_a_wrong_name_is_answered_with_the_nearest_right_one(tmp_path: Path, text: str, key: str, nearest: str) -> None:
    error = refused(tmp_path, text)
    assert key in str(error)
    assert nearest in error.hint


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (START.replace("name: a\n", ""), "the key name is missing"),
        (START.replace("name: a", "name:"), "the key name is missing"),
        (START.replace("type: classification", ""), "the key task.type is missing"),
        (START.replace("eval: eval.csv", ""), "the key data.eval is missing"),
        (START.replace("eval.csv", "{input: x}"), "the key data.eval.path is missing"),
        (START.replace("classification", "klassification"), "task.type: must be 'classification', 'extraction'"),
        (START.replace("{eval: eval.csv}", "e.csv"), "data: must be keys with values"),
        (START.replace("eval.csv", "3"), "data.eval: must be keys with values, such as {key: value} (found '3')"),
        (START.replace("eval.csv", "{path: e, delimiter: ';;'}"), "data.eval.delimiter: a delimiter is one character"),
        (START + "model: 3", "model: must be a text (found '3')"),
        (START + "model: {id: x, precision: nf5}", "model.precision: must be 'auto'"),
        (START + "metrics: accuracy", "metrics: must be a list"),
        (START + "seed: x", "seed: must be a valid integer"),
        (START + "max_answer_tokens: 0", "max_answer_tokens: must be greater than or equal to 1 (found '0')"),
        (START + "decision: {margin: -1}", "decision.margin: must be greater"),
        (START + "decision: {42: x}", "decision.42: a key must be a text"),
        (START + "approaches: floor", "approaches: must be a list"),
        (START + "approaches: []", "no approaches are listed"),
        (START + "approaches: [[floor]]", "approaches.0: must be a text"),
        (START + "approaches: [{floor: 3}]", "approaches.0.floor: must be keys with values"),
        (START + "approaches: [{floor: {}, rag: {}}]", "a name, or one name with options"),
        (START + "approaches: [floor, floor]", "two approaches are named 'floor'"),
        (START + "approaches: [zero-shot, {rag: {as: zero-shot}}]", "two approaches are named 'zero-shot'"),
        (START + "approaches: [{zero-shot: {as: ''}}]", "as must be a text"),
        (START + "approaches: [{floor: {model: x}}]", "floor has no option 'model'"),
        (START + "approaches: [{qlora: {learning_rate: fast}}]", "learning_rate must be a number, not 'fast'"),
        (START + "approaches: [{few-shot: {shots: 1.5}}]", "shots must be a whole number"),
        (START + "approaches: [recorded]", "recorded needs the file"),
        (START.replace("type:", "labels: fromdata, type:"), "task.labels: write from-data or a list"),
        (START.replace("type:", "labels: [], type:"), "task.labels: a list needs at least two"),
        (START.replace("type:", "labels: [a, a], type:"), "task.labels: the label 'a' stands there twice"),
        (START.replace("type:", "labels: [[a], b], type:"), "task.labels: every label must be a text"),
    ],
)
def test_a_missing_key_or_a_wrong_value_is_named(tmp_path: Path, text: str, said: str) -> None:
    assert said in str(refused(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "expected keys"),
        ("# nothing yet\n", "expected keys"),
        ("- a\n- b", "expected keys"),
        ("hello", "expected keys"),
        ("name: a\n\tb: c", "line 2, column 1: not valid YAML: found character '\\t'"),
        ("name: a\ntask: b: c", "line 2, column 8: not valid YAML"),
        ("name: [a", "line 1, column 9: not valid YAML"),
        ("name: a\x00", "not valid YAML: unacceptable character #x0000"),
        ("x: !!python/object/apply:os.system [ls]", "line 1, column 4: not valid YAML: could not determine"),
        (START + "? [a]\n: b", "line 4, column 3: not valid YAML"),
        (START + "data: {eval: other.csv}", "line 4: the key 'data' stands there twice, first in line 3"),
        ("{name: a, name: b}", "line 1: the key 'name' stands there twice, first in line 1"),
        (b"name: \xff\xfe", "not UTF-8 at byte 6"),
        ("[" * 1000, "nested too deeply"),
    ],
)
def test_what_is_no_project_file_says_where(tmp_path: Path, text: str | bytes, said: str) -> None:
    error = refused(tmp_path, text)
    assert said in str(error)
    assert project.FILE in str(error)
    assert error.hint


def test_a_place_without_a_project_says_how_to_make_one(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(UsageError) as caught:
            project.load(path)
        assert str(path) in str(caught.value)
        assert "advisor new" in caught.value.hint


@pytest.mark.parametrize(
    ("written", "labels"),
    [
        ("[yes, no]", ("yes", "no")),
        ("[on, Off, TRUE, ~, null]", ("on", "Off", "TRUE", "~", "null")),
        ("[1, 2.0, 1e3, 0x1F, 2024-01-01, 12:30]", ("1", "2.0", "1e3", "0x1F", "2024-01-01", "12:30")),
        ("['a b', \"c|d\"]", ("a b", "c|d")),
        ("\n    - yes\n    - no", ("yes", "no")),
        ("from-data", "from-data"),
    ],
)
def test_labels_stay_the_texts_that_they_are(tmp_path: Path, written: str, labels: object) -> None:
    text = f"name: 2024-01-01\ntask:\n  type: classification\n  labels: {written}\ndata: {{eval: e.csv}}\n"
    found = read(tmp_path, text)
    assert found.task.labels == labels
    assert found.name == "2024-01-01"


def test_a_section_with_nothing_in_it_has_its_defaults(tmp_path: Path) -> None:
    found = read(tmp_path, START + "decision:\n  # margin: 0.02\ntraffic:\napproaches:\nmodel:\n")
    assert found.decision.margin == 0.02
    assert found.approaches == project.DEFAULT_APPROACHES
    assert found.model is None


def test_names_options_and_models_of_approaches(tmp_path: Path) -> None:
    text = (
        START
        + """model: small
models: {small: {id: org/small, precision: nf4}}
approaches:
  - floor
  - zero-shot
  - zero-shot: {as: big, model: "openai:gpt-x"}
  - few-shot: {shots: 3}
  - qlora: {learning_rate: 2e-4, epochs: 2}
"""
    )
    specs = {spec.name: spec for spec in read(tmp_path, text).approach_specs()}
    assert list(specs) == ["floor", "zero-shot", "big", "few-shot", "qlora"]
    assert specs["floor"].model is None
    assert specs["zero-shot"].model is not None
    assert (specs["zero-shot"].model.id, specs["zero-shot"].model.precision) == ("org/small", "nf4")
    assert specs["big"].model is not None
    assert (specs["big"].kind, specs["big"].model.id) == ("zero-shot", "openai:gpt-x")
    assert specs["few-shot"].options["shots"] == 3
    assert specs["qlora"].options["learning_rate"] == 2e-4  # YAML has it as a text
    assert specs["qlora"].options["rank"] == 16


def test_model_folders_are_the_bundled_one_and_those_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "weights").mkdir()
    text = START + "approaches: [{zero-shot: {model: demo}}, {few-shot: {model: weights}}, {rag: {model: org/far}}]"
    found = read(tmp_path, text)
    folders = found.model_folders(found.approach_specs())
    assert sorted(folders) == ["demo", "weights"]
    assert folders["weights"] == str((tmp_path / "weights").resolve())


def test_the_file_itself_may_be_named_and_may_have_a_byte_order_mark(tmp_path: Path) -> None:
    read(tmp_path, b"\xef\xbb\xbf" + START.encode())
    found = project.load(tmp_path / project.FILE)
    assert (found.name, found.folder) == ("a", tmp_path.resolve())
    assert project.allowing_broken(found).data.allow_broken
    assert not found.data.allow_broken


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("latency_samples: yes", "latency_samples"),
        ("seed: no", "seed"),
        ("max_answer_tokens: on", "max_answer_tokens"),
        ("decision: {margin: true}", "decision.margin"),
        ("traffic: {queries_per_day: yes}", "traffic.queries_per_day"),
        ("prices: {gpu_hour_usd: off}", "prices.gpu_hour_usd"),
    ],
)
def test_a_flag_where_a_number_belongs_is_refused(tmp_path: Path, text: str, key: str) -> None:
    error = refused(tmp_path, START + text)
    assert f"{key}: must be a number" in str(error)
    assert "yes, no" in error.hint


def test_a_flag_stays_one_where_it_belongs(tmp_path: Path) -> None:
    assert read(tmp_path, START + "decision: {stop_early: yes}").decision.stop_early
