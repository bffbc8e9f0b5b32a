"""The audit of a project from both sides of the command line: what is read, what is said, what is written."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from advisor import cli
from advisor.audit import audit_lines, audit_project, clean_project
from advisor.findings import noticed
from advisor.plan import prepare
from advisor.project import allowing_broken, load
from reports.errors import DataError, UsageError

HEAD = "name: p\ntask: {type: classification}\n"
EVAL = "text,label\n" + "".join(f"question about topic {w},{'ab'[i % 2]}\n" for i, w in enumerate("xyzuvw"))
TRAIN = "text,label\nquestion about topic x,a\nQuestion about topic X!,a\nwrite to z@posteo.de,b\nshort of,cells,here\n"
TOPIC = [f"{a}{b}" for a in "bdfgk" for b in ("ado", "emi", "iro", "olu", "una", "ash", "ent", "ist", "orm", "ulk")]


def project(folder: Path, train: str | None = TRAIN, more: str = "", evaluated: str = EVAL) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "eval.csv").write_text(evaluated)
    if train is not None:
        (folder / "train.csv").write_text(train)
    data = "data: {eval: eval.csv" + (", train: train.csv" if train is not None else "") + "}\n"
    (folder / "advisor.yaml").write_text(f"{HEAD}{data}{more or 'approaches: [floor, classifier]'}\n")
    return folder


def check(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["advisor", "check", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


def test_rows_are_audited_as_they_stand_in_the_files(tmp_path: Path) -> None:
    audit = audit_project(load(project(tmp_path)))
    found = {finding.kind: finding for finding in audit.findings}
    assert {"leaks", "duplicates", "personal-data", "broken-rows", "too-few"} <= set(found)
    assert [(row.file, row.row) for row in found["broken-rows"].rows] == [("train.csv", 5)]
    assert [(row.file, row.row) for row in found["duplicates"].rows] == [("train.csv", 3)]
    text = "\n".join(audit_lines(audit))
    assert "train.csv row 3: “Question about topic X!”" in text
    assert "posteo" not in text


def test_one_file_alone_is_audited_in_the_parts_that_a_run_makes_of_it(tmp_path: Path) -> None:
    words = [f"{a}{b}" for a in "abcdefgh" for b in "klmnopqr"]
    rows = "text,label\n" + "".join(f"say {w} and {w[::-1]} to {w * 2},{'ab'[i % 2]}\n" for i, w in enumerate(words))
    audit = audit_project(load(project(tmp_path, train=None, evaluated=rows)))
    assert audit.train_rows > audit.eval_rows > 0
    assert audit.train_rows + audit.eval_rows == len(words)
    whole = audit_project(load(project(tmp_path / "b", train=None, evaluated=rows, more="approaches: [floor]")))
    assert (whole.train_rows, whole.eval_rows) == (0, len(words))


def test_lengths_are_held_against_the_project_s_model(tmp_path: Path) -> None:
    long = f"text,label\nshort,a\n{'word ' * 3000},b\nother,a\n"
    folder = project(tmp_path, long, "model: demo\napproaches: [floor, zero-shot]")
    found = audit_project(load(folder)).finding("too-long")
    assert found is not None
    assert [(row.part, row.row) for row in found.rows] == [("train", 3)]
    assert "demo" in found.text


def test_files_that_cannot_be_read_are_one_error(tmp_path: Path) -> None:
    folder = project(tmp_path)
    (folder / "train.csv").unlink()
    with pytest.raises(DataError, match=r"train\.csv"):
        audit_project(load(folder))
    with pytest.raises(DataError, match="no row can be used"):
        audit_project(load(project(tmp_path / "b", evaluated="text,label\n,a\n ,b\n")))


def test_check_prints_the_audit_and_writes_the_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = project(tmp_path)
    out = folder / "cleaned"
    assert check(monkeypatch, folder, "--allow-broken", "--clean", out, "--fix", "personal-data", "--fix", "leaks") == 0
    said = capsys.readouterr().out
    assert "data audit: " in said
    assert "effect: " in said
    assert (
        "rows to learn from that stay: 1; taken out: 1 for broken-rows and 2 for leaks; changed: 1 for personal-data"
        in said
    )
    assert "set data.train in advisor.yaml to cleaned/train.csv" in said
    assert f"then: advisor check {folder}" in said
    assert (out / "train.csv").read_text() == "text,label\nwrite to [E-MAIL],b\n"
    assert (folder / "train.csv").read_text() == TRAIN
    assert check(monkeypatch, folder, "--clean", out) == 2
    assert "nothing is overwritten" in capsys.readouterr().err


def test_rows_set_aside_are_named_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cards = "".join(f"card chip magnet {word} payment,card\n" for word in TOPIC)
    asked = "text,label\nmy card has no chip,card\nwhat a loan costs me,loan\n"
    loans = "".join(f"loan rate mortgage {word} credit,loan\n" for word in TOPIC)
    folder = project(tmp_path, f"text,label\ncard chip magnet plastic payment,loan\n{cards}{loans}", evaluated=asked)
    assert check(monkeypatch, folder, "--clean", folder / "cleaned", "--fix", "label-noise") == 0
    said = capsys.readouterr().out
    aside = folder / "cleaned" / "set-aside" / "train.csv"
    assert f"set aside: 1 for label-noise, in {aside}" in said
    assert "(advisor check PROJECT --clean FOLDER --fix label-noise)" in said
    assert aside.read_text() == "text,label\ncard chip magnet plastic payment,loan\n"


def test_a_plan_keeps_what_a_check_finds_with_the_first_rows_and_the_remedy(tmp_path: Path) -> None:
    cards = "".join(f"card chip magnet {word} payment,card\n" for word in TOPIC)
    loans = "".join(f"loan rate mortgage {word} credit,loan\n" for word in TOPIC)
    long = f"card chip {'magnet ' * 900},card\n"
    train = f"text,label\ncard chip magnet plastic payment,loan\n{cards}{loans}{long}loan of z@posteo.de,loan\n"
    asked = "text,label\nmy card has no chip,card\nwhat a loan costs me,loan\n"
    loaded = load(project(tmp_path, train, "model: demo\napproaches: [floor, zero-shot, classifier]", asked))
    kept = {found.kind: found for found in prepare(loaded).spec.data.findings}
    assert {"near-duplicates", "label-noise", "too-long", "personal-data"} <= set(kept)
    noise = kept["label-noise"]
    assert noise.rows[0].where == "train row 2"
    assert noise.rows[0].text == "card chip magnet plastic payment"
    assert kept["personal-data"].rows[0].text == "loan of [E-MAIL]"
    assert "“card” is likelier" in noise.rows[0].note
    assert noise.remedy.endswith("(advisor check PROJECT --clean FOLDER --fix label-noise)")
    assert all(len(found.rows) <= 5 for found in kept.values())
    assert set(kept) == {found.kind for found in audit_project(loaded).findings}, "nothing that a check alone finds"


def test_a_plan_says_what_it_leaves_to_the_check_where_the_data_are_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("baselines.audit.examination.SURVEYED_ROWS", 1)
    found = {f.kind: f for f in prepare(allowing_broken(load(project(tmp_path)))).spec.data.findings}
    assert "it is large" in found["skipped"].text
    assert "advisor check" in found["skipped"].remedy
    assert "near-duplicates" not in found


def test_the_app_says_the_command_that_repairs_a_finding(tmp_path: Path) -> None:
    audit = audit_project(load(project(tmp_path)))
    remedies = {one.text: one.remedy for one in noticed(None, (), None, audit)}
    found = audit.finding("duplicates")
    assert found is not None
    assert remedies[found.text] == "keep the first of each (advisor check PROJECT --clean FOLDER --fix duplicates)"


def test_check_as_json_holds_every_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(monkeypatch, project(tmp_path), "--json", "--allow-broken") == 0
    found = json.loads(capsys.readouterr().out)["audit"]
    assert {"kind", "severity", "count", "text", "rows", "effect", "remedy", "fix"} <= set(found["findings"][0])
    assert found["train_rows"] == 3


def test_what_stops_a_plan_is_seen_with_its_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(monkeypatch, project(tmp_path)) == 2
    captured = capsys.readouterr()
    assert "train.csv row 5: · has 3 cells where 2 are expected" in captured.out
    assert "cannot be used" in captured.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--fix", "leaks"], "there is no --clean"),
        (["--clean", "x", "--fix", "everything"], "there is no fix 'everything'"),
        (["--clean", "x", "--fix", "own-paraphrases"], "needs sentence embeddings"),
    ],
)
def test_options_that_cannot_be_are_usage_errors(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert check(monkeypatch, project(tmp_path / "p"), *arguments) == 2
    assert said in capsys.readouterr().err


SINGLE = "text;label;note\n" + "".join(
    f"say {w} and {w[::-1]} to {w * 2};{'ab'[i % 2]};{i}\n"
    for i, w in enumerate(f"{a}{b}" for a in "abcdefgh" for b in "klmnopqr")
)


def test_a_single_file_is_cleaned_in_the_parts_of_its_split(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Doubled rows leave the parts that are learnt from; no row changes sides, and the eval rows stay as they were."""
    doubled = SINGLE + "".join(line.upper() + "\n" for line in SINGLE.splitlines()[1:9])
    folder = project(tmp_path, train=None, evaluated=doubled + "one cell\n")
    before = prepare(allowing_broken(load(folder)))
    assert check(monkeypatch, folder, "--allow-broken", "--clean", folder / "cleaned") == 0
    said = capsys.readouterr().out
    assert (folder / "eval.csv").read_text() == doubled + "one cell\n"
    (data,) = [line.partition("advisor.yaml: ")[2] for line in said.splitlines() if "set in advisor.yaml: " in line]
    assert data == "data: {train: cleaned/train.csv, dev: cleaned/dev.csv, eval: cleaned/eval.csv}"
    (folder / "advisor.yaml").write_text(f"{HEAD}{data}\napproaches: [floor, classifier]\n")
    after = prepare(load(folder))
    assert [case.question.input for case in after.cases] == [case.question.input for case in before.cases]
    assert {e.input for e in after.train} == {e.input.lower() for e in before.train}
    assert {e.input for e in after.dev} == {e.input.lower() for e in before.dev}
    texts = {part: (folder / "cleaned" / f"{part}.csv").read_text() for part in ("train", "dev", "eval")}
    assert all(text.startswith("text;label;note\n") for text in texts.values())
    log = [json.loads(line) for line in (folder / "cleaned" / "cleaning.jsonl").read_text().splitlines()]
    gone = {line["row"] for line in log}
    assert sum(text.count("\n") - 1 for text in texts.values()) + len(gone) == doubled.count("\n")
    assert audit_project(load(folder)).finding("duplicates") is None


def test_what_the_project_said_of_the_columns_is_said_of_each_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = project(tmp_path, train=None, evaluated=SINGLE)
    said = (folder / "advisor.yaml").read_text()
    columns = "input: [text, note], reference: label"
    (folder / "advisor.yaml").write_text(said.replace("eval: eval.csv", f"eval: {{path: eval.csv, {columns}}}"))
    assert check(monkeypatch, folder, "--clean", folder / "cleaned") == 0
    out = capsys.readouterr().out
    data = next(line.partition("advisor.yaml: ")[2] for line in out.splitlines() if "set in advisor.yaml: " in line)
    (folder / "advisor.yaml").write_text(f"{HEAD}{data}\napproaches: [floor, classifier]\n")
    assert load(folder).data.train is not None
    assert prepare(load(folder)).train[0].input.count("\n\n") == 1, "two columns, joined by a blank line"


def test_a_split_of_what_is_left_would_have_moved_rows(tmp_path: Path) -> None:
    """Why the parts are written and not one cleaned file."""
    rows = SINGLE.splitlines(keepends=True)
    whole = prepare(load(project(tmp_path / "whole", train=None, evaluated="".join(rows))))
    less = prepare(load(project(tmp_path / "less", train=None, evaluated="".join(rows[:1] + rows[9:]))))
    assert {case.question.input for case in less.cases} & {example.input for example in whole.train}


def test_what_is_looked_at_is_said_on_stderr_as_it_is_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = project(tmp_path)
    assert check(monkeypatch, folder, "--allow-broken", "--json") == 0
    captured = capsys.readouterr()
    json.loads(captured.out)
    lines = captured.err.splitlines()
    assert lines[:3] == [
        f"checking {folder}", "reading train.csv and eval.csv", "looking at 3 training rows and 6 eval rows",
    ]  # fmt: skip
    assert lines[-1] == "planning what a run would do"
    assert "\x1b" not in captured.err


def test_an_eval_set_is_never_cleaned(tmp_path: Path) -> None:
    loaded = load(project(tmp_path, train=None, more="approaches: [floor]"))
    with pytest.raises(UsageError, match="an eval set is never changed"):
        clean_project(loaded, audit_project(loaded), (), tmp_path / "cleaned")
