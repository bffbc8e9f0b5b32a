"""The words of a run as types: cases, answers, scores, the resolved spec. Versioned; refuses unknown keys.

Everything here is frozen pydantic and travels as one JSON object a line (`record.model_dump_json()`).
A reader of older runs goes through `reports.run.store`, which knows the versions.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from reports.run.items import Case as Case  # noqa: PLC0414
from reports.run.items import Document as Document  # noqa: PLC0414
from reports.run.items import Example as Example  # noqa: PLC0414
from reports.run.items import Passage as Passage  # noqa: PLC0414
from reports.run.items import Question as Question  # noqa: PLC0414
from reports.run.items import Turn as Turn  # noqa: PLC0414
from reports.run.models import ENDPOINT as ENDPOINT  # noqa: PLC0414
from reports.run.models import HumanLabels as HumanLabels  # noqa: PLC0414
from reports.run.models import JudgeSpec as JudgeSpec  # noqa: PLC0414
from reports.run.models import ModelSpec as ModelSpec  # noqa: PLC0414 - handed on: this module is the schema
from reports.run.models import is_endpoint as is_endpoint  # noqa: PLC0414
from reports.run.observations import DataFacts as DataFacts  # noqa: PLC0414
from reports.run.observations import DataFinding as DataFinding  # noqa: PLC0414
from reports.run.observations import DataRow as DataRow  # noqa: PLC0414
from reports.run.record import Record as Record  # noqa: PLC0414
from reports.run.rule import Decision as Decision  # noqa: PLC0414
from reports.run.rule import Prices as Prices  # noqa: PLC0414
from reports.run.rule import Traffic as Traffic  # noqa: PLC0414

SCHEMA_VERSION = 1

TaskType = Literal["classification", "extraction", "qa", "summarization", "generation"]
Status = Literal["ok", "error", "timeout", "refused", "truncated"]
Comparison = Literal["better", "worse", "equivalent", "not shown"]


# --- answers and scores -----------------------------------------------------------------------------


class Answer(Record):
    """What an approach returned for one question, and what it took."""

    case: str
    approach: str
    text: str = ""
    status: Status = "ok"
    error: str | None = None
    """One sentence for a reader when the status is not ok."""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_prompt_tokens: int | None = None
    """Prompt tokens that the endpoint billed as cache hits."""
    usage_estimated: bool = False
    """True where the tokens were counted here because the endpoint did not report them."""
    seconds: float | None = None
    """Wall seconds of device time that this answer took in the batched quality pass (its share of the batch)."""
    attempts: int = 1
    from_cache: bool = False
    """Served by the response cache: never counts for latency, time or money."""
    passages: tuple[Passage, ...] = ()
    prompt: str | None = None
    """The rendered prompt, as sent; None for approaches without one."""
    fingerprint: str = ""
    """Hash of everything that decides the answer; resume matches (approach, case, fingerprint)."""


class Score(Record):
    """One metric on one answer. `value` is None when unscored; a failure is never 0 here."""

    case: str
    approach: str
    metric: str
    version: int
    """Of the metric's code: a better metric re-scores stored answers without a new generation."""
    value: float | None
    unscored: str | None = None
    """Why there is no value."""
    predicted: str | None = None
    """What the metric read out of the answer (label, number); labels of a multi-label answer joined by '|'."""
    expected: str | None = None
    """The reference in the same form."""
    format_failure: bool = False
    """The answer could not be read as asked (no known label, no valid JSON, no number): told apart from wrong."""


Load = Literal["rounds", "closed-loop"]
"""How several requests at a time follow each other: all leave together, and the next ones when the last answer has
come; or each caller sends its next request when its last one has ended. One at a time both are the same."""


class LatencySample(Record):
    """One request of the latency pass: alone after warm-up, never cached."""

    case: str
    approach: str
    seconds: float
    ttft_seconds: float | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    concurrency: int = 1
    load: Load = "rounds"
    phase: Literal["warm", "cold"] = "warm"
    merged: bool | None = None
    """For adapters: merged into the base weights (True) or beside them (False)."""
    scope: Literal["model", "request"] = "model"
    """What the seconds hold: all that a caller waits for, search included, or (older runs) the model's part alone."""
    before_seconds: float | None = None
    """Those of them before the model's own part: embedding, search, writing the prompt. None where that was not told
    apart (older runs)."""


class TrainingStep(Record):
    """One logged step of a training."""

    step: int
    epoch: float
    loss: float
    validation_loss: float | None = None
    learning_rate: float | None = None
    grad_norm: float | None = None
    tokens_per_second: float | None = None
    memory_bytes: int | None = None
    repetition: float | None = None
    """Share of 16 fixed sample answers that repeat themselves; with the next two, where validation is."""
    entropy: float | None = None
    """Mean over the tokens of the sample answers, in nats."""
    format_rate: float | None = None
    """Share of the sample answers that ended and have the form of the training answers."""


class ForgottenCase(Record):
    """A task that was solved before the training and is not after it."""

    prompt: str
    before: str
    after: str


class Forgetting(Record):
    """The same tasks before and after a training, paired."""

    name: str
    """Which tasks: the general set, or the user's own."""
    items: int
    before: float
    """Share solved by the untrained model."""
    after: float
    low90: float
    """Of the difference after minus before: 90 % interval, for non-inferiority at `margin`."""
    high90: float
    p: float
    margin: float
    words: Literal["kept", "lost", "not shown"]
    """`kept`: no worse than by the margin; `lost`: shown to be worse; `not shown`: these tasks cannot tell."""
    lost: tuple[ForgottenCase, ...] = ()
    """The first few."""
    lost_count: int = 0


class TrainingRecord(Record):
    """What a fine-tuning did: stored as artifacts/<approach>/training.json."""

    method: str
    examples: int
    validation_examples: int
    trained_tokens: int
    """Completion tokens that carried loss, over all epochs."""
    steps: int
    epochs: float
    best_step: int
    """Of the weights that are kept."""
    best_validation_loss: float | None
    """Theirs: the lowest, or that of the last step, whose weights may be kept for predicting as many tokens right."""
    stopped: str
    """Why it ended: 'all epochs', 'validation loss stopped falling', …"""
    seconds: float
    peak_memory_bytes: int | None = None
    trainable_parameters: int | None = None
    seed: int = 0
    recipe: dict[str, Any] = {}
    """The resolved dials (rank, alpha, targets, learning rate, …), for print and reproduction."""
    prompt_hash: str = ""
    """Hash of the rendered training prompts' layout: equal to the one at answering."""
    history: tuple[TrainingStep, ...] = ()
    warnings: tuple[str, ...] = ()
    forgetting: tuple[Forgetting, ...] = ()
    """What was forgotten, where it was probed."""

    @property
    def validated(self) -> tuple[tuple[int, float], ...]:
        """(step, validation loss) wherever it was taken; step 0 is the untrained model."""
        return tuple((step.step, step.validation_loss) for step in self.history if step.validation_loss is not None)


# --- the resolved spec of a run ---------------------------------------------------------------------


class Task(Record):
    """What the answers are for."""

    type: TaskType
    instruction: str = ""
    labels: tuple[str, ...] = ()
    """Resolved list; empty when the task has no fixed label set."""
    several_labels: bool = False
    """An answer may name several of them."""


class ApproachSpec(Record):
    """One contender with its options resolved: every default is visible here."""

    name: str
    """Its own name in this run (`as`), unique."""
    kind: str
    """The registered approach: `zero-shot`, `rag`, `qlora`, …"""
    options: dict[str, Any] = {}
    model: ModelSpec | None = None
    """None for approaches that use no language model."""

    @property
    def part_of(self) -> str | None:
        """The approach whose learning curve it is a point of, or that it trains again with another seed.

        None for a contender: parts stand in no table, no comparison and no verdict of their own.
        """
        owner = self.options.get("curve_of") or self.options.get("seed_of")
        return owner if isinstance(owner, str) else None


class SkippedApproach(Record):
    name: str
    kind: str
    reason: str


class RunSpec(Record):
    """Everything that decides a run. Stored in run.json; a changed one refuses to resume and names the field."""

    schema_version: int = SCHEMA_VERSION
    name: str
    task: Task
    metrics: tuple[str, ...]
    """The first one decides."""
    approaches: tuple[ApproachSpec, ...]
    skipped: tuple[SkippedApproach, ...] = ()
    decision: Decision = Decision()
    traffic: Traffic = Traffic()
    prices: Prices = Prices()
    interview: dict[str, Any] = {}
    data: DataFacts
    seed: int = 0
    max_answer_tokens: int = 64
    latency_samples: int = 72
    latency_concurrency: tuple[int, ...] = (1,)
    """Requests at a time in the latency pass; one at a time is always measured."""
    embedder: str = "auto"
    judge: JudgeSpec | None = None
    """Who gives the metric `judge`; it may change before a resume, which then scores again without new answers."""
    budget_usd: float | None = Field(default=None, ge=0)
    """Ceiling of what all endpoints together may cost in this run, resumes included. None: no ceiling."""
    parallel: int | None = Field(default=None, ge=1)
    """Jobs that may run at the same time; None: as many as there is room for. Not part of any fingerprint."""
    cluster: str | None = None
    """Address of the ray cluster whose machines compute; None: this machine alone. Not part of any fingerprint."""
    allow_broken: bool = False
    """Recorded answers may have more than 5 % of broken rows too; not part of any fingerprint."""
    project_folder: str = ""
    """Where relative paths of the project start; not part of any fingerprint."""


class Environment(Record):
    """The machine and the versions, for the reproduction block."""

    python: str
    platform: str
    packages: dict[str, str]
    device: str
    """`cpu` or the GPU's name."""
    device_memory_bytes: int | None = None
    compute_capability: str | None = None
    driver: str | None = None
    cores: int | None = None


Span = tuple[float, float, float]
"""(low, best guess, high)."""


class Expected(Record):
    """What was estimated of one approach before the run, to be held against what it took."""

    approach: str
    seconds: Span | None = None
    """Until every case is answered: preparing, training and answering in batches, no latency pass. None: unknown."""
    training_seconds: Span | None = None
    memory_bytes: float | None = None
    """Peak on the device that computes: training or answering, whichever is larger."""
    device_bytes: float | None = None
    """What that device has; of several cards, all of them."""
    cards: int = 1
    """GPUs that the weights are spread over."""
    trained_on: int = 1
    """GPUs that share the training: the memory is what each of them takes."""
    usd: Span | None = None
    """What these seconds or tokens cost."""
    fits: bool | None = None
    would_fit: tuple[str, ...] = ()
    """Changes that would make it fit, where it does not."""
    basis: str = ""
    """What the figures rest on, in a clause."""
    unknown: str = ""
    """Why there is no figure, where there is none."""


class RunHeader(Record):
    """The content of run.json."""

    schema_version: int = SCHEMA_VERSION
    run: str
    """Name of the run's directory."""
    started: str
    """ISO 8601, UTC."""
    spec: RunSpec
    environment: Environment
    price_date: str = ""
    """Date of the shipped price tables."""
    fingerprints: dict[str, str] = {}
    """Approach name to fingerprint."""
    expected: tuple[Expected, ...] = ()
    """Estimates made before the run; empty in runs of older versions."""


class Finished(Record):
    """The content of finished.json, written last."""

    schema_version: int = SCHEMA_VERSION
    finished: str
    seconds: float
    failed: tuple[str, ...] = ()
    """Names of the approaches that failed as a whole."""
    cause: Literal["", "budget"] = ""
    """`budget`: endpoints were asked no further because the run's or a model's ceiling was reached."""
    unmeasured: tuple[str, ...] = ()
    """Names of the approaches whose latency pass is not complete: a resume measures what is missing."""
