"""A trained adapter on disk: saved whole or not at all, with where it came from; verified, attached, merged.

Refuses to attach an adapter to weights or a chat layout other than those it was trained with.

    save(peft_model, folder, provenance)
    provenance = read_provenance(folder); provenance.check(folder, weights=weights.hash, layout=layout.hash)
    model = attach(model, folder, "tickets")
    merge(model_id, folder, out)                  # whole weights in safetensors
"""

from __future__ import annotations

import json
import os
import shutil
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

from finetune.loading import import_bitsandbytes, load_weights
from finetune.model_files import PROVENANCE, ModelFiles, open_model
from reports.errors import DataError, EnvironmentFault
from reports.run.fingerprint import of_file

ADAPTER_FILE = "adapter_model.safetensors"
PEFT_FILES = (ADAPTER_FILE, "adapter_config.json")


@dataclass(frozen=True)
class Provenance:
    """What an adapter (or fully trained weights) came from."""

    method: str
    base: str
    """Name of the base model as the project gave it."""
    base_revision: str | None
    base_hash: str
    """Of the base model's weight files."""
    layout_hash: str
    """Of the chat layout that training prompts had."""
    data_hash: str
    recipe: dict[str, Any]
    fingerprint: str
    """Of everything that decides the training: equal means that it need not run again."""
    precision: str
    """Of the base while training."""
    adapter_hash: str = ""
    """Of the trained weights themselves; written by `save`."""
    licence_reminder: str = "The base model's licence also covers what was trained from it."

    def check(self, folder: Path, *, weights: str, layout: str) -> None:
        """Raise DataError unless the adapter belongs to these weights and this layout, and is whole."""
        if self.base_hash != weights:
            raise DataError(
                f"{folder}: this adapter was trained on other weights than the loaded ones "
                f"({self.base}, {self.base_hash}; loaded {weights}).",
                "Use its own base model, or train again.",
            )
        if self.layout_hash != layout:
            raise DataError(
                f"{folder}: this adapter was trained with another chat layout than the model has now.",
                "Check `chat_template_arguments`, or train again.",
            )
        if self.adapter_hash != _hash_file(folder / ADAPTER_FILE):
            raise DataError(f"{folder}: the adapter's weights are not the ones that were saved.", "Train again.")


def save(peft_model: Any, folder: Path, provenance: Provenance, extra: Mapping[str, str] | None = None) -> None:
    """Write the adapter and its provenance beside `folder`, then move it into place: a kill leaves no half.

    `extra` are further text files by name.
    """
    with _writing(folder) as fresh:
        with warnings.catch_warnings():
            # Looking for the base model's configuration on the hub is neither needed nor wanted.
            warnings.simplefilter("ignore")
            peft_model.save_pretrained(fresh, safe_serialization=True, save_embedding_layers=False)
        (fresh / "README.md").unlink(missing_ok=True)
        _finish(fresh, folder, provenance, fresh / ADAPTER_FILE, extra)


def save_whole(
    model: Any, tokenizer: Any, folder: Path, provenance: Provenance, extra: Mapping[str, str] | None = None
) -> None:
    """Write fully trained or merged weights with tokenizer and provenance, whole or not at all."""
    with _writing(folder) as fresh:
        model.save_pretrained(fresh, safe_serialization=True)
        tokenizer.save_pretrained(fresh)
        _finish(fresh, folder, provenance, None, extra)


def adopt(
    found: Path, files: ModelFiles, folder: Path, provenance: Provenance, extra: Mapping[str, str] | None = None
) -> None:
    """Take over what another trainer left in `found`: PEFT's two files, or whole weights with the base's tokenizer."""
    with _writing(folder) as fresh:
        whole = provenance.method == "full"
        for pattern in ("*.safetensors", "*.safetensors.index.json", "config.json") if whole else PEFT_FILES:
            for path in found.glob(pattern):
                shutil.copy2(path, fresh / path.name)
        if whole:
            files.tokenizer.save_pretrained(fresh)
            if (files.folder / "generation_config.json").is_file():
                shutil.copy2(files.folder / "generation_config.json", fresh)
        _finish(fresh, folder, provenance, None if whole else fresh / ADAPTER_FILE, extra)


def read_provenance(folder: Path) -> Provenance:
    """The provenance of a saved adapter. Raises DataError when there is none."""
    path = folder / PROVENANCE
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        known = {f.name for f in fields(Provenance)}
        return Provenance(**{key: value for key, value in stored.items() if key in known})
    except (OSError, ValueError, TypeError) as error:
        raise DataError(
            f"{folder}: no readable {PROVENANCE}, so the adapter's base model is unknown.",
            "Only adapters that this product trained or imported can be used.",
        ) from error


def attach(model: Any, folder: Path, name: str) -> Any:
    """Put the adapter beside the weights of `model` (a transformers or PEFT model); returns the PEFT model."""
    with suppress(ImportError, RuntimeError):
        import_bitsandbytes()
    from peft import PeftModel

    device = str(next(model.parameters()).device)
    try:
        if isinstance(model, PeftModel):
            model.load_adapter(str(folder), adapter_name=name, torch_device=device)
            model.base_model.enable_adapter_layers()
            model.set_adapter(name)
        else:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FutureWarning)  # of PEFT's own call into transformers
                model = PeftModel.from_pretrained(model, str(folder), adapter_name=name, torch_device=device)
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        raise DataError(f"{folder}: the adapter does not fit the model: {error}", "Train again.") from error
    model.eval()
    return model


def merge(
    base: str,
    folder: Path,
    out: Path,
    *,
    revision: str | None = None,
    dtype: str = "bfloat16",
    into: Literal["trained on", "full precision"] = "trained on",
) -> None:
    """Write base weights with the adapter added to them, for tools that take no adapter.

    An adapter trained on NF4 weights is merged into the same weights dequantised, closest to what was trained, or
    `into` the base model in full precision, as it answers where the adapter stands beside such a base.
    """
    import torch

    provenance = read_provenance(folder)
    quantised = provenance.precision == "nf4" and into == "trained on"
    files = open_model(base, revision)
    if provenance.base_hash != files.hash:
        raise DataError(
            f"{folder}: this adapter was trained on other weights than {base}.", f"Its base is {provenance.base}."
        )
    weights = load_weights(files, precision="nf4" if quantised else "float32")
    model = weights.model.dequantize() if quantised else weights.model
    merged = attach(model, folder, "merged").merge_and_unload()
    save_whole(merged.to(getattr(torch, dtype)), files.tokenizer, out, provenance)


@contextmanager
def _writing(folder: Path) -> Iterator[Path]:
    """An empty folder beside `folder` to write into. A disk that is full leaves nothing behind and one message."""
    from safetensors import SafetensorError  # how the format's own code reports a full disk

    fresh = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        fresh.mkdir(parents=True)
        yield fresh
    except (OSError, SafetensorError) as error:
        shutil.rmtree(fresh, ignore_errors=True)
        raise EnvironmentFault(
            f"The trained weights cannot be written to {folder}: {getattr(error, 'strerror', None) or error}",
            "Free some disk space, then `advisor resume`: training goes on from its last checkpoint.",
        ) from error


def _finish(
    fresh: Path, folder: Path, provenance: Provenance, weights: Path | None, extra: Mapping[str, str] | None
) -> None:
    stored = asdict(provenance)
    if weights is not None:
        stored["adapter_hash"] = _hash_file(weights)
    (fresh / PROVENANCE).write_text(json.dumps(stored, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    for name, text in (extra or {}).items():
        (fresh / name).write_text(text, encoding="utf-8")
    for path in fresh.iterdir():
        _flush(path)
    shutil.rmtree(folder, ignore_errors=True)
    fresh.rename(folder)


def _flush(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _hash_file(path: Path) -> str:
    try:
        return of_file(path)[:16]
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}", "Train again.") from error
