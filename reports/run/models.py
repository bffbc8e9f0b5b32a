"""A model as the project names it: weights on this machine, or an endpoint with its limits and prices; and the judge.

ModelSpec(id="openai:gpt-4.1-mini", budget_usd=2.0)

Part of the run's spec (`reports.run.schema`, which hands it on). Holds no secret: keys and headers by name.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from reports.run.record import Record

ENDPOINT = "openai:"
"""Before the name of a model that an endpoint holds."""


class ModelSpec(Record):
    """One model as the project names it."""

    id: str
    """`demo`, a hub id, a local path, or `openai:<name>`."""
    base_url: str | None = None
    api_key_env: str | None = None
    headers: dict[str, str] = {}
    """Extra request headers; a value `$NAME` is read from the environment at call time and never stored."""
    precision: Literal["auto", "float32", "bfloat16", "float16", "nf4", "int8"] = "auto"
    engine: Literal["built-in", "vllm"] = "built-in"
    """What decodes weights on this machine; `vllm` needs its package and a GPU."""
    context_length: int | None = None
    chat_template_arguments: dict[str, Any] = {}
    revision: str | None = None
    requests_per_minute: float | None = Field(default=None, gt=0)
    """Endpoints only, as the fields below: a cap besides what the endpoint itself says."""
    tokens_per_minute: float | None = Field(default=None, gt=0)
    max_concurrency: int | None = Field(default=None, ge=1, le=1024)
    timeout_seconds: float | None = Field(default=None, gt=0)
    """Of one request, to the last byte of its answer; None: 60."""
    budget_usd: float | None = Field(default=None, ge=0)
    """Ceiling of what this model may cost in one run, resumes included."""
    input_usd_per_million: float | None = Field(default=None, ge=0)
    """The model's own price; None: `prices`, then the dated list."""
    output_usd_per_million: float | None = Field(default=None, ge=0)
    cached_input_usd_per_million: float | None = Field(default=None, ge=0)
    batch: bool = False
    """Production traffic goes through the provider's batch API: the bill takes its price, and answers come within
    hours. The run itself asks directly, at the price of direct requests."""
    batch_discount: float | None = Field(default=None, gt=0, lt=1)
    """Share of the price that the batch API takes off, such as 0.5; None: what the dated list knows of it."""

    @model_validator(mode="after")
    def _discounted(self) -> ModelSpec:
        if self.batch_discount is not None and not self.batch:
            raise ValueError("batch_discount says nothing without batch: add batch: true, or leave both out")
        return self


def is_endpoint(model: ModelSpec | str | None) -> bool:
    """Whether a model, or its id, is asked over the network; None, no model at all, is not."""
    name = model.id if isinstance(model, ModelSpec) else model
    return name is not None and name.startswith(ENDPOINT)


class JudgeSpec(Record):
    """A language model that grades open-ended answers: the metric `judge`."""

    model: ModelSpec
    mode: Literal["rubric", "pairwise"] = "rubric"
    """`rubric`: each answer passes or fails; `pairwise`: against the answer of `against`, in both orders."""
    rubric: str = ""
    """What a good answer is, in words."""
    against: str | None = None
    """Pairwise: name of the approach that all others are compared with."""
    max_tokens: int = Field(default=200, ge=8, le=8192)
    """Of one verdict, its reason included."""
    labels: HumanLabels | None = None
    """Rubric: answers that people graded, which the judge grades too."""


class HumanLabels(Record):
    """A file of answers with people's verdicts: 30 to 50 rows say whether the judge may decide."""

    path: str
    """Relative to the project file."""
    answer: str
    """Column of the answer that was graded."""
    label: str
    """Column of the verdict: pass or fail, yes or no, 1 or 0, good or bad."""
    input: str | None = None
    """Column of the input; None: detected."""
    reference: str | None = None
    """Column of the reference; None: the judge sees none for these."""
