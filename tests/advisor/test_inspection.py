"""Commands that measure nothing: plan, runs, check and new, as text and as JSON."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from advisor import inspection
from finetune import model_files
from reports.errors import DataError, EnvironmentFault, UsageError
from tests.misbehaving_server import Server

FROZEN = Path(__file__).resolve().parents[1] / "runs" / "v1-small"
ROWS = "id,text,label\n" + "".join(f"{n},hello {n} number,{'ab'[n % 2]}\n" for n in range(8))


def project(folder: Path, more: str = "approaches: [floor]", rows: str = ROWS) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "eval.csv").write_text(rows)
    head = "name: p\ntask: {type: classification, labels: [a, b]}\ndata: {eval: eval.csv, split: false}\n"
    (folder / "advisor.yaml").write_text(f"{head}{more}\n")
    return folder


def shown(capsys: pytest.CaptureFixture[str]) -> str:
    captured = capsys.readouterr()
    assert captured.err == ""
    return captured.out


def test_the_plan_as_json_is_the_spec(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    inspection.show_plan(project(tmp_path), as_json=True, allow_broken=False)
    spec = json.loads(shown(capsys))
    assert (spec["name"], spec["task"]["labels"], spec["data"]["eval_cases"]) == ("p", ["a", "b"], 8)
    assert spec["approaches"][0]["kind"] == "floor"


@pytest.mark.parametrize("as_json", [False, True])
def test_foreign_text_in_a_plan_moves_no_cursor(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], as_json: bool
) -> None:
    said = 'approaches: [{floor: {as: "[/x]\\e[31m\\u202e\\u009b2J"}}]'
    inspection.show_plan(project(tmp_path, said), as_json=as_json, allow_broken=False)
    out = shown(capsys)
    assert "[/x]" in out
    assert not {"\x1b", "\x9b", "\u202e"} & set(out)


@pytest.mark.parametrize(
    ("cases", "said"),
    [
        (2, "2 cases cannot show any difference between two approaches"),
        (400, "400 cases can show a difference of "),
    ],
)
def test_a_plan_says_what_the_cases_can_show(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], cases: int, said: str
) -> None:
    rows = "id,text,label\n" + "".join(f"{n},hello {n},{'ab'[n % 2]}\n" for n in range(cases))
    inspection.show_plan(project(tmp_path, rows=rows), as_json=False, allow_broken=False)
    assert said in shown(capsys)


def test_runs_are_listed_the_newest_first_with_their_state(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = project(tmp_path)
    shutil.copytree(FROZEN, home / "runs" / "one")
    shutil.copytree(FROZEN, home / "runs" / "two")
    (home / "runs" / "two" / "finished.json").unlink()
    (home / "runs" / "bad").mkdir()
    (home / "runs" / "bad" / "run.json").write_text("{")
    inspection.list_stored(home, as_json=True)
    rows = {Path(row["run"]).name: row for row in json.loads(shown(capsys))}
    assert rows["one"]["state"].startswith("finished")
    assert rows["two"]["state"] == "not finished: advisor resume goes on"
    assert rows["bad"]["state"].startswith("unreadable: ")
    assert rows["bad"]["name"] is None
    for path in (home, home / "advisor.yaml", home / "runs"):
        inspection.list_stored(path, as_json=False)
        assert len(shown(capsys).splitlines()) == 3


def test_a_project_without_runs_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    inspection.list_stored(project(tmp_path), as_json=False)
    assert shown(capsys) == f"no runs in {tmp_path}\n"
    inspection.list_stored(tmp_path, as_json=True)
    assert json.loads(shown(capsys)) == []
    with pytest.raises(UsageError, match="there is no"):
        inspection.list_stored(tmp_path / "nowhere", as_json=False)


def test_the_machine_alone_is_checked_without_a_project(capsys: pytest.CaptureFixture[str]) -> None:
    inspection.check_all(None, as_json=True, allow_broken=False)
    found = json.loads(shown(capsys))
    assert set(found) == {"machine", "disk_free", "embedding model"}
    assert "core" in found["machine"]


def test_a_project_whose_models_are_there_is_fine(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = project(tmp_path, "approaches: [floor, zero-shot]\nmodel: weights")
    (folder / "weights").mkdir()
    monkeypatch.setattr(model_files, "open_model", lambda path, _: SimpleNamespace(folder=path))
    inspection.check_all(folder, as_json=True, allow_broken=False)
    found = json.loads(capsys.readouterr().out)
    assert found["models"] == {"weights": f"weights in {folder / 'weights'}"}
    assert any(line.startswith("will run zero-shot") for line in found["plan"])


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (
            "{id: 'openai:gpt-x', api_key_env: NO_SUCH_KEY_HERE}",
            "openai:gpt-x: missing: The environment",
        ),
        ("./weights", "./weights: missing: "),
    ],
)
def test_a_missing_key_or_missing_weights_are_the_machines_fault(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], model: str, said: str
) -> None:
    folder = project(tmp_path, f"approaches: [floor, zero-shot]\nmodel: {model}")
    (folder / "weights").mkdir()
    with pytest.raises(EnvironmentFault) as caught:
        inspection.check_all(folder, as_json=False, allow_broken=False)
    assert said in str(caught.value)
    assert caught.value.hint
    assert "will run zero-shot" in capsys.readouterr().out, "what could be found out is said first"


def test_a_key_that_is_set_is_named_and_never_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_KEY", "sk-secret")
    server = Server(listed=("x",)).start()
    model = f"{{id: 'openai:x', base_url: '{server.url}', api_key_env: SOME_KEY}}"
    folder = project(tmp_path, f"approaches: [zero-shot]\nmodel: {model}")
    inspection.check_all(folder, as_json=False, allow_broken=False)
    server.stop()
    out = capsys.readouterr().out
    assert "answers and lists the model" in out
    assert "key from SOME_KEY" in out
    assert "sk-secret" not in out


def test_a_new_project_can_be_planned_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "eval.csv").write_text(ROWS)
    inspection.new_project(tmp_path / "home", tmp_path / "eval.csv", None, None)
    out = shown(capsys)
    assert "task: classification, because" in out
    assert f"next: advisor plan {tmp_path / 'home'}" in out
    inspection.show_plan(tmp_path / "home", as_json=False, allow_broken=False)
    assert "will run floor" in shown(capsys)


def test_a_new_project_s_documents_are_not_answered_with_columns_of_the_cases(tmp_path: Path) -> None:
    (tmp_path / "eval.csv").write_text("input,label\n" + "".join(f"text {i},{'ab'[i % 2]}\n" for i in range(40)))
    (tmp_path / "docs.csv").write_text("one,two\n1,2\n3,4\n")
    with pytest.raises(DataError, match="the text of a document") as caught:
        inspection.new_project(tmp_path / "home", tmp_path / "eval.csv", None, tmp_path / "docs.csv")
    assert "--input" not in caught.value.hint


def test_a_new_project_s_columns_are_asked_for_where_they_cannot_be_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    long = "The patient came in with a cough that had lasted for three weeks and with no fever at all. " * 3
    rows = [
        f"{long}{i},{'GENHX' if i % 2 else 'ALLERGY'},A cough for {i} weeks and no fever was told." for i in range(60)
    ]
    (tmp_path / "eval.csv").write_text("dialogue,section_header,section_text\n" + "\n".join(rows))
    with pytest.raises(DataError, match=r"section_header \(classification\) or section_text") as caught:
        inspection.new_project(tmp_path / "home", tmp_path / "eval.csv", None, None)
    assert caught.value.hint is not None
    assert caught.value.hint.endswith("For `advisor new` it is --input COLUMN, --reference COLUMN.")
    assert not (tmp_path / "home").exists()
    inspection.new_project(tmp_path / "home", tmp_path / "eval.csv", None, None, references=["section_header"])
    assert "task: classification" in shown(capsys)
    inspection.show_plan(tmp_path / "home", as_json=False, allow_broken=False)
    assert "labels (2): ALLERGY, GENHX" in shown(capsys)
