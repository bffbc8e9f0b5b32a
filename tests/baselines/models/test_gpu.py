"""Answering on a GPU (`make gpu`): every engine, precision and adapter beside transformers' own generation, and memory.

Each test that does not need a GPU by its nature also runs on the CPU, in a tiny shape, so that its code is known to
work: what `make gpu` then adds is the device. Random weights in the shape of Llama and Qwen: no download.
"""

from __future__ import annotations

import importlib.util
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from baselines.models.contract import Decoding, Generation
from baselines.models.local import LocalModel, load
from baselines.prompts import Prompt
from finetune.loading import BYTES_PER_WEIGHT, load_weights
from finetune.memory import Answering
from finetune.model_files import open_model
from reports.run.schema import ModelSpec
from tests.baselines.models.test_local import one_by_one
from tests.bench.gpu_models import random_model

WORDS = ["card", "payment", "refund", "the", "order", "was", "shipped", "monday", "quick", "fox", "balance", "12", "7"]
DECODING = Decoding(max_new_tokens=16)
CUDA = pytest.param("cuda:0", marks=pytest.mark.gpu)
DEVICES = pytest.mark.parametrize("device", ["cpu", CUDA])


@pytest.fixture(autouse=True)
def there(request: pytest.FixtureRequest) -> Iterator[None]:
    """Skips where the device is not there; leaves the card as empty as it was."""
    import torch

    wants_card = request.node.get_closest_marker("gpu") is not None
    if wants_card and not torch.cuda.is_available():
        pytest.skip("no GPU here")
    if wants_card:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    yield
    if wants_card:
        torch.cuda.empty_cache()


@pytest.fixture(scope="module")
def qwen(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Biases on queries, keys and values, an untied head, a head size of its own."""
    import torch
    from transformers import AutoTokenizer, Qwen2Config, Qwen2ForCausalLM

    folder = tmp_path_factory.mktemp("qwen")
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    torch.manual_seed(1)
    config = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        tie_word_embeddings=False,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=None,
        initializer_range=0.2,
    )
    Qwen2ForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def prompts(count: int, longest: int = 40) -> list[Prompt]:
    chance = random.Random(3)
    return [Prompt(f"Input: {' '.join(chance.choices(WORDS, k=chance.randint(1, longest)))}") for _ in range(count)]


def answers(model: LocalModel, asked: list[Prompt], decoding: Decoding = DECODING) -> list[Generation]:
    found = {g.index: g for batch in model.generate(asked, decoding) for g in batch}
    return [found[index] for index in range(len(asked))]


def same(found: list[Generation], expected: list[str]) -> float:
    """Share of equal answers: in less than float32 a tie may fall either way with the size of a batch."""
    return sum(a.text == b for a, b in zip(found, expected, strict=True)) / len(expected)


@DEVICES
@pytest.mark.parametrize("shape", ["llama", "qwen"])
def test_answers_are_those_of_transformers_one_by_one(tiny_model: Path, qwen: Path, shape: str, device: str) -> None:
    model = load(ModelSpec(id=str(qwen if shape == "qwen" else tiny_model), precision="float32"), device=device)
    asked = prompts(24)
    shared = "".join(f"Input: {word}\nAnswer: {word}\n\n" for word in WORDS[:6])
    asked += [Prompt(shared + prompt.text, shared=len(shared)) for prompt in asked[:8]]
    found = answers(model, asked)
    assert same(found, one_by_one(model, asked, DECODING)) >= 0.95
    alone = [model.generate_one(prompt, DECODING) for prompt in asked[:4]]
    assert [g.text for g in alone] == [g.text for g in found[:4]]
    assert all(g.ttft_seconds and g.seconds and g.ttft_seconds <= g.seconds for g in alone)


@DEVICES
def test_answers_are_those_of_transformers_continuous_batching(tiny_model: Path, device: str) -> None:
    from transformers import ContinuousBatchingConfig, GenerationConfig

    model = load(ModelSpec(id=str(tiny_model), precision="float32"), device=device)
    asked = prompts(12)
    ids = model.layout.prompt_ids([prompt.text for prompt in asked])
    ends = sorted(model.layout.end_ids)
    rooms = ContinuousBatchingConfig(page_size=16, num_blocks=128, max_batch_tokens=128) if device == "cpu" else None
    outputs = model.core.model.generate_batch(
        inputs=ids,
        generation_config=GenerationConfig(
            max_new_tokens=DECODING.max_new_tokens, do_sample=False, eos_token_id=ends, pad_token_id=0
        ),
        continuous_batching_config=rooms,
        warmup=device != "cpu",
    )
    assert [output.error for output in outputs.values()] == [None] * len(asked)
    decode = model.core.files.tokenizer.decode
    texts = [decode(output.generated_tokens, skip_special_tokens=True).strip() for output in outputs.values()]
    assert same(answers(model, asked), texts) >= 0.9


@DEVICES
@pytest.mark.parametrize("precision", ["bfloat16", "nf4", "int8"])
def test_fewer_bits_answer_and_take_less(tiny_model: Path, precision: str, device: str) -> None:
    import torch

    model = load(ModelSpec.model_validate({"id": str(tiny_model), "precision": precision}), device=device)
    asked = prompts(8)
    found = answers(model, asked)
    assert {g.status for g in found} <= {"ok", "truncated"}
    assert model.precision == precision
    inner = model.core.model
    linear = [m for m in inner.modules() if isinstance(m, torch.nn.Linear) and m is not inner.lm_head]
    held = sum(m.weight.numel() * m.weight.element_size() for m in linear)
    values = sum(m.in_features * m.out_features for m in linear)
    # NF4 keeps its scales beside the weights: half a byte is the weights' own part of the 0.516.
    assert held / values == pytest.approx(BYTES_PER_WEIGHT[precision], rel=0.05)
    # Random weights tie often, and on a GPU the kernels themselves depend on the size of a batch.
    assert precision == "int8" or same(found, one_by_one(model, asked, DECODING)) >= (0.5 if device == "cpu" else 0.25)


@DEVICES
def test_adapters_lie_beside_the_base(tiny_model: Path, tmp_path: Path, device: str) -> None:
    from finetune.data import Pair
    from finetune.recipe import Recipe
    from finetune.train import train

    pairs = [Pair(prompt.text, "refund") for prompt in prompts(40, longest=8)]
    recipe = Recipe.from_options("lora", {"learning_rate": 1e-2, "epochs": 3, "batch": 8})
    train(pairs, str(tiny_model), recipe, tmp_path, device=device)
    base = load(ModelSpec(id=str(tiny_model)), device=device)
    asked = prompts(6, longest=8)
    before = [g.text for g in answers(base, asked)]
    tuned = base.with_adapter(tmp_path / "adapter")
    assert {g.text for g in answers(tuned, asked)} == {"refund"}
    assert [g.text for g in answers(base, asked)] == before


@DEVICES
def test_layers_with_the_hooks_of_a_spread_model_answer_alike(tiny_model: Path, device: str) -> None:
    """What accelerate puts around each layer where several cards share a model: a prefill must leave it well."""
    from accelerate import dispatch_model

    asked = prompts(8)
    expected = [g.text for g in answers(load(ModelSpec(id=str(tiny_model)), device=device), asked)]
    model = load(ModelSpec(id=str(tiny_model)), device=device)
    places: dict[str, Any] = {"model.embed_tokens": device, "model.rotary_emb": device, "model.norm": device}
    places |= {f"model.layers.{i}": device for i in range(2)} | {"lm_head": device}
    dispatch_model(model.core.model, places, main_device=device, force_hooks=True)
    assert [g.text for g in answers(model, asked)] == expected
    assert [g.text for g in answers(model, asked)] == expected


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["bfloat16", "nf4"])
def test_the_peak_of_a_billion_weights_is_what_the_plan_says(tmp_path: Path, precision: str) -> None:
    import torch

    folder = random_model(tmp_path / "model", "Llama-3.2-1B")
    config = open_model(str(folder)).config
    model = load(ModelSpec.model_validate({"id": str(folder), "precision": precision}), device="cuda:0")
    asked = prompts(32, longest=120)
    _ = model.core.model
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()  # reading the weights has a peak of its own
    answers(model, asked, Decoding(max_new_tokens=64))
    longest = max(map(len, model.layout.prompt_ids([prompt.text for prompt in asked])))
    # Without the CUDA context, which torch does not count.
    planned = Answering(config, BYTES_PER_WEIGHT[precision], prompt=longest, room=64, gpu=True).estimate(32)
    assert torch.cuda.max_memory_allocated() == pytest.approx(planned.total, rel=0.35)


@pytest.mark.gpu
def test_a_full_card_halves_the_batch_and_loses_no_answer(tmp_path: Path) -> None:
    import torch

    folder = random_model(tmp_path / "model", "Llama-3.2-1B")
    model = load(ModelSpec(id=str(folder)), device="cuda:0")
    asked = prompts(64, longest=200)
    few = answers(model, asked[:4], Decoding(max_new_tokens=4))
    torch.cuda.empty_cache()
    held, whole = torch.cuda.memory_allocated(), torch.cuda.get_device_properties(0).total_memory
    before = model.core.engine.limits.rows
    model.core.engine.limits.table_tokens = 10**9  # as if the whole card were free
    torch.cuda.set_per_process_memory_fraction((held + 2e8) / whole)
    try:
        found = answers(model, asked, Decoding(max_new_tokens=256))
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert model.core.engine.limits.rows < before
    assert [g.status for g in found].count("error") == 0
    assert len(found) == len(asked)
    assert all(g.prompt_tokens for g in few)


@pytest.mark.gpu
@pytest.mark.skipif(importlib.util.find_spec("vllm") is None, reason="vLLM is not installed (extra vllm)")
def test_vllm_gives_the_answers_of_the_own_engine(build_tiny: Callable[..., Path], tmp_path: Path) -> None:
    """A head size of 64 and bfloat16, which all of its kernels know."""
    folder = build_tiny(tmp_path / "wide", hidden=256, heads=4, kv_heads=2, scale=0.1)
    own = load(ModelSpec(id=str(folder), precision="bfloat16"), device="cuda:0")
    asked = prompts(24)
    expected = [g.text for g in answers(own, asked)]
    theirs = load(ModelSpec(id=str(folder), precision="bfloat16", engine="vllm"), device="cuda:0")
    found = answers(theirs, asked)
    assert same(found, expected) >= 0.5
    assert {g.status for g in found} <= {"ok", "truncated"}


def test_the_plan_knows_the_parts_of_its_figure(build_tiny: Callable[..., Path], tmp_path: Path) -> None:
    """The same sum on the CPU, so that the comparison above compares what it says: weights as they are loaded."""
    files = open_model(str(build_tiny(tmp_path / "m", hidden=128, layers=3)))
    weights = load_weights(files, precision="float32", device="cpu").model.get_memory_footprint()
    planned = Answering(files.config, weight_bytes=4.0, prompt=92, room=8, gpu=False).estimate(8)
    assert planned.weights == pytest.approx(weights, rel=0.05)
    assert planned.cache == 8 * 100 * (2 * 3 * files.config["num_key_value_heads"] * files.config["head_dim"]) * 4
    assert planned.logits == 8 * files.config["vocab_size"] * 4
    parts = planned.weights + planned.cache + planned.activations + planned.logits
    assert planned.total == pytest.approx(parts)
