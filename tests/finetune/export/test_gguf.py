"""GGUF files read back: every weight in its place, the vocabulary whole, only splitters that are proven equal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from advisor.demo import model_folder
from finetune.chat import layout_of
from finetune.export import gguf_vocabulary
from finetune.export.gguf_file import _interleaved, _rope_factors, write_gguf
from finetune.export.gguf_vocabulary import CONTROL, TRICKY, read_vocabulary
from finetune.model_files import ModelFiles, open_model
from reports.errors import DataError

gguf = pytest.importorskip("gguf")


def written(folder: Path, out: Path, quantisation: Any) -> tuple[ModelFiles, dict[str, Any], dict[str, Any]]:
    files = open_model(str(folder))
    write_gguf(files, out, quantisation, layout_of(files.tokenizer, end_ids=files.end_ids))
    reader = gguf.GGUFReader(out)
    fields = {name: field.contents() for name, field in reader.fields.items()}
    return files, fields, {tensor.name: tensor for tensor in reader.tensors}


def values(tensor: Any) -> Any:
    return gguf.quants.dequantize(tensor.data, tensor.tensor_type)


def weights_of(files: ModelFiles) -> dict[str, Any]:
    from safetensors.numpy import load_file

    return load_file(files.folder / "model.safetensors")


@pytest.mark.parametrize(("quantisation", "most"), [("f16", 1e-3), ("q8_0", 0.01), ("q4_0", 0.15)])
def test_every_weight_is_there(tiny_model: Path, tmp_path: Path, quantisation: str, most: float) -> None:
    files, fields, tensors = written(tiny_model, tmp_path / "m.gguf", quantisation)
    stored = weights_of(files)
    assert len(tensors) == len([name for name in stored if name != "lm_head.weight"])
    up = stored["model.layers.1.mlp.up_proj.weight"]
    assert np.abs(values(tensors["blk.1.ffn_up.weight"]) - up).max() <= most * np.abs(up).max()
    query = _interleaved(stored["model.layers.0.self_attn.q_proj.weight"], 4)
    assert np.abs(values(tensors["blk.0.attn_q.weight"]) - query).max() <= most * np.abs(query).max()
    assert np.array_equal(values(tensors["output_norm.weight"]), stored["model.norm.weight"])
    assert fields["llama.attention.head_count_kv"] == 2
    assert fields["tokenizer.chat_template"] == files.tokenizer.get_chat_template()


def test_vocabulary_stays_finer_in_a_four_bit_file(tiny_model: Path, tmp_path: Path) -> None:
    _, _, tensors = written(tiny_model, tmp_path / "m.gguf", "q4_0")
    assert tensors["token_embd.weight"].tensor_type == gguf.GGMLQuantizationType.Q8_0
    assert tensors["blk.0.ffn_up.weight"].tensor_type == gguf.GGMLQuantizationType.Q4_0


def test_the_bundled_models_vocabulary_is_stored_whole(tmp_path: Path) -> None:
    files, fields, _ = written(model_folder(), tmp_path / "m.gguf", "q8_0")
    assert len(fields["tokenizer.ggml.tokens"]) == 2048
    assert fields["tokenizer.ggml.pre"] == "gpt-2"
    assert fields["tokenizer.ggml.eos_token_id"] == 1
    assert fields["tokenizer.ggml.add_bos_token"] is False
    assert [fields["tokenizer.ggml.token_type"][i] for i in range(5)] == [CONTROL] * 5
    assert fields["llama.rope.freq_base"] == 100000.0
    assert fields["tokenizer.ggml.merges"][0] == " ".join(
        json.loads(files.tokenizer.backend_tokenizer.to_str())["model"]["merges"][0]
    )


def test_rows_of_heads_are_interleaved() -> None:
    rows = np.arange(8)[:, None].repeat(2, axis=1)
    assert _interleaved(rows, 2)[:, 0].tolist() == [0, 2, 1, 3, 4, 6, 5, 7]


def test_a_splitter_that_cuts_otherwise_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bundled tokenizer keeps a blank with the digit after it, which these two do not."""
    files = open_model(str(model_folder()))
    wrong = {name: gguf_vocabulary.SPLITTERS[name] for name in ("qwen2", "starcoder")}
    monkeypatch.setattr(gguf_vocabulary, "SPLITTERS", wrong)
    with pytest.raises(DataError, match="no way to split text as this tokenizer does; closest is"):
        read_vocabulary(files.tokenizer, files.config)


def test_probes_count_the_users_texts_too() -> None:
    files = open_model(str(model_folder()))
    assert read_vocabulary(files.tokenizer, files.config, ["Account C-4045"]).probed == len(TRICKY) + 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model_type": "gemma3"}, "knows llama, mistral, qwen2, qwen3 networks, not gemma3"),
        ({"rope_parameters": {"rope_type": "yarn", "rope_theta": 1e4}}, "stretches its positions in a way \\(yarn\\)"),
        ({"model_type": "mistral", "sliding_window": 16}, "within a window of 16 tokens"),
    ],
)
def test_other_networks_are_refused(tiny_model: Path, tmp_path: Path, change: dict[str, Any], message: str) -> None:
    from dataclasses import replace

    files = open_model(str(tiny_model))
    other = replace(files, config={**files.config, **change})
    with pytest.raises(DataError, match=message):
        write_gguf(other, tmp_path / "m.gguf", "f16", layout_of(files.tokenizer))


def test_llama_3_positions_are_divided_as_published() -> None:
    """High frequencies stay, low ones are divided by the factor (Llama 3.1: factor 8)."""
    rope = {
        "rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0, "low_freq_factor": 1.0,
        "high_freq_factor": 4.0, "original_max_position_embeddings": 8192,
    }  # fmt: skip
    factors = _rope_factors({"rope_parameters": rope, "head_dim": 128, "hidden_size": 0, "num_attention_heads": 1})
    assert factors.shape == (64,)
    assert factors[0] == 1.0
    assert factors[-1] == 8.0
    assert (np.diff(factors) >= 0).all()

    from transformers import LlamaConfig
    from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

    config = LlamaConfig(hidden_size=256, num_attention_heads=2, head_dim=128, rope_parameters=rope)
    frequencies, _ = ROPE_INIT_FUNCTIONS["llama3"](config, device=None)
    plain = 1.0 / 500000.0 ** (np.arange(0, 128, 2) / 128)
    assert np.allclose(plain / factors, frequencies.numpy(), rtol=1e-5)


def test_more_tokens_than_rows_are_refused_in_one_line(tiny_model: Path) -> None:
    files = open_model(str(tiny_model))
    with pytest.raises(DataError, match=r"The tokenizer has \d+ tokens, the model's output layer 300"):
        read_vocabulary(files.tokenizer, {**files.config, "vocab_size": 300})
