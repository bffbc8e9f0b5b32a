"""Whole runs against endpoints that fail: exit codes, words, budgets that stop and resume, and no key anywhere."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from advisor import cli
from baselines.models.ledger import FILE, spent_of

KEY = "zq-3f9d1c77-not-shaped-like-a-key"
CASES = 30


class Done(NamedTuple):
    """What a command left."""

    returncode: int
    stdout: str
    stderr: str


Serve = Callable[..., Any]


@pytest.fixture
def advisor(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """The program in this process, its workers in theirs."""
    monkeypatch.setenv("MY_KEY", KEY)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")

    def call(*words: str) -> Done:
        monkeypatch.setattr(sys, "argv", ["advisor", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capfd.readouterr()
        return Done(int(str(ended.value.code)), said.out, said.err)

    return call


def write_project(folder: Path, models: dict[str, Any], approaches: list[Any], **more: Any) -> Path:
    folder.mkdir(exist_ok=True)
    rows = "".join(f"{i},repeat the word{i},WORD{i}\n" for i in range(CASES))
    (folder / "eval.csv").write_text("id,question,answer\n" + rows, encoding="utf-8")
    said = {
        "name": "endpoints",
        "task": {"type": "qa", "instruction": "Say it."},
        "data": {"eval": "eval.csv", "split": False},
        "models": models,
        "approaches": approaches,
        "latency_samples": 0,
        **more,
    }
    (folder / "advisor.yaml").write_text(yaml.safe_dump(said), encoding="utf-8")
    return folder


def alias(server: Any, **more: Any) -> dict[str, Any]:
    return {"id": "openai:test", "base_url": server.url, "api_key_env": "MY_KEY", **more}


def everything(folder: Path) -> bytes:
    return b"\n".join(file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file())


def test_no_file_and_no_stream_of_a_run_with_failures_holds_the_key(
    serve: Serve, advisor: Callable[..., Done], tmp_path: Path
) -> None:
    echo = f"Incorrect API key provided: {KEY}; Authorization: Bearer {KEY}"
    locked = serve((401, echo, {}))
    broken = serve(lambda number, body: (500, echo, {}) if number % 3 == 0 else "ok")
    rejects = serve((400, echo, {}))
    project = write_project(
        tmp_path / "p",
        {"locked": alias(locked, headers={"x-team": "$MY_KEY"}), "broken": alias(broken), "rejects": alias(rejects)},
        [{"zero-shot": {"model": name, "as": name}} for name in ("locked", "broken", "rejects")],
    )
    done = advisor("run", str(project), "--out", str(tmp_path / "run"), "--plain")
    assert done.returncode == 1, done.stderr
    assert "does not accept the key in MY_KEY" in done.stderr
    written = everything(tmp_path)
    assert b"answered 400" in written
    assert b'"text":"IT."' in written
    said = written + done.stdout.encode() + done.stderr.encode()
    assert KEY.encode() not in said
    assert all(server.seen_headers[0]["authorization"] == f"Bearer {KEY}" for server in (locked, broken, rejects))


@pytest.mark.parametrize(
    ("script", "listed", "words"),
    [
        ("unauthorized", (401, f"wrong key {KEY}", {}), "does not accept the key in MY_KEY"),
        ("no-model", ("another",), "knows no chat completions of a model 'test'"),
        (None, (), "cannot be reached"),
    ],
)
def test_an_endpoint_that_refuses_ends_run_and_check_with_3_before_anything_is_written(
    serve: Serve, advisor: Callable[..., Done], tmp_path: Path, script: Any, listed: Any, words: str
) -> None:
    server = serve(script or "ok", listed=listed)
    if script is None:
        server.stop()
    project = write_project(tmp_path / "p", {"big": alias(server)}, ["floor", {"zero-shot": {"model": "big"}}])
    for command in ("run",) if script is None else ("run", "check"):
        done = advisor(command, str(project))
        assert done.returncode == 3, done.stderr
        assert done.stderr.count(words) == 1
        assert "hint: " in done.stderr
        assert KEY not in done.stdout + done.stderr
    assert not (project / "runs").exists()


def test_the_prompt_that_asks_whether_a_model_is_there_is_on_the_bill(
    serve: Serve, advisor: Callable[..., Done], tmp_path: Path
) -> None:
    server = serve("ok", listed=("another",))
    models = {"big": alias(server, input_usd_per_million=1000.0, output_usd_per_million=1000.0)}
    project = write_project(tmp_path / "p", models, [{"zero-shot": {"model": "big"}}])
    run = tmp_path / "run"
    assert advisor("run", str(project), "--out", str(run)).returncode == 0
    assert sum(request["max_tokens"] == 1 for request in server.requests) == 1
    words = sum(len(request["messages"][0]["content"].split()) + 1 for request in server.requests)
    assert sum(spent_of(run / "artifacts" / FILE).values()) == pytest.approx(words * 0.001)


def test_a_budget_stops_a_run_which_goes_on_when_it_is_raised(
    serve: Serve, advisor: Callable[..., Done], tmp_path: Path
) -> None:
    server = serve("ok")
    prices = {"input_usd_per_million": 1000.0, "output_usd_per_million": 1000.0}
    models = {"big": alias(server, **prices)}
    said: dict[str, Any] = {"approaches": [{"zero-shot": {"model": "big"}}], "max_answer_tokens": 8}
    project = write_project(tmp_path / "p", models, **said, budget_usd=0.2)
    run = tmp_path / "run"
    done = advisor("run", str(project), "--out", str(run), "--plain")
    assert done.returncode == 3, done.stderr
    assert "The budget of the run, $0.20, is used up" in done.stderr
    assert "advisor resume" in done.stderr
    assert 5 < len(server.requests) < CASES
    write_project(project, models, **said, budget_usd=2.0)
    last = advisor("resume", str(run), "--plain", "--json")
    assert last.returncode == 0, last.stderr
    (found,) = json.loads(last.stdout)["approaches"]
    assert (found["quality"]["n"], found["quality"]["failed"]) == (CASES, 0)
    answers = [json.loads(line)["case"] for line in (run / "answers" / "zero-shot.jsonl").read_text().splitlines()]
    assert len(answers) == len(set(answers)) == CASES
    bill = 0.001 * sum((len(body["messages"][0]["content"].split()) + 1) for body in server.requests)
    assert spent_of(run / "artifacts" / FILE) == {next(iter(spent_of(run / "artifacts" / FILE))): pytest.approx(bill)}


def judge_script(number: int, body: dict[str, Any]) -> Any:
    """Passes what equals the reference; by another rubric, everything."""
    prompt = body["messages"][0]["content"]
    found = re.search(r" reference 1>\n(.*?)\n<.* answer>\n(.*?)\n</", prompt, re.S)
    good = "Anything goes" in prompt or (found is not None and found[1] == found[2])
    return "say", f"Compared.\nVERDICT: {'pass' if good else 'fail'}"


def test_a_judge_scores_is_held_against_people_and_may_change_without_new_answers(
    serve: Serve, advisor: Callable[..., Done], tmp_path: Path
) -> None:
    models, judges = serve("ok"), serve(judge_script)
    prices = {"input_usd_per_million": 1.0, "output_usd_per_million": 1.0}
    aliases = {"big": alias(models), "strict": alias(judges, **prices)}
    rows = "".join(f"repeat the word{i},WORD{i},{'WORD' if i % 2 else 'wrong'}{i},{'yes' if i % 2 else 'no'}\n"
                   for i in range(40))  # fmt: skip
    labels = {"path": "graded.csv", "answer": "said", "label": "human", "input": "question", "reference": "answer"}
    judge: dict[str, Any] = {"model": "strict", "labels": labels}
    said: dict[str, Any] = {"approaches": [{"zero-shot": {"model": "big"}}], "metrics": ["judge", "exact-match"]}
    project = write_project(tmp_path / "p", aliases, **said, judge=judge)
    (project / "graded.csv").write_text("question,answer,said,human\n" + rows, encoding="utf-8")
    run = tmp_path / "run"
    done = advisor("run", str(project), "--out", str(run), "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert (document["primary_metric"], document["judge"]["decides"], document["judge"]["kappa"]) == ("judge", True, 1)
    assert document["judge"]["calls"] == CASES + 40
    assert document["judge"]["usd"] > 0
    assert document["approaches"][0]["quality"]["value"] == 0.0, "the model says IT., the reference WORD…"
    answered = len(models.requests)
    write_project(project, aliases, **said, judge={**judge, "rubric": "Anything goes."})
    again = advisor("resume", str(run), "--json")
    assert again.returncode == 0, again.stderr
    document = json.loads(again.stdout)
    assert len(models.requests) == answered
    assert document["approaches"][0]["metrics"]["judge"]["value"] == 1.0
    assert (document["primary_metric"], document["judge"]["decides"]) == ("exact-match", False)
    assert any("shown but does not decide" in text for text in document["verdict"]["warnings"])


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"metrics": ["judge", "exact-match"]}, "only one of them is there"),
        ({"metrics": ["judge"], "judge": {"model": "big"}}, "the judge alone cannot decide"),
        ({"metrics": ["judge", "exact-match"], "judge": {"model": "big", "mode": "pairwise"}}, "judge.against"),
        ({"metrics": ["judge", "exact-match"], "judge": {"model": "bgi"}}, "there is no model 'bgi'"),
        ({"judge": {"model": "big", "rubrik": "x"}}, "unknown key 'rubrik' in judge"),
        ({"latency_concurrency": [0]}, "latency_concurrency"),
        ({"latency_concurrency": [4, 65]}, "names 65 requests at a time, and openai:test gets 64 at most"),
        ({"budget_usd": -1}, "budget_usd"),
    ],
)
def test_a_project_that_cannot_be_is_refused_with_its_key(
    advisor: Callable[..., Done], tmp_path: Path, more: dict[str, Any], words: str
) -> None:
    big = {"id": "openai:test", "base_url": "http://127.0.0.1:9/v1"}
    approaches = [{"zero-shot": {"model": "big"}}]
    project = write_project(tmp_path / "p", {"big": big, "other": big}, approaches, **{"latency_samples": 9, **more})
    done = advisor("plan", str(project))
    assert done.returncode == 2
    assert words in done.stderr
    assert "hint: " in done.stderr
