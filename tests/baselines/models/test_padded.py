"""The engine for models that keep other state than keys and values, with the smallest of them: a random Mamba."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from baselines.models.contract import Decoding
from baselines.models.local import LocalModel, load
from baselines.models.padded import PaddedEngine
from baselines.prompts import Prompt
from reports.run.schema import ModelSpec

DECODING = Decoding(max_new_tokens=12)


@pytest.fixture(scope="module")
def mamba(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> LocalModel:
    import torch
    from transformers import AutoTokenizer, MambaConfig, MambaForCausalLM

    folder = tmp_path_factory.mktemp("mamba")
    for file in tiny_model.glob("*token*"):
        shutil.copy(file, folder)
    shutil.copy(tiny_model / "chat_template.jinja", folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    torch.manual_seed(0)
    config = MambaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=2,
        state_size=4,
        max_position_embeddings=128,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=None,
        initializer_range=0.5,
    )
    MambaForCausalLM(config).save_pretrained(folder)
    return load(ModelSpec(id=str(folder)), device="cpu")


def prompts(count: int) -> list[Prompt]:
    chance = random.Random(1)
    words = ["card", "payment", "refund", "order", "monday", "fox", "12"]
    return [Prompt(f"Input: {' '.join(chance.choices(words, k=chance.randint(1, 20)))}") for _ in range(count)]


def test_one_alone_gives_the_answer_of_the_batch_and_of_transformers(mamba: LocalModel) -> None:
    import torch

    asked = prompts(6)
    batched = {g.index: g.text for some in mamba.generate(asked, DECODING) for g in some}
    alone = [mamba.generate_one(prompt, DECODING) for prompt in asked]
    assert isinstance(mamba.core.engine, PaddedEngine)
    assert [g.text for g in alone] == [batched[at] for at in range(6)]
    assert all(0 < (g.ttft_seconds or 0) <= (g.seconds or 0) for g in alone)
    (ids,) = mamba.layout.prompt_ids([asked[0].text])
    output = mamba.core.model.generate(
        input_ids=torch.tensor([ids]), attention_mask=torch.ones(1, len(ids)), max_new_tokens=12, do_sample=False
    )
    assert mamba.core.files.tokenizer.decode(output[0, len(ids) :], skip_special_tokens=True).strip() == alone[0].text


def test_a_stop_text_ends_the_work_too(mamba: LocalModel) -> None:
    """Its time is measured: what comes after the end of an answer is no part of it."""
    (prompt,) = prompts(1)
    whole = mamba.generate_one(prompt, DECODING)
    steps: list[int] = []
    handle = mamba.core.model.register_forward_hook(lambda *_: steps.append(1))
    try:
        cut = mamba.generate_one(prompt, Decoding(max_new_tokens=12, stop=(whole.text[2:4],)))
    finally:
        handle.remove()
    assert cut.text == whole.text[:2].strip()
    assert len(steps) == cut.completion_tokens
    assert (cut.completion_tokens or 0) < (whole.completion_tokens or 0)


def test_continuous_batching_holds_nothing_that_the_slot_table_does_not() -> None:
    """Why this engine is transformers' plain loop: where that changes, so may this."""
    from transformers import PretrainedConfig
    from transformers.generation.continuous_batching.cache import ATTN_TYPE_TO_ALLOCATOR

    from baselines.models.generation import supported

    assert supported(PretrainedConfig(layer_types=list(ATTN_TYPE_TO_ALLOCATOR)))
