"""`advisor plan --model`: does it fit my card, from a configuration alone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from advisor import hardware
from advisor.fitting import FitOptions, fitting, show_fit
from advisor.hardware import Gpu, Hardware
from reports.errors import UsageError


def test_a_card_by_name_and_all_methods() -> None:
    answer = fitting(FitOptions("Llama-3-8B", card="RTX 4090"))
    assert [(one.method, one.fit.fits) for one in answer.methods] == [("qlora", True), ("lora", True), ("full", False)]
    said = list(answer.lines())
    assert said[0] == "Llama-3-8B: 8.03 billion weights"
    assert any(line.startswith("qlora: fits: plan for") for line in said)
    assert any(line.strip().startswith("would fit: LoRA instead of full") for line in said)
    assert sum(line.startswith("  training ") and "optimizer " in line for line in said) == 3
    assert sum(line.startswith("  answering in bfloat16") and "KV cache " in line for line in said) == 3


def test_the_larger_of_training_and_answering_decides() -> None:
    """Llama-3-8B in bf16 is 16.1 GB: more than QLoRA plans for while it trains, less than LoRA does."""
    qlora, lora = fitting(FitOptions("Llama-3-8B", ("qlora", "lora"), card="RTX 4090")).methods
    assert qlora.needed == qlora.one.total > qlora.fit.estimate.plan_for
    assert qlora.words.startswith(f"fits: plan for {qlora.one.total / 1e9:.1f} GB")
    assert lora.needed == lora.fit.estimate.plan_for > lora.one.total
    assert qlora.several.rows > 1
    assert qlora.several.cache == qlora.several.rows * qlora.one.cache == qlora.several.rows * 1024 * 131072


def test_qlora_answers_on_nf4_where_the_card_has_no_room_for_more() -> None:
    (small,) = fitting(FitOptions("Qwen2.5-7B", ("qlora",), card="12")).methods
    (large,) = fitting(FitOptions("Qwen2.5-7B", ("qlora",), card="24")).methods
    assert (small.fits, small.precision, large.precision) == (True, "nf4", "bfloat16")
    (never,) = fitting(FitOptions("Llama-2-7B", ("qlora",), length=32768, card="20")).methods
    assert never.fit.estimate.total < never.fit.memory
    assert not never.fits
    assert never.would_fit


def test_targets_and_dora_are_asked_for() -> None:
    plain, few, dora = (
        fitting(FitOptions("Llama-2-7B", ("lora",), card="80", **more)).methods[0].fit.estimate
        for more in ({}, {"targets": "q_proj,v_proj"}, {"dora": True})
    )
    assert few.adapters < plain.adapters < dora.adapters
    assert dora.activations > plain.activations
    with pytest.raises(UsageError, match="no size is known of 'q_pro'") as caught:
        fitting(FitOptions("Llama-2-7B", targets="q_pro"))
    assert "q_proj" in caught.value.hint


def test_this_machine_has_what_is_free_of_its_card(monkeypatch: pytest.MonkeyPatch) -> None:
    shared = Gpu("NVIDIA A10", 24 * 2**30, 4 * 2**30, (8, 6), "1")
    monkeypatch.setattr(hardware, "describe", lambda: Hardware("test", 2, 2**34, 2**33, (shared,), torch="2.13.0"))
    answer = fitting(FitOptions("Qwen2.5-7B", ("qlora",)))
    assert (answer.card, answer.memory, answer.methods[0].fit.fits) == ("NVIDIA A10", 4 * 2**30, False)
    assert "on NVIDIA A10 (4.3 GB free)" in list(answer.lines())[1]


def test_a_card_without_bfloat16_trains_adapters_in_float32() -> None:
    old, new = (fitting(FitOptions("Qwen2.5-1.5B", ("lora",), card=card)) for card in ("V100 32GB", "32"))
    assert old.methods[0].fit.estimate.weights == 2 * new.methods[0].fit.estimate.weights


def test_the_document_adds_up(capsys: pytest.CaptureFixture[str]) -> None:
    show_fit(FitOptions("Qwen2.5-7B", ("qlora",), card="12"), as_json=True)
    found = json.loads(capsys.readouterr().out)
    (method,) = found["methods"]
    assert method["fits"] is True
    assert sum(method["parts"].values()) == pytest.approx(method["total_bytes"])
    assert method["total_bytes"] + method["margin_bytes"] == pytest.approx(method["plan_for_bytes"])
    answering = method["answering"]
    assert sum(answering["parts"].values()) == pytest.approx(answering["total_bytes"])
    assert method["needed_bytes"] == max(method["plan_for_bytes"], answering["one_prompt_bytes"])
    assert method["tokens_per_second"] is None  # a size alone says nothing of speed


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (FitOptions("Llama-3-8B", ("lorra",)), "no method 'lorra'"),
        (FitOptions("Llama-3-8B", card="RTX 4091"), "no card"),
        (FitOptions("Llama-9"), "known architecture"),
        (FitOptions("Llama-3-8B", length=0), "at least 1"),
        (FitOptions("Llama-3-8B", rank=0), "rank"),
    ],
)
def test_what_cannot_be_is_told(options: FitOptions, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        fitting(options)


def test_a_quantised_configuration_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"quantization_config": {"bits": 4}}')
    with pytest.raises(UsageError, match="already quantised"):
        fitting(FitOptions(str(tmp_path)))


def test_the_command_needs_neither_torch_nor_a_project() -> None:
    code = (
        "import sys; sys.argv = 'advisor plan --model Mistral-7B --method lora --card H200'.split()\n"
        "from advisor.cli import main\n"
        "try:\n    main()\nexcept SystemExit as ended:\n    assert not ended.code\n"
        "assert not {'torch', 'transformers', 'numpy'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "lora: fits" in done.stdout
