"""What can be said of one approach while it still runs: quality so far with its interval, speed, money, training.

    progress = Progress(spec, header)
    progress.feed(event)                       # the approach's own events, in any order
    progress.quality.low; progress.p50_seconds; progress.spent_usd; progress.training.points

Fed by events alone, so that every display of a run says the same. Numbers of an unfinished run: the summary has the
final ones, with groups and resampling. Knows no display.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import median

from reports import metrics
from reports.costs import Price, TokenPrice, hour_price, token_price
from reports.run.events import Answered, Event, Measured, Prepared, Scored, Trained, TrainingFinished, Warned
from reports.run.schema import (
    Answer,
    ApproachSpec,
    LatencySample,
    RunHeader,
    Score,
    TrainingRecord,
    TrainingStep,
    is_endpoint,
)
from reports.statistics.proportions import t_value, wilson
from reports.statistics.results import Interval
from reports.statistics.sets import as_set_metric, set_value

READABLE = ("ok", "truncated")
LATEST = 200
"""Seconds of so many last answers give the pace."""


@dataclass
class Training:
    """A fine-tuning under way."""

    points: list[TrainingStep] = field(default_factory=list)
    total_steps: int = 0
    seconds_left: float | None = None
    finished: TrainingRecord | None = None

    @property
    def latest(self) -> TrainingStep | None:
        """The last logged step."""
        return self.points[-1] if self.points else None

    def last(self, name: str) -> float | None:
        """The last known value of a field that not every step carries: tokens_per_second, memory_bytes, …"""
        return next((v for point in reversed(self.points) if (v := getattr(point, name)) is not None), None)


@dataclass
class _Judged:
    """What is known of the answer to one case."""

    failed: bool = False
    value: float | None = None
    predicted: str | None = None
    expected: str | None = None

    @property
    def credit(self) -> float | None:
        """0 for a failure, None while it is not scored."""
        return 0.0 if self.failed else self.value


class Progress:
    """One approach of a run under way."""

    def __init__(self, spec: ApproachSpec, header: RunHeader) -> None:
        self.spec = spec
        self.metric = header.spec.metrics[0]
        self.training: Training | None = None
        self.warnings: list[str] = []
        self.failed = 0
        """Answers that failed: error, timeout, refusal."""
        self._header = header
        self._cases: dict[str, _Judged] = {}
        self._n, self._sum, self._squares = 0, 0.0, 0.0
        self._binary = True
        self._pace: list[float] = []
        self._latency: list[float] = []
        self._device_seconds = 0.0
        self._tokens = [0, 0, 0]
        """Prompt, cached among them, completion."""

    def feed(self, event: Event) -> None:
        """Takes one event of this approach in; others are not its business."""
        match event:
            case Answered(answer=answer):
                self.answered(answer)
            case Scored(score=score):
                self.scored(score)
            case Measured(sample=sample):
                self.measured(sample)
            case Prepared(seconds=seconds):
                self._device_seconds += seconds
            case Trained(point=point, total_steps=total, seconds_left=left):
                training = self.training = self.training or Training()
                # The untrained model is measured while training runs; everything else comes in its order, or again.
                later = [known for known in training.points if known.step > 0] if point.step == 0 else []
                earlier = [known for known in training.points if known.step < point.step]
                training.points = [*earlier, point, *later]
                training.total_steps, training.seconds_left = total, left
            case TrainingFinished(training=record):
                self.training = self.training or Training()
                self.training.finished, self.training.seconds_left = record, 0.0
                self.training.points = list(record.history) or self.training.points
                self.training.total_steps = max(self.training.total_steps, record.steps)
            case Warned(text=said, hint=hint):
                self.warnings.append(f"{said} ({hint})" if hint else said)
            case _:
                pass

    def remember(self, answers: Iterable[Answer], scores: Iterable[Score], latency: Iterable[LatencySample]) -> None:
        """What an earlier part of a resumed run had stored."""
        for answer in answers:
            self.answered(answer)
        for score in scores:
            self.scored(score)
        for sample in latency:
            self.measured(sample)

    def answered(self, answer: Answer) -> None:
        """One answer; a second one to the same case replaces the first."""
        known = self._judged(answer.case)
        before = known.credit
        self.failed += (answer.status not in READABLE) - known.failed
        known.failed = answer.status not in READABLE
        self._moved(before, known.credit)
        if answer.from_cache:
            return
        if answer.seconds is not None:
            self._pace.append(answer.seconds)
            del self._pace[:-LATEST]
            self._device_seconds += answer.seconds
        self._count_tokens(answer.prompt_tokens, answer.cached_prompt_tokens, answer.completion_tokens)

    def scored(self, score: Score) -> None:
        """One score; only the metric that decides counts here."""
        if score.metric != self.metric:
            return
        known = self._judged(score.case)
        before = known.credit
        known.value = 0.0 if score.value is None else score.value  # unscored counts as wrong, as in the summary
        known.predicted, known.expected = score.predicted, score.expected
        self._binary = self._binary and score.value in (0.0, 1.0, None)
        self._moved(before, known.credit)

    def measured(self, sample: LatencySample) -> None:
        """One request of the latency pass."""
        self._device_seconds += sample.seconds
        self._count_tokens(sample.prompt_tokens, None, sample.completion_tokens)
        if sample.concurrency == 1 and sample.phase == "warm" and not sample.merged:
            self._latency.append(sample.seconds)

    # --- what is said -----------------------------------------------------------------------------------

    @property
    def quality(self) -> Interval | None:
        """The metric over the answers so far, failures as wrong. Wilson for right and wrong; Student's t for numbers
        without regard to groups; no interval for a metric of the whole set. None before the first score."""
        if not self._n:
            return None
        mean, method = self._sum / self._n, "so far"
        name = as_set_metric(self.metric)
        if name is not None:
            labelled = [case for case in self._cases.values() if case.expected is not None]
            value = set_value(name, [c.predicted for c in labelled], [c.expected or "" for c in labelled])
            return Interval(value, math.nan, math.nan, self._n, method=method)
        if self._binary and metrics.facts(self.metric, (0.0, 1.0)).kind == "binary":
            return wilson(self._sum, self._n)
        if self._n < 2:
            return Interval(mean, math.nan, math.nan, self._n, method=method)
        spread = max(0.0, self._squares - self._n * mean * mean) / (self._n - 1)
        half = t_value(0.95, self._n - 1) * math.sqrt(spread / self._n)
        return Interval(mean, mean - half, mean + half, self._n, method=method)

    @property
    def p50_seconds(self) -> float | None:
        """Median of the latency pass; None before it."""
        return median(self._latency) if self._latency else None

    @property
    def pace_seconds(self) -> float | None:
        """Median device seconds of the last answers in the batched pass: not a latency."""
        return median(self._pace) if self._pace else None

    @property
    def spent_usd(self) -> float | None:
        """What the run has cost so far through this approach: tokens of an API model, else seconds of the machine that
        were used, without utilisation. None where no price is known."""
        prices, model = self._header.spec.prices, self.spec.model
        if model is not None and is_endpoint(model):
            price = token_price(
                model.id,
                model.base_url,
                self._header.started,
                own_input=prices.input_usd_per_million,
                own_output=prices.output_usd_per_million,
                own_cached=prices.cached_input_usd_per_million,
            )
            prompt, cached, completion = self._tokens
            return price.of(prompt, completion, cached) if isinstance(price, TokenPrice) else None
        if self.spec.kind in ("recorded", "floor"):
            return 0.0
        hour = hour_price(prices.gpu or self._header.environment.device, prices.gpu_hour_usd)
        return hour.typical * self._device_seconds / 3600 if isinstance(hour, Price) else None

    # --- parts ------------------------------------------------------------------------------------------

    def _judged(self, case: str) -> _Judged:
        return self._cases.setdefault(case, _Judged())

    def _moved(self, before: float | None, after: float | None) -> None:
        for credit, sign in ((before, -1), (after, 1)):
            if credit is not None:
                self._n += sign
                self._sum += sign * credit
                self._squares += sign * credit * credit

    def _count_tokens(self, prompt: int | None, cached: int | None, completion: int | None) -> None:
        for i, tokens in enumerate((prompt, cached, completion)):
            self._tokens[i] += tokens or 0
