"""The data audit of a project, and its cleaned copy: what `advisor check` prints and the app's data screen shows.

    audit = audit_project(load(folder))                # seconds for 10,000 rows
    print("\\n".join(audit_lines(audit)))
    done = clean_project(project, audit, ("duplicates", "leaks"), folder / "cleaned")

Knows which files, which model and which split a project means; what a defect is, `baselines.audit` knows.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from advisor.findings import to_do
from advisor.project import Project
from baselines import registry
from baselines.audit import Audit, Finding, Material, examine, read_material
from baselines.audit.rows import Part, divided
from baselines.overlap import bare_text
from reports.errors import DataError, UsageError
from reports.run.schema import ApproachSpec, Task, is_endpoint
from reports.text import clean as cleaned_text
from reports.text import count, listed

if TYPE_CHECKING:
    from baselines.audit.cleaning import Cleaned
    from baselines.audit.findings import Fix
    from baselines.audit.lengths import TokenBudget

SHOWN = 3
"""Rows that a finding shows on the command line."""
_GLYPHS = {"serious": "!!", "warning": "!", "note": "·"}


def audit_project(project: Project, *, deep: bool = False, on_look: Callable[[str], None] = lambda _: None) -> Audit:
    """Audits the files as they stand. `deep` adds sentence embeddings: minutes, and the embedding model.

    `on_look` is told what is looked at next. Raises DataError where a file is missing or has no usable row,
    EnvironmentFault where `deep` finds no model.
    """
    said = project.data
    on_look(f"reading {listed([source.path for source in (said.train, said.dev, said.eval) if source is not None])}")
    material = read_material(said.eval, said.train, project.task.type, project.folder, dev=said.dev)
    if not material.eval:
        raise DataError(f"{said.eval.path}: no row can be used", "`advisor new` shows which columns were found")
    specs = project.approach_specs()
    material = _split(project, specs, material)
    labels = project.task.labels if isinstance(project.task.labels, tuple) else _labels(material)
    task = Task(type=project.task.type, instruction=project.task.instruction, labels=labels)
    on_look(f"looking at {count(len(material.learn), 'training row')} and {count(len(material.eval), 'eval row')}")
    embed = _embedding(project) if deep else None
    return examine(material, task, budget=token_budget(project, specs), embed=embed, on_look=on_look)


def chosen_fixes(project: Project, fixes: Collection[str], folder: Path) -> tuple[Fix, ...]:
    """The fixes by name, the safe ones where none is named: before an audit that takes a while.

    Raises UsageError for an unknown fix, a folder that holds something, and a project without training file.
    """
    from baselines.audit.cleaning import FIXES, SAFE, refuse_used

    unknown = [fix for fix in fixes if fix not in FIXES]
    if unknown:
        raise UsageError(f"there is no fix {unknown[0]!r}", f"choose from {', '.join(FIXES)}")
    if project.data.train is None and not _is_split(project, project.approach_specs()):
        raise UsageError(
            "the project has no training file of its own, and an eval set is never changed",
            "split the file into two first, and name both: data: {eval: …, train: …}",
        )
    refuse_used(folder)
    return tuple(fix for fix in FIXES if fix in fixes) or SAFE


def clean_project(project: Project, audit: Audit, fixes: Collection[str], folder: Path) -> Cleaned:
    """Writes the cleaned copy of the training data. Raises what `chosen_fixes` does."""
    from baselines.audit.cleaning import clean

    wanted = chosen_fixes(project, fixes, folder)
    said, parts = project.data.train, None
    if said is None:
        said, parts = project.data.eval, _parts(project)
    return clean(said, project.task.type, project.folder, audit=audit, fixes=wanted, folder=folder, parts=parts)


def token_budget(project: Project, specs: Sequence[ApproachSpec], *, quick: bool = False) -> TokenBudget | None:
    """The context of the first local model whose files are here; nothing is fetched and no weight is read.

    `quick`: tokens are estimated where counting them would take transformers.
    """
    from baselines.audit.lengths import TokenBudget, counter
    from finetune.model_files import ModelFiles, read_config

    folders = project.model_folders(tuple(specs))
    for spec in specs:
        if spec.model is None or is_endpoint(spec.model):
            continue
        folder = (
            Path(folders[spec.model.id]) if spec.model.id in folders else _cached(spec.model.id, spec.model.revision)
        )
        if folder is None:
            continue
        try:
            files = ModelFiles(spec.model.id, folder, read_config(folder, spec.model.id), None, (), "")
        except DataError:  # whether a model can be used is said by the check of models
            continue
        limit = min(spec.model.context_length or files.context_length, files.context_length)
        answer = project.max_answer_tokens or 16
        known = not quick or (folder / "tokenizer.json").is_file()
        return TokenBudget(spec.model.id, limit, answer, counter(spec.model.id, folder) if known else None)
    return None


def audit_lines(audit: Audit) -> Iterator[str]:
    """The audit for a terminal: each finding with its effect, its remedy and the first rows."""
    rows = f"{count(audit.train_rows, 'training row')}, {count(audit.eval_rows, 'eval row')}"
    if not audit.findings:
        yield f"data audit: nothing found ({rows})"
    else:
        yield f"data audit: {count(len(audit.findings), 'finding')} ({rows})"
    for finding in audit.findings:
        yield from _finding_lines(finding)
    for reason in audit.skipped:
        yield f"not looked at: {reason}"


def cleaned_lines(done: Cleaned, project: Project) -> Iterator[str]:
    """What was written, what to change in the project file, and what to type then."""
    out = listed([f"{n:,} for {fix}" for fix, n in done.removed.items()]) or "none"
    changed = listed([f"{n:,} for {fix}" for fix, n in done.changed.items()]) or "none"
    yield f"rows to learn from that stay: {done.kept:,}; taken out: {out}; changed: {changed}"
    for file in done.files:
        yield f"written: {file}"
    if done.aside:
        said = listed([f"{n:,} for {fix}" for fix, n in done.aside.items()])
        yield f"set aside: {said}, in {listed([str(file) for file in done.aside_files])}"
        yield "read these rows, correct them, and put back into the copy what belongs there"
    yield f"log: {done.log}"
    if done.parts:
        yield "the file is written in the parts that a run makes of it, so that no row moves from one to another"
        yield f"to use it, set in advisor.yaml: data: {{{_as_parts(done, project)}}}"
    else:
        where = listed([_from(project, file) for file in done.files])
        columns = f" with {done.columns}" if done.columns else ""
        yield f"to use it, set data.train in advisor.yaml to {where}{columns}"
    yield f"then: advisor check {project.folder}"


def _as_parts(done: Cleaned, project: Project) -> str:
    """The files of the project file's `data`, each with what it said of the columns."""
    said = project.data.eval.model_dump(mode="json", exclude_defaults=True)
    columns = {
        key: value[0] if isinstance(value, list) and len(value) == 1 else value
        for key, value in said.items()
        if key not in ("path", "sheet")
    }
    more = done.columns or ", ".join(f"{key}: {json.dumps(value)}" for key, value in columns.items())
    files = {part: _from(project, done.log.parent / name) for part, name in done.parts.items()}
    return ", ".join(f"{p}: {{path: {file}, {more}}}" if more else f"{p}: {file}" for p, file in files.items())


def _from(project: Project, file: Path) -> str:
    """A path as the project file writes it."""
    home, whole = project.folder.resolve(), file.resolve()
    return (whole.relative_to(home) if whole.is_relative_to(home) else whole).as_posix()


# --- parts ----------------------------------------------------------------------------------------------


def _finding_lines(finding: Finding) -> Iterator[str]:
    yield f"{_GLYPHS[finding.severity]} {finding.text}"
    for row in finding.rows[:SHOWN]:
        text = f" “{row.excerpt}”" if row.excerpt else ""
        yield cleaned_text(f"      {row.file} row {row.row}:{text}{' · ' + row.note if row.note else ''}")
    yield f"    effect: {finding.effect}"
    yield f"    to do: {to_do(finding)}"


def _labels(material: Material) -> tuple[str, ...]:
    from baselines.labels import labels_in

    if material.task != "classification":
        return ()
    rows = material.learn or material.eval
    return tuple(sorted({label for item in rows for label in labels_in(item.output)}))


def _split(project: Project, specs: Sequence[ApproachSpec], material: Material) -> Material:
    """The rows of a single file in the parts that a run would make of them."""
    said = project.data
    if not _is_split(project, specs):
        return material
    try:
        owners = _parts(project)
    except DataError:  # too few rows to split: the plan says so, the audit looks at what there is
        return material
    whole = divided(material, owners)
    return replace(whole, file_of=dict.fromkeys(("train", "dev", "eval"), said.eval.path))


def _is_split(project: Project, specs: Sequence[ApproachSpec]) -> bool:
    """Whether a run divides the eval file into what is learnt from and what is measured on."""
    said = project.data
    wants_train = any("train" in registry.find(spec.kind).needs for spec in specs)
    return bool(said.split or (said.split is None and said.train is None and wants_train))


def _parts(project: Project) -> dict[str, Part]:
    """`bare_text` of an input → its part, as a run splits the file. Raises DataError for too few rows."""
    from baselines.dataset import load_cases
    from baselines.splits import split

    said = project.data
    loaded = load_cases(said.eval, project.task.type, project.folder, True, own_passages=said.documents is None)
    parts = split(loaded.items, project.seed)
    named: tuple[tuple[Part, Any], ...] = (("train", parts.train), ("dev", parts.dev), ("eval", parts.test))
    return {bare_text(case.question.input): part for part, cases in named for case in cases}


def _cached(name: str, revision: str | None) -> Path | None:
    """The folder of a hub model in the local cache, or a plain folder."""
    if Path(name).expanduser().is_dir():
        return Path(name).expanduser()
    if name.count("/") != 1 or name.startswith((".", "/", "~")):
        return None
    from huggingface_hub import try_to_load_from_cache

    config = try_to_load_from_cache(name, "config.json", revision=revision)
    return Path(config).parent if isinstance(config, str) else None


def _embedding(project: Project) -> Any:
    """Texts to vectors, kept on disk below the project's runs, so that a second look is quick."""
    from baselines.embedding import load_embedder
    from baselines.vectors import FOLDER, embed_stored

    embedder = load_embedder(project.embedder)
    return lambda texts: embed_stored(embedder, texts, project.folder / "runs" / FOLDER)
