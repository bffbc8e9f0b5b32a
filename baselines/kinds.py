"""The kinds of approaches as data: what each needs, which options it takes, where its code stands.

    KINDS["rag"].needs                      # ('documents', 'model', 'embedder')
    KINDS["few-shot"].option("shots").doc

Imports no approach and nothing heavy. What is done with the table is in `registry`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from finetune.recipe import Method, Recipe

Need = Literal["train", "documents", "model", "labels", "embedder", "file"]
Family = Literal[
    "floor",
    "classical",
    "prompting",
    "retrieval",
    "fine-tuning",
    "fine-tuning with retrieval",
    "existing system",
]
OptionType = Literal["integer", "number", "text", "flag", "choice"]


@dataclass(frozen=True)
class Option:
    """One dial of an approach."""

    name: str
    type: OptionType
    default: int | float | str | bool | None
    """None: not said, and derived where it is used (the doc says how)."""
    doc: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    silent: bool = False
    """Where nothing is said it does not stand in the resolved options: plans and reports name it where it is used."""


@dataclass(frozen=True)
class Kind:
    """One kind of approach."""

    name: str
    family: Family
    needs: tuple[Need, ...]
    factory: str
    """`module:function`, a function (spec, resources) -> Approach."""
    doc: str
    options: tuple[Option, ...] = ()

    def option(self, name: str) -> Option:
        """Raises KeyError for an option that the kind does not have."""
        return {option.name: option for option in self.options}[name]


COMMON = (
    Option("as", "text", None, "its own name in this run; the kind's name where nothing is said"),
    Option("model", "text", None, "the model of this approach alone; the project's where nothing is said"),
)
"""Options of every kind that end up in the spec's own fields, not in its options. `model` only where one is used."""

_PROMPT = (
    Option("instruction", "text", None, "its own instruction: a prompt that you tuned; else the task's", silent=True),
    Option(
        "instruction_first",
        "flag",
        False,
        "the instruction and the labels before all else: a prompt cache can hold them",
        silent=True,
    ),
)
_SHOTS = Option("shots", "integer", 8, "examples in each prompt", low=1, high=1000)
_RETRIEVAL = (
    Option("passages", "integer", 4, "passages in each prompt", low=1, high=100),
    Option("search", "choice", "hybrid", "how passages are found", choices=("dense", "lexical", "hybrid")),
    Option("chunk_tokens", "integer", 128, "longest passage, in tokens of the embedding model", low=16, high=8192),
    Option("overlap_tokens", "integer", 24, "what a passage may repeat of the one before", low=0, high=4096),
)
_RECIPE_DOCS = {
    "rank": "rank of the adapter",
    "alpha": "the adapter's output is scaled by alpha / rank",
    "targets": "all-linear, or module names joined by commas",
    "dropout": "dropout inside the adapter",
    "use_rslora": "scale by alpha / sqrt(rank); on from rank 64",
    "use_dora": "train direction and magnitude apart",
    "neftune": "noise on the embeddings while training; 5 suits chat, 0 is off",
    "learning_rate": "peak rate; 2e-4 for adapters, 2e-5 for full training",
    "schedule": "how the rate falls",
    "warmup": "share of the steps over which the rate rises",
    "weight_decay": "of the optimizer",
    "max_grad_norm": "longer gradients are cut to this length",
    "epochs": "passes over the training data; early stopping may end it sooner",
    "batch": "examples that one optimizer step learns from",
    "batch_tokens": "padded tokens that go through the model at once; 0 asks the hardware",
    "max_length": "tokens of prompt and answer; longer examples are left out and counted; 0: the model's context",
    "eval_share": "share of the training examples kept for the validation loss",
    "evaluations": "validations in an epoch",
    "patience": "validations without a better loss before training stops; 0 never stops early",
    "gradient_checkpointing": "trade time for memory; where nothing is said, as the estimate needs it",
    "seed": "of shuffling and initialisation; the run's where nothing is said",
}
"""Of the dials of `finetune.recipe.Recipe`, which owns names, defaults and limits."""
_PARTS = (
    Option("share", "number", 1.0, "share of the training examples it learns from, nested by size", low=1e-4, high=1),
    Option("curve", "flag", False, "train on n/8, n/4 and n/2 examples too: would more data make it win?"),
    Option("seeds", "integer", 1, "trainings that differ by their seed; the first one answers", low=1, high=20),
    Option(
        "probe", "text", None, "file of your neighbouring tasks, asked before and after beside 120 general ones; none"
    ),
    Option(
        "engine",
        "choice",
        None,
        "another trainer, installed by you, runs the same recipe; where nothing is said, ours",
        choices=("trl", "llamafactory", "axolotl"),
    ),
    Option("engine_python", "text", None, "the Python that has it; looked for where nothing is said"),
    Option(
        "devices",
        "integer",
        None,
        "GPUs that share the training, a process each (on a CPU: processes); else all that the job has",
        low=1,
        high=64,
        silent=True,
    ),
    Option("curve_of", "text", None, "a point of that approach's learning curve, and no contender"),
    Option("seed_of", "text", None, "that approach trained again with another seed, and no contender"),
)
"""Of every fine-tuning; the last two are set for the approaches that `curve` and `seeds` add to a run."""
_MERGED = Option(
    "merged_latency",
    "flag",
    False,
    "also time the adapter merged into the base weights; a second copy of them lies in memory meanwhile",
    silent=True,
)
_ADAPTER_ONLY = ("rank", "alpha", "targets", "dropout", "use_rslora", "use_dora")
_DERIVED = ("learning_rate", "use_rslora", "gradient_checkpointing", "seed")
_SCHEDULES = ("cosine", "linear", "constant")
METHODS: dict[str, Method] = {"qlora": "qlora", "lora": "lora", "full": "full", "qlora+rag": "qlora"}
"""Fine-tuning kinds and the method that trains each."""


def is_recipe_dial(name: str) -> bool:
    """True for options that belong to the training's recipe."""
    return name in _RECIPE_DOCS


def _recipe_options(method: Method) -> tuple[Option, ...]:
    defaults = Recipe(method=method).described()
    return (
        tuple(
            Option(
                name,
                _option_type(name, defaults[name]),
                None if name in _DERIVED else defaults[name],
                doc,
                choices=_SCHEDULES if name == "schedule" else (),
            )
            for name, doc in _RECIPE_DOCS.items()
            if method != "full" or name not in _ADAPTER_ONLY
        )
        + _PARTS
        + ((_MERGED,) if method != "full" else ())
    )


def _option_type(name: str, default: object) -> OptionType:
    if name == "schedule":
        return "choice"
    if isinstance(default, bool) or name == "gradient_checkpointing":
        return "flag"
    return "integer" if isinstance(default, int) else "number" if isinstance(default, float) else "text"


KINDS = {
    kind.name: kind
    for kind in (
        Kind("floor", "floor", (), "baselines.floor:create", "the trivial answer that everyone must beat"),
        Kind(
            "recorded",
            "existing system",
            ("file",),
            "baselines.recorded:create",
            "answers that another system already gave, read from a file",
            (
                Option("path", "text", None, "file with the answers, any usual format"),
                Option("answer", "text", None, "column of the answer; found by its name where nothing is said"),
                Option("id", "text", None, "column that holds the ids of the cases"),
                Option("input", "text", None, "column that holds the inputs, where there are no ids"),
            ),
        ),
        Kind(
            "zero-shot",
            "prompting",
            ("model",),
            "baselines.prompting:zero_shot",
            "the question and the instruction",
            _PROMPT,
        ),
        Kind(
            "few-shot",
            "prompting",
            ("train", "model"),
            "baselines.prompting:few_shot",
            "the same examples before every question, balanced over labels",
            (_SHOTS, *_PROMPT),
        ),
        Kind(
            "knn-few-shot",
            "prompting",
            ("train", "model", "embedder"),
            "baselines.prompting:knn_few_shot",
            "the training examples nearest to each question before it",
            (_SHOTS, *_PROMPT),
        ),
        Kind(
            "rag",
            "retrieval",
            ("documents", "model", "embedder"),
            "baselines.rag:rag",
            "passages found in the documents before the question",
            (*_RETRIEVAL, *_PROMPT),
        ),
        Kind(
            "rag+few-shot",
            "retrieval",
            ("train", "documents", "model", "embedder"),
            "baselines.rag:rag_few_shot",
            "fixed examples and retrieved passages before the question",
            (Option("shots", "integer", 4, "examples in each prompt", low=1, high=1000), *_RETRIEVAL, *_PROMPT),
        ),
        Kind(
            "classifier",
            "classical",
            ("train", "labels", "embedder"),
            "baselines.classifier:classifier",
            "sentence embeddings and TF-IDF into a logistic regression",
        ),
        Kind(
            "qlora",
            "fine-tuning",
            ("train", "model"),
            "baselines.finetuned:create",
            "an adapter trained on the 4-bit model",
            _recipe_options("qlora"),
        ),
        Kind(
            "lora",
            "fine-tuning",
            ("train", "model"),
            "baselines.finetuned:create",
            "an adapter trained on the model in its own precision",
            _recipe_options("lora"),
        ),
        Kind(
            "full",
            "fine-tuning",
            ("train", "model"),
            "baselines.finetuned:create",
            "all weights of the model trained",
            _recipe_options("full"),
        ),
        Kind(
            "qlora+rag",
            "fine-tuning with retrieval",
            ("train", "documents", "model", "embedder"),
            "baselines.finetuned:create",
            "an adapter trained with retrieved passages in the prompt, distractors included",
            (*_recipe_options("qlora"), *_RETRIEVAL),
        ),
    )
}
