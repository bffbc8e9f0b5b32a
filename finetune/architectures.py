"""Published decoder architectures by name, so that "does it fit my card?" needs neither a download nor a network.

    name, config = architecture("llama-3-8b")        # what of its config.json decides memory and time

Refuses to guess: an unknown name is an error that names the nearest ones. Figures are those of the models' published
config.json files.
"""

from __future__ import annotations

import difflib
import json
from pathlib import Path
from typing import Any

from reports.errors import DataError, UsageError

# name: hidden, layers, intermediate, vocabulary, heads, key/value heads, head size, tied embeddings, context
_SHAPES: dict[str, tuple[int, int, int, int, int, int, int, bool, int]] = {
    "SmolLM2-135M": (576, 30, 1536, 49152, 9, 3, 64, True, 8192),
    "SmolLM2-1.7B": (2048, 24, 8192, 49152, 32, 32, 64, True, 8192),
    "TinyLlama-1.1B": (2048, 22, 5632, 32000, 32, 4, 64, False, 2048),
    "Llama-7B": (4096, 32, 11008, 32000, 32, 32, 128, False, 2048),
    "Llama-13B": (5120, 40, 13824, 32000, 40, 40, 128, False, 2048),
    "Llama-65B": (8192, 80, 22016, 32000, 64, 64, 128, False, 2048),
    "Llama-2-7B": (4096, 32, 11008, 32000, 32, 32, 128, False, 4096),
    "Llama-2-13B": (5120, 40, 13824, 32000, 40, 40, 128, False, 4096),
    "Llama-2-70B": (8192, 80, 28672, 32000, 64, 8, 128, False, 4096),
    "Llama-3-8B": (4096, 32, 14336, 128256, 32, 8, 128, False, 8192),
    "Llama-3-70B": (8192, 80, 28672, 128256, 64, 8, 128, False, 8192),
    "Llama-3.1-8B": (4096, 32, 14336, 128256, 32, 8, 128, False, 131072),
    "Llama-3.1-70B": (8192, 80, 28672, 128256, 64, 8, 128, False, 131072),
    "Llama-3.1-405B": (16384, 126, 53248, 128256, 128, 8, 128, False, 131072),
    "Llama-3.2-1B": (2048, 16, 8192, 128256, 32, 8, 64, True, 131072),
    "Llama-3.2-3B": (3072, 28, 8192, 128256, 24, 8, 128, True, 131072),
    "Mistral-7B": (4096, 32, 14336, 32000, 32, 8, 128, False, 32768),
    "Qwen-7B": (4096, 32, 11008, 151936, 32, 32, 128, False, 8192),
    "Qwen-72B": (8192, 80, 24576, 152064, 64, 64, 128, False, 32768),
    "Qwen2.5-0.5B": (896, 24, 4864, 151936, 14, 2, 64, True, 32768),
    "Qwen2.5-1.5B": (1536, 28, 8960, 151936, 12, 2, 128, True, 32768),
    "Qwen2.5-3B": (2048, 36, 11008, 151936, 16, 2, 128, True, 32768),
    "Qwen2.5-7B": (3584, 28, 18944, 152064, 28, 4, 128, False, 32768),
    "Qwen2.5-14B": (5120, 48, 13824, 152064, 40, 8, 128, False, 32768),
    "Qwen2.5-32B": (5120, 64, 27648, 152064, 40, 8, 128, False, 32768),
    "Qwen2.5-72B": (8192, 80, 29568, 152064, 64, 8, 128, False, 32768),
    "Qwen3-0.6B": (1024, 28, 3072, 151936, 16, 8, 128, True, 40960),
    "Qwen3-1.7B": (2048, 28, 6144, 151936, 16, 8, 128, True, 40960),
    "Qwen3-4B": (2560, 36, 9728, 151936, 32, 8, 128, True, 40960),
    "Qwen3-8B": (4096, 36, 12288, 151936, 32, 8, 128, False, 40960),
    "Qwen3-14B": (5120, 40, 17408, 151936, 40, 8, 128, False, 40960),
    "Qwen3-32B": (5120, 64, 25600, 151936, 64, 8, 128, False, 40960),
}

NAMES = tuple(_SHAPES)


def architecture(name: str) -> tuple[str, dict[str, Any]]:
    """(name to show, configuration) of a config.json, a model folder, or a published architecture by name.

    A hub id counts by its last part, without endings such as -Instruct. Raises DataError for a file that is no
    configuration, UsageError for a name that nothing is known of.
    """
    path = Path(name).expanduser()
    if path.is_dir():
        path /= "config.json"
    if path.is_file():
        return name, _read(path)
    wanted = _plain(name)
    for known in NAMES:
        if _plain(known) == wanted:
            return known, _config(known)
    near = difflib.get_close_matches(wanted, [_plain(known) for known in NAMES], n=3, cutoff=0.5)
    named = [known for known in NAMES if _plain(known) in near]
    raise UsageError(
        f"there is neither a model folder, nor a config.json, nor a known architecture {name!r}",
        f"did you mean {' or '.join(named)}?" if named else f"known architectures: {', '.join(NAMES)}",
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: no readable configuration: {error}", "give the model's config.json") from error
    if not isinstance(found, dict):
        raise DataError(f"{path}: this is no model's configuration", "give the model's config.json")
    return found


def _config(name: str) -> dict[str, Any]:
    keys = (
        *("hidden_size", "num_hidden_layers", "intermediate_size", "vocab_size", "num_attention_heads"),
        *("num_key_value_heads", "head_dim", "tie_word_embeddings", "max_position_embeddings"),
    )
    return dict(zip(keys, _SHAPES[name], strict=True))


def _plain(name: str) -> str:
    """meta-llama/Meta-Llama-3-8B-Instruct and llama 3 8b are one."""
    last = name.rsplit("/", 1)[-1].lower().replace("_", "-").replace(" ", "-")
    kept = [
        part for part in last.split("-") if part not in {"instruct", "chat", "base", "hf", "it", "meta", "v0.1", "v0.3"}
    ]
    return "".join(kept)
