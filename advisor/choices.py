"""Every approach that a project may run, on or off, each with its reason; and the project's list after a change.

    for choice in choices(project, prepared): print(choice.state, choice.name, choice.reason)
    save(folder, {"approaches": toggled(project, "rag")})

Decides nothing that the plan does not decide: what is skipped and why is `plan.prepare`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from baselines import registry
from baselines.kinds import KINDS, Kind
from reports.errors import UsageError

if TYPE_CHECKING:
    from advisor.plan import Prepared
    from advisor.project import Project
    from reports.run.schema import ApproachSpec

State = Literal["runs", "skipped", "off"]
Entry = str | dict[str, dict[str, Any] | None]


@dataclass(frozen=True)
class Choice:
    """One approach as the plan sees it."""

    name: str
    kind: str
    state: State
    reason: str
    """Why it runs, is skipped, or is left out: one sentence."""
    options: tuple[tuple[str, str], ...] = ()
    """Those that were said first, then the defaults."""
    said: tuple[str, ...] = ()
    """Names of the options that the project says."""
    model: str = ""
    parts: int = 0
    """Further trainings beside it: points of a learning curve, repetitions."""

    @property
    def family(self) -> str:
        return KINDS[self.kind].family


def choices(project: Project, prepared: Prepared) -> tuple[Choice, ...]:
    """The project's approaches in their order, then the kinds that it leaves out."""
    running = {spec.name: spec for spec in prepared.spec.approaches}
    reasons = {item.name: item.reason for item in prepared.spec.skipped}
    said = _said(project)
    listed = [_listed(spec, running, reasons, said.get(spec.name, {})) for spec in project.approach_specs()]
    used = {choice.kind for choice in listed}
    return (*listed, *(_off(kind, prepared) for kind in KINDS.values() if kind.name not in used))


def toggled(project: Project, name: str, before: Project | None = None) -> list[Entry]:
    """The list of approaches with one more, or one less; one that stood in `before` comes back as it stood there.

    Raises UsageError for one that needs more to be said, and for the last one.
    """
    entries = [entry for entry in _entries(project) if _name(entry) != name]
    if len(entries) < len(project.approaches):
        if not entries:
            raise UsageError("at least one approach must run", "turn another one on first")
        return entries
    known = {_name(entry): entry for entry in _entries(before or project)}
    if name in known:
        order = [*known, *(_name(entry) for entry in entries)]
        return sorted([*entries, known[name]], key=lambda entry: order.index(_name(entry)))
    if "file" in registry.find(name).needs:
        raise UsageError(
            f"{name} needs the file with the answers", f"write into advisor.yaml: - {name}: {{as: today, path: FILE}}"
        )
    return [*entries, name]


def with_options(project: Project, name: str, options: Mapping[str, Any]) -> list[Entry]:
    """The list with an approach's options replaced by these; None takes one out. Raises UsageError for a wrong one."""
    entries: list[Entry] = []
    for entry in _entries(project):
        if _name(entry) == name:
            kind, held = _kind(entry), _options(entry)
            merged = {key: value for key, value in {**held, **options}.items() if value is not None}
            registry.validate_options(kind, merged)
            entries.append({kind: merged} if merged else kind)
        else:
            entries.append(entry)
    return entries


def read_option(kind: str, name: str, said: str) -> Any:
    """What was typed for an option, by its type; None for nothing. Raises UsageError where it does not fit."""
    import yaml

    text = said.strip()
    if not text:
        return None
    option = KINDS[kind].option(name)
    value: Any = text
    if option.type in ("integer", "number", "flag"):
        try:
            value = yaml.safe_load(text)
            value = float(value) if option.type == "number" and isinstance(value, str) else value
        except (yaml.YAMLError, ValueError) as error:
            raise UsageError(f"{name}: {text!r} is no {option.type}", option.doc) from error
    registry.validate_options(kind, {**_needed(kind), name: value})
    return value


# --- parts --------------------------------------------------------------------------------------------


def _listed(
    spec: ApproachSpec, running: Mapping[str, ApproachSpec], reasons: Mapping[str, str], said: Mapping[str, Any]
) -> Choice:
    kind = KINDS[spec.kind]
    shown = spec.options
    own = [key for key in shown if key in said]
    rest = [key for key in shown if key not in said and shown[key] is not None]
    return Choice(
        name=spec.name,
        kind=spec.kind,
        state="runs" if spec.name in running else "skipped",
        reason=kind.doc if spec.name in running else reasons.get(spec.name, "the plan leaves it out"),
        options=tuple((key, str(shown[key])) for key in (*own, *rest)),
        said=tuple(own),
        model=spec.model.id if spec.model else "",
        parts=sum(other.part_of == spec.name for other in running.values() if other.name != spec.name),
    )


def _off(kind: Kind, prepared: Prepared) -> Choice:
    has_model = prepared.project.model is not None
    against = registry.applicable(kind.name, prepared.spec.task, prepared.spec.data, has_model=has_model)
    if "file" in kind.needs:
        against = "needs a file with the answers that another system gave: write it into advisor.yaml"
    return Choice(kind.name, kind.name, "off", against or kind.doc)


def _said(project: Project) -> dict[str, Mapping[str, Any]]:
    return {_name(entry): _options(entry) for entry in _entries(project)}


def _entries(project: Project) -> list[Entry]:
    return list(project.approaches)


def _kind(entry: Entry) -> str:
    return entry if isinstance(entry, str) else next(iter(entry))


def _options(entry: Entry) -> dict[str, Any]:
    return {} if isinstance(entry, str) else dict(entry[_kind(entry)] or {})


def _name(entry: Entry) -> str:
    return str(_options(entry).get("as") or _kind(entry))


def _needed(kind: str) -> dict[str, Any]:
    return {"path": "file"} if "file" in KINDS[kind].needs else {}
