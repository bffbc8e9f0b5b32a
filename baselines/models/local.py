"""A transformers model on this machine behind the one model interface: chat layout, batched decoding, adapters.

Refuses to know tasks and approaches, and where the demo model lies: it gets a folder or a hub id.

    model = load(ModelSpec(id="models/qwen", precision="auto"))
    for generations in model.generate([Prompt("Input: hi\\n\\nName the intent.")], Decoding(max_new_tokens=16)):
        ...
    tuned = model.with_adapter(Path("artifacts/qlora/adapter"))     # shares the weights

Plain layouts (no chat template) end an answer at a blank line, unless the weights or the adapter were trained by us.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from baselines.models.contract import Decoding, Generation
from baselines.prompts import Prompt
from finetune.chat import Layout, layout_of
from finetune.loading import Weights, default_device, load_weights, resolve_precision
from finetune.model_files import PROVENANCE, ModelFiles, open_model
from reports.errors import DataError
from reports.run.schema import ModelSpec

BASE = ""
"""Name of "no adapter" in the shared core."""


class Core:
    """What a model and its adapters share. Weights are read when the first answer is asked for."""

    def __init__(
        self, files: ModelFiles, spec: ModelSpec, device: str, weights: Weights | None = None, cards: int = 1
    ) -> None:
        """`cards`: the weights are spread over so many GPUs, `device` and those after it."""
        self.files = files
        self.spec = spec
        self.device = device
        self.cards = cards if device.startswith("cuda") else 1
        self.precision = resolve_precision(spec.precision, device)
        self.layout = layout_of(files.tokenizer, spec.chat_template_arguments, files.end_ids)
        self.context_length = spec.context_length or files.context_length
        self.adapters: dict[str, Path] = {}
        self._weights = weights
        self._engine: Any = None
        self._peft: Any = None
        self._active = BASE

    @property
    def model(self) -> Any:
        """The transformers model."""
        if self._weights is None:
            self._weights = load_weights(
                self.files, precision=self.spec.precision, device=self.device, cards=self.cards
            )
        return self._weights.model

    @property
    def engine(self) -> Any:
        """What decodes: the slot table, transformers' own loop where the architecture needs it, or vLLM."""
        if self._engine is None and self.spec.engine == "vllm":
            from baselines.models.vllm_engine import VllmEngine

            self._engine = VllmEngine(self.files, self.precision, self.context_length, self.device, self.cards)
        elif self._engine is None:
            from baselines.models import generation, padded

            alone = self.cards == 1  # the slot table keeps all keys and values on one card
            kind = generation.Engine if alone and generation.supported(self.model.config) else padded.PaddedEngine
            self._engine = kind(self.model, self.device)
        return self._engine

    def activate(self, adapter: str) -> None:
        """Make the weights compute with this adapter, or none. Cheap when it is so already."""
        if self.spec.engine == "vllm":
            self.engine.use(adapter, self.adapters.get(adapter))
            return
        if adapter == self._active:
            return
        if adapter == BASE:
            self._peft.base_model.disable_adapter_layers()
        else:
            if adapter not in getattr(self._peft, "peft_config", {}):
                from finetune.adapter import attach

                self._peft = attach(self._peft or self.model, self.adapters[adapter], adapter)
            self._peft.base_model.enable_adapter_layers()
            self._peft.set_adapter(adapter)
        self._active = adapter


def load(spec: ModelSpec, *, model_path: Path | None = None, device: str | None = None, cards: int = 1) -> LocalModel:
    """Open what `spec` names; `model_path` overrides its id (a bundled model, whose name the report keeps).

    `cards`: GPUs that the weights are spread over.

    Everything is checked now, the weights are read with the first answer. Raises DataError (not a usable model) or
    EnvironmentFault (unreachable, gated; later: too large, no bitsandbytes).
    """
    files = open_model(str(model_path or spec.id), spec.revision)
    if spec.context_length and spec.context_length > files.context_length:
        raise DataError(
            f"context_length {spec.context_length} is more than the {files.context_length} positions of {spec.id}.",
            "Lower `context_length` of the model in the project file.",
        )
    if spec.engine == "vllm":
        from baselines.models import vllm_engine

        vllm_engine.check()
    return LocalModel(Core(files, spec, device or default_device(), cards=cards))


class LocalModel:
    """One set of weights, with or without an adapter. Build it with `load`."""

    def __init__(self, core: Core, adapter: str = BASE, adapter_hash: str = "") -> None:
        self.core = core
        self.adapter = adapter
        self.name = core.spec.id
        context = str(core.context_length)
        engine = ["vllm"] if core.spec.engine == "vllm" else []
        self.fingerprint = _digest(core.files.hash, core.precision, core.layout.hash, context, adapter_hash, *engine)
        trained = bool(adapter_hash) or (core.files.folder / PROVENANCE).is_file()
        self._stops = () if trained else core.layout.stop_texts

    @property
    def context_length(self) -> int:
        return self.core.context_length

    @property
    def device(self) -> str:
        return self.core.device

    @property
    def source(self) -> str:
        """Folder of the weights: what a fine-tuning starts from."""
        return str(self.core.files.folder)

    @property
    def precision(self) -> str:
        """Of the weights that answer: never `auto`."""
        return self.core.precision

    @property
    def layout(self) -> Layout:
        """The chat layout, whose hash training must share."""
        return self.core.layout

    def count_tokens(self, text: str) -> int:
        """Tokens of a text by itself, without layout."""
        return len(self.core.files.tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])

    def generate(self, prompts: Sequence[Prompt], decoding: Decoding) -> Iterator[list[Generation]]:
        """Lists of generations as answers finish. A prompt longer than the context is an error, never cut."""
        jobs, too_long = self._jobs(prompts)
        if too_long:
            yield too_long
        stopping = self._stopping(decoding)
        sizes = {job.index: len(job.ids) for group in jobs for job in group}
        for group in jobs:
            for finished in self.core.engine.run(group, stopping, lambda: self.core.activate(self.adapter)):
                yield [self._generation(done, decoding, sizes[done.index]) for done in finished]

    def generate_one(self, prompt: Prompt, decoding: Decoding) -> Generation:
        """One prompt alone, with `seconds` and `ttft_seconds` measured here: from the text to the last token."""
        _ = self.core.engine  # weights are read before the clock starts: loading is not part of an answer
        self.core.activate(self.adapter)
        started = time.perf_counter()
        jobs, too_long = self._jobs([prompt])
        if too_long:
            return too_long[0]
        (job,) = jobs[0]
        done, first = self._continued_alone(job, self._stopping(decoding))
        generation = self._generation(done, decoding, len(job.ids))
        ended = time.perf_counter()
        return replace(generation, seconds=ended - started, ttft_seconds=None if first is None else first - started)

    def generate_together(self, prompts: Sequence[Prompt], decoding: Decoding) -> Iterator[list[Generation]]:
        """The same batch, each answer handed over at once, with `seconds` and `ttft_seconds` from this call on.

        For the latency of several requests at a time: the first token of a row is known after the prompts of all have
        been read. vLLM's offline interface times nothing: its answers come without.
        """
        if self.core.spec.engine == "vllm":
            yield from self.generate(prompts, decoding)
            return
        _ = self.core.model  # read before the clock starts
        started = time.perf_counter()
        groups, too_long = self._jobs(prompts)
        if too_long:
            yield too_long
        jobs = [job for group in groups for job in group]
        sizes = {job.index: len(job.ids) for job in jobs}
        stopping = self._stopping(decoding)
        for finished in self.core.engine.run(jobs, stopping, lambda: self.core.activate(self.adapter), every=0.0):
            ended = time.perf_counter()
            yield [
                replace(
                    self._generation(done, decoding, sizes[done.index]),
                    seconds=ended - started,
                    ttft_seconds=None if done.first_at is None else done.first_at - started,
                )
                for done in finished
            ]

    def _continued_alone(self, job: Any, stopping: Any) -> tuple[Any, float | None]:
        """One continuation and when its first token was known; vLLM's offline interface does not tell that."""
        if self.core.spec.engine == "vllm":
            ((done,),) = self.core.engine.run([job], stopping)
            return done, None
        from baselines.models.padded import PaddedEngine
        from baselines.models.single import continue_one

        if isinstance(self.core.engine, PaddedEngine):  # state that is no list of keys and values, say
            return self.core.engine.alone(job, stopping)
        return continue_one(self.core.model, job, stopping, self.device)

    def with_adapter(self, folder: Path) -> LocalModel:
        """The same weights with the adapter of `folder` beside them.

        Raises DataError when the adapter was trained on other weights or with another chat layout.
        """
        from finetune.adapter import read_provenance

        provenance = read_provenance(folder)
        provenance.check(folder, weights=self.core.files.hash, layout=self.core.layout.hash)
        # PEFT makes module names of adapter names: no dots, one for each set of trained weights.
        name = f"adapter-{provenance.adapter_hash}"
        self.core.adapters[name] = folder
        return LocalModel(self.core, name, provenance.adapter_hash)

    def merged(self, folder: Path) -> LocalModel:
        """A second copy of the weights with the adapter of `folder` added into them, read now: what a server of merged
        weights computes with. In the precision that the run answers in, where that takes an adapter without rounding
        once more; else in the hardware's own.

        Raises DataError as `with_adapter`, EnvironmentFault where the copy does not fit.
        """
        from finetune.adapter import attach, read_provenance

        provenance = read_provenance(folder)
        provenance.check(folder, weights=self.core.files.hash, layout=self.core.layout.hash)
        precision = "auto" if self.precision in ("nf4", "int8") else self.precision
        spec = self.core.spec.model_copy(update={"precision": precision, "engine": "built-in"})
        weights = load_weights(self.core.files, precision=spec.precision, device=self.device, cards=self.core.cards)
        model = attach(weights.model, folder, "merged").merge_and_unload()
        core = Core(self.core.files, spec, self.device, replace(weights, model=model), self.core.cards)
        return LocalModel(core, adapter_hash=provenance.adapter_hash)

    def _jobs(self, prompts: Sequence[Prompt]) -> tuple[list[list[Any]], list[Generation]]:
        """Jobs grouped by the text they share, and an error for each prompt that does not fit the context."""
        from baselines.models.generation import Job

        groups: dict[str, list[Job]] = {}
        errors: list[Generation] = []
        found = self.core.layout.prompt_ids([prompt.text for prompt in prompts], [p.messages for p in prompts])
        for index, ids in enumerate(found):
            if len(ids) >= self.context_length:
                errors.append(_too_long(index, len(ids), self.context_length))
                continue
            prompt = prompts[index]
            groups.setdefault(prompt.text[: prompt.shared], []).append(Job(index, ids))
        return list(groups.values()), errors

    def _stopping(self, decoding: Decoding) -> Any:
        from baselines.models.generation import Stopping

        stops = (*decoding.stop, *self._stops)
        return Stopping(
            end_ids=self.core.layout.end_ids,
            max_new_tokens=decoding.max_new_tokens,
            temperature=decoding.temperature,
            seed=decoding.seed,
            stops_at=(lambda ids: self._stopped(ids, stops)) if stops else None,
            context=self.context_length,
        )

    def _stopped(self, ids: list[int], stops: Sequence[str]) -> bool:
        """The end of the answer's text holds a stop text. Leading white space does not count as an answer."""
        tail = self._decode(ids[-(max(map(len, stops)) + 8) :])
        return any(stop in tail for stop in stops) and bool(_cut(self._decode(ids).lstrip(), stops, ends_only=True))

    def _generation(self, done: Any, decoding: Decoding, prompt_tokens: int) -> Generation:
        if done.reason == "memory":
            return Generation(
                done.index,
                status="error",
                error=f"Memory ran out on this prompt of {prompt_tokens} tokens alone.",
                prompt_tokens=prompt_tokens,
            )
        ids = done.ids[:-1] if done.reason == "end" else done.ids
        text = _cut(self._decode(ids).lstrip(), (*decoding.stop, *self._stops)).strip()
        cut_off = done.reason == "length"
        return Generation(
            done.index,
            text=text,
            status="truncated" if cut_off else "ok",
            error=f"The answer did not end within {len(done.ids)} tokens." if cut_off else None,
            prompt_tokens=prompt_tokens,
            completion_tokens=len(done.ids),
        )

    def _decode(self, ids: Sequence[int]) -> str:
        text: str = self.core.files.tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return text


def _cut(text: str, stops: Sequence[str], *, ends_only: bool = False) -> str:
    """The text before its first stop text. With `ends_only`, empty when no stop text ends anything."""
    at = min((found for stop in stops if (found := text.find(stop)) >= 0), default=-1)
    if at < 0:
        return "" if ends_only else text
    return text[:at]


def _too_long(index: int, tokens: int, context: int) -> Generation:
    return Generation(
        index,
        status="error",
        error=f"The prompt has {tokens} tokens and leaves no room for an answer in the model's context of {context}.",
        prompt_tokens=tokens,
    )


def _digest(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:16]
