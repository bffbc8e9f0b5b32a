"""Approaches that train the model first: `lora`, `qlora`, `full`, and `qlora+rag` on prompts with retrieved passages.

    approach = create(ApproachSpec(name="qlora", kind="qlora", options={"epochs": 3, …}), resources)
    approach.prepare(print)                      # trains, or finds its weights again, or goes on from a checkpoint
    for replies in approach.answer(questions): ...

Training prompts and answering prompts are built by the same code, and answers come through the path of every prompted
approach. The adapter answers on the base model in the run's precision, as all approaches do, also where it was trained
on NF4 weights; the training's record says both.

With retrieval, the model learns to read what the search will hand it: the passages of a training input are those that
the search finds, distractors included, and for some examples the passages that hold the answer are taken away, so that
it also learns to answer when the search misses (RAFT, arXiv 2403.10131, found 60 to 100 % present to work).
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from baselines import forgetting
from baselines.contract import Approach, Emit, NotApplicable, Resources
from baselines.prompting import (
    TEMPLATE_TOKENS,
    TURNS_VERSION,
    Asked,
    Material,
    PromptedApproach,
    Prompting,
    ZeroShot,
    decoding_of,
    fitted,
    has_turns,
    hash_of_examples,
    pool_of,
)
from baselines.rag import Retriever, WithPassages
from baselines.registry import METHODS
from finetune.data import Pair
from finetune.recipe import Recipe
from reports.errors import UsageError
from reports.run.events import Prepared, Progressed, Trained, TrainingFinished, Warned
from reports.run.fingerprint import in_seeded_order, of_value
from reports.run.naming import file_name
from reports.run.schema import (
    ApproachSpec,
    Example,
    ModelSpec,
    Passage,
    Question,
    TrainingRecord,
    TrainingStep,
    is_endpoint,
)

if TYPE_CHECKING:
    from baselines.models.contract import Model

VERSION = 1
"""Raised with every change that moves a training prompt."""

GOLD_ABSENT = 0.2
"""Share of the training examples whose answer-bearing passages are taken away."""

MERGED = "merged_latency"

EVENT_SECONDS = 0.2
"""Steps are told at most this often; validations always."""


class FineTuned(PromptedApproach):
    """A model trained on the run's examples, then asked like any other."""

    def __init__(self, spec: ApproachSpec, resources: Resources) -> None:
        """Raises NotApplicable for an endpoint, UsageError for a recipe that cannot be."""
        self._resources = resources
        self._method = METHODS[spec.kind]
        dials = {name: value for name, value in spec.options.items() if name in Recipe.__dataclass_fields__}
        dials["seed"] = resources.spec.seed if dials.get("seed") is None else dials["seed"]
        self.recipe = Recipe.from_options(self._method, dials)
        self._retriever = Retriever(spec.name, spec.options, resources) if spec.kind == "qlora+rag" else None
        prompting: Prompting = ZeroShot()
        if self._retriever is not None:
            prompting = WithPassages(self._retriever, prompting)
        super().__init__(spec, resources, prompting, model=self.tuned)
        self._examples = nested(pool_of(resources), float(spec.options.get("share", 1.0)), resources.spec.seed)
        self._trained: Model | None = None
        if spec.model is not None and is_endpoint(spec.model):
            raise NotApplicable(f"an endpoint ({spec.model.id}) cannot be fine-tuned from here; name a local model")

    @property
    def _engine(self) -> str | None:
        """The trainer of the user's that runs the recipe; None: ours."""
        found: str | None = self.spec.options.get("engine")
        return found

    @property
    def folder(self) -> Path:
        """Where adapter, checkpoints and the training's record stand."""
        return self._resources.artifacts / file_name(self.spec.name)

    def prepare(self, emit: Emit) -> None:
        started = time.perf_counter()
        super().prepare(emit)
        record = self._probed(self._train(emit), emit)
        emit(TrainingFinished(approach=self.spec.name, training=record))
        facts: dict[str, str | int | float] = {
            "method": self._method,
            "examples": record.examples,
            "steps": record.steps,
            "seconds": round(record.seconds, 3),
        }
        emit(Prepared(approach=self.spec.name, seconds=time.perf_counter() - started, facts=facts))

    def fingerprint(self) -> str:
        """Of base model, recipe, training examples, material and decoding: known before anything is trained."""
        task = self._resources.spec.task
        return of_value(
            {
                "kind": self.spec.kind,
                "model": self.base().fingerprint,
                "recipe": self.recipe.described(),
                "examples": hash_of_examples(self._examples),
                "material": self.prompting.fingerprint(),
                "task": {"type": task.type, "instruction": task.instruction, "labels": task.labels},
                "decoding": decoding_of(self._resources.spec),
                "version": [VERSION, GOLD_ABSENT],
                **({"engine": self._engine} if self._engine else {}),
                **({"turns": TURNS_VERSION} if has_turns(self._resources) else {}),
            }
        )

    def pairs(self) -> list[Pair]:
        """The training prompts with their answers, as they are learnt."""
        model, task = self.base(), self._resources.spec.task
        budget = model.context_length - self._resources.spec.max_answer_tokens - TEMPLATE_TOKENS
        found = self._passages(self._examples) if self._retriever is not None else [()] * len(self._examples)
        pairs = []
        for example, passages in zip(self._examples, found, strict=True):
            question = Question(id=example.id, input=example.input, context=example.context, turns=example.turns)
            asked = fitted(task, question, Material(passages=passages), budget, model.count_tokens)
            where = f"row {example.row}" if example.row is not None else f"example {example.id}"
            prompt = asked.prompt
            pairs.append(Pair(prompt.text, example.output, where, example.group, prompt.messages))
        return pairs

    def _passages(self, examples: Sequence[Example]) -> list[tuple[Passage, ...]]:
        """What the search finds for each input; where chance says so, without the passages that hold the answer."""
        assert self._retriever is not None
        count = self._retriever.count
        found = self._retriever.search([example.input for example in examples], 2 * count)
        chosen = []
        for example, passages in zip(examples, found, strict=True):
            absent = random.Random(f"{self.recipe.seed}/{example.id}").random() < GOLD_ABSENT
            chosen.append((without_answer(passages, example.output) if absent else passages)[:count])
        return chosen

    def _train(self, emit: Emit) -> TrainingRecord:
        from finetune.train import train

        base, name = self.base(), self.spec.name
        source = getattr(base, "source", None)
        if source is None:
            raise UsageError(f"{name}: {base.name} cannot be trained here.", "Fine-tuning needs a local model.")
        emit(Progressed(approach=name, what="laying out the training examples", total=len(self._examples)))
        if self._engine:
            return self._train_outside(source, emit)
        spec = self.spec.model
        record = train(
            self.pairs(),
            source,
            self.recipe,
            self.folder,
            name=base.name,
            revision=spec.revision if spec else None,
            precision=spec.precision if spec else "auto",
            chat_arguments=spec.chat_template_arguments if spec else {},
            context_length=base.context_length,
            device=base.device,
            devices=self.spec.options.get("devices"),
            on_step=_teller(name, emit),
            on_warning=lambda text: emit(Warned(approach=name, text=text)),
        )
        precision = getattr(base, "precision", None)
        answering = {"answers_on": precision} if precision else {}
        return record.model_copy(update={"recipe": {**record.recipe, **answering}})

    def _train_outside(self, source: str, emit: Emit) -> TrainingRecord:
        """The same recipe through another trainer: its steps and its lines as events, its adapter as our own."""
        from baselines.second_opinion import train

        return train(self.spec, self.base(), source, self.recipe, self.pairs(), self.folder, self._resources, emit)

    def _probed(self, record: TrainingRecord, emit: Emit) -> TrainingRecord:
        """The record with what was forgotten. Not for points of a curve or further seeds: nobody deploys those."""
        said = self.spec.options.get("probe")
        if said == forgetting.OFF or self.spec.part_of is not None:
            return record
        own = forgetting.own_items(said, self._resources.base_folder) if said else ()
        emit(Progressed(approach=self.spec.name, what="asking general tasks before and after the training"))
        folder = self._resources.artifacts / "probes"
        found = forgetting.probe(self.base(), self.tuned(), own, said or "", folder)
        for text in filter(None, map(forgetting.warning, found)):
            emit(Warned(approach=self.spec.name, text=text))
        return record.model_copy(update={"forgetting": found})

    @property
    def merged(self) -> bool | None:
        """Its adapter lies beside the base weights; None where it has no adapter."""
        return None if self._method == "full" else False

    def as_merged(self) -> Approach | None:
        """The same with its adapter merged into the base weights, where the user wants that timed too."""
        if not self.spec.options.get(MERGED):
            return None
        return Merged(self.spec, self._resources, self.prompting, cache(self._merged_model), self.fingerprint)

    def _merged_model(self) -> Model:
        from finetune.train import result_folder

        base: Any = self.base()
        if not hasattr(base, "merged") or (self.spec.model is not None and self.spec.model.engine == "vllm"):
            raise NotApplicable(f"merged weights of {base.name} are not computed with here")
        found: Model = base.merged(result_folder(self.folder, self._method))
        return found

    def asked(self, questions: Sequence[Question]) -> list[Asked]:
        """The prompts of these questions as they are sent, to the trained model or to what was made of it."""
        super().prepare(lambda event: None)
        return self.ask(questions, self.base())

    def tuned(self) -> Model:
        """The trained model: adapter beside the base weights, or the weights of a full training."""
        if self._trained is None:
            from finetune.train import result_folder

            base, folder = self.base(), result_folder(self.folder, self._method)
            self._trained = base.with_adapter(folder) if self._method != "full" else self._whole(base, folder)
        return self._trained

    def _whole(self, base: Model, folder: Path) -> Model:
        from baselines.models.local import load

        spec = self.spec.model or ModelSpec(id=base.name)
        model = load(spec.model_copy(update={"revision": None}), model_path=folder, device=base.device)
        around: Any = getattr(base, "around", lambda inner: inner)  # a cached base gives its cache to the trained one
        tuned: Model = around(model)
        return tuned

    def base(self) -> Model:
        """The model that is trained, without what was learnt."""
        return self._resources.model(self.spec)


class Merged(PromptedApproach):
    """A fine-tuned approach as a server of merged weights answers: for the latency pass, beside the adapter's own."""

    merged = True

    def prepare(self, emit: Emit) -> None:
        """Reads and merges the weights: whether they fit is known before anything is timed."""
        super().prepare(emit)
        self._model()


def create(spec: ApproachSpec, resources: Resources) -> Approach:
    """Kinds `qlora`, `lora`, `full` and `qlora+rag`."""
    return FineTuned(spec, resources)


def nested(examples: Sequence[Example], share: float, seed: int) -> tuple[Example, ...]:
    """A part of the examples, in their order: the same seed's smaller parts lie inside its larger ones."""
    count = max(1, round(share * len(examples)))
    kept = set(in_seeded_order([example.id for example in examples], seed)[:count])
    return tuple(example for example in examples if example.id in kept)


def without_answer(passages: Sequence[Passage], answer: str) -> tuple[Passage, ...]:
    """The passages that do not hold the answer's words in a row (case and punctuation aside)."""
    wanted = _in_words(answer)
    return tuple(passage for passage in passages if not wanted.strip() or wanted not in _in_words(passage.text))


def _in_words(text: str) -> str:
    """Words with one space around each, so that 12 is not found in 2012."""
    words = re.findall(r"[^\W_]+", text.casefold())
    return f" {' '.join(words)} "


def _teller(approach: str, emit: Emit) -> Any:
    """Steps as events, not more often than anyone can read."""
    last = 0.0

    def tell(point: TrainingStep, total: int, seconds_left: float | None) -> None:
        nonlocal last
        now = time.monotonic()
        if point.validation_loss is None and point.step < total and now - last < EVENT_SECONDS:
            return
        last = now
        emit(Trained(approach=approach, point=point, total_steps=total, seconds_left=seconds_left))

    return tell
