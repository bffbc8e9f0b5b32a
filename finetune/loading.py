"""Reads a model's weights onto a device in a precision: safetensors only, no remote code, clear errors.

Refuses to know what the model is for: training and answering both load through here.

    weights = load_weights(open_model("models/qwen"), precision="nf4")
    weights.model, weights.tokenizer, weights.device

Device and precision are chosen by hardware unless said: on a GPU bf16 (fp16 where it has none), on a CPU float32.
"""

from __future__ import annotations

import gc
import logging
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from finetune.model_files import ModelFiles, count_weights, first_line
from reports.errors import DataError, EnvironmentFault

Precision = Literal["auto", "float32", "bfloat16", "float16", "nf4", "int8"]

BYTES_PER_WEIGHT = {"float32": 4.0, "bfloat16": 2.0, "float16": 2.0, "int8": 1.0, "nf4": 0.516}
"""NF4 with double quantisation: 4 bits, one 8-bit scale per 64 weights, one fp32 per 256 scales."""


@dataclass(frozen=True)
class Weights:
    """A loaded model."""

    model: Any
    files: ModelFiles
    precision: Precision
    """Resolved: never `auto`."""
    device: str

    @property
    def tokenizer(self) -> Any:
        return self.files.tokenizer

    @property
    def hash(self) -> str:
        return self.files.hash


def load_weights(
    files: ModelFiles,
    *,
    precision: Precision = "auto",
    device: str | None = None,
    training: bool = False,
    cards: int = 1,
    unquantised: Precision = "auto",
) -> Weights:
    """Read the weights. With `training`, arithmetic avoids fp16, whose small gradients vanish.

    `unquantised`: of embeddings, norms, output layer and the arithmetic where the rest is NF4 or 8-bit.

    `cards`: GPUs that the layers are spread over, the first so many; `device` is where prompts go in.

    Raises DataError (not a usable model) or EnvironmentFault (does not fit, no bitsandbytes).
    """
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)  # it announces optional kernels that are not installed
    folder, name = files.folder, files.name
    device = device or default_device()
    resolved = resolve_precision(precision, device, training=training)
    _check_fits(folder, name, resolved, device, cards)
    dtype = _dtype(unquantised if resolved in {"nf4", "int8"} else resolved, device, training=training)
    arguments: dict[str, Any] = {"dtype": dtype, "device_map": {"": device}}
    if cards > 1:
        room = {card: free_memory(f"cuda:{card}") for card in range(cards)}
        arguments |= {"device_map": "balanced", "max_memory": room}
    if resolved in {"nf4", "int8"}:
        arguments["quantization_config"] = _quantization(resolved, files.config, dtype)
    try:
        model, report = _read(folder, arguments, flash=training and _has_flash_attention(device, dtype))
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        if is_out_of_memory(error):
            raise _too_large(name, resolved, device) from error
        raise DataError(
            f"{name}: the model cannot be loaded: {first_line(error)}",
            "It must be a causal language model that the installed transformers knows, without remote code.",
        ) from error
    if report["missing_keys"]:
        missing = sorted(report["missing_keys"])
        raise DataError(
            f"{name}: {len(missing)} weights are missing from its files, first {missing[0]}.",
            "Answers would be random: download the model again.",
        )
    model.eval()
    model.config.use_cache = True
    if resolved == "nf4" and device == "cpu":
        _tune_quantised(model)
    return Weights(model, files, resolved, device)


def _read(folder: Path, arguments: dict[str, Any], *, flash: bool) -> tuple[Any, dict[str, Any]]:
    """The model and what was found of its weights; `flash`: attending by flash attention, if its architecture can."""
    from transformers import AutoModelForCausalLM

    def read(**more: Any) -> Any:
        return AutoModelForCausalLM.from_pretrained(
            folder, use_safetensors=True, trust_remote_code=False, output_loading_info=True, **arguments, **more
        )

    found: Any = None
    if flash:
        with suppress(ImportError, ValueError):
            found = read(attn_implementation="flash_attention_2")
    return found or read()  # type: ignore[no-any-return]


def _has_flash_attention(device: str, dtype: Any) -> bool:
    """Where it is installed: examples then stand in one row, each attended for itself (`finetune.objective`)."""
    import torch
    from transformers.utils import is_flash_attn_2_available

    return device.startswith("cuda") and dtype == torch.bfloat16 and bool(is_flash_attn_2_available())


def default_device() -> str:
    """The first GPU where there is one."""
    import torch

    return "cuda:0" if torch.cuda.is_available() else "cpu"


def resolve_precision(precision: Precision, device: str, *, training: bool = False) -> Precision:
    """`auto` by hardware, never fp16 for a training; everything else as said."""
    if precision != "auto":
        return precision
    if not device.startswith("cuda"):
        return "float32"
    if has_bf16():
        return "bfloat16"
    return "float32" if training else "float16"


def has_bf16() -> bool:
    """Whether the GPU computes with bfloat16 by itself."""
    import torch

    # What a card without such units emulates, it also "supports", and slowly: T4 and V100 have fp16 alone.
    return bool(torch.cuda.is_bf16_supported(including_emulation=False))


def is_out_of_memory(error: BaseException) -> bool:
    """True for CUDA's and the CPU allocator's way to say that memory ran out."""
    text = str(error)
    return (
        type(error).__name__ == "OutOfMemoryError"
        or isinstance(error, MemoryError)
        or "CUDA out of memory" in text
        or ("DefaultCPUAllocator" in text and "allocate" in text)
    )


def import_bitsandbytes() -> None:
    """Import it without torch's compiler, a second and more: PEFT imports it too, whatever the adapter.

    It compiles fallbacks for devices that it has no kernels for, at the moment of its import; a CPU or an NVIDIA GPU
    runs none of them. Raises what the import raises.
    """
    said = os.environ.get("TORCHDYNAMO_DISABLE")
    os.environ["TORCHDYNAMO_DISABLE"] = "1"
    try:
        import bitsandbytes  # noqa: F401
    finally:
        os.environ.pop("TORCHDYNAMO_DISABLE")
        if said is not None:
            os.environ["TORCHDYNAMO_DISABLE"] = said


def free_memory(device: str) -> int:
    """Bytes that a process can still take on the device, with those that torch keeps for it and nothing uses."""
    if device.startswith("cuda"):
        import torch

        card = torch.device(device)
        unused = torch.cuda.memory_reserved(card) - torch.cuda.memory_allocated(card)
        return int(torch.cuda.mem_get_info(card)[0]) + int(unused)
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return int(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))


def reclaim_memory(device: str) -> None:
    """Give back what a finished training or a dropped model held.

    Models, trainers and optimizers refer to themselves: their memory would stay until Python looks for cycles.
    """
    gc.collect()
    if device.startswith("cuda"):
        import torch

        torch.cuda.empty_cache()


def _tune_quantised(model: Any) -> None:
    """bitsandbytes repacks NF4 layers for one-token steps: it fails where the output is no multiple of 32, and below
    a width of about 1,000 it is slower (measured 1.46x at 256 x 704, 0.58x at 1024 x 2816)."""
    for module in model.modules():
        if hasattr(module, "support_avx512bf16_for_cpu") and (module.out_features % 32 or module.in_features < 1000):
            module.support_avx512bf16_for_cpu = False


def _quantization(precision: Precision, config: dict[str, Any], dtype: Any) -> Any:
    if "quantization_config" in config:
        raise DataError("The model is already quantised.", "Leave `precision` at auto, or name the unquantised model.")
    try:
        import_bitsandbytes()
    except (ImportError, RuntimeError) as error:
        raise EnvironmentFault(
            f"Precision {precision} needs bitsandbytes, which cannot be loaded: {first_line(error)}",
            "Install bitsandbytes, or use `lora` with precision auto.",
        ) from error
    from transformers import BitsAndBytesConfig

    if precision == "int8":
        return BitsAndBytesConfig(load_in_8bit=True)
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
    )


def _dtype(precision: Precision, device: str, *, training: bool) -> Any:
    """Of the weights that stay unquantised and of the arithmetic."""
    import torch

    found = resolve_precision(precision, device, training=training)
    return {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}[found]


def _check_fits(folder: Path, name: str, precision: Precision, device: str, cards: int) -> None:
    needed = count_weights(folder) * BYTES_PER_WEIGHT[precision]
    devices = [device] if cards == 1 else [f"cuda:{card}" for card in range(cards)]
    if needed > sum(map(free_memory, devices)):
        reclaim_memory(device)  # what failed before this may still be held
        if needed > sum(map(free_memory, devices)):
            raise _too_large(name, precision, device, needed)


def _too_large(name: str, precision: str, device: str, needed: float | None = None) -> EnvironmentFault:
    size = f"{needed / 1e9:.1f} GB for weights alone" if needed else "more memory"
    return EnvironmentFault(
        f"{name} needs {size} in {precision}; {device} has {free_memory(device) / 1e9:.1f} GB free.",
        "Use `precision: nf4`, a smaller model, or a larger machine.",
    )
