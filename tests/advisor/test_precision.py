"""What a GPU without bfloat16 changes, said in one line by the plan and by the run."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from advisor import estimates, hardware, inspection, plan, project
from advisor.demo import project_folder
from advisor.fitting import FitOptions, fitting
from advisor.hardware import Gpu, Hardware
from advisor.precision import fallback_words, words_of_environment
from reports.run.schema import ApproachSpec, Environment, ModelSpec

GIB = 2**30
T4, A10 = Gpu("Tesla T4", 16 * GIB, 16 * GIB, (7, 5), "1"), Gpu("NVIDIA A10", 24 * GIB, 24 * GIB, (8, 6), "1")
BOTH = (
    "Tesla T4 has no bfloat16: answers are computed in float16 and trainings compute in float32, which takes twice "
    "the memory and more time."
)


def machine(gpu: Gpu) -> Hardware:
    return Hardware("test", 2, 16 * GIB, 12 * GIB, (gpu,), torch="2.13.0")


def spec(kind: str, precision: str = "auto", model: str = "Qwen2.5-0.5B") -> ApproachSpec:
    named = ModelSpec.model_validate({"id": model, "precision": precision})
    return ApproachSpec(name=kind, kind=kind, model=named)


@pytest.mark.parametrize(
    ("approaches", "words"),
    [
        ((spec("zero-shot"), spec("qlora")), BOTH),
        ((spec("zero-shot"),), "Tesla T4 has no bfloat16: answers are computed in float16."),
        ((spec("lora", "float32"), spec("zero-shot", "float32")), ""),
        ((spec("zero-shot", "float16"),), ""),
        ((spec("zero-shot", model="openai:x"),), ""),
        ((ApproachSpec(name="floor", kind="floor"),), ""),
    ],
)
def test_only_what_falls_back_is_told(approaches: tuple[ApproachSpec, ...], words: str) -> None:
    assert fallback_words(approaches, "Tesla T4", bf16=False) == words
    assert not fallback_words(approaches, "NVIDIA A10", bf16=True)


def test_a_run_reads_it_off_its_environment() -> None:
    here = Environment(python="3", platform="p", packages={}, device="Tesla T4", compute_capability="7.5")
    asked = (spec("zero-shot"),)
    assert "float16" in words_of_environment(asked, here)
    assert not words_of_environment(asked, here.model_copy(update={"compute_capability": "10.0"}))
    assert not words_of_environment(asked, here.model_copy(update={"device": "cpu", "compute_capability": None}))


def test_a_plan_tells_it_in_words_and_in_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(estimates, "measured_here", lambda: (110e9, 10e9))
    said = {}
    for gpu in (T4, A10):
        monkeypatch.setattr(hardware, "describe", lambda gpu=gpu: machine(gpu))
        inspection.show_plan(project_folder("tickets"), as_json=False, allow_broken=False)
        inspection.show_plan(project_folder("tickets"), as_json=True, allow_broken=False)
        lines, _, document = capsys.readouterr().out.partition("\n{")
        said[gpu.name] = ([one for one in lines.splitlines() if one.startswith("warning:")], json.loads("{" + document))
    assert said[A10.name][0] == said[A10.name][1]["warnings"] == []
    assert len(said[T4.name][0]) == 1
    assert said[T4.name][0] == [f"warning: {one}" for one in said[T4.name][1]["warnings"]]


def test_does_it_fit_tells_it_for_a_card() -> None:
    old, new = (fitting(FitOptions("Qwen2.5-0.5B", card=card)) for card in ("T4", "L4"))
    assert any("T4 has no bfloat16" in line for line in old.lines())
    assert old.document()["warnings"]
    assert new.document()["warnings"] == []


def test_float32_that_is_said_counts_in_the_plan_of_a_training(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimates, "measured_here", lambda: (110e9, 10e9))
    prepared = plan.prepare(project.load(project_folder("tickets")))
    needed = {}
    for precision in ("auto", "float32"):
        asked = prepared.spec.model_copy(update={"approaches": (spec("lora", precision, "Qwen2.5-1.5B"),)})
        (found,) = estimates.estimate(replace(prepared, spec=asked), machine(A10)).approaches
        needed[precision] = found.memory_bytes or 0.0
    assert needed["float32"] > 1.5 * needed["auto"]
