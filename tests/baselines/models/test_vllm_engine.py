"""The vLLM engine at its boundary: a stand-in for the package that decodes greedily, as vLLM does, with transformers.

vLLM itself needs a GPU; what is tested here is what is handed to it and what is made of its outputs.
"""

from __future__ import annotations

import importlib.machinery
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from baselines.models.contract import Decoding, Generation
from baselines.models.local import LocalModel, load
from baselines.models.vllm_engine import VllmEngine
from baselines.prompts import Prompt
from reports.errors import EnvironmentFault
from reports.run.schema import ModelSpec

ASKED = [Prompt(f"Input: {words}") for words in ("card", "the order was shipped monday", "refund of the payment", "x")]
DECODING = Decoding(max_new_tokens=12)


@dataclass
class StandIn:
    """What the package was asked for."""

    started: list[dict[str, Any]] = field(default_factory=list)
    ended: int = 0
    adapters: list[Any] = field(default_factory=list)
    counts_the_end: bool = True


class GreedyLLM:
    """`vllm.LLM` as far as it is used."""

    def __init__(self, seen: StandIn, **said: Any) -> None:
        from transformers import AutoModelForCausalLM

        seen.started.append(said)
        self.seen = seen
        self.llm_engine = SimpleNamespace(engine_core=SimpleNamespace(shutdown=self.end))
        self.model = AutoModelForCausalLM.from_pretrained(said["model"])

    def end(self) -> None:
        self.seen.ended += 1

    def generate(self, prompts: list[Any], sampling: list[Any], *, use_tqdm: bool, lora_request: Any) -> list[Any]:
        import torch

        assert not use_tqdm
        self.seen.adapters.append(lora_request)
        outputs = []
        for prompt, one in zip(prompts, sampling, strict=True):
            ids = torch.tensor([prompt["prompt_token_ids"]])
            made = self.model.generate(
                input_ids=ids,
                attention_mask=torch.ones_like(ids),
                max_new_tokens=one.max_tokens,
                do_sample=False,
                eos_token_id=one.stop_token_ids,
                pad_token_id=one.stop_token_ids[0],
            )[0, ids.shape[1] :].tolist()
            stopped = made[-1] in one.stop_token_ids
            reason = made[-1] if stopped else None
            kept = made if self.seen.counts_the_end or not stopped else made[:-1]
            answer = SimpleNamespace(
                token_ids=tuple(kept), finish_reason="stop" if stopped else "length", stop_reason=reason
            )
            outputs.append(SimpleNamespace(outputs=[answer]))
        return outputs


@pytest.fixture
def vllm(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    seen = StandIn()
    package, lora, request = ModuleType("vllm"), ModuleType("vllm.lora"), ModuleType("vllm.lora.request")
    package.__spec__ = importlib.machinery.ModuleSpec("vllm", None)
    package.LLM = lambda **said: GreedyLLM(seen, **said)  # type: ignore[attr-defined]
    package.SamplingParams = SimpleNamespace  # type: ignore[attr-defined]
    request.LoRARequest = lambda *said: said  # type: ignore[attr-defined]
    for name, module in (("vllm", package), ("vllm.lora", lora), ("vllm.lora.request", request)):
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.delenv("VLLM_NO_USAGE_STATS", raising=False)
    return seen


def answers(model: LocalModel) -> list[Generation]:
    found = {g.index: g for batch in model.generate(ASKED, DECODING) for g in batch}
    return [found[index] for index in range(len(ASKED))]


def through_vllm(folder: Path) -> LocalModel:
    return load(ModelSpec(id=str(folder), engine="vllm", precision="float32"), device="cuda:0")


@pytest.mark.parametrize("counts_the_end", [True, False])
def test_the_same_tokens_go_in_and_the_same_answers_come_out(
    tiny_model: Path, vllm: StandIn, counts_the_end: bool
) -> None:
    vllm.counts_the_end = counts_the_end
    model, own = through_vllm(tiny_model), load(ModelSpec(id=str(tiny_model)), device="cpu")
    found, expected = answers(model), answers(own)
    assert [(g.text, g.status, g.completion_tokens) for g in found] == [
        (g.text, g.status, g.completion_tokens) for g in expected
    ]
    assert len({g.text for g in found}) > 1
    assert model.fingerprint != own.fingerprint
    assert vllm.started[0]["trust_remote_code"] is False
    assert "enable_lora" not in vllm.started[0]


def test_it_sends_no_usage_reports(tiny_model: Path, vllm: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    monkeypatch.setattr("os.environ", dict(os.environ))
    answers(through_vllm(tiny_model))
    assert os.environ["VLLM_NO_USAGE_STATS"] == "1"
    assert os.environ["DO_NOT_TRACK"] == "1"


def test_one_alone_is_timed_without_a_first_token(tiny_model: Path, vllm: StandIn) -> None:
    alone = through_vllm(tiny_model).generate_one(ASKED[1], DECODING)
    assert alone.text == answers(load(ModelSpec(id=str(tiny_model)), device="cpu"))[1].text
    assert alone.seconds is not None
    assert alone.seconds > 0
    assert alone.ttft_seconds is None


def test_an_adapter_starts_it_with_room_for_its_rank(tiny_model: Path, vllm: StandIn, tmp_path: Path) -> None:
    model = through_vllm(tiny_model)
    (tmp_path / "adapter_config.json").write_text(json.dumps({"r": 24}))
    answers(model)
    model.core.adapters["adapter-1"] = tmp_path
    tuned = LocalModel(model.core, "adapter-1", "1")
    answers(tuned)
    answers(model)
    assert [said.get("max_lora_rank") for said in vllm.started] == [None, 32]
    assert vllm.ended == 1, "the first one's process holds the card until it is told to end"
    assert vllm.adapters == [None, ("adapter-1", 1, str(tmp_path)), None]


@pytest.mark.parametrize(("free", "share"), [(23.5, 0.9), (12.0, 0.485)])
def test_it_takes_no_more_than_is_free_of_the_card(
    tiny_model: Path, vllm: StandIn, monkeypatch: pytest.MonkeyPatch, free: float, share: float
) -> None:
    import torch

    engine = VllmEngine(load(ModelSpec(id=str(tiny_model)), device="cpu").core.files, "float32", 512, "cuda:0", cards=2)
    monkeypatch.setattr("baselines.models.vllm_engine.reclaim_memory", lambda device: None)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda card: (23.5e9 if card == 0 else free * 1e9, 24e9))
    engine._loaded()
    assert vllm.started[0]["gpu_memory_utilization"] == share


def test_a_context_that_leaves_no_room_is_told_with_what_to_lower(tiny_model: Path, vllm: StandIn) -> None:
    def refuse(**_: Any) -> None:
        raise RuntimeError("Engine core initialization failed. See root cause above.")

    sys.modules["vllm"].LLM = refuse  # type: ignore[attr-defined]
    with pytest.raises(EnvironmentFault, match=r"does not start with .* and 512 tokens of context") as caught:
        answers(through_vllm(tiny_model))
    assert "context_length" in caught.value.hint


def test_without_the_package_it_says_how_to_get_it(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(EnvironmentFault, match="vllm, which is not installed") as caught:
        through_vllm(tiny_model)
    assert "pip install" in caught.value.hint


@pytest.mark.parametrize(
    ("precision", "device", "said"), [("float32", "cpu", "needs an NVIDIA GPU"), ("int8", "cuda:0", "8-bit")]
)
def test_what_it_cannot_do_is_refused(tiny_model: Path, vllm: StandIn, precision: str, device: str, said: str) -> None:
    files = load(ModelSpec(id=str(tiny_model)), device="cpu").core.files
    with pytest.raises(EnvironmentFault, match=said):
        VllmEngine(files, precision, 512, device)


def test_each_layer_is_cut_for_the_cards_that_the_job_has(tiny_model: Path, vllm: StandIn) -> None:
    spec = ModelSpec(id=str(tiny_model), engine="vllm", precision="float32")
    answers(load(spec, device="cuda:0", cards=2))
    assert vllm.started[0]["tensor_parallel_size"] == 2
