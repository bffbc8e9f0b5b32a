"""A byte-level BPE tokenizer as GGUF stores it, and the proof that llama.cpp will split text the same way.

    vocabulary = read_vocabulary(tokenizer, config, texts=prompts)
    vocabulary.tokens, vocabulary.types, vocabulary.merges, vocabulary.splitter

llama.cpp knows ways to split text by name only. The name is chosen by trying: a way is taken when the tokenizer with
that way in its place gives equal tokens on tricky strings and on the texts of the user. Refuses where none does.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reports.errors import DataError

NORMAL, CONTROL, USER_DEFINED, UNUSED = 1, 3, 4, 5
"""llama.cpp's token types."""

_GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
_MODERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}DIGITS| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
SPLITTERS: dict[str, tuple[str, ...]] = {
    "gpt-2": (_GPT2,),
    "qwen2": (_MODERN.replace("DIGITS", ""),),
    "llama-bpe": (_MODERN.replace("DIGITS", "{1,3}"),),
    "starcoder": (r"\p{N}", _GPT2),
}
"""llama.cpp's names for ways to split text, with the patterns behind them, applied one after the other."""

TRICKY = (
    " ",
    "   three  spaces   ",
    "\n\n\n a\n b\n",
    "tab\tand\r\nreturn",
    "don't I'LL we've they'd O'Neil's",
    "3.14159 and 1,000,000 or 2² at 12:45, no 0042",
    "naïve café, Größe, smörgåsbord",
    "日本語のテキスト、中文，한국어 텍스트",
    "العربية עברית ไทย हिन्दी",
    "👩‍👩‍👧 😀🎉 ©®™ €£¥ ½",
    "snake_case CamelCase kebab-case x=y+1; // done",
    '{"a": [1, 2, {"b": null}]}',
    "https://example.org/a?b=c&d=%20#e user@example.org",
    "<b>not a token</b> <|nor this|> [INST] </s>",
    "\u00a0no-break \u2003wide \u200bzero-width",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "?!?!... ---- ____ ''' \"\"\" ```",
    "Zero\u0301 decomposed e\u0308",
)
"""Strings on which tokenizers that look alike differ."""


@dataclass(frozen=True)
class Vocabulary:
    """What GGUF stores of a tokenizer."""

    tokens: tuple[str, ...]
    types: tuple[int, ...]
    merges: tuple[str, ...]
    splitter: str
    """llama.cpp's name for the way text is split before merging."""
    probed: int
    """Texts on which the splitter was found equal."""


def read_vocabulary(tokenizer: Any, config: dict[str, Any], texts: Sequence[str] = ()) -> Vocabulary:
    """The vocabulary of a tokenizer. Raises DataError for one that is no byte-level BPE or that llama.cpp cannot split
    the same way."""
    stored = json.loads(tokenizer.backend_tokenizer.to_str())
    model = stored["model"]
    if model["type"] != "BPE" or model.get("byte_fallback") or "ByteLevel" not in json.dumps(stored["pre_tokenizer"]):
        raise DataError(
            f"GGUF export knows byte-level BPE tokenizers (Llama 3, Qwen, GPT-2 style), not this {model['type']} one.",
            "Use llama.cpp's own converter on the merged weights (`--to merged`).",
        )
    known = max([*model["vocab"].values(), *(added["id"] for added in stored["added_tokens"])]) + 1
    size = int(config["vocab_size"])
    if known > size:
        raise DataError(
            f"The tokenizer has {known:,} tokens, the model's output layer {size:,}: GGUF wants a row for each token.",
            "Resize the model's embeddings (`resize_token_embeddings`) or use the tokenizer that it was trained with.",
        )
    tokens, types = [f"[PAD{i}]" for i in range(size)], [UNUSED] * size
    for text, place in model["vocab"].items():
        tokens[place], types[place] = text, NORMAL
    for added in stored["added_tokens"]:
        tokens[added["id"]] = added["content"]
        types[added["id"]] = CONTROL if added["special"] else USER_DEFINED
    merges = tuple(merge if isinstance(merge, str) else " ".join(merge) for merge in model["merges"])
    probes = [*probe_texts(tokenizer), *texts]
    return Vocabulary(tuple(tokens), tuple(types), merges, _splitter(tokenizer, stored, probes), len(probes))


def probe_texts(tokenizer: Any) -> tuple[str, ...]:
    """The tricky strings, normalised where the tokenizer normalises: llama.cpp leaves that to its caller."""
    normalizer = json.loads(tokenizer.backend_tokenizer.to_str()).get("normalizer") or {}
    form = normalizer.get("type")
    if form in ("NFC", "NFD", "NFKC", "NFKD"):
        return tuple(unicodedata.normalize(form, text) for text in TRICKY)
    return TRICKY


def _splitter(tokenizer: Any, stored: dict[str, Any], texts: Sequence[str]) -> str:
    wanted = [tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"] for text in texts]
    closest, least = "", len(texts) + 1
    for name in SPLITTERS:
        found = _emulated(stored, name).encode_batch(list(texts), add_special_tokens=False)
        wrong = [text for text, ids, other in zip(texts, wanted, found, strict=True) if ids != other.ids]
        if not wrong:
            return name
        if len(wrong) < least:
            closest, least = f"{name} (first difference: {wrong[0][:40]!r})", len(wrong)
    raise DataError(
        f"llama.cpp has no way to split text as this tokenizer does; closest is {closest}, other tokens on {least} of "
        f"{len(texts)} texts.",
        "Serve the merged weights (`--to merged`) with a server that reads tokenizer.json.",
    )


def _emulated(stored: dict[str, Any], name: str) -> Any:
    """The tokenizer as llama.cpp would run it under that name."""
    from tokenizers import Regex, Tokenizer, pre_tokenizers

    model = {**stored["model"], "ignore_merges": name == "llama-bpe"}
    copy = Tokenizer.from_str(json.dumps({**stored, "model": model, "normalizer": None, "post_processor": None}))
    splits = [pre_tokenizers.Split(Regex(pattern), behavior="isolated") for pattern in SPLITTERS[name]]
    copy.pre_tokenizer = pre_tokenizers.Sequence(
        [*splits, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    return copy
