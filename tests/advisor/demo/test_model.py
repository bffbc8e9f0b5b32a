"""The bundled model: small, loadable, with a template that lets it copy, and with a card that says what it is not."""

from __future__ import annotations

import json

from safetensors import safe_open
from transformers import AutoConfig, AutoTokenizer

from advisor.demo import model_folder

MEGABYTE = 1024 * 1024


def test_folder_is_small() -> None:
    assert sum(p.stat().st_size for p in model_folder().iterdir()) <= 12 * MEGABYTE


def test_weights_match_the_config() -> None:
    config = AutoConfig.from_pretrained(model_folder())
    with safe_open(model_folder() / "model.safetensors", framework="pt") as weights:
        names = set(weights.keys())
        assert weights.get_slice("model.embed_tokens.weight").get_shape() == [config.vocab_size, config.hidden_size]
    assert len(names) == 2 + 9 * config.num_hidden_layers
    assert config.tie_word_embeddings
    assert config.eos_token_id != config.pad_token_id


def test_generation_prompt_begins_the_full_rendering() -> None:
    tokenizer = AutoTokenizer.from_pretrained(model_folder())
    user = {"role": "user", "content": "Passage 1: The canteen opens at 7:30.\n\nInput: When does it open?\n\nAnswer."}
    prompt = tokenizer.apply_chat_template([user], add_generation_prompt=True, tokenize=False)
    answer = {"role": "assistant", "content": "7:30"}
    assert tokenizer.apply_chat_template([user, answer], tokenize=False).startswith(
        prompt + " 7:30" + tokenizer.eos_token
    )


def test_first_word_of_an_answer_is_the_token_of_the_passage() -> None:
    tokenizer = AutoTokenizer.from_pretrained(model_folder())
    for word in ("7:30", "harbor", "Marta Holub", "the north lobby", "H-214"):
        passage = tokenizer(f"Passage 1: It is {word}.")["input_ids"]
        answer = tokenizer(f" {word}")["input_ids"]
        assert any(passage[i : i + len(answer)] == answer for i in range(len(passage))), word


def test_end_and_pad_are_different_special_tokens() -> None:
    tokenizer = AutoTokenizer.from_pretrained(model_folder())
    assert tokenizer.eos_token == "<|end|>"
    assert tokenizer.pad_token_id != tokenizer.eos_token_id
    assert json.loads((model_folder() / "generation_config.json").read_text())["eos_token_id"] == tokenizer.eos_token_id


def test_card_says_what_the_model_is_not() -> None:
    card = (model_folder() / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "Apache-2.0" in card
    assert "What it is not" in card
    assert "Wilson" in card
