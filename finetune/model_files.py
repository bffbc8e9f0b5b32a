"""A model as it lies on disk or on the hub: found, checked, identified, its weights not yet read. No torch.

Refuses pickled weights and models that bring code of their own; one clear error for each folder that is no model.

    files = open_model("models/qwen")
    files.hash, files.context_length, files.tokenizer
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reports.errors import DataError, EnvironmentFault

FULL_HASH_BYTES = 512 * 2**20
"""Files up to this size are hashed whole, larger ones at 64 spread blocks of 1 MiB and their size."""

PROVENANCE = "advisor.json"
"""File that our own training leaves beside the weights it wrote."""


@dataclass(frozen=True)
class ModelFiles:
    """A model as it lies on disk, checked, its weights not yet read."""

    name: str
    folder: Path
    config: dict[str, Any]
    tokenizer: Any
    end_ids: tuple[int, ...]
    """Tokens that end an answer, as the generation config says."""
    hash: str
    """Of the weight files, not of their name."""

    @property
    def context_length(self) -> int:
        """Positions that the model was made for; 2,048 where its configuration does not say."""
        text = self.config.get("text_config") or self.config
        return int(text.get("max_position_embeddings") or text.get("n_positions") or 2048)


def open_model(name: str, revision: str | None = None) -> ModelFiles:
    """Find and check `name`, a folder or a hub id, without reading its weights.

    Raises DataError (not a usable model) or EnvironmentFault (gated, or not here and the hub unreachable).
    """
    folder = find_model(name, revision)
    config = read_config(folder, name)
    _check_weight_files(folder, name)
    return ModelFiles(
        name=name,
        folder=folder,
        config=config,
        tokenizer=load_tokenizer(name, folder),
        end_ids=_end_ids(folder, config),
        hash=hash_weights(folder),
    )


def find_model(name: str, revision: str | None = None) -> Path:
    """The local folder of a path or a hub id, fetched (safetensors and text files only) when it is not here yet."""
    folder = Path(name).expanduser()
    if folder.is_dir():
        return folder
    if name.startswith((".", "/", "~")) or name.count("/") != 1:
        raise DataError(f"No model folder at {name}.", "Give a folder with config.json and *.safetensors, or a hub id.")
    return _from_hub(name, revision)


def check_folder(name: str) -> None:
    """Raises DataError where a local model cannot be used. A hub id passes: finding it may be a download."""
    if not Path(name).expanduser().is_dir() and name.count("/") == 1 and not name.startswith((".", "/", "~")):
        return
    folder = find_model(name)
    read_config(folder, name)
    _check_weight_files(folder, name)


def read_config(folder: Path, name: str) -> dict[str, Any]:
    """The model's config.json. Raises DataError where it is missing, broken, or asks for code of its own."""
    path = folder / "config.json"
    if not path.is_file():
        hint = "This is an adapter: name its base model." if (folder / "adapter_config.json").is_file() else ""
        raise DataError(f"{name}: no config.json in the model folder.", hint or "Give the folder that holds it.")
    try:
        config: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{name}: config.json cannot be read: {first_line(error)}", "Download it again.") from error
    if "auto_map" in config and "model_type" not in config:
        raise DataError(f"{name}: the model needs code of its own, which is never run.", "Choose another model.")
    return config


def load_tokenizer(name: str, folder: Path) -> Any:
    """The tokenizer of a model folder. Raises DataError where there is none."""
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{name}: its tokenizer cannot be loaded: {first_line(error)}", "The folder needs tokenizer.json."
        ) from error


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files of the model itself, sorted by name."""
    return sorted(
        path
        for path in folder.glob("*.safetensors")
        if not path.name.startswith(("adapter", "consolidated", "training_"))
    )


def count_weights(folder: Path) -> int:
    """Number of weights, read from the headers alone."""
    return sum(_elements(info["shape"]) for path in weight_files(folder) for info in _header(path).values())


def hash_weights(folder: Path) -> str:
    """Short sha256 over the weight files: whole where small, by header and samples where large."""
    digest = hashlib.sha256()
    for path in weight_files(folder):
        digest.update(_file_digest(path).encode())
    return digest.hexdigest()[:16]


def _from_hub(name: str, revision: str | None) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, LocalEntryNotFoundError, RepositoryNotFoundError

    try:
        found = snapshot_download(
            name,
            revision=revision,
            allow_patterns=["*.safetensors", "*.json", "*.jinja", "*.model", "*.txt"],
            ignore_patterns=["original/*", "consolidated*", "*/*.safetensors"],
        )
    except GatedRepoError as error:
        raise EnvironmentFault(
            f"The model {name} is gated.", "Accept its licence on the hub, then set the environment variable HF_TOKEN."
        ) from error
    except RepositoryNotFoundError as error:
        raise DataError(f"There is no model {name} on the hub, or it is private.", "Check the spelling.") from error
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        raise EnvironmentFault(
            f"The model {name} is not on this machine and the hub cannot be reached.",
            "Connect once to download it, or name a local folder.",
        ) from error
    return Path(found)


def _end_ids(folder: Path, config: dict[str, Any]) -> tuple[int, ...]:
    """`eos_token_id` of generation_config.json, else of config.json: one id or a list."""
    try:
        stored = json.loads((folder / "generation_config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        stored = {}
    ends = stored.get("eos_token_id", config.get("eos_token_id"))
    return tuple(int(i) for i in (ends if isinstance(ends, list) else [ends]) if i is not None)


def _check_weight_files(folder: Path, name: str) -> None:
    if weight_files(folder):
        return
    pickled = any(any(folder.glob(pattern)) for pattern in ("*.bin", "*.pt", "*.pth"))
    raise DataError(
        f"{name}: its weights are pickle files (.bin), which can run code when loaded."
        if pickled
        else f"{name}: the model folder holds no weights (*.safetensors).",
        "Convert them to safetensors first." if pickled else "Download the model again.",
    )


def _file_digest(path: Path) -> str:
    resolved = path.resolve()
    if len(resolved.name) == 64 and all(c in "0123456789abcdef" for c in resolved.name):
        return resolved.name  # the hub's cache names large files by their sha256
    digest = hashlib.sha256()
    size = path.stat().st_size
    with path.open("rb") as file:
        if size <= FULL_HASH_BYTES:
            while block := file.read(2**20):
                digest.update(block)
        else:
            for at in range(64):
                file.seek(at * (size // 64))
                digest.update(file.read(2**20))
    digest.update(str(size).encode())
    return digest.hexdigest()


def _header(path: Path) -> dict[str, dict[str, Any]]:
    """The safetensors header: 8 bytes of length, then JSON with a shape and type per tensor."""
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > path.stat().st_size:
                raise ValueError("its header is longer than the file")
            header: dict[str, dict[str, Any]] = json.loads(file.read(length))
    except (OSError, ValueError, struct.error) as error:
        raise DataError(
            f"{path.name} is not a whole safetensors file: {first_line(error)}", "Download the model again."
        ) from error
    header.pop("__metadata__", None)
    return header


def _elements(shape: Sequence[int]) -> int:
    total = 1
    for size in shape:
        total *= size
    return total


def first_line(error: BaseException) -> str:
    """What an error says, short enough for a sentence."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
