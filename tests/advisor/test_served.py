"""A real server on loopback against the local engine: the same weights must give the same answers both ways.

`transformers serve` holds the bundled model; llama.cpp's server is tested where it is installed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from advisor.demo import model_folder, project_folder
from reports.run.store import RunStore
from tests.serving import NotHere, llama_server, serving, transformers_serve

pytestmark = pytest.mark.slow

CASES, SAMPLES = 20, 2
APPROACHES: dict[str, dict[str, Any]] = {
    "zero-shot": {},
    "few-shot": {"shots": 4},
    "rag": {"passages": 2, "search": "lexical"},
}


@pytest.fixture(scope="module", params=["transformers", "llama.cpp"])
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a server with the bundled model."""
    try:
        if request.param == "transformers":
            found = transformers_serve()
        else:
            found = llama_server(tmp_path_factory.mktemp("weights"))
    except NotHere as reason:
        pytest.skip(str(reason))
    with serving(found) as url:
        yield url


def both_ways(folder: Path, url: str) -> Path:
    """The tickets demo cut to a few cases: each approach with the local model and through the endpoint."""
    source = project_folder("tickets")
    folder.mkdir()
    lines = (source / "eval.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (folder / "eval.csv").write_text("".join(lines[: CASES + 1]), encoding="utf-8")
    (folder / "train.csv").write_text((source / "train.csv").read_text(encoding="utf-8"), encoding="utf-8")
    said = yaml.safe_load((source / "advisor.yaml").read_text(encoding="utf-8"))
    said["data"]["documents"] = str(source / "guideline")
    said["models"] = {
        "served": {"id": f"openai:{model_folder()}", "base_url": url, "context_length": 1024, "max_concurrency": 4}
    }
    said["approaches"] = [
        {kind: {**options, "as": f"{kind} {way}", "model": model}}
        for kind, options in APPROACHES.items()
        for way, model in (("local", "demo"), ("served", "served"))
    ]
    said |= {"latency_samples": SAMPLES, "latency_concurrency": [2]}
    (folder / "advisor.yaml").write_text(yaml.safe_dump(said), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def run(served: str, tmp_path_factory: pytest.TempPathFactory) -> RunStore:
    folder = tmp_path_factory.mktemp("served")
    done = subprocess.run(
        [sys.executable, "-m", "advisor.cli", "run", str(both_ways(folder / "p", served)), "--out", str(folder / "r")],
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    return RunStore.open(folder / "r")


@pytest.mark.parametrize("kind", APPROACHES)
def test_answers_through_the_endpoint_are_those_of_the_local_engine(run: RunStore, kind: str) -> None:
    local, served = (dict(run.answers(f"{kind} {way}").items()) for way in ("local", "served"))
    assert len(local) == len(served) == CASES
    assert [local[case].prompt for case in local] == [served[case].prompt for case in local]
    same = sum(local[case].text == served[case].text for case in local)
    assert same >= 0.95 * CASES
    for answer in served.values():
        assert (answer.status, answer.usage_estimated) == ("ok", False)
        assert answer.prompt_tokens  # of equal prompts; llama.cpp's server leaves the layout's own tokens out
        assert answer.seconds is not None
        assert answer.completion_tokens


@pytest.mark.parametrize("kind", APPROACHES)
def test_latency_is_recorded_both_ways(run: RunStore, kind: str) -> None:
    for way in ("local", "served"):
        samples = [s for s in run.latency(f"{kind} {way}") if s.phase == "warm"]
        assert sorted(s.concurrency for s in samples) == [1] * SAMPLES + [2] * SAMPLES
        assert all(s.ttft_seconds is not None and 0 < s.ttft_seconds <= s.seconds for s in samples)
        assert all(s.scope == "request" and s.completion_tokens for s in samples)


def test_a_cold_start_is_kept_for_each_model_once(run: RunStore) -> None:
    cold = [s.approach for name in run.approaches for s in run.latency(name) if s.phase == "cold"]
    assert sorted(cold) == ["zero-shot local", "zero-shot served"]


def test_the_report_keeps_the_two_models_apart(run: RunStore) -> None:
    said = json.loads((run.folder / "report" / "report.json").read_text(encoding="utf-8"))
    models = {item["name"]: item["model"] for item in said["approaches"]}
    assert models["rag local"] == "demo"
    assert models["rag served"] == f"openai:{model_folder()}"
