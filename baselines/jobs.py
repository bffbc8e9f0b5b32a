"""What a worker process is told to do: one JSON object on its standard input, names of a stored run and no data.

Which approaches share a process: those that share a loaded model; each fine-tuning is alone; what needs no language
model goes together. The latency pass is one job at the end, so that approaches can take turns.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from baselines.registry import KINDS
from reports.run.fingerprint import of_value, short
from reports.run.schema import ApproachSpec, Record


class Job(Record):
    """One worker's work."""

    id: str
    action: Literal["answer", "measure", "score"]
    run: str
    """Folder of the stored run, absolute."""
    approaches: tuple[str, ...]
    retry_failed: bool = False
    """Ask again what ended as error or timeout: on resume."""
    models: dict[str, str] = {}
    """Model id to its folder, for ids that are names of the product or relative paths."""
    spread: dict[str, int] = {}
    """Approach to the number of GPUs that its model is spread over, where it is more than one."""
    cache: str | None = None
    """SQLite file of answers that models already gave; None: no cache."""
    looks: tuple[int, ...] = ()
    """Numbers of answered cases after which the worker asks who goes on (RoundAnswered) and waits for `Decided`."""


class Decided(Record):
    """The orchestrator's word on a RoundAnswered: one JSON line on the worker's standard input."""

    stop: tuple[str, ...] = ()
    """These approaches are ended; the others go on."""


def answering_jobs(template: Job, approaches: Sequence[ApproachSpec]) -> list[Job]:
    """The jobs that answer all questions, quick ones first, fine-tunings last; `template` has what they share."""
    groups: dict[str, list[str]] = {}
    for spec in sorted(approaches, key=_rank):
        groups.setdefault(_group(spec), []).append(spec.name)
    return [
        template.model_copy(update={"id": group, "action": "answer", "approaches": tuple(names)})
        for group, names in groups.items()
    ]


def _rank(spec: ApproachSpec) -> int:
    """Without a model, with one, trained: the order that shows first results soonest."""
    if "fine-tuning" in KINDS[spec.kind].family:
        return 3
    needs = KINDS[spec.kind].needs
    return 2 if "model" in needs else 1 if "embedder" in needs else 0


def _group(spec: ApproachSpec) -> str:
    rank = _rank(spec)
    if rank == 3:
        return spec.name
    if rank == 2 and spec.model is not None:
        return f"model {spec.model.id} {short(of_value(spec.model), 6)}"
    return "without a language model" if rank == 0 else "embeddings"
