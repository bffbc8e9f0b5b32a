"""advisor.yaml, validated: what the user wants compared, with every default filled in and every wrong key named.

    project = load(Path("support-tickets"))        # the folder or its advisor.yaml
    project.model_spec("demo"); project.folder

Reads no data and no model; `plan.prepare` does.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from advisor import demo
from baselines import registry
from baselines.source import Source
from reports.errors import UsageError
from reports.run.schema import ApproachSpec, Decision, ModelSpec, Prices, TaskType, Traffic

FILE = "advisor.yaml"
DEFAULT_APPROACHES = (
    "floor",
    "zero-shot",
    "few-shot",
    "knn-few-shot",
    "rag",
    "rag+few-shot",
    "classifier",
    "qlora",
    "qlora+rag",
)


class Section(BaseModel):
    """A part of the project file: unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class TaskSection(Section):
    type: TaskType
    instruction: str = ""
    """What the model is told after the input; empty: a plain sentence for the task type."""
    labels: Literal["from-data"] | tuple[str, ...] = "from-data"
    """Classification only: a list, or what the training data has (without it: what the eval data has)."""

    @field_validator("labels", mode="before")
    @classmethod
    def _as_texts(cls, value: Any) -> Any:
        return tuple(str(label) for label in value) if isinstance(value, (list, tuple)) else value


class DataSection(Section):
    eval: Source
    train: Source | None = None
    dev: Source | None = None
    documents: Source | None = None
    split: bool | None = None
    """Split the eval file into train, dev and test. None: where there is no train and an approach needs one."""
    allow_broken: bool = False
    """Go on where more than 5 % of the rows are broken."""


class Project(Section):
    """The whole file."""

    name: str
    task: TaskSection
    data: DataSection
    interview: dict[str, Any] = {}
    model: str | ModelSpec | None = None
    """The model of every approach that names none. None: approaches with a model are skipped."""
    models: dict[str, ModelSpec] = {}
    """Names for models, to use in `model:` here and in approaches."""
    approaches: tuple[str | dict[str, dict[str, Any] | None], ...] = DEFAULT_APPROACHES
    metrics: tuple[str, ...] = ()
    """The first one decides. Empty: by task type."""
    decision: Decision = Decision()
    traffic: Traffic = Traffic()
    prices: Prices = Prices()
    seed: int = 0
    max_answer_tokens: int | None = Field(default=None, ge=1, le=8192)
    """Longest answer. None: room for the longest reference, at least 16."""
    latency_samples: int = Field(default=30, ge=0)
    """Requests of each approach in the latency pass; p95 with an interval needs 72. 0: no latency pass."""
    embedder: str = "auto"
    """Embedding model for retrieval: a folder or hub id; auto is MiniLM."""
    folder: Path = Field(default=Path(), exclude=True)
    """Where the file stands; not a key of the file."""

    @field_validator("approaches", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value

    def approach_specs(self) -> tuple[ApproachSpec, ...]:
        """The approaches in order, options checked. Raises UsageError for an unknown kind or option, or equal names."""
        specs: dict[str, ApproachSpec] = {}
        for entry in self.approaches:
            kind, said = (entry, {}) if isinstance(entry, str) else _only(entry)
            found = registry.find(kind)
            options = registry.validate_options(kind, said)
            name = str(said.get("as") or kind)
            if name in specs:
                raise UsageError(
                    f"{FILE}: two approaches are named {name!r}",
                    f"give one a name of its own: {kind}: {{as: {name}-2}}",
                )
            model = said.get("model", self.model) if "model" in found.needs else None
            specs[name] = ApproachSpec(name=name, kind=kind, options=options, model=self.model_spec(model))
        if not specs:
            raise UsageError(f"{FILE}: no approaches are listed", "name at least one, such as zero-shot")
        return tuple(specs.values())

    def model_spec(self, model: str | ModelSpec | None) -> ModelSpec | None:
        """A model as the file names it: an alias, an id, or a section of its own."""
        if not isinstance(model, str):
            return model
        return self.models.get(model) or ModelSpec(id=model)

    def model_folders(self, specs: tuple[ApproachSpec, ...]) -> dict[str, str]:
        """Folders of the models that are bundled or stand beside the project, by id."""
        folders = {}
        for spec in specs:
            if spec.model is None:
                continue
            beside = self.folder / spec.model.id
            if spec.model.id == "demo":
                folders["demo"] = str(demo.model_folder())
            elif not Path(spec.model.id).is_absolute() and beside.is_dir():
                folders[spec.model.id] = str(beside.resolve())
        return folders


def load(path: Path) -> Project:
    """The project of a folder or of its advisor.yaml. Raises UsageError that names the file and the key."""
    file = path / FILE if path.is_dir() else path
    if not file.is_file():
        where = f"{path} has no {FILE}" if path.is_dir() else f"there is no file {path}"
        raise UsageError(where, "`advisor new FOLDER --eval FILE` writes one from your data")
    try:
        read = yaml.safe_load(file.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        raise UsageError(f"{file}: not UTF-8 at byte {error.start}", "save the file as UTF-8") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise UsageError(
            f"{file}{place}: not valid YAML: {getattr(error, 'problem', error)}", "check indentation, colons and quotes"
        ) from error
    if not isinstance(read, dict):
        raise UsageError(
            f"{file}: expected keys such as name, task and data", "`advisor new` writes a commented example"
        )
    if "folder" in read:
        raise UsageError(f"{file}: there is no key 'folder'", "paths are relative to the project file")
    try:
        project = Project.model_validate(read)
    except ValidationError as error:
        raise _explained(file, read, error) from error
    return project.model_copy(update={"folder": file.parent.resolve()})


def allowing_broken(project: Project) -> Project:
    """The project with `data.allow_broken` on, as --allow-broken asks."""
    return project.model_copy(update={"data": project.data.model_copy(update={"allow_broken": True})})


def _only(entry: Mapping[str, dict[str, Any] | None]) -> tuple[str, dict[str, Any]]:
    if len(entry) != 1:
        raise UsageError(
            f"{FILE}: an approach must be a name, or one name with options, not {dict(entry)!r}",
            "write - rag: {passages: 4}",
        )
    kind, options = next(iter(entry.items()))
    return kind, options or {}


def _explained(file: Path, read: Mapping[str, Any], error: ValidationError) -> UsageError:
    """The first problem in words, with the nearest known key where one is unknown."""
    problems = error.errors()
    first = next((p for p in problems if p["type"] == "extra_forbidden"), problems[0])
    place = [str(part) for part in first["loc"] if not _is_type_tag(part)]
    where = ".".join(place)
    if first["type"] == "extra_forbidden":
        known = _known_keys(place[:-1])
        close = difflib.get_close_matches(place[-1], known, n=1, cutoff=0.4)
        parent = f" in {'.'.join(place[:-1])}" if place[:-1] else ""
        hint = f"did you mean {close[0]}?" if close else f"known keys: {', '.join(known)}"
        return UsageError(f"{file}: unknown key {place[-1]!r}{parent}", hint)
    if first["type"] == "missing":
        return UsageError(f"{file}: the key {where} is missing", "`advisor new` writes a commented example")
    said = f" (found {str(first['input'])[:60]!r})" if not isinstance(first["input"], (dict, list)) else ""
    return UsageError(
        f"{file}: {where}: {first['msg'].removeprefix('Value error, ')}{said}", "see the README's project file"
    )


def _is_type_tag(part: int | str) -> bool:
    """Pydantic names the branch of a union in the place; a reader's file has no such key."""
    return part in ("str", "ModelSpec", "Source", "tuple[str, ...]", "literal['from-data']") or (
        isinstance(part, str) and part.startswith(("dict[", "nullable[", "function-", "tuple["))
    )


def _known_keys(place: list[str]) -> list[str]:
    sections: dict[str, type[BaseModel]] = {
        "task": TaskSection,
        "data": DataSection,
        "decision": Decision,
        "traffic": Traffic,
        "prices": Prices,
        "model": ModelSpec,
    }
    if not place:
        return [name for name in Project.model_fields if name != "folder"]
    if place[0] == "data" and len(place) > 1:
        return list(Source.model_fields)
    if place[0] == "models":
        return list(ModelSpec.model_fields)
    return list(sections[place[0]].model_fields) if place[0] in sections else []
