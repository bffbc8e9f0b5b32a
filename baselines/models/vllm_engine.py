"""vLLM as the decoding engine of a local model: its own scheduler, paged cache and kernels, for those with a GPU.

Ids in, ids out, like `generation.Engine`; refuses to know text and templates, so prompts are the same tokens that every
other engine gets. Chosen in the project file; needs the extra `vllm`.

    models: {big: {id: Qwen/Qwen2.5-7B-Instruct, engine: vllm}}

Greedy answers of two engines agree but for rounding, so the engine is part of a model's fingerprint.
"""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from baselines.models.generation import Continuation, Job, Stopping
from baselines.models.padded import ended
from finetune.loading import reclaim_memory
from finetune.model_files import ModelFiles, first_line
from reports.errors import EnvironmentFault

CHUNK = 1024
"""Prompts handed over at once: vLLM schedules within them, and answers reach the disk after each."""
DTYPES = {"float32": "float32", "bfloat16": "bfloat16", "float16": "float16", "nf4": "bfloat16", "int8": "bfloat16"}
SHARE = 0.9
"""Of a card's memory at most: what vLLM takes where nothing is said."""
ROOM = 0.97
"""Of what is free of it: starting takes some itself."""
NO_USAGE_REPORTS = {"VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1"}
"""Nothing is sent anywhere that the user did not name."""


def check() -> None:
    """Raises EnvironmentFault where vLLM is not installed. Imports nothing."""
    if importlib.util.find_spec("vllm") is None:
        raise EnvironmentFault(
            "`engine: vllm` needs the package vllm, which is not installed here.",
            "pip install 'approach-advisor[vllm]' on a machine with an NVIDIA GPU, or leave `engine` out",
        )


class VllmEngine:
    """Weights in vLLM's own process; adapters as LoRA requests beside them. Loads with the first answer."""

    def __init__(self, files: ModelFiles, precision: str, context: int, device: str, cards: int = 1) -> None:
        """`precision` is resolved, never `auto`; `context` in tokens; each layer is cut for as many `cards`.

        Raises EnvironmentFault without a GPU.
        """
        check()
        if not device.startswith("cuda"):
            raise EnvironmentFault(
                "`engine: vllm` needs an NVIDIA GPU, and there is none.", "leave `engine` out: the built-in engine runs"
            )
        if precision == "int8":
            raise EnvironmentFault("vLLM has no 8-bit bitsandbytes weights.", "precision: nf4 or bfloat16")
        self.files = files
        self.precision = precision
        self.context = context
        self.device = device
        self.cards = cards
        self._adapters: dict[str, int] = {}
        self._request: Any = None
        self._llm: Any = None
        self._rank = 0

    def use(self, name: str, folder: Path | None) -> None:
        """Answer with this adapter from now on; without a folder with the plain weights."""
        if folder is None:
            self._request = None
            return
        rank = int(json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))["r"])
        if rank > self._rank:
            self._rank = rank
            self._stop()  # it sets room for adapters aside when it starts
        from vllm.lora.request import LoRARequest

        number = self._adapters.setdefault(name, len(self._adapters) + 1)
        self._request = LoRARequest(name, number, str(folder))

    def run(
        self, jobs: Sequence[Job], stopping: Stopping, before_step: Callable[[], None] = lambda: None
    ) -> Iterator[list[Continuation]]:
        """Lists of finished answers, each job exactly once, longest prompts first."""
        waiting = sorted(jobs, key=lambda job: -len(job.ids))
        before_step()
        for at in range(0, len(waiting), CHUNK):
            chunk = waiting[at : at + CHUNK]
            outputs = self._loaded().generate(
                [{"prompt_token_ids": job.ids} for job in chunk],
                [self._sampling(job, stopping) for job in chunk],
                use_tqdm=False,
                lora_request=self._request,
            )
            yield [
                ended(job, _ids(output.outputs[0], stopping), stopping)
                for job, output in zip(chunk, outputs, strict=True)
            ]

    def _sampling(self, job: Job, stopping: Stopping) -> Any:
        from vllm import SamplingParams

        room = max(1, min(stopping.max_new_tokens, self.context - len(job.ids)))
        return SamplingParams(
            temperature=stopping.temperature,
            max_tokens=room,
            seed=stopping.seed if stopping.temperature else None,
            stop_token_ids=sorted(stopping.end_ids),
            ignore_eos=True,  # the ends of our layout are all of them
            detokenize=False,
        )

    def _loaded(self) -> Any:
        if self._llm is None:
            os.environ.update(NO_USAGE_REPORTS)
            from vllm import LLM

            lora = {"enable_lora": True, "max_lora_rank": _room(self._rank)} if self._rank else {}
            reclaim_memory(self.device)  # what this process loaded before it and no longer uses
            try:
                self._llm = LLM(
                    model=str(self.files.folder),
                    dtype=DTYPES[self.precision],
                    quantization="bitsandbytes" if self.precision == "nf4" else None,
                    max_model_len=self.context,
                    tensor_parallel_size=self.cards,
                    gpu_memory_utilization=_share(self.cards),
                    trust_remote_code=False,
                    enable_prefix_caching=True,
                    seed=0,
                    **lora,
                )
            except (RuntimeError, ValueError) as error:  # its own process says why in the log alone
                raise EnvironmentFault(
                    f"vLLM does not start with {self.files.name} and {self.context} tokens of context: "
                    f"{first_line(error)}",
                    "Where it has no room for keys and values: a lower `context_length` of the model, `precision: "
                    "nf4`, or a smaller model. The log has its own words (artifacts/worker.log).",
                ) from error
        return self._llm

    def _stop(self) -> None:
        """End the process that holds the weights: a second one would find no room beside it."""
        held, self._llm = self._llm, None
        core = getattr(getattr(held, "llm_engine", None), "engine_core", None)
        if core is not None:
            core.shutdown()


def _share(cards: int) -> float:
    """Of the whole memory of each card, for vLLM: it refuses to start where so much is not free."""
    import torch

    if not torch.cuda.is_available():
        return SHARE
    found = [torch.cuda.mem_get_info(card) for card in range(cards)]
    return round(min(SHARE, *(ROOM * free / whole for free, whole in found)), 3)


def _ids(output: Any, stopping: Stopping) -> list[int]:
    """The new ids with the end token that stopped them, which not every version of vLLM counts among them."""
    ids = list(output.token_ids)
    if output.finish_reason == "stop" and not (ids and ids[-1] in stopping.end_ids):
        ids.append(output.stop_reason if output.stop_reason in stopping.end_ids else min(stopping.end_ids))
    return ids


def _room(rank: int) -> int:
    """The smallest rank that vLLM has room for: 8, 16, 32, …, 512."""
    size = 8
    while size < rank:
        size *= 2
    return size
