"""Nothing is sent anywhere that the project does not name, and nothing that is read can run code."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from advisor.demo import model_folder

ROOT = Path(__file__).resolve().parents[2]
RISKY = re.compile(
    r"\bimport (?:pickle|joblib|dill|shelve|marshal)\b|\btorch\.load\((?!.*weights_only=True)|allow_pickle=True"
    r"|yaml\.load\(|trust_remote_code=True|shell=True|(?<![.\w])eval\(|\bos\.system\("
)
WATCH = """
import os, socket
real = socket.socket.connect
def connect(self, address):
    if self.family != socket.AF_UNIX:
        with open(os.environ["CONNECTIONS"], "a") as file:
            file.write(repr(address) + "\\n")
    return real(self, address)
socket.socket.connect = connect
looked_up = socket.getaddrinfo
def getaddrinfo(host, *rest, **named):
    with open(os.environ["CONNECTIONS"], "a") as file:
        file.write("lookup " + repr(host) + "\\n")
    return looked_up(host, *rest, **named)
socket.getaddrinfo = getaddrinfo
"""
PROJECT = {
    "name": "silent",
    "task": {"type": "qa", "instruction": "Answer the question."},
    "data": {"eval": "eval.csv", "train": "train.csv", "documents": "documents.jsonl"},
    "model": "demo",
    "approaches": ["zero-shot", {"rag": {"passages": 1}}, {"qlora": {"rank": 2, "epochs": 1}}],
    "metrics": ["token-f1"],
    "latency_samples": 2,
}


def test_no_code_of_ours_runs_what_it_reads() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for package in ("advisor", "baselines", "finetune", "reports")
        for path in sorted((ROOT / package).rglob("*.py"))
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if RISKY.search(line)
    ]
    assert found == []


@pytest.mark.slow
@pytest.mark.skipif(
    not (model_folder() / "model.safetensors").is_file(), reason="the bundled model has no weights here"
)
def test_a_run_with_local_models_opens_no_connection(tmp_path: Path) -> None:
    (tmp_path / "watch").mkdir()
    (tmp_path / "watch" / "sitecustomize.py").write_text(WATCH)
    questions = [f"Where is item {number}?,On shelf {number}" for number in range(18)]
    (tmp_path / "eval.csv").write_text("question,answer\n" + "\n".join(questions[:6]) + "\n")
    (tmp_path / "train.csv").write_text("question,answer\n" + "\n".join(questions[6:]) + "\n")
    passages = [json.dumps({"text": f"Item {number} is on shelf {number}."}) for number in range(12)]
    (tmp_path / "documents.jsonl").write_text("\n".join(passages))
    (tmp_path / "advisor.yaml").write_text(json.dumps(PROJECT))
    connections = tmp_path / "connections"
    hidden = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_HUB_DISABLE_TELEMETRY", "DO_NOT_TRACK")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    environment |= {"PYTHONPATH": f"{tmp_path / 'watch'}{os.pathsep}{ROOT}", "CONNECTIONS": str(connections)}
    done = subprocess.run(
        [sys.executable, "-m", "advisor.cli", "run", str(tmp_path), "--out", str(tmp_path / "run"), "--json"],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr
    assert {a["name"] for a in json.loads(done.stdout)["approaches"]} == {"zero-shot", "rag", "qlora"}
    assert not connections.exists(), connections.read_text()


def test_the_watch_sees_a_connection(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(WATCH)
    environment = os.environ | {"PYTHONPATH": str(tmp_path), "CONNECTIONS": str(tmp_path / "seen")}
    code = "import socket\ntry:\n    socket.create_connection(('127.0.0.1', 9), 1)\nexcept OSError:\n    pass"
    subprocess.run([sys.executable, "-P", "-c", code], env=environment, check=True, timeout=60)
    assert "127.0.0.1" in (tmp_path / "seen").read_text()
