"""The estimate against published figures (the table is in published_memory), and its parts."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

import pytest

from advisor.fitting import EXACTNESS
from finetune.architectures import architecture
from finetune.memory import MemoryEstimate, cache_bytes, estimate_memory
from finetune.recipe import Recipe
from finetune.shape import shape_of, unknown_layers
from reports.errors import DataError
from tests.finetune.published_memory import MEASURED, ROWS, STATED, THRESHOLDS, WHY

LLAMA2_7B = architecture("Llama-2-7B")[1]
LLAMA2_70B = architecture("Llama-2-70B")[1]
LLAMA3_8B = architecture("Llama-3-8B")[1]


def test_every_published_row_is_reproduced_within_a_fifth_but_for_the_named_ones() -> None:
    outside = {(row.source, row.model, row.method): f"{row.error():+.0%}" for row in ROWS if abs(row.error()) > 0.2}
    assert set(outside) == set(WHY), outside


def test_every_measured_row_is_within_a_fifth_at_a_median_below_a_tenth() -> None:
    errors = [abs(row.error()) for row in MEASURED]
    assert len(errors) == 27
    assert max(errors) < 0.2
    assert statistics.median(errors) < 0.10


def test_where_others_ran_or_ran_out_of_memory_the_estimate_says_so() -> None:
    assert all(seen.agrees() for seen in THRESHOLDS)
    assert {seen.fits for seen in THRESHOLDS} == {True, False}


def test_the_sentence_of_the_plan_counts_the_rows_as_they_are() -> None:
    near = sum(abs(row.error()) <= 0.2 for row in STATED)
    assert f"all {len(MEASURED)} published measurements" in EXACTNESS
    assert f"{near} of {len(STATED)} figures" in EXACTNESS


def test_seventy_billion_in_48_gb_is_a_floor_not_a_promise() -> None:
    floor = estimate_memory(LLAMA2_70B, Recipe(rank=8), length=1024, checkpointing=True)
    full_rank = estimate_memory(LLAMA2_70B, Recipe(rank=64), length=4096, checkpointing=True, logit_bytes=10)
    assert floor.total < 48e9
    assert full_rank.total > 48e9


def test_parts_add_up_and_order_is_as_expected() -> None:
    by_method = {
        method: estimate_memory(LLAMA3_8B, Recipe(method=method), length=1024, checkpointing=True)
        for method in ("qlora", "lora", "full")
    }
    assert by_method["qlora"].total < by_method["lora"].total < by_method["full"].total
    for one in by_method.values():
        trained = one.adapters + one.gradients + one.optimizer
        assert one.total == pytest.approx(one.weights + trained + one.activations + one.logits + one.overhead)
        assert one.plan_for == pytest.approx(one.total + one.margin)
    lora, full = by_method["lora"], by_method["full"]
    # Float32 adapters: as much again for gradients, twice as much for two moments.
    assert (lora.gradients, lora.optimizer) == (lora.adapters, 2 * lora.adapters)
    assert (full.adapters, full.gradients, full.optimizer) == (0.0, full.weights, 4 * full.weights)
    for part in ("weights", "adapters", "gradients", "optimizer", "activations", "logits", "margin"):
        assert f"{part} " in lora.words()
    assert "trained weights" in full.words()


def test_adapters_on_some_layers_and_magnitudes_are_counted_as_published() -> None:
    """Llama-2-7B at rank 8 on queries and values: 4,194,304 weights, as PEFT prints for it."""
    shape = shape_of(LLAMA2_7B)
    assert shape.adapter(8, "q_proj,v_proj") == 4_194_304
    assert shape.adapter(8, "self_attn.q_proj, v_proj") == 4_194_304
    assert shape.adapter(8, "q_proj,v_proj", dora=True) == 4_194_304 + 32 * 2 * 4096
    assert shape.adapter(16) == 39_976_960
    assert unknown_layers("q_proj,dense,wq") == ["wq"]
    assert unknown_layers("all-linear") == []


def test_targets_and_dora_reach_the_estimate_and_rslora_takes_nothing() -> None:
    def found(**dials: object) -> MemoryEstimate:
        return estimate_memory(LLAMA3_8B, Recipe.from_options("lora", dials), length=512, checkpointing=False)

    plain, few, dora = found(), found(targets="q_proj,v_proj"), found(use_dora=True)
    assert found(use_rslora=True) == plain
    assert few.optimizer < 0.2 * plain.optimizer
    assert dora.adapters > plain.adapters
    assert dora.activations > 1.5 * plain.activations
    assert found(use_dora=True, targets="q_proj").activations < dora.activations


@pytest.mark.filterwarnings("ignore:fan_in_fan_out:UserWarning")  # PEFT's own, for GPT-2's transposed matrices
@pytest.mark.parametrize(
    ("kind", "targets"),
    [("llama", "q_proj,down_proj,lm_head"), ("gpt2", "c_attn,c_proj"), ("gpt2", "mlp.c_proj"), ("opt", "fc1,out_proj")],
)
def test_named_targets_are_counted_as_peft_makes_them(kind: str, targets: str) -> None:
    model, config = small(kind)
    recipe = Recipe.from_options("lora", {"rank": 4, "targets": targets, "use_dora": True})
    trained = sum(p.numel() for p in adapted(model, recipe).parameters() if p.requires_grad)
    assert shape_of(config).adapter(4, targets, dora=True) == trained


def test_what_dora_adds_is_what_a_pass_holds_more() -> None:
    """Bytes alive at most while a small model computes and goes back, against the estimate's difference."""
    import torch

    from tests.finetune.held import Held

    peaks, estimates = [], []
    for dora in (False, True):
        model, config = small("llama")
        recipe = Recipe.from_options("lora", {"rank": 4, "use_dora": dora})
        adapted(model, recipe).train()
        with Held() as held:
            model.model(input_ids=torch.arange(768)[None] % 64, use_cache=False).last_hidden_state.sum().backward()
        peaks.append(held.most)
        estimates.append(estimate_memory(config, recipe, length=768, checkpointing=False, weight_bytes=4.0).activations)
    assert estimates[1] - estimates[0] == pytest.approx(peaks[1] - peaks[0], rel=0.1)


def small(kind: str) -> tuple[Any, dict[str, Any]]:
    from transformers import AutoConfig, AutoModelForCausalLM

    sizes: dict[str, Any] = (
        {"n_embd": 64, "n_layer": 3, "n_head": 4}
        if kind == "gpt2"
        else {
            "hidden_size": 64,
            "intermediate_size": 96,
            "num_hidden_layers": 3,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "head_dim": 16,
        }
    )
    if kind == "opt":
        sizes = {"hidden_size": 64, "ffn_dim": 256, "num_hidden_layers": 3, "num_attention_heads": 4}
    ends = {"bos_token_id": 1, "eos_token_id": 2}
    config = AutoConfig.for_model(kind, vocab_size=64, tie_word_embeddings=kind != "llama", **ends, **sizes)
    return AutoModelForCausalLM.from_config(config), config.to_dict()


def adapted(model: Any, recipe: Recipe) -> Any:
    from finetune.adapting import adapt
    from finetune.loading import Weights

    return adapt(Weights(model, None, "float32", "cpu"), recipe, checkpointing=False)  # type: ignore[arg-type]


def test_shape_reads_nested_and_old_spellings_and_names_what_is_missing() -> None:
    nested = shape_of({"text_config": LLAMA3_8B, "vision_config": {}})
    assert nested.kv == 1024
    assert shape_of({"n_embd": 64, "n_layer": 2, "n_head": 4, "vocab_size": 100}).intermediate == 256
    with pytest.raises(DataError, match="num_hidden_layers"):
        shape_of({"hidden_size": 64})


def test_cache_of_llama3_8b_is_128_kib_a_token() -> None:
    assert cache_bytes(LLAMA3_8B, tokens=1, rows=1) == 131072


MIXTRAL = {
    "hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32, "num_attention_heads": 32,
    "num_key_value_heads": 8, "vocab_size": 32000, "num_local_experts": 8, "num_experts_per_tok": 2,
}  # fmt: skip
QWEN3_30B = {
    "hidden_size": 2048, "intermediate_size": 6144, "moe_intermediate_size": 768, "num_hidden_layers": 48,
    "head_dim": 128, "num_attention_heads": 32, "num_key_value_heads": 4, "vocab_size": 151936, "num_experts": 128,
    "num_experts_per_tok": 8, "decoder_sparse_step": 1, "mlp_only_layers": [],
}  # fmt: skip


@pytest.mark.parametrize(("config", "stored", "used"), [(MIXTRAL, 46.7, 12.9), (QWEN3_30B, 30.5, 3.3)])
def test_all_experts_are_stored_and_few_are_used(config: dict[str, object], stored: float, used: float) -> None:
    shape = shape_of(config)
    assert (shape.linear + shape.embedding) / 1e9 == pytest.approx(stored, rel=0.005)
    assert (shape.active_linear + shape.embedding) / 1e9 == pytest.approx(used, rel=0.03)


def test_four_bits_do_not_shrink_experts() -> None:
    """transformers 5 stores them as one tensor that bitsandbytes leaves alone (seen on a small Mixtral)."""
    found = estimate_memory(MIXTRAL, Recipe.from_options("qlora", {}), length=512)
    assert found.weights > 2 * 45e9


@pytest.mark.filterwarnings("ignore:The following .*_pattern:RuntimeWarning")  # PEFT's own, of its own pattern
@pytest.mark.parametrize("kind", ["mixtral", "qwen3_moe"])
def test_shape_and_adapter_of_a_real_mixture(kind: str, tmp_path: Path) -> None:
    """Counted in transformers' and PEFT's own modules."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    torch.manual_seed(0)
    more = {"num_local_experts": 4} if kind == "mixtral" else {"num_experts": 4, "moe_intermediate_size": 32}
    config = AutoConfig.for_model(
        kind, vocab_size=64, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, head_dim=8, num_experts_per_tok=2, tie_word_embeddings=False, **more,
    )  # fmt: skip
    model = AutoModelForCausalLM.from_config(config)
    shape = shape_of(config.to_dict())
    norms = sum(p.numel() for name, p in model.named_parameters() if "norm" in name)
    assert shape.linear + shape.embedding == sum(p.numel() for p in model.parameters()) - norms
    made = adapted(model, Recipe.from_options("lora", {"rank": 4}))
    trained = sum(p.numel() for p in made.parameters() if p.requires_grad)
    assert shape.adapter(4) == trained


def test_an_mlp_without_a_gate_has_two_matrices() -> None:
    gpt2 = {
        "model_type": "gpt2",
        "n_embd": 768,
        "n_layer": 12,
        "n_head": 12,
        "vocab_size": 50257,
        "tie_word_embeddings": True,
    }
    shape = shape_of(gpt2)
    assert (shape.linear + shape.embedding) / 1e6 == pytest.approx(123.6, rel=0.01)
