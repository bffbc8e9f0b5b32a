"""What will run: a project and its data resolved to a RunSpec, with everything that a reader should know before.

    prepared = prepare(load(folder))
    print("\\n".join(describe(prepared)))

Reads data files and configurations, never weights; nothing here imports torch.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from advisor import stopping
from advisor.audit import token_budget
from advisor.expansion import expanded
from advisor.findings import stored_findings
from advisor.project import Project
from advisor.questions import read_interview
from baselines import registry, scoring
from baselines.audit import survey
from baselines.dataset import check_labels, content_hash, labels_of, load_cases, load_examples
from baselines.documents import load_documents
from baselines.overlap import overlap
from baselines.prompts import DEFAULT_INSTRUCTIONS
from baselines.source import Source
from baselines.splits import examples_of, split
from reports.errors import DataError, EnvironmentFault
from reports.run.fingerprint import of_texts
from reports.run.schema import (
    ApproachSpec,
    Case,
    DataFacts,
    Document,
    Example,
    RunSpec,
    SkippedApproach,
    Task,
    is_endpoint,
)

CHARACTERS_PER_TOKEN = 3
"""Pessimistic for English text, to leave room for the longest reference."""
LONGEST_ANSWER = 512


@dataclass(frozen=True)
class Prepared:
    """A project ready to run."""

    project: Project
    spec: RunSpec
    cases: tuple[Case, ...]
    train: tuple[Example, ...]
    dev: tuple[Example, ...]
    documents: tuple[Document, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Data:
    cases: tuple[Case, ...]
    train: tuple[Example, ...]
    dev: tuple[Example, ...]
    documents: tuple[Document, ...]
    notes: tuple[str, ...]
    broken: int


def prepare(project: Project) -> Prepared:
    """Loads the data, splits it where needed, resolves every default. Raises DataError and UsageError with a place."""
    approaches = project.approach_specs()
    read_interview(project.interview)
    data = _load(project, approaches)
    task = _task(project, data)
    references = [reference for case in data.cases for reference in case.references]
    metrics = project.metrics or scoring.default_metrics(task.type, references)
    if "multilabel-f1" in metrics:
        task = task.model_copy(update={"several_labels": True})
    for metric in metrics:
        scoring.validate(metric, project.folder)
    seen = survey(data.cases, data.train, data.dev, task, token_budget(project, approaches, quick=True))
    facts = DataFacts(
        eval_cases=len(data.cases),
        train_examples=len(data.train),
        dev_examples=len(data.dev),
        documents=len(data.documents),
        groups=len({case.question.group for case in data.cases if case.question.group is not None}),
        broken_rows=data.broken,
        notes=(*data.notes, *_unstoppable(project, metrics, data)),
        leaked=overlap(data.cases, (*data.train, *data.dev)),
        leaked_near=seen.leaked_near,
        findings=stored_findings(seen),
        files=_hashes(project, approaches),
    )
    running, skipped = _applicable(approaches, task, facts)
    parted = expanded(running, facts.train_examples + facts.dev_examples, project.seed)
    facts = facts.model_copy(update={"notes": (*facts.notes, *parted.notes)})
    spec = RunSpec(
        name=project.name,
        task=task,
        metrics=metrics,
        approaches=parted.approaches,
        skipped=skipped,
        decision=project.decision,
        traffic=project.traffic,
        prices=project.prices,
        interview=project.interview,
        data=facts,
        seed=project.seed,
        max_answer_tokens=project.max_answer_tokens or _answer_tokens(references),
        latency_samples=project.latency_samples,
        latency_concurrency=project.latency_concurrency,
        embedder=project.embedder,
        judge=project.judge_spec(running, metrics),
        budget_usd=project.budget_usd,
        parallel=project.run.jobs,
        cluster=project.run.cluster,
        allow_broken=project.data.allow_broken,
        project_folder=str(project.folder),
    )
    return Prepared(project, spec, data.cases, data.train, data.dev, data.documents, facts.notes)


def check_models(prepared: Prepared) -> None:
    """Raises EnvironmentFault where a local model has no weights: before a run is written, not as a failed approach.

    A hub id passes: its weights may have to be fetched first.
    """
    from finetune.model_files import check_folder

    folders = prepared.project.model_folders(prepared.spec.approaches)
    for name in dict.fromkeys(spec.model.id for spec in prepared.spec.approaches if spec.model is not None):
        try:
            if not is_endpoint(name):
                check_folder(folders.get(name, name))
        except DataError as error:
            raise EnvironmentFault(str(error), error.hint) from error


def _load(project: Project, approaches: Sequence[ApproachSpec]) -> _Data:
    said, base, task = project.data, project.folder, project.task.type
    own_passages = said.documents is None
    loaded = load_cases(said.eval, task, base, said.allow_broken, own_passages=own_passages)
    notes, broken = list(loaded.notes), len(loaded.broken)
    cases: tuple[Case, ...] = loaded.items
    examples: dict[str, tuple[Example, ...]] = {"train": (), "dev": ()}
    for role, source in (("train", said.train), ("dev", said.dev)):
        if source is not None:
            found = load_examples(source, task, base, said.allow_broken, own_passages=own_passages)
            examples[role] = found.items
            notes += found.notes
            broken += len(found.broken)
    wants_train = any("train" in registry.find(spec.kind).needs for spec in approaches)
    if said.split or (said.split is None and said.train is None and wants_train):
        parts = split(cases, project.seed)
        notes.append(
            f"{said.eval.path} was split, groups and repeated inputs kept together: {len(parts.train)} cases to learn "
            f"from, {len(parts.dev)} to tune on, {len(parts.test)} to measure; the hash of the measured part is "
            f"{parts.hashes['test'][:12]}."
        )
        cases = parts.test
        examples = {"train": examples_of(parts.train), "dev": examples_of(parts.dev)}
    marked = sum(bool(case.gold_passages) for case in cases)
    if marked:
        notes.append(f"{marked} of {len(cases)} cases bring the passage that holds the answer: retrieval is scored.")
    documents: tuple[Document, ...] = ()
    if said.documents is not None:
        corpus = load_documents(said.documents, base, said.allow_broken)
        documents, broken = corpus.items, broken + len(corpus.broken)
        notes += corpus.notes
    if not cases:
        raise DataError(
            f"{said.eval.path}: no case is left to measure on", "give a larger eval file, or set split: false"
        )
    learnable = (*examples["train"], *examples["dev"])
    if task == "classification":
        labels = () if project.task.labels == "from-data" else project.task.labels
        notes += check_labels(cases, learnable, labels)
    return _Data(cases, examples["train"], examples["dev"], documents, tuple(notes), broken)


def _task(project: Project, data: _Data) -> Task:
    said = project.task
    labels: tuple[str, ...] = ()
    if said.type == "classification":
        learnable = (*data.train, *data.dev)
        labels = labels_of(learnable or data.cases) if said.labels == "from-data" else said.labels
    instruction = said.instruction.strip() or DEFAULT_INSTRUCTIONS[said.type]
    return Task(type=said.type, instruction=instruction, labels=tuple(labels))


def _applicable(
    approaches: Iterable[ApproachSpec], task: Task, facts: DataFacts
) -> tuple[tuple[ApproachSpec, ...], tuple[SkippedApproach, ...]]:
    running, skipped = [], []
    for spec in approaches:
        reason = registry.applicable(spec.kind, task, facts, has_model=spec.model is not None)
        reason = reason or registry.too_few(spec.kind, facts)
        if reason is None:
            running.append(spec)
        else:
            skipped.append(SkippedApproach(name=spec.name, kind=spec.kind, reason=reason))
    if not running:
        reasons = "; ".join(f"{s.name}: {s.reason}" for s in skipped)
        raise DataError(f"no approach can run: {reasons}", "add what is missing, or list other approaches")
    return tuple(running), tuple(skipped)


def _unstoppable(project: Project, metrics: Sequence[str], data: _Data) -> tuple[str, ...]:
    """Why the stopping rule that the project asks for does not apply to it."""
    groups = len({case.question.group for case in data.cases} - {None})
    reason = stopping.why_not(metrics[0], groups) if project.decision.stop_early else None
    return (f"stop_early is not applied: {reason}. Every approach answers every case.",) if reason else ()


def _answer_tokens(references: Sequence[str]) -> int:
    longest = max(map(len, references), default=0)
    return max(16, min(LONGEST_ANSWER, longest // CHARACTERS_PER_TOKEN + 8))


def _hashes(project: Project, approaches: Sequence[ApproachSpec]) -> dict[str, str]:
    """Role to content hash of every file that decides the run: data, and recorded answers."""
    said = project.data
    sources: dict[str, Source | None] = {
        "eval": said.eval,
        "train": said.train,
        "dev": said.dev,
        "documents": said.documents,
    }
    hashes = {role: _hash(project.folder, source.path) for role, source in sources.items() if source is not None}
    for spec in approaches:
        if spec.kind == "recorded":
            hashes[f"recorded {spec.name}"] = _hash(project.folder, str(spec.options["path"]))
    if project.judge is not None and project.judge.labels is not None:
        hashes["judge labels"] = _hash(project.folder, project.judge.labels.path)
    return hashes


def _hash(base: Path, name: str) -> str:
    if "*" in name:
        return of_texts(content_hash(path) for path in sorted(base.glob(name)))
    path = base / name
    if not path.exists():
        raise DataError(f"there is no file {name} in {base}", "paths are relative to the project file")
    return content_hash(path)
