"""`advisor export` on a stored run of a tiny model: every target written, verified and recorded; clear refusals."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from advisor import export_llama
from advisor.export import ExportOptions, export_run
from advisor.export_source import open_source
from finetune.export import llama_child
from reports.errors import DataError, EnvironmentFault, UsageError
from reports.run.schema import (
    ApproachSpec,
    Case,
    DataFacts,
    Environment,
    Example,
    ModelSpec,
    Question,
    RunHeader,
    RunSpec,
    Task,
)
from reports.run.store import RunStore

WORDS = {"refund": "order shipped back", "card": "card payment top"}
TRAIN = [
    Example(id=f"t{i}", input=f"{WORDS[label]} {i}", output=label, row=i + 2)
    for i, label in enumerate(["refund", "card"] * 20)
]
CASES = [
    Case(question=Question(id=f"q{i}", input=f"{WORDS[label]} {100 + i}"), references=(label,), row=i + 2)
    for i, label in enumerate(["refund", "card"] * 6)
]
QUICK = {"learning_rate": 1e-2, "epochs": 2, "batch": 8, "probe": "none"}


@pytest.fixture(scope="module")
def run(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose lora approach was trained, with a model folder of its own that tests may harm."""
    home = tmp_path_factory.mktemp("exports")
    shutil.copytree(tiny_model, home / "model")
    model = ModelSpec(id=str(home / "model"))
    spec = RunSpec(
        name="tiny",
        task=Task(type="classification", instruction="Name it.", labels=("refund", "card")),
        metrics=("accuracy",),
        approaches=(
            ApproachSpec(name="zero-shot", kind="zero-shot", model=model),
            ApproachSpec(name="lora", kind="lora", options=QUICK, model=model),
        ),
        data=DataFacts(eval_cases=len(CASES), train_examples=len(TRAIN), dev_examples=0, documents=0),
        max_answer_tokens=6,
        project_folder=str(home),
    )
    environment = Environment(python="3", platform="test", packages={}, device="cpu")
    header = RunHeader(run="run", started="2026-01-01T00:00:00+00:00", spec=spec, environment=environment)
    RunStore.create(home / "run", header, CASES, train=TRAIN).close()
    with open_source(home / "run", "lora") as source:
        source.approach.prepare(lambda event: None)
    return home / "run"


@pytest.fixture(autouse=True)
def without_llama(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_llama, "llama_python", lambda: None)


def record_of(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "export.json").read_text())
    return found


def test_the_adapter_goes_out_with_its_provenance(run: Path, tmp_path: Path, capsys: Any) -> None:
    assert export_run(run, "adapter", ExportOptions(out=tmp_path / "a")) == 0
    printed = capsys.readouterr()
    assert printed.out.splitlines()[-1].endswith("a")
    assert "verified: base model" in printed.err
    record = record_of(tmp_path / "a")
    assert {"README.md", "adapter/adapter_model.safetensors", "adapter/advisor.json"} <= set(record["files"])
    for key in ("base", "base_hash", "data_hash", "layout_hash", "recipe", "adapter_hash"):
        assert record["source"][key]
    card = (tmp_path / "a" / "README.md").read_text()
    assert "licence" in card.lower()
    assert record["source"]["data_hash"] in card
    assert "Input: order shipped back 100" in card


def test_merged_weights_answer_as_the_adapter_does(run: Path, tmp_path: Path) -> None:
    assert export_run(run, "merged", ExportOptions(out=tmp_path / "m")) == 0
    checks = {check["what"]: check for check in record_of(tmp_path / "m")["checks"]}
    assert (checks["greedy answers"]["equal"], checks["greedy answers"]["of"]) == (12, 12)
    assert (tmp_path / "m" / "model" / "model.safetensors").is_file()


def test_weights_that_answer_otherwise_are_not_called_verified(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The base in place of the merged weights: the trained answers are gone."""
    from finetune import adapter

    def forget(base: str, folder: Path, out: Path, **_: Any) -> None:
        shutil.copytree(base, out)

    monkeypatch.setattr(adapter, "merge", forget)
    assert export_run(run, "merged", ExportOptions(out=tmp_path / "m")) == 1
    (check,) = [c for c in record_of(tmp_path / "m")["checks"] if c["what"] == "greedy answers"]
    assert not check["passed"]
    assert "- NO: " in (tmp_path / "m" / "README.md").read_text()


def test_gguf_says_that_it_was_not_verified_without_llama(run: Path, tmp_path: Path) -> None:
    pytest.importorskip("gguf")
    assert export_run(run, "gguf", ExportOptions(out=tmp_path / "g", quantisations=("f16", "q4"))) == 0
    record = record_of(tmp_path / "g")
    assert {"model-f16.gguf", "model-q4_0.gguf"} < set(record["files"])
    assert not [name for name in record["files"] if name.startswith("merged/")]
    assert any("were not verified" in caveat for caveat in record["caveats"])


def test_ollama_gets_a_file_and_its_modelfile(run: Path, tmp_path: Path) -> None:
    pytest.importorskip("gguf")
    assert export_run(run, "ollama", ExportOptions(out=tmp_path / "o", quantisations=("f16",))) == 0
    assert "FROM ./model-f16.gguf" in (tmp_path / "o" / "Modelfile").read_text()
    assert (tmp_path / "o" / "model-f16.gguf").is_file()


def test_what_an_export_cannot_measure_is_said(run: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--measure"):
        export_run(run, "ollama", ExportOptions(out=tmp_path / "o", measure=True))


@pytest.mark.parametrize(
    ("to", "file"), [("llamafactory", "train.yaml"), ("axolotl", "axolotl.yaml"), ("trl", "train.py")]
)
def test_trainers_get_data_that_reads_back_equal(run: Path, tmp_path: Path, to: str, file: str) -> None:
    assert export_run(run, to, ExportOptions(out=tmp_path / "t")) == 0
    record = record_of(tmp_path / "t")
    assert file in record["files"]
    checks = {check["what"]: check for check in record["checks"]}
    assert all(check["passed"] for check in checks.values())
    assert checks["train data"]["of"] + checks["validation data"]["of"] == len(TRAIN)
    assert checks["training tokens"]["equal"] == len(TRAIN)
    assert {"base/model.safetensors", "data/train/rendered.json", "data/train/messages.jsonl"} <= set(record["files"])
    page = (tmp_path / "t" / "README.md").read_text()
    assert "pip install torch==" in page
    assert "licence" in page


@pytest.mark.parametrize("to", ["adapter", "merged", "llamafactory", "axolotl", "trl"])
def test_no_export_names_a_path_of_this_machine(run: Path, tmp_path: Path, to: str) -> None:
    assert export_run(run, to, ExportOptions(out=tmp_path / "t")) == 0
    texts = [path for path in (tmp_path / "t").rglob("*") if path.suffix in {".json", ".md", ".yaml", ".py"}]
    assert [path.name for path in texts if str(run.parent) in path.read_text()] == []


def test_a_large_base_is_linked_to_and_one_of_the_hub_named(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from advisor import export_base

    monkeypatch.setattr(export_base, "COPIED", 10)
    with open_source(run, "lora") as source:
        name, words = export_base.place_base(source, tmp_path)
        assert (name, (tmp_path / "base").resolve()) == ("./base", (run.parent / "model").resolve())
        assert "put the model's folder in its place" in words
        hub = source.model_spec.model_copy(update={"id": "someone/model", "revision": "v1"})
        other = replace(source, spec=source.spec.model_copy(update={"model": hub}))
        assert export_base.place_base(other, tmp_path) == (
            "someone/model", "The base model someone/model, revision v1 comes from the hub.",
        )  # fmt: skip


@pytest.mark.parametrize(
    ("to", "options", "message"),
    [
        ("onnx", ExportOptions(), "there is no export 'onnx'"),
        ("adapter", ExportOptions(approach="zero-shot"), "zero-shot is a zero-shot approach: it trains nothing"),
        ("adapter", ExportOptions(approach="qlora"), "the run has no approach 'qlora'"),
        ("gguf", ExportOptions(quantisations=("q2",)), "no GGUF quantisation 'q2'"),
    ],
)
def test_what_cannot_be_exported_is_said(run: Path, to: str, options: ExportOptions, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        export_run(run, to, options)


def test_a_folder_that_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no run and has none"):
        export_run(tmp_path, "adapter", ExportOptions())


def test_nothing_is_overwritten_unasked(run: Path, tmp_path: Path) -> None:
    export_run(run, "adapter", ExportOptions(out=tmp_path / "a"))
    with pytest.raises(UsageError, match="is there already"):
        export_run(run, "adapter", ExportOptions(out=tmp_path / "a"))
    assert export_run(run, "adapter", ExportOptions(out=tmp_path / "a", force=True)) == 0


def test_an_approach_that_was_not_trained_has_no_weights(run: Path, tmp_path: Path) -> None:
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    shutil.rmtree(copy / "artifacts" / "lora")
    with pytest.raises(UsageError, match="lora has no trained weights in this run"):
        export_run(copy, "adapter", ExportOptions())
    assert export_run(copy, "trl", ExportOptions(out=tmp_path / "t")) == 0, "data and recipe need no training"


def test_a_base_model_that_is_gone_or_another_one(
    run: Path, tmp_path: Path, build_tiny: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = run.parent / "model"
    kept = tmp_path / "kept"
    model.rename(kept)
    try:
        with pytest.raises(DataError, match="is gone from this machine"):
            export_run(run, "adapter", ExportOptions(out=tmp_path / "a"))
        build_tiny(model, seed=5)
        with pytest.raises(DataError, match="trained on other weights"):
            export_run(run, "adapter", ExportOptions(out=tmp_path / "a"))
    finally:
        shutil.rmtree(model, ignore_errors=True)
        kept.rename(model)
    assert not (tmp_path / "a").exists()


def test_the_serving_cost_is_kept_in_the_run(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Measured in this process here; each form has one of its own otherwise."""
    from advisor import export_serving
    from baselines import serving
    from reports.summary import summarise

    monkeypatch.setattr(export_serving, "measure", serving.answer)
    assert export_run(run, "merged", ExportOptions(out=tmp_path / "m", measure=True)) == 0
    with RunStore.open(run) as store:
        rows = summarise(store).serving
    assert [row.form for row in rows] == ["base", "adapter", "merged"]
    assert all(len(row.seconds) == 12 and row.file_bytes for row in rows)
    assert rows[2].quality is not None


def test_quantised_llama_answers_are_held_against_the_merged_ones(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """llama.cpp's place is taken by one that answers right or not at all."""
    pytest.importorskip("gguf")
    from advisor.export_llama import LlamaRun
    from finetune.export.folder import Check

    right = LlamaRun(
        Check("tokenization", True, "equal", 20, 20), {}, (0.001,) * len(CASES), 10_000_000, "0.3.36", threads=1
    )
    with open_source(run, None) as source:
        from advisor.export_checks import answers_of

        texts = answers_of(source, source.approach.tuned(), source.cases)  # type: ignore[arg-type]
    monkeypatch.setattr(export_llama, "llama_python", lambda: "python")
    monkeypatch.setattr(export_llama, "run_llama", lambda *_: replace(right, texts=texts))
    assert export_run(run, "gguf", ExportOptions(out=tmp_path / "good", quantisations=("f16", "q8_0"))) == 0
    monkeypatch.setattr(export_llama, "run_llama", lambda *_: replace(right, texts=dict.fromkeys(texts, "?")))
    assert export_run(run, "gguf", ExportOptions(out=tmp_path / "bad", quantisations=("f16",))) == 1
    rows = record_of(tmp_path / "bad")["artefacts"]
    assert (rows[0]["quality"], rows[0]["equal"], rows[0]["of"]) == (0.0, 0, len(CASES))


@pytest.mark.parametrize(
    ("name", "said", "todo"),
    [("SIGSEGV", "SIGSEGV", "-DGGML_NATIVE=OFF"), ("SIGKILL", "want of memory", "Close other")],
)
def test_a_llama_that_dies_says_of_what_and_what_to_do(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, said: str, todo: str
) -> None:
    child = tmp_path / "child.py"
    child.write_text(f"import os, signal\nos.kill(os.getpid(), signal.{name})\n", encoding="utf-8")
    monkeypatch.setattr(export_llama, "llama_python", lambda: sys.executable)
    monkeypatch.setattr(llama_child, "__file__", str(child))
    with open_source(run, "lora") as source, pytest.raises(EnvironmentFault) as caught:
        export_llama.run_llama(source, tmp_path / "model-q8_0.gguf", CASES)
    assert "model-q8_0.gguf" in str(caught.value)
    assert said in str(caught.value)
    assert todo in (caught.value.hint or "")
