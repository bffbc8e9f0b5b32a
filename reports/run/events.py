"""The one stream of events: small, past tense, one JSON object a line.

Workers write them on stdout, the orchestrator stores and yields them, the command line prints them, the app posts
them to widgets, tests replay a stored list. Nothing else reports progress.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from reports.run.schema import Answer, LatencySample, Record, Score, TrainingRecord, TrainingStep


class RunStarted(Record):
    kind: Literal["run-started"] = "run-started"
    run: str
    directory: str
    approaches: tuple[str, ...]
    cases: int
    resumed: bool = False


class ApproachSkipped(Record):
    kind: Literal["approach-skipped"] = "approach-skipped"
    approach: str
    reason: str


class JobStarted(Record):
    kind: Literal["job-started"] = "job-started"
    job: str
    approaches: tuple[str, ...]
    pid: int | None = None
    cards: tuple[str, ...] = ()
    """The GPUs that are its own, as CUDA_VISIBLE_DEVICES names them; empty where there is no choice."""


class Progressed(Record):
    """Preparation that takes time: loading a model, chunking, embedding, measuring latency."""

    kind: Literal["progressed"] = "progressed"
    approach: str
    what: str
    done: int = 0
    total: int = 0


class Trained(Record):
    kind: Literal["trained"] = "trained"
    approach: str
    point: TrainingStep
    total_steps: int
    seconds_left: float | None = None


class TrainingFinished(Record):
    kind: Literal["training-finished"] = "training-finished"
    approach: str
    training: TrainingRecord


class Prepared(Record):
    kind: Literal["prepared"] = "prepared"
    approach: str
    seconds: float
    facts: dict[str, str | int | float] = {}


class Answered(Record):
    kind: Literal["answered"] = "answered"
    answer: Answer
    done: int
    total: int


class RoundAnswered(Record):
    """The first `done` cases of the run's order are answered by these approaches: may all of them go on?"""

    kind: Literal["round-answered"] = "round-answered"
    approaches: tuple[str, ...]
    done: int


class StoppedEarly(Record):
    """The stopping rule ended an approach after the first cases of the run's order."""

    kind: Literal["stopped-early"] = "stopped-early"
    approach: str
    answered: int
    total: int
    rival: str
    """The approach that it is clearly worse than; where the contest is settled, the nearest of those it beats."""
    reason: str
    settled: bool = False
    """It is the one that leads: nothing was left to decide."""


class Scored(Record):
    kind: Literal["scored"] = "scored"
    score: Score


NO_VERDICT = "none"
NOT_ASKED = "the judge could not be asked"
"""Begins the reason of a score where the judge's call itself failed: a resume asks again."""


class Judged(Record):
    """What a judge was asked in one pass, and what it said of answers that people graded. Verdicts are scores."""

    kind: Literal["judged"] = "judged"
    approach: str | None = None
    """None: the answers with human labels."""
    judge: str
    """Fingerprint of model, rubric and mode: figures of another judge do not mix."""
    calls: int = 0
    unreadable: int = 0
    """Answers of it without a verdict."""
    prompt_tokens: int = 0
    cached_prompt_tokens: int = 0
    """Of these, those billed as cache hits."""
    completion_tokens: int = 0
    usage_estimated: bool = False
    seconds: float = 0.0
    decided: int = 0
    """Pairwise: calls that preferred one of the two."""
    first_preferred: int = 0
    """Of these, those that preferred the one shown first."""
    flipped: int = 0
    """Pairwise: cases whose two orders contradict each other."""
    labels: tuple[tuple[str, str, str], ...] = ()
    """(row, people's verdict, the judge's verdict or NO_VERDICT)."""


class Measured(Record):
    kind: Literal["measured"] = "measured"
    sample: LatencySample


class Warned(Record):
    kind: Literal["warned"] = "warned"
    approach: str | None = None
    text: str
    hint: str = ""


class ApproachFinished(Record):
    kind: Literal["approach-finished"] = "approach-finished"
    approach: str
    answered: int
    failed: int
    peak_memory_bytes: int | None = None
    """While answering on this machine: of its GPUs, without the CUDA context, else of the whole process."""


class ApproachFailed(Record):
    """The whole approach could not go on; the run does."""

    kind: Literal["approach-failed"] = "approach-failed"
    approach: str
    error: str
    hint: str = ""
    cause: Literal["", "budget"] = ""


class JobFinished(Record):
    kind: Literal["job-finished"] = "job-finished"
    job: str
    exit_code: int


class RunFinished(Record):
    kind: Literal["run-finished"] = "run-finished"
    directory: str
    seconds: float
    failed: tuple[str, ...] = ()


Event = Annotated[
    RunStarted
    | ApproachSkipped
    | JobStarted
    | Progressed
    | Trained
    | TrainingFinished
    | Prepared
    | Answered
    | RoundAnswered
    | StoppedEarly
    | Scored
    | Judged
    | Measured
    | Warned
    | ApproachFinished
    | ApproachFailed
    | JobFinished
    | RunFinished,
    Field(discriminator="kind"),
]

EVENT: TypeAdapter[Event] = TypeAdapter(Event)


def parse_event(line: str | bytes) -> Event:
    """One JSON line to its event. Raises pydantic.ValidationError on anything else."""
    return EVENT.validate_json(line)
