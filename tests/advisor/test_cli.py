"""The command line from outside: exit codes, one clear message for bad input, what stands on stdout and what does not.

Runs here have a floor and recorded answers only, so that no worker loads a model.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from advisor import commands, plan
from reports.run import atomic, journal
from reports.run.lock import RunLock
from tests.program import Ended, advisor

ROWS = "id,text,label\n" + "".join(f"{n},hello {n} number,{'ab'[n % 2]}\n" for n in range(8))
TRAIN = ROWS.replace("hello", "other")
HOSTILE = "[/foo] \x1b[31mred\x1b]0;title\x07 </script><b> \x00 \u202eevil \x9b2J {{x}} =1+1"


def project(folder: Path, files: dict[str, str | bytes] | None = None, **keys: Any) -> Path:
    """A project folder with eval.csv and train.csv; `files` replaces or adds some, `keys` are of advisor.yaml."""
    folder.mkdir(parents=True, exist_ok=True)
    written: dict[str, str | bytes] = {"eval.csv": ROWS, "train.csv": TRAIN, **(files or {})}
    for name, text in written.items():
        (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
    said: dict[str, Any] = {
        "name": "p",
        "task": {"type": "classification"},
        "data": {"eval": "eval.csv", "train": "train.csv"},
        "approaches": ["floor"],
        "latency_samples": 0,
    }
    (folder / "advisor.yaml").write_text(yaml.safe_dump(said | keys))
    return folder


@pytest.fixture
def unreported(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs without the files of a report: other tests look at those."""
    monkeypatch.setattr("reports.exports.write_report", lambda store, formats, **_: [store.folder / "report.html"])


def assert_refused(ended: Ended, code: int, *said: str) -> None:
    """One message with a hint, on stderr alone."""
    assert ended.code == code, ended
    assert "Traceback" not in ended.err
    assert ended.out == ""
    lines = ended.err.splitlines()
    assert sum(line.startswith("error: ") for line in lines) == 1, ended.err
    assert sum(line.startswith("hint: ") for line in lines) == 1, ended.err
    for words in said:
        assert words in ended.err, ended.err


# --- bad input ------------------------------------------------------------------------------------------

BAD_DATA: dict[str, tuple[dict[str, str | bytes], dict[str, Any], tuple[str, ...]]] = {
    "empty file": ({"eval.csv": ""}, {}, ("eval.csv is empty",)),
    "header only": ({"eval.csv": "id,text,label\n"}, {}, ("eval.csv has a header row and nothing below",)),
    "one class": ({"eval.csv": "id,text,label\n1,x,a\n2,y,a\n"}, {}, ("eval.csv: all 2 cases have the label 'a'",)),
    "no known label": (
        {"eval.csv": ROWS.replace(",a\n", ",q\n").replace(",b\n", ",r\n")},
        {},
        ("no label of the eval set stands in the training data: q, r here, a, b there",),
    ),
    "missing column": (
        {},
        {"data": {"eval": {"path": "eval.csv", "reference": "lable"}}},
        ("eval.csv has no column 'lable'", "Did you mean label?"),
    ),
    "no such file": ({}, {"data": {"eval": "evil.csv"}}, ("evil.csv does not exist", "eval.csv")),
    "not UTF-8": (
        {"eval.csv": ROWS.encode() + b"9,\xff\x81\x8d,a\n"},
        {},
        ("eval.csv", "line 10, 0xFF", "encoding: "),
    ),
    "one id twice": ({"eval.csv": ROWS + "1,another,a\n"}, {}, ("row 3 and eval.csv row 10", "the same id '1'")),
    "broken rows": (
        {"eval.csv": ROWS + "20,,a\n21,,b\n"},
        {},
        ("2 of 10 rows cannot be used", "eval.csv row 10: column text is empty", "--allow-broken"),
    ),
    "empty training file": ({"train.csv": ""}, {}, ("train.csv is empty",)),
    "documents that are not there": (
        {},
        {"data": {"eval": "eval.csv", "train": "train.csv", "documents": "docs"}},
        ("docs does not exist",),
    ),
    "no recorded file": (
        {},
        {"approaches": [{"recorded": {"path": "out.csv"}}]},
        ("there is no file out.csv in", "relative to the project"),
    ),
    "unknown metric": ({}, {"metrics": ["acuracy"]}, ("there is no metric 'acuracy'", "did you mean accuracy?")),
    "unknown interview answer": (
        {},
        {"interview": {"reasoning": "maybe"}},
        ("interview.reasoning: 'maybe' is no answer", "one of: yes, no"),
    ),
    "nothing can run": (
        {},
        {"approaches": ["rag"]},
        ("no approach can run: rag: it needs documents",),
    ),
}


@pytest.mark.parametrize("name", BAD_DATA)
def test_bad_data_ends_with_2_and_leaves_no_run(tmp_path: Path, name: str) -> None:
    files, keys, said = BAD_DATA[name]
    folder = project(tmp_path, files, **keys)
    assert_refused(advisor("run", folder), 2, *said)
    assert not (folder / "runs").exists()


def test_an_empty_folder_of_documents_is_named(tmp_path: Path) -> None:
    folder = project(tmp_path, data={"eval": "eval.csv", "train": "train.csv", "documents": "docs"})
    (folder / "docs").mkdir()
    assert_refused(advisor("plan", folder), 2, "the folder docs is empty")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "nowhere"], "there is no file nowhere"),
        (["plan", "nowhere"], "there is no file nowhere"),
        (["check", "nowhere"], "there is no file nowhere"),
        (["resume", "nowhere"], "nowhere is no run and has none"),
        (["report", "nowhere"], "nowhere is no run and has none"),
        (["runs", "nowhere"], "there is no nowhere"),
        (["new", "there", "--eval", "nowhere.csv"], "nowhere.csv does not exist"),
        (["demo", "nothing"], "there is no demo 'nothing'"),
        (["rnu", "x"], "No such command 'rnu'"),
        (["run", "x", "--jsn"], "No such option: --jsn"),
        (["run"], "Missing argument 'PROJECT'"),
        (["new", "there"], "Missing option '--eval'"),
        (["run", "[/foo]\x1b[31m\udcff"], "there is no file [/foo]"),
    ],
)
def test_a_wrong_command_ends_with_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = advisor(*words)
    assert_refused(ended, 2, said)
    assert "\x1b" not in ended.err
    assert list(tmp_path.iterdir()) == []


def test_out_must_be_free(tmp_path: Path) -> None:
    folder = project(tmp_path / "p")
    assert_refused(advisor("run", folder, "--out", folder), 2, "is not empty and holds no run", "--out")
    assert_refused(advisor("run", folder, "--out", folder / "eval.csv"), 2, "is a file, not a directory")


def test_a_label_that_training_never_saw_is_a_note_and_allow_broken_goes_on(tmp_path: Path) -> None:
    folder = project(tmp_path, {"eval.csv": ROWS + "97,strange,zzz\n98,,a\n99,,b\n"})
    ended = advisor("plan", folder, "--allow-broken")
    assert (ended.code, ended.err) == (0, "")
    assert "note: Label 'zzz' (1 case, row 10) does not stand in the training data." in ended.out
    assert "2 broken rows left out" in ended.out


def test_ten_megabytes_in_one_cell_are_data(tmp_path: Path) -> None:
    folder = project(tmp_path, {"eval.csv": ROWS + "9," + "x" * 10_000_000 + ",a\n"})
    ended = advisor("plan", folder)
    assert ended.code == 0
    assert "9 cases" in ended.out


# --- a run ----------------------------------------------------------------------------------------------


def test_foreign_text_is_stored_unharmed_and_shown_harmless(tmp_path: Path) -> None:
    lines = [json.dumps({"id": str(n), "input": f"{n} {HOSTILE} end", "output": f"o {n}"}) for n in range(6)]
    recorded = [json.dumps({"id": str(n), "output": f"{HOSTILE}{n}"}) for n in range(6)]
    folder = project(
        tmp_path,
        {"eval.jsonl": "\n".join(lines), "out.jsonl": "\n".join(recorded)},
        name=f"p {HOSTILE}".replace("\x00", ""),
        task={"type": "generation"},
        data={"eval": "eval.jsonl"},
        metrics=["exact-match"],
        approaches=["floor", {"recorded": {"as": "today [/x] \x1b[1m", "path": "out.jsonl"}}],
    )
    ended = advisor("run", folder, "--plain", "--allow-broken")
    assert ended.code == 0, ended.err
    assert "\x1b" not in ended.out + ended.err
    assert "\u202e" not in ended.out + ended.err
    assert "\x9b" not in ended.out + ended.err
    run = ended.run
    assert (run / "finished.json").is_file()
    [floor] = [path for path in (run / "answers").iterdir() if path.name.startswith("floor")]
    texts = {a["case"]: a["text"] for a in map(json.loads, floor.read_text().splitlines())}
    assert texts == {str(n): f"{n} {HOSTILE} end" for n in range(6)}
    [today] = [path for path in (run / "answers").iterdir() if path != floor]
    texts = {a["case"]: a["text"] for a in map(json.loads, today.read_text().splitlines())}
    assert texts == {str(n): f"{HOSTILE}{n}" for n in range(6)}
    page = (run / "report" / "report.html").read_text()
    assert not {"\x1b", "\x00", "\u202e", "\x9b"} & set(page)
    assert "</script>" not in page
    again = advisor("report", folder, "--format", "json")
    assert "\x1b" not in again.out
    assert json.loads(again.out)["run"] == run.name


DOCUMENT: dict[str, type | tuple[type, ...]] = {
    "schema_version": int,
    "run": str,
    "task": (str, dict),
    "primary_metric": (str, dict),
    "approaches": list,
    "comparisons": list,
    "verdict": dict,
    "prior": (dict, type(None)),
    "prior_agreed": (bool, type(None)),
}


@pytest.mark.usefixtures("unreported")
def test_an_approach_that_fails_costs_exit_code_1_and_json_is_one_document(tmp_path: Path) -> None:
    folder = project(
        tmp_path,
        {"part.csv": "id,output\n0,a\n1,b\n", "other.csv": "id,output\n77,a\n78,b\n"},
        approaches=[
            "floor",
            {"recorded": {"as": "part", "path": "part.csv"}},
            {"recorded": {"as": "other", "path": "other.csv"}},
            "rag",
        ],
    )
    ended = advisor("run", folder, "--json")
    assert ended.code == 1, ended.err
    document = json.loads(ended.out)
    for key, kind in DOCUMENT.items():
        assert isinstance(document[key], kind), key
    found = {item["name"]: item for item in document["approaches"]}
    assert set(found["floor"]) >= {"name", "quality", "metrics", "latency", "cost", "training"}
    assert set(found["floor"]["quality"]) >= {"value", "low", "high", "n", "failed"}
    assert set(found["floor"]["latency"]) >= {"p50_seconds", "p95_seconds", "ttft_p50_seconds", "n"}
    assert set(found["floor"]["cost"]) >= {"per_1000_usd", "one_off_usd", "monthly_usd"}
    assert set(document["verdict"]) >= {"kind", "approach", "because", "would_change_if", "warnings"}
    assert found["part"]["quality"]["failed"] == 6
    assert "part.csv has no answer for 6 of 8 cases: 2, 3, 4" in ended.err
    assert "other: failed: other.csv: none of its 2 ids is one of the eval set's" in ended.err
    assert "rag: skipped, it needs documents" in ended.err
    assert "\x1b" not in ended.err
    listed = json.loads(advisor("runs", folder, "--json").out)
    assert [entry["state"] for entry in listed] == ["finished, other failed"]


@pytest.mark.usefixtures("unreported")
def test_a_full_disk_ends_with_3_and_the_run_resumes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = project(tmp_path / "p")
    left = iter(range(6))

    def write(handle: int, data: bytes | memoryview) -> int:
        if next(left, None) is None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return os.write(handle, data)

    with monkeypatch.context() as patched:
        patched.setattr(journal, "os", SimpleNamespace(**{**vars(os), "write": write}))
        ended = advisor("run", folder, "--out", tmp_path / "run")
    assert_refused(ended, 3, "No space left to write", "advisor resume")
    ended = advisor("resume", tmp_path / "run", "--plain")
    assert ended.code == 0, ended.err
    assert ended.run == (tmp_path / "run").resolve()
    answers = [json.loads(line) for line in (tmp_path / "run" / "answers" / "floor.jsonl").read_text().splitlines()]
    assert sorted(answer["case"] for answer in answers) == [str(n) for n in range(8)]
    again = advisor("resume", tmp_path / "run", "--plain")
    assert again.code == 0
    assert "nothing is left to do" in again.err
    assert_refused(advisor("run", folder, "--out", tmp_path / "run"), 2, "run", "resume")


def test_a_disk_that_is_full_from_the_start_ends_with_3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fsync(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(atomic, "os", SimpleNamespace(**{**vars(os), "fsync": fsync}))
    assert_refused(advisor("run", project(tmp_path)), 3, "No space left to write")


@pytest.fixture
def prepared(tmp_path: Path) -> Callable[[], Path]:
    """A run that was created and never began."""

    def create() -> Path:
        from advisor import orchestrator
        from advisor.project import load

        folder = project(tmp_path / "p")
        with orchestrator.create(plan.prepare(load(folder)), folder / "runs" / "one"):
            return folder / "runs" / "one"

    return create


def test_two_writers_in_one_directory_are_one_too_many(prepared: Callable[[], Path]) -> None:
    run = prepared()
    lock = RunLock(run / "lock")
    try:
        assert_refused(advisor("resume", run), 2, "being written by another process", str(os.getpid()), "--out")
    finally:
        lock.release()


def test_a_changed_project_does_not_resume(prepared: Callable[[], Path]) -> None:
    run = prepared()
    project(run.parents[1], {"eval.csv": ROWS.replace("hello 3", "goodbye 3")})
    assert_refused(advisor("resume", run.parents[1]), 2, "eval")


def test_ctrl_c_ends_with_130_and_the_way_back(prepared: Callable[[], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    run = prepared()

    async def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(commands, "_consume", interrupted)
    ended = advisor("resume", run)
    assert (ended.code, ended.out) == (130, "")
    assert f"advisor resume {run.resolve()}" in ended.err


def failing_with(error: Exception) -> Callable[[object], None]:
    def prepare(_: object) -> None:
        raise error

    return prepare


def test_a_place_that_cannot_be_used_is_the_machines_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    error = PermissionError(errno.EACCES, "Permission denied", "/x/y")
    monkeypatch.setattr(plan, "prepare", failing_with(error))
    assert_refused(advisor("plan", project(tmp_path)), 3, "Permission denied: '/x/y'")


def test_a_defect_of_ours_is_one_message_and_a_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(plan, "prepare", failing_with(ZeroDivisionError("odd\x1b[1m")))
    assert_refused(advisor("plan", project(tmp_path / "p")), 3, "ZeroDivisionError: odd")
    [log] = tmp_path.glob("advisor-*.log")
    assert "Traceback" in log.read_text()


# --- help ------------------------------------------------------------------------------------


def test_help_names_every_command() -> None:
    ended = advisor("--help")
    assert ended.code == 0
    for name in ("new", "plan", "run", "resume", "report", "runs", "check", "demo"):
        assert f"\n  {name} " in ended.out
    assert "\x1b" not in ended.out


def test_no_arguments_are_answered_with_the_help_page() -> None:
    ended = advisor()
    assert (ended.code, ended.out) == (2, "")
    assert "Usage: advisor" in ended.err
    assert "error" not in ended.err
