"""The summary's types: frozen, JSON-able, in the units of what was measured. Computes nothing.

summary.approach("rag").quality.value; json.dumps(summary.document(), indent=2)
"""

from __future__ import annotations

from typing import Any, Literal

from reports.judging import JudgeSummary
from reports.prior import PriorRecord
from reports.review import ReviewResult
from reports.run.schema import (
    SCHEMA_VERSION,
    Comparison,
    DataFinding,
    Load,
    Record,
    RunHeader,
    SkippedApproach,
    TrainingRecord,
)
from reports.run.serving import ServingRow
from reports.statistics.results import ScoreKind
from reports.summary.bill import BreakEven, CostSummary
from reports.text import Unit

State = Literal["complete", "partial", "stopped early", "failed", "not started"]
"""Of one approach: every case answered; the run is not finished; ended by the stopping rule; gave up; no answer yet."""


class Estimate(Record):
    """A metric of one approach with its 95 % interval. `value` is None where nothing was scored."""

    value: float | None
    low: float | None = None
    high: float | None = None
    n: int = 0
    """Cases that were asked; failed ones among them count as wrong."""
    failed: int = 0
    """Answers without a score: error, timeout, refusal, or not scorable."""
    format_failures: int = 0
    """Answers that came but could not be read as asked. They count as wrong and are not among the failed."""
    clusters: int | None = None
    method: str = ""


class MetricSummary(Record):
    """One metric of the run."""

    name: str
    title: str
    kind: ScoreKind
    unit: Unit
    definition: str


class LatencyLevel(Record):
    """Requests of the latency pass at one concurrency. Seconds; first tokens only where they were streamed."""

    concurrency: int
    loads: tuple[Load, ...] = ("rounds",)
    """How the requests followed each other; both where versions of this program measured one half each."""
    n: int
    p50_seconds: float
    p50_low: float | None = None
    p50_high: float | None = None
    p95_seconds: float | None = None
    p95_low: float | None = None
    p95_high: float | None = None
    p95_refused: str = ""
    p99_seconds: float | None = None
    p99_low: float | None = None
    p99_high: float | None = None
    """p99 is given from 368 requests on."""
    ttft_p50_seconds: float | None = None
    ttft_p50_low: float | None = None
    ttft_p50_high: float | None = None
    ttft_p95_seconds: float | None = None
    tokens_per_second: float | None = None
    """Median over requests of answer tokens by seconds: what one caller sees, however many there are."""
    tokens_per_second_low: float | None = None
    tokens_per_second_high: float | None = None


class LatencySummary(Record):
    """The latency pass: one request at a time after warm-up. Seconds."""

    n: int = 0
    p50_seconds: float | None = None
    p50_low: float | None = None
    p50_high: float | None = None
    p95_seconds: float | None = None
    p95_low: float | None = None
    p95_high: float | None = None
    """None where too few requests bound it from above."""
    p95_refused: str = ""
    """Why p95 is missing, where it is."""
    ttft_p50_seconds: float | None = None
    """Time to the first token."""
    concurrency: tuple[tuple[int, int, float], ...] = ()
    """(concurrent requests, samples, median seconds), for more than one at a time."""
    levels: tuple[LatencyLevel, ...] = ()
    """Every concurrency that was measured, one at a time first."""
    cold_p50_seconds: float | None = None
    merged_levels: tuple[LatencyLevel, ...] = ()
    """The same with the adapter merged into the base weights, where that was timed too."""
    how: str = ""
    """How the figures were taken, as a sentence."""


class CurvePoint(Record):
    """Quality after training on a part of the examples; of several seeds the mean, with both noises in its interval."""

    examples: int
    value: float
    low: float | None = None
    high: float | None = None
    trainings: tuple[float, ...] = ()
    """Quality of each training on this size, the approach's own seed first; they learn from the same examples."""


class SeedSummary(Record):
    """The primary metric after trainings that differ by their seed alone."""

    values: tuple[float, ...]
    """One a training; the first is the approach itself, whose answers are shown, timed and billed."""
    mean: float
    sd: float
    """Between trainings; the approach's quality is their mean, and its intervals are opened by this."""


class ApproachSummary(Record):
    """One contender."""

    name: str
    kind: str
    model: str = ""
    batch: bool = False
    """Its traffic goes through the provider's batch API: the latency is of direct requests all the same."""
    state: State = "complete"
    error: str = ""
    """Why the approach as a whole failed."""
    stopped: str = ""
    """After how many cases the stopping rule ended it, and why: its estimates are of those cases and lean away."""
    settled: bool = False
    """It was ended as the leader: nothing was left to decide."""
    quality: Estimate
    """The primary metric; failures count as wrong."""
    quality_answered: Estimate
    """The same among the answers that came."""
    metrics: dict[str, Estimate] = {}
    """Every metric of the run, the primary one included, and retrieval recall where it was measured."""
    latency: LatencySummary = LatencySummary()
    cost: CostSummary = CostSummary()
    training: TrainingRecord | None = None
    curve: tuple[CurvePoint, ...] = ()
    """Quality by number of training examples, where it was trained on parts of them too."""
    curve_words: Literal["yes", "no", "uncertain", ""] = ""
    """Whether more labels would bring it above the best approach without training."""
    curve_verdict: str = ""
    """The same as a sentence."""
    curve_warnings: tuple[str, ...] = ()
    labels_needed: int | None = None
    seeds: SeedSummary | None = None
    """None where it was trained once, or not at all."""
    statuses: dict[str, int] = {}
    """Answer status to count, `missing` for cases never answered."""
    cached: int = 0
    prompt_tokens: float | None = None
    """Mean of an answer."""
    completion_tokens: float | None = None
    seconds_per_answer: float | None = None
    """Mean device time in the batched pass, cached answers left out."""
    passages: float | None = None
    """Mean number given to the model; None for approaches without retrieval."""
    without_leaks: Estimate | None = None
    """The primary metric without the leaked cases, where there are any."""
    without_near_leaks: Estimate | None = None
    """The same without near copies of training rows too, where there are any."""
    could_be_best: bool = False
    acceptable: bool = False
    undominated: bool = False
    """No other approach is both better and cheaper."""


class ComparisonSummary(Record):
    """B against A on the same cases: difference = B minus A."""

    a: str
    b: str
    difference: float
    low: float
    high: float
    p: float
    p_adjusted: float | None = None
    """Holm over the contenders' comparisons with the baseline, for exploratory ones over all of these; None for a
    reference that is no contender: the trivial answer, an approach that failed as a whole."""
    family: int = 0
    """Number of comparisons behind `p_adjusted`."""
    n: int = 0
    a_only: int | None = None
    b_only: int | None = None
    words: Comparison = "not shown"
    primary: bool = True
    """Declared before the run: against the baseline. The others are looked at, not tested for."""
    margin: float = 0.0
    low90: float | None = None
    high90: float | None = None
    discordance: float | None = None
    detectable: float | None = None
    probability_better: float | None = None
    clusters: int | None = None
    method: str = ""


class ThresholdSummary(Record):
    """One thing that would change the verdict."""

    kind: str
    text: str
    value: float | None = None
    """Exact: just beyond it the verdict is another one."""
    unit: str = ""
    approach: str | None = None
    """What would be recommended then; None: nothing, or it cannot be said."""
    becomes: str = ""
    """The verdict's kind then."""
    now: float | None = None
    """The same thing today; None where no such limit is set."""


class VerdictSummary(Record):
    """The recommendation."""

    kind: str
    approach: str | None = None
    headline: str = ""
    because: tuple[str, ...] = ()
    would_change_if: tuple[ThresholdSummary, ...] = ()
    warnings: tuple[str, ...] = ()
    rule: str = ""
    could_be_best: tuple[str, ...] = ()
    acceptable: tuple[str, ...] = ()
    excluded: tuple[tuple[str, str], ...] = ()


class SliceComparison(Record):
    """The leader against the baseline inside one slice; the interval is corrected for all slices looked at."""

    a: str
    b: str
    difference: float
    low: float
    high: float
    p_adjusted: float


class Slice(Record):
    """Some of the cases."""

    by: str
    """label, length, group or the name of a context field."""
    value: str
    n: int
    qualities: dict[str, Estimate] = {}
    """Primary metric of the two approaches that are compared."""
    comparison: SliceComparison


class Trust(Record):
    """What decides how far a reader may trust the numbers."""

    cases: int
    asked: int
    groups: int = 0
    pilot: bool = False
    """Under 50 cases."""
    demo_model: bool = False
    finished: bool = True
    failed_answers: int = 0
    leaked: int = 0
    leaked_near: int = 0
    """Further cases that stand nearly word for word in the training data."""
    findings: tuple[DataFinding, ...] = ()
    """What the data audit found at planning time."""
    broken_rows: int = 0
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    """What the run itself warned of."""
    damaged: tuple[str, ...] = ()
    detectable: float | None = None
    """Smallest difference between the two best approaches that these cases can show with 80 % power."""


class Summary(Record):
    """Everything about one stored run."""

    schema_version: int = SCHEMA_VERSION
    run: str
    header: RunHeader
    seconds: float | None = None
    """Wall seconds of the whole run; None while it is not finished."""
    metrics: tuple[MetricSummary, ...]
    baseline: str | None
    """The approach that others are compared with."""
    approaches: tuple[ApproachSummary, ...]
    skipped: tuple[SkippedApproach, ...] = ()
    comparisons: tuple[ComparisonSummary, ...] = ()
    verdict: VerdictSummary
    prior: PriorRecord | None = None
    prior_agreed: bool = False
    prior_words: str = ""
    slices: tuple[Slice, ...] = ()
    break_even: tuple[BreakEven, ...] = ()
    judge: JudgeSummary | None = None
    """What the judge is worth, where one was asked."""
    reviews: tuple[ReviewResult, ...] = ()
    serving: tuple[ServingRow, ...] = ()
    """What it takes to serve a trained approach, form by form, where an export measured it."""
    """What readers preferred who did not see which answer was whose."""
    trust: Trust

    @property
    def primary(self) -> MetricSummary:
        """The metric that decides."""
        return self.metrics[0]

    def approach(self, name: str) -> ApproachSummary:
        """The approach of that name. Raises KeyError."""
        for approach in self.approaches:
            if approach.name == name:
                return approach
        raise KeyError(name)

    def document(self) -> dict[str, Any]:
        """The JSON document that `advisor run --json` and `advisor report --format json` print."""
        return {
            "schema_version": self.schema_version,
            "run": self.run,
            "task": self.header.spec.task.model_dump(mode="json"),
            "decision": self.header.spec.decision.model_dump(mode="json"),
            "traffic": self.header.spec.traffic.model_dump(mode="json"),
            "prices": self.header.spec.prices.model_dump(mode="json"),
            "primary_metric": self.primary.name,
            "metrics": [metric.model_dump(mode="json") for metric in self.metrics],
            "baseline": self.baseline,
            "approaches": [_approach(approach) for approach in self.approaches],
            "skipped": [skipped.model_dump(mode="json") for skipped in self.skipped],
            "comparisons": [comparison.model_dump(mode="json") for comparison in self.comparisons],
            "verdict": self.verdict.model_dump(mode="json"),
            "prior": self.prior.model_dump(mode="json") if self.prior else {},
            "prior_agreed": self.prior_agreed,
            "prior_words": self.prior_words,
            "slices": [part.model_dump(mode="json") for part in self.slices],
            "break_even": [pair.model_dump(mode="json") for pair in self.break_even],
            "judge": self.judge.model_dump(mode="json") if self.judge else None,
            "reviews": [found.model_dump(mode="json") for found in self.reviews],
            "serving": [row.model_dump(mode="json") for row in self.serving],
            "trust": self.trust.model_dump(mode="json"),
            "started": self.header.started,
            "seconds": self.seconds,
            "fingerprints": dict(sorted(self.header.fingerprints.items())),
        }


def _approach(approach: ApproachSummary) -> dict[str, Any]:
    """The training history is left to artifacts/<approach>/training.json: it is long."""
    plain = approach.model_dump(mode="json")
    if plain["training"]:
        plain["training"].pop("history")
    return plain
