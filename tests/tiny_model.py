"""Builds small random causal models on the fly, so that no test downloads one.

folder = build(tmp_path / "tiny")                      # Llama, chat template, about 200k parameters
folder = build(tmp_path / "plain", chat=False)         # no chat template
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

LINES = [
    "Input: where is my card payment",
    "Answer: card arrival",
    "Passage 1: the quick brown fox jumps over the lazy dog",
    "Name the category of the input.",
    "Answer with exactly one of: refund, card, transfer, top up, balance",
    "0 1 2 3 4 5 6 7 8 9 {} [] \" ' , . : ; ! ?",
    "order number 1234 was shipped on monday to the wrong address",
]

CHAT_TEMPLATE = (
    "{% for m in messages %}{% if m['role'] == 'user' %}<|user|>\n{{ m['content'] }}\n<|assistant|>"
    "{% else %} {{ m['content'] }}<|end|>\n{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{% endif %}"
)


def build(
    folder: Path,
    *,
    chat: bool = True,
    seed: int = 0,
    hidden: int = 64,
    layers: int = 2,
    heads: int = 4,
    kv_heads: int = 2,
    context: int = 512,
    vocabulary: int = 400,
    scale: float = 0.2,
    sliding_window: int | None = None,
) -> Path:
    """A folder that `from_pretrained` reads. `scale` widens the random weights until greedy answers differ."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM, MistralConfig, MistralForCausalLM

    tokenizer = build_tokenizer(vocabulary)
    if chat:
        tokenizer.chat_template = CHAT_TEMPLATE
    shape = {
        "vocab_size": len(tokenizer),
        "hidden_size": hidden,
        "intermediate_size": hidden * 2,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": kv_heads,
        "max_position_embeddings": context,
        "tie_word_embeddings": True,
        "eos_token_id": tokenizer.eos_token_id,
        "bos_token_id": None,
        "pad_token_id": tokenizer.pad_token_id,
        "initializer_range": scale,
    }
    torch.manual_seed(seed)
    if sliding_window is None:
        model = LlamaForCausalLM(LlamaConfig(**shape))
    else:
        model = MistralForCausalLM(MistralConfig(**shape, sliding_window=sliding_window))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def build_tokenizer(vocabulary: int = 400) -> Any:
    """Byte-level BPE without a chat template."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=["<|pad|>", "<|eos|>", "<|user|>", "<|assistant|>", "<|end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    raw.train_from_iterator(LINES * 4, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=raw,
        eos_token="<|eos|>",
        pad_token="<|pad|>",
        additional_special_tokens=["<|user|>", "<|assistant|>", "<|end|>"],
        clean_up_tokenization_spaces=False,
    )
