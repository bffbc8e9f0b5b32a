"""advisor.yaml, validated: what the user wants compared, with every default filled in and every wrong key named.

    project = load(Path("support-tickets"))        # the folder or its advisor.yaml
    project.model_spec("demo"); project.folder

Reads no data and no model; `plan.prepare` does.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from advisor import demo
from advisor.yaml_text import read_yaml
from baselines import registry
from baselines.models import endpoint
from baselines.source import Source
from reports.errors import UsageError
from reports.run import schema
from reports.run.schema import ApproachSpec, Decision, HumanLabels, JudgeSpec, ModelSpec, Prices, TaskType, Traffic

FILE = "advisor.yaml"
ENDPOINT_KEYS = (
    *("base_url", "api_key_env", "headers", "requests_per_minute", "tokens_per_minute", "max_concurrency"),
    *("timeout_seconds", "budget_usd", "input_usd_per_million", "output_usd_per_million"),
    *("cached_input_usd_per_million", "batch", "batch_discount"),
)
"""Keys of a model that mean nothing for weights on this machine."""
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
    def _checked(cls, value: Any) -> Any:
        if not isinstance(value, (list, tuple)):
            if value != "from-data":
                raise ValueError("write from-data or a list of labels")
            return value
        labels = tuple(value)
        if not all(isinstance(label, str) and label.strip() for label in labels):
            raise ValueError("every label must be a text that is not empty")
        if len(labels) < 2:
            raise ValueError("a list needs at least two labels; from-data takes those of the data")
        twice = [label for label in labels if labels.count(label) > 1]
        if twice:
            raise ValueError(f"the label {twice[0]!r} stands there twice")
        return labels


class DataSection(Section):
    eval: Source
    train: Source | None = None
    dev: Source | None = None
    documents: Source | None = None
    split: bool | None = None
    """Split the eval file into train, dev and test. None: where there is no train and an approach needs one."""
    allow_broken: bool = False
    """Go on where more than 5 % of the rows are broken."""


class JudgeSection(Section):
    """A language model that grades answers: the metric `judge`."""

    model: str | ModelSpec
    mode: Literal["rubric", "pairwise"] = "rubric"
    rubric: str = ""
    """What a good answer is. Empty: correct, complete, as asked."""
    against: str | None = None
    """Pairwise: the approach that all others are compared with."""
    max_tokens: int = Field(default=200, ge=8, le=8192)
    labels: HumanLabels | None = None
    """30 to 50 answers that people graded: below a kappa of 0.6 the judge is shown but does not decide."""


class RunSection(Section):
    """How the jobs of a run are carried out; never what comes out."""

    parallel: Literal["auto"] | int = "auto"
    """Jobs at the same time. auto: one on each GPU, one for each endpoint; what computes on a processor goes alone."""

    @field_validator("parallel", mode="before")
    @classmethod
    def _checked(cls, value: Any) -> Any:
        if value != "auto" and (isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 256):
            raise ValueError("must be auto or a whole number from 1 to 256")
        return value

    cluster: str | None = Field(default=None, pattern=r"^(auto|[\w.\[\]:-]+:\d+)$")
    """Jobs that compute run on the ray cluster that this machine belongs to: auto, or host:port of its head."""

    @property
    def jobs(self) -> int | None:
        """At most so many at a time; None: as many as there is room for."""
        return None if self.parallel == "auto" else self.parallel


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
    latency_samples: int = Field(default=72, ge=0)
    """Requests of each approach in the latency pass; 72 are the fewest that bound p95 from above. 0: no such pass."""
    latency_concurrency: tuple[Annotated[int, Field(ge=1, le=256)], ...] = (1,)
    """Requests at a time that the latency pass tries besides one at a time."""
    budget_usd: float | None = Field(default=None, ge=0)
    """Most that all endpoints together may cost in one run, its resumes included. None: no ceiling."""
    judge: JudgeSection | None = None
    """Who gives the metric `judge`."""
    run: RunSection = RunSection()
    """How many jobs run at the same time."""
    embedder: str = "auto"
    """Embedding model for retrieval: a folder or hub id; auto is MiniLM."""
    folder: Path = Field(default=Path(), exclude=True)
    """Where the file stands; not a key of the file."""

    @field_validator("approaches", "latency_concurrency", mode="before")
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
            model = self.model_spec(said.get("model", self.model) if "model" in found.needs else None)
            if model is not None and self.latency_samples:
                check_levels(model, self.latency_concurrency)
            specs[name] = ApproachSpec(name=name, kind=kind, options=options, model=model)
        if not specs:
            raise UsageError(f"{FILE}: no approaches are listed", "name at least one, such as zero-shot")
        baseline = self.decision.baseline
        if baseline is not None and baseline not in specs:
            raise UsageError(
                f"{FILE}: decision.baseline: no approach is named {baseline!r}", _nearest(baseline, list(specs))
            )
        return tuple(specs.values())

    def model_spec(self, model: str | ModelSpec | None) -> ModelSpec | None:
        """A model as the file names it: an alias, an id, or a section of its own. Raises UsageError otherwise."""
        if isinstance(model, str):
            plain = model not in self.models and model != "demo" and not set(":/") & set(model)
            close = difflib.get_close_matches(model, self.models, n=1, cutoff=0.6) if plain else []
            if close and not (self.folder / model).exists():
                raise UsageError(f"{FILE}: models: there is no model {model!r}", f"did you mean {close[0]}?")
            model = self.models.get(model) or ModelSpec(id=model)
        if model is not None:
            check_model(model)
        return model

    def judge_spec(self, approaches: Sequence[ApproachSpec], metrics: Sequence[str]) -> JudgeSpec | None:
        """The judge with its model resolved. Raises UsageError where judge and metrics do not fit together."""
        said = self.judge
        if ("judge" in metrics) != (said is not None):
            raise UsageError(
                f"{FILE}: the metric judge and the section judge belong together, and only one of them is there",
                "metrics: [judge, rougeL] with judge: {model: openai:NAME, rubric: What a good answer is.}",
            )
        if said is None:
            return None
        if tuple(metrics) == ("judge",):
            raise UsageError(
                f"{FILE}: metrics: the judge alone cannot decide",
                "name a second metric, such as rougeL: it decides where the judge agrees too little with people",
            )
        names = [item.name for item in approaches]
        if said.mode == "pairwise" and said.against not in names:
            raise UsageError(
                f"{FILE}: judge.against: pairwise judging needs an approach to compare with",
                f"one of: {', '.join(names)}",
            )
        if said.mode == "pairwise" and said.labels is not None:
            raise UsageError(
                f"{FILE}: judge.labels: people's pass or fail says nothing of a pairwise judge",
                "leave labels out and review pairs blind in the app, or set mode: rubric",
            )
        model = self.model_spec(said.model)
        assert model is not None
        return JudgeSpec(**{**said.model_dump(exclude={"model", "labels"}), "model": model, "labels": said.labels})

    def model_folders(self, specs: tuple[ApproachSpec, ...]) -> dict[str, str]:
        """Folders of the models that are bundled or stand beside the project, by id."""
        folders = {}
        judge = [self.model_spec(self.judge.model)] if self.judge else []
        for model in (*(spec.model for spec in specs), *judge):
            if model is None:
                continue
            beside = self.folder / model.id
            if model.id == "demo":
                folders["demo"] = str(demo.model_folder())
            elif not Path(model.id).is_absolute() and beside.is_dir():
                folders[model.id] = str(beside.resolve())
        return folders


def check_model(model: ModelSpec) -> None:
    """Raises UsageError for an endpoint whose address or headers cannot be, and for limits on a local model."""
    if schema.is_endpoint(model):
        endpoint.check(model)
        return
    if said := next((name for name in ENDPOINT_KEYS if getattr(model, name)), None):
        raise UsageError(
            f"{FILE}: {said} is a key of endpoints, and {model.id} is a local model",
            f"write its id as {schema.ENDPOINT}{model.id} if a server answers for it, or leave the key out",
        )


def check_levels(model: ModelSpec, levels: Sequence[int]) -> None:
    """Raises UsageError where the latency pass would ask an endpoint more at a time than the project allows it."""
    if not schema.is_endpoint(model):
        return
    from baselines.models.limits import Limits  # with the price list: only where an endpoint is asked

    most, highest = model.max_concurrency or Limits().max_concurrency, max(levels, default=1)
    if highest > most:
        raise UsageError(
            f"{FILE}: latency_concurrency names {highest:,} requests at a time, and {model.id} gets {most:,} at most",
            f"set max_concurrency: {highest} of that model under models, or leave {highest} out",
        )


def load(path: Path) -> Project:
    """The project of a folder or of its advisor.yaml. Raises UsageError that names the file and the key."""
    file = path / FILE if path.is_dir() else path
    if not file.is_file():
        where = f"{path} has no {FILE}" if path.is_dir() else f"there is no file {path}"
        raise UsageError(where, "`advisor new FOLDER --eval FILE` writes one from your data")
    read = read_yaml(file)
    if not isinstance(read, dict):
        raise UsageError(
            f"{file}: expected keys such as name, task and data", "`advisor new` writes a commented example"
        )
    read = {key: value for key, value in read.items() if value is not None}  # a section with all its keys commented out
    if "folder" in read:
        raise UsageError(f"{file}: there is no key 'folder'", "paths are relative to the project file")
    _refuse_flags(file, read)
    try:
        project = Project.model_validate(read)
    except ValidationError as error:
        raise _explained(file, read, error) from error
    project = project.model_copy(update={"folder": file.parent.resolve()})
    for alias in project.models.values():
        check_model(alias)
    return project


def _refuse_flags(file: Path, read: Mapping[str, Any]) -> None:
    """YAML reads yes and no as true and false, which would pass for the numbers 1 and 0."""
    numbers = {key: read.get(key) for key in ("seed", "max_answer_tokens", "latency_samples", "budget_usd")}
    for section in ("decision", "traffic", "prices"):
        if isinstance(said := read.get(section), dict):
            numbers |= {f"{section}.{key}": value for key, value in said.items() if key != "stop_early"}
    for key, value in numbers.items():
        if isinstance(value, bool):
            raise UsageError(
                f"{file}: {key}: must be a number (found {value})", "in YAML yes, no, on and off are flags"
            )


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
    unknown = next((p for p in problems if p["type"] == "extra_forbidden"), None)
    # Of the branches of a union, the one that got furthest is the one that was meant.
    first = unknown or max(problems, key=lambda problem: len(_place(problem["loc"])))
    place = _place(first["loc"])
    where = ".".join(place)
    if first["type"] == "extra_forbidden":
        parent = f" in {'.'.join(place[:-1])}" if place[:-1] else ""
        return UsageError(f"{file}: unknown key {place[-1]!r}{parent}", _nearest(place[-1], _known_keys(place[:-1])))
    if first["type"] == "missing":
        return UsageError(f"{file}: the key {where} is missing", "`advisor new` writes a commented example")
    shown = not isinstance(first["input"], (dict, list, tuple)) and not {"headers", "api_key_env"} & set(place)
    said = f" (found {str(first['input'])[:60]!r})" if shown else ""  # never what may be a key
    words = _WORDS.get(first["type"], first["msg"].removeprefix("Value error, ").replace("Input should be", "must be"))
    return UsageError(f"{file}: {where}: {words}{said}", _HINTS.get(place[0], "see the README's project file"))


_WORDS = {
    "string_type": "must be a text",
    "tuple_type": "must be a list, such as [a, b]",
    "dict_type": "must be keys with values, such as {key: value}",
    "model_type": "must be keys with values, such as {key: value}",
    "invalid_key": "a key must be a text",
}
"""Pydantic's types of problems as the writer of a YAML file sees them."""
_HINTS = {
    "approaches": "a list of names, or names with options: [floor, {few-shot: {shots: 8}}]",
    "data": "data: {eval: eval.csv, train: train.csv}; with columns: {eval: {path: eval.csv, input: text}}",
    "model": "a name such as demo or openai:NAME, or {id: NAME, base_url: …}",
    "models": "models: {big: {id: openai:NAME, base_url: …, api_key_env: VARIABLE, budget_usd: 2}}",
    "judge": "judge: {model: openai:NAME, rubric: What a good answer is., labels: {path: …, answer: …, label: …}}",
    "latency_concurrency": "a list of whole numbers, such as [1, 4]",
    "budget_usd": "dollars, such as 5 or 0.50",
    "run": "run: {parallel: auto}, or a whole number of jobs; {cluster: auto}, or host:port of a ray cluster's head",
    "name": "put it in quotes where it is to be a text",
}


def _nearest(name: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
    return f"did you mean {close[0]}?" if close else f"known: {', '.join(known)}"


def _place(location: tuple[int | str, ...]) -> list[str]:
    return [str(part) for part in location if not _is_type_tag(part)]


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
        "judge": JudgeSection,
        "run": RunSection,
    }
    if not place:
        return [name for name in Project.model_fields if name != "folder"]
    if place[0] == "data" and len(place) > 1:
        return list(Source.model_fields)
    if place[0] == "models":
        return list(ModelSpec.model_fields)
    return list(sections[place[0]].model_fields) if place[0] in sections else []
