"""Time estimates against published throughputs, as ranges: the published figure lies inside."""

from __future__ import annotations

from typing import Any

import pytest

from advisor.cards import find_card
from finetune.architectures import architecture
from finetune.recipe import Recipe
from finetune.speed import NOTHING, Device, Range, answering_seconds, embedding_seconds, training_seconds

# model, method, card, checkpointing, tokens a second as published (sources: finetuning reference, section 7)
PUBLISHED: list[tuple[str, Any, str, bool, float]] = [
    ("Llama-2-7B", "lora", "A100 40GB", True, 2392),
    ("Llama-2-7B", "lora", "A100 40GB", True, 2954),
    ("Llama-2-7B", "qlora", "A100 40GB", True, 2295),
    ("Llama-2-7B", "qlora", "A100 40GB", True, 3128),
    # The source does not state checkpointing: without it these figures are within the card's peak.
    ("Llama-3.1-8B", "qlora", "RTX 4090", False, 2413),
    ("Llama-3.1-8B", "lora", "RTX 4090", False, 3083),
    ("Qwen-7B", "lora", "A100 80GB", True, 3150),
    ("Qwen-7B", "qlora", "A100 80GB", True, 2340),
    ("Qwen-72B", "qlora", "A100 80GB", True, 275),
]


def device(card: str) -> Device:
    found = find_card(card)
    assert found.teraflops
    assert found.gigabytes_per_second
    return Device(card, found.teraflops * 1e12, found.gigabytes_per_second * 1e9, True, found.memory_bytes)


@pytest.mark.parametrize(("model", "method", "card", "checkpointing", "published"), PUBLISHED)
def test_published_training_throughputs_lie_in_the_range(
    model: str, method: Any, card: str, checkpointing: bool, published: float
) -> None:
    tokens = 1e6
    found = training_seconds(
        architecture(model)[1],
        Recipe(method=method),
        device(card),
        tokens=tokens,
        steps=tokens / 8192,
        checkpointing=checkpointing,
    )
    assert found.low < found.typical < found.high
    assert tokens / found.high <= published <= tokens / found.low


def test_a_tiny_model_is_bound_by_its_launches_not_by_its_flops() -> None:
    tiny = {"hidden_size": 64, "num_hidden_layers": 2, "vocab_size": 400, "num_attention_heads": 4}
    fast = training_seconds(tiny, Recipe(), device("H200"), tokens=1e4, steps=100)
    assert fast.typical > 0.1


def test_more_rows_at_once_answer_sooner_and_longer_prompts_later() -> None:
    config = architecture("Qwen2.5-7B")[1]

    def ask(prompt: int, rows: int) -> Range:
        return answering_seconds(
            config, device("L4"), questions=100, prompt_tokens=prompt, answer_tokens=32, weight_bytes=2, rows=rows
        )

    one, many, longer = ask(200, 1), ask(200, 32), ask(2000, 32)
    assert many.typical < one.typical / 3
    assert longer.typical > many.typical


def test_ranges_add_and_scale() -> None:
    both = Range(1, 2, 3) + Range(1, 1, 1)
    assert both == Range(2, 3, 4)
    assert both.times(2) == Range(4, 6, 8)
    assert both.times(0.5, 1, 2) == Range(1, 3, 8)
    assert embedding_seconds(device("L4"), tokens=0) == NOTHING
