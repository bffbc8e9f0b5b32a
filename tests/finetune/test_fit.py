"""Does it fit, and what would: known answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from advisor.cards import find_card, known
from finetune.architectures import NAMES, architecture
from finetune.fit import beginning, fit, weight_bytes_of
from finetune.recipe import Recipe
from finetune.shape import shape_of
from reports.errors import DataError, UsageError

GB = 1e9
BILLIONS = {
    "Llama-3-8B": 8.03,
    "Llama-2-7B": 6.74,
    "Llama-2-70B": 68.98,
    "Llama-65B": 65.29,
    "Llama-3-70B": 70.55,
    "Llama-3.2-1B": 1.24,
    "Mistral-7B": 7.24,
    "Qwen2.5-0.5B": 0.494,
    "Qwen2.5-7B": 7.62,
    "Qwen2.5-32B": 32.76,
    "Qwen3-4B": 4.02,
    "Qwen3-8B": 8.19,
    "SmolLM2-1.7B": 1.71,
    "TinyLlama-1.1B": 1.10,
}


@pytest.mark.parametrize(("name", "billions"), BILLIONS.items())
def test_the_table_of_shapes_gives_the_published_sizes(name: str, billions: float) -> None:
    shape = shape_of(architecture(name)[1])
    assert (shape.linear + shape.embedding) / 1e9 == pytest.approx(billions, rel=0.01)


@pytest.mark.parametrize("said", ["meta-llama/Meta-Llama-3-8B-Instruct", "llama-3-8b", "Llama 3 8B"])
def test_a_hub_id_counts_by_its_last_part(said: str) -> None:
    assert architecture(said)[0] == "Llama-3-8B"


def test_an_unknown_architecture_names_the_nearest() -> None:
    with pytest.raises(UsageError) as caught:
        architecture("qwen2.5-8b")
    assert "Qwen2.5-7B" in caught.value.hint
    assert len(NAMES) > 20


def test_a_folder_and_a_file_are_read_and_a_broken_one_is_told(tmp_path: Path) -> None:
    _, config = architecture("Qwen3-8B")
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert architecture(str(tmp_path))[1] == config
    assert architecture(str(tmp_path / "config.json"))[1] == config
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(DataError, match="no readable configuration"):
        architecture(str(tmp_path))


def ask(model: str, method: Any, card: str, **options: Any) -> Any:
    size = {"length": options.pop("length", 1024), "micro_batch": options.pop("micro_batch", 1)}
    return fit(
        architecture(model)[1],
        Recipe.from_options(method, options),
        memory=find_card(card).memory_bytes,
        weight_bytes=weight_bytes_of(method, gpu=True),
        **size,
    )


@pytest.mark.parametrize(
    ("model", "method", "card", "fits"),
    [
        ("Llama-3-8B", "qlora", "RTX 4090", True),
        ("Llama-3-8B", "lora", "RTX 4090", True),
        ("Llama-3-8B", "full", "RTX 4090", False),
        ("Llama-3-8B", "full", "A100 80GB", False),
        ("Qwen2.5-7B", "qlora", "12", True),
        ("Llama-3-70B", "qlora", "48", False),
        ("Llama-3-70B", "qlora", "80", True),
        ("Qwen2.5-0.5B", "full", "RTX 4090", True),
    ],
)
def test_known_answers(model: str, method: str, card: str, fits: bool) -> None:
    found = ask(model, method, card)
    assert found.fits is fits
    assert found.words.startswith("fits" if fits else ("tight", "does not fit"))
    assert bool(found.would_fit) is not fits


def test_a_training_begins_with_checkpointing_only_where_memory_asks_for_it() -> None:
    config = architecture("Llama-2-7B")[1]
    recipe = Recipe(method="lora", batch=16)

    def begun(memory: float, recipe: Recipe = recipe, **more: Any) -> tuple[int, bool]:
        found = beginning(config, recipe, memory=memory, longest=1024, gpu=True, **more)
        return found.micro_batch, found.estimate.checkpointing

    assert begun(400 * GB) == (16, False)
    assert begun(36 * GB) == (16, True)
    assert begun(20 * GB) == (1, True)
    assert begun(1 * GB, Recipe(method="lora", gradient_checkpointing=False)) == (1, False)
    assert begun(36 * GB, bf16=False) == (1, True)  # weights of 4 bytes


def test_what_would_fit_is_named_least_intrusive_first_and_does_fit() -> None:
    found = ask("Llama-3-8B", "lora", "RTX 4090", length=4096, gradient_checkpointing=False)
    assert not found.fits
    assert found.would_fit[0].startswith("gradient checkpointing")
    many = ask("Llama-3-8B", "lora", "RTX 4090", length=16384, micro_batch=4, gradient_checkpointing=False)
    assert many.would_fit[0].startswith("gradient checkpointing and one example at once and examples of at most")
    full = ask("Qwen2.5-7B", "full", "24")
    assert any(one.startswith("LoRA instead of full") for one in full.would_fit)
    assert any("a model of about" in one for one in full.would_fit)
    assert full.would_fit[-1].startswith("a device with")


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("NVIDIA GeForce RTX 4090", "RTX 4090"),
        ("NVIDIA A100-SXM4-80GB", "A100 80GB"),
        ("Tesla T4", "T4"),
        ("h100", "H100 80GB"),
        ("NVIDIA H200", "H200"),
        ("rtx 4090", "RTX 4090"),
        ("NVIDIA GeForce RTX 4060 Ti", "RTX 4060 Ti"),
    ],
)
def test_cards_by_the_drivers_name(said: str, name: str) -> None:
    assert find_card(said).name == name


@pytest.mark.parametrize(
    "said",
    [
        "NVIDIA A100-SXM4-40GB MIG 1g.10gb",
        "NVIDIA H100 80GB HBM3 MIG 2g.20gb",
        "NVIDIA GeForce RTX 4090 Laptop GPU",
        "NVIDIA GeForce RTX 4070 Ti",
        "NVIDIA GeForce RTX 4080 SUPER",
        "NVIDIA GeForce RTX 4090 D",
    ],
)
def test_a_part_of_a_card_and_its_sisters_have_not_its_speed(said: str) -> None:
    assert known(said) is None


def test_a_size_is_a_card_and_an_unknown_one_names_the_nearest() -> None:
    assert find_card("24 GiB").memory_bytes == 24 * 2**30
    with pytest.raises(UsageError) as caught:
        find_card("RTX 4091")
    assert "RTX 4090" in caught.value.hint
