"""Writes a model folder as one GGUF file: F16, Q8_0 or Q4_0, for llama.cpp and what is built on it.

    write_gguf(open_model("merged"), Path("model-q8_0.gguf"), "q8_0", layout, texts=prompts)

Knows the Llama, Mistral, Qwen 2 and Qwen 3 networks. Refuses others, and tokenizers that llama.cpp cannot repeat.
Needs the package `gguf`; quantises with it, so no llama.cpp is needed to write (only to verify).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

from finetune.chat import Layout, automatic_begin
from finetune.export.gguf_vocabulary import Vocabulary, read_vocabulary
from finetune.model_files import ModelFiles, weight_files
from reports.errors import DataError, EnvironmentFault

Quantisation = Literal["f16", "q8_0", "q4_0"]
QUANTISATIONS: tuple[Quantisation, ...] = get_args(Quantisation)

ARCHITECTURES = {"llama": "LLAMA", "mistral": "LLAMA", "qwen2": "QWEN2", "qwen3": "QWEN3"}
"""transformers' model_type to the package's MODEL_ARCH."""

KEPT_FINER = ("token_embd", "output")
"""What reads and writes the vocabulary stays at 8 bits in a 4-bit file: llama.cpp's own quantiser does too."""


def write_gguf(
    files: ModelFiles, out: Path, quantisation: Quantisation, layout: Layout, texts: Sequence[str] = ()
) -> Vocabulary:
    """One GGUF file with weights, tokenizer and chat template. `texts` are further probes of the tokenizer.

    Raises DataError for a network or tokenizer that is not known, EnvironmentFault without the package `gguf`.
    """
    gguf = _package()
    config = files.config
    kind = _architecture(config)
    vocabulary = read_vocabulary(files.tokenizer, config, texts)
    arch = getattr(gguf.MODEL_ARCH, ARCHITECTURES[kind])
    writer = gguf.GGUFWriter(out, gguf.MODEL_ARCH_NAMES[arch])
    try:
        _write_shape(writer, config, files.context_length)
        writer.add_file_type(
            {
                "f16": gguf.LlamaFileType.MOSTLY_F16,
                "q8_0": gguf.LlamaFileType.MOSTLY_Q8_0,
                "q4_0": gguf.LlamaFileType.MOSTLY_Q4_0,
            }[quantisation]
        )
        writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
        _write_vocabulary(writer, files.tokenizer, vocabulary, layout)
        _write_tensors(writer, gguf, arch, files, quantisation)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
    finally:
        writer.close()
    return vocabulary


def _package() -> Any:
    try:
        import gguf
    except ImportError as error:
        raise EnvironmentFault(
            "Writing GGUF needs the package gguf.", "Install it: pip install 'approach-advisor[gguf]'."
        ) from error
    return gguf


def _architecture(config: dict[str, Any]) -> str:
    kind = str(config.get("model_type"))
    if kind not in ARCHITECTURES:
        raise DataError(
            f"GGUF export knows {', '.join(ARCHITECTURES)} networks, not {kind}.",
            "Use llama.cpp's own converter on the merged weights (`--to merged`).",
        )
    window = config.get("sliding_window") if kind == "mistral" or config.get("use_sliding_window") else None
    if window and window < int(config.get("max_position_embeddings", 0)):
        raise DataError(
            f"The model attends within a window of {window} tokens, which this export cannot say to llama.cpp.",
            "Use llama.cpp's own converter on the merged weights (`--to merged`).",
        )
    return kind


def _head_size(config: dict[str, Any]) -> int:
    return int(config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"])


def _rope(config: dict[str, Any]) -> dict[str, Any]:
    """transformers 5 writes rope_parameters, older ones rope_theta and rope_scaling."""
    scaling = config.get("rope_parameters") or config.get("rope_scaling") or {}
    return {"rope_theta": config.get("rope_theta", 10000.0), **scaling}


def _write_shape(writer: Any, config: dict[str, Any], context: int) -> None:
    heads, size, rope = int(config["num_attention_heads"]), _head_size(config), _rope(config)
    writer.add_context_length(context)
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(int(config.get("num_key_value_heads") or heads))
    writer.add_key_length(size)
    writer.add_value_length(size)
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_dimension_count(size)
    writer.add_rope_freq_base(float(rope["rope_theta"]))
    writer.add_vocab_size(config["vocab_size"])
    kind = rope.get("rope_type", rope.get("type", "default"))
    if kind == "linear":
        writer.add_rope_scaling_type(_package().RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(float(rope["factor"]))
    elif kind not in ("default", "llama3"):
        raise DataError(
            f"The model stretches its positions in a way ({kind}) that this export does not know.",
            "Use llama.cpp's own converter on the merged weights (`--to merged`).",
        )


def _write_vocabulary(writer: Any, tokenizer: Any, vocabulary: Vocabulary, layout: Layout) -> None:
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(vocabulary.splitter)
    writer.add_token_list(list(vocabulary.tokens))
    writer.add_token_types(list(vocabulary.types))
    writer.add_token_merges(list(vocabulary.merges))
    bos, pad = tokenizer.bos_token_id, tokenizer.pad_token_id
    if bos is not None:
        writer.add_bos_token_id(bos)
    writer.add_add_bos_token(bool(automatic_begin(tokenizer)))
    writer.add_eos_token_id(layout.end_id if tokenizer.eos_token_id is None else tokenizer.eos_token_id)
    if layout.end_id != tokenizer.eos_token_id:
        writer.add_eot_token_id(layout.end_id)
    if pad is not None:
        writer.add_pad_token_id(pad)
    if layout.chat:
        writer.add_chat_template(tokenizer.get_chat_template())


def _write_tensors(writer: Any, gguf: Any, arch: Any, files: ModelFiles, quantisation: Quantisation) -> None:
    config = files.config
    names = gguf.get_tensor_name_map(arch, config["num_hidden_layers"])
    permuted = arch == gguf.MODEL_ARCH.LLAMA
    heads = int(config["num_attention_heads"])
    kv_heads = int(config.get("num_key_value_heads") or heads)
    for name, weights in _tensors(files):
        if name == "lm_head.weight" and config.get("tie_word_embeddings"):
            continue
        target = names.get_name(name, try_suffixes=(".weight", ".bias"))
        if target is None:
            raise DataError(f"GGUF has no place for the weights {name}.", "Use llama.cpp's own converter.")
        if permuted and ".q_proj." in name:
            weights = _interleaved(weights, heads)
        elif permuted and ".k_proj." in name:
            weights = _interleaved(weights, kv_heads)
        data, kind = _stored(gguf, target, weights, quantisation)
        writer.add_tensor(target, data, raw_dtype=kind)
    factors = _rope_factors(config)
    if factors is not None:
        writer.add_tensor("rope_freqs.weight", factors)


def _tensors(files: ModelFiles) -> Iterator[tuple[str, Any]]:
    """Name and float32 array of every weight."""
    import torch
    from safetensors import safe_open

    for path in weight_files(files.folder):
        with safe_open(path, framework="pt") as opened:
            for name in opened.keys():  # noqa: SIM118 - not a mapping
                yield name, opened.get_tensor(name).to(torch.float32).numpy()


def _interleaved(weights: Any, heads: int) -> Any:
    """llama.cpp rotates neighbouring pairs where transformers rotates halves: the rows of q and k change places."""
    shape = weights.shape
    return weights.reshape(heads, 2, shape[0] // heads // 2, *shape[1:]).swapaxes(1, 2).reshape(shape)


def _stored(gguf: Any, name: str, weights: Any, quantisation: Quantisation) -> tuple[Any, Any]:
    """The array as the file holds it, with its type: vectors in F32, and F16 where a row is no multiple of a block."""
    import numpy as np

    types = gguf.GGMLQuantizationType
    if weights.ndim < 2:
        return weights.astype(np.float32), types.F32
    kind = {"f16": types.F16, "q8_0": types.Q8_0, "q4_0": types.Q4_0}[quantisation]
    if kind == types.Q4_0 and name.partition(".")[0] in KEPT_FINER:
        kind = types.Q8_0
    if kind != types.F16 and weights.shape[-1] % 32:
        kind = types.F16
    if kind == types.F16:
        with np.errstate(over="ignore"):
            half = weights.astype(np.float16)
        if not np.isfinite(half).all():
            raise DataError(f"The weights {name} do not fit into 16-bit floats.", "Serve the merged weights instead.")
        return half, kind
    return gguf.quants.quantize(np.ascontiguousarray(weights), kind), kind


def _rope_factors(config: dict[str, Any]) -> Any:
    """Llama 3.1's stretched positions as divisors of each frequency, or None (Meta's llama-models, `apply_scaling`)."""
    import numpy as np

    rope = _rope(config)
    if rope.get("rope_type", rope.get("type")) != "llama3":
        return None
    size, old = _head_size(config), float(rope["original_max_position_embeddings"])
    low, high, factor = float(rope["low_freq_factor"]), float(rope["high_freq_factor"]), float(rope["factor"])
    factors = []
    for place in range(0, size, 2):
        wave = 2 * math.pi * float(rope["rope_theta"]) ** (place / size)
        smooth = min(1.0, max(0.0, (old / wave - low) / (high - low)))
        factors.append(1 / ((1 - smooth) / factor + smooth))
    return np.array(factors, dtype=np.float32)
