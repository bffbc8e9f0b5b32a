"""A project file changed key by key: what was not changed keeps its lines and its comments.

    save(folder, {"interview": {"task": "classification"}, "data.eval": "eval.csv", "decision.margin": 0.01})

Keys are those of the file, one level deep with a dot; None takes a key out. Only the lines of a changed key are
written anew. A change that the project file's own check refuses is not kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from advisor.project import FILE, Project, load
from advisor.questions import FIELDS
from reports.errors import AdvisorError, EnvironmentFault, UsageError
from reports.run import atomic


def save(folder: Path, changes: Mapping[str, Any]) -> Project:
    """Writes the changes and returns the project as it reads now.

    Raises UsageError where the file is missing, no YAML, or refuses the change (it then stays as it was);
    EnvironmentFault where the disk refuses.
    """
    file = folder / FILE
    try:
        before = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{file}: not UTF-8 at byte {error.start}", "save the file as UTF-8") from error
    except OSError as error:
        raise EnvironmentFault(f"{file} cannot be read: {error.strerror}", "check its owner and permissions") from error
    after = edited(before, changes)
    if after == before:
        return load(folder)
    atomic.write(file, after)
    try:
        project = load(folder)
        project.approach_specs()
    except AdvisorError:
        atomic.write(file, before)
        raise
    return project


def edited(text: str, changes: Mapping[str, Any]) -> str:
    """The text of a project file with these keys set. Raises UsageError for what is no YAML mapping."""
    for key, value in changes.items():
        parent, _, child = key.partition(".")
        text = _with_child(text, parent, child, value) if child else _with_key(text, parent, value)
    return text


def interview_changes(answers: Mapping[str, Any]) -> dict[str, Any]:
    """What answers set in the file: `interview` itself, and keys such as traffic.queries_per_day."""
    given = {key: value for key, value in answers.items() if value is not None}
    changes: dict[str, Any] = {"interview": given or None}
    return changes | {FIELDS[key].sets: value for key, value in given.items() if key in FIELDS and FIELDS[key].sets}


# --- one key ------------------------------------------------------------------------------------------


def _with_key(text: str, key: str, value: Any) -> str:
    found = _pairs(_root(text)).get(key)
    new = [] if value is None else _written(key, value)
    lines = text.splitlines()
    if found is None:
        if value is None:
            return text
        return "\n".join([*_without_blank_end(lines), *new]) + "\n"
    name, node = found
    return "\n".join([*lines[: name.start_mark.line], *new, *lines[_last_line(name, node) + 1 :]]) + "\n"


def _with_child(text: str, parent: str, child: str, value: Any) -> str:
    found = _pairs(_root(text)).get(parent)
    if found is None:
        return text if value is None else _with_key(text, parent, {child: value})
    name, node = found
    if not isinstance(node, yaml.MappingNode) or node.flow_style or not node.value:
        held = yaml.safe_load(text)[parent]
        merged = {**(held if isinstance(held, dict) else {}), child: value}
        kept = {key: item for key, item in merged.items() if item is not None}
        flow = isinstance(node, yaml.MappingNode) and bool(node.flow_style)
        return _with_key(text, parent, _Flow(kept) if flow else kept)
    children = _pairs(node)
    indent = " " * node.value[0][0].start_mark.column
    lines = text.splitlines()
    new = [] if value is None else [f"{indent}{child}: {_flow(value)}"]
    if child in children:
        key, held = children[child]
        start, end = key.start_mark.line, _last_line(key, held) + 1
        if not new and len(children) == 1:
            return _with_key(text, parent, None)
    else:
        start = end = _last_line(name, node) + 1
    return "\n".join([*lines[:start], *new, *lines[end:]]) + "\n"


class _Flow(dict[str, Any]):
    """A mapping that stood on one line and stays there."""


def _written(key: str, value: Any) -> list[str]:
    """A top-level key in lines: mappings and lists one entry a line."""
    if isinstance(value, Mapping) and value and not isinstance(value, _Flow):
        return [f"{key}:", *(f"  {_flow(name)}: {_flow(item)}" for name, item in value.items())]
    if isinstance(value, (list, tuple)) and value:
        return [f"{key}:", *(f"  - {_flow(item)}" for item in value)]
    return [f"{key}: {_flow(value)}"]


def _flow(value: Any) -> str:
    """One value on one line, as YAML reads it back."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    plain = _plain(value)
    said = yaml.safe_dump([plain], default_flow_style=True, allow_unicode=True, sort_keys=False, width=10**9).strip()
    if "\n" in said or not said.isprintable():
        said = yaml.safe_dump([plain], default_flow_style=True, default_style='"', sort_keys=False, width=10**9).strip()
    return said[1:-1]


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value


# --- where things stand -------------------------------------------------------------------------------


def _root(text: str) -> yaml.MappingNode:
    try:
        root = yaml.compose(text, yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise UsageError(
            f"{FILE} is not valid YAML: {str(error).splitlines()[0]}", "correct it in an editor"
        ) from error
    if root is None:
        return yaml.MappingNode("tag:yaml.org,2002:map", [])
    if not isinstance(root, yaml.MappingNode) or root.flow_style:
        raise UsageError(f"{FILE} does not hold one key a line", "write name, task and data below each other")
    return root


def _pairs(node: yaml.MappingNode) -> dict[str, tuple[yaml.Node, yaml.Node]]:
    return {str(key.value): (key, value) for key, value in node.value}


def _last_line(name: yaml.Node, node: yaml.Node) -> int:
    """0-based line on which a key's value ends; comments that follow are not part of it."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _last_line(*last) if isinstance(last, tuple) else _last_line(name, last)
    end = node.end_mark
    return int(max(name.start_mark.line, end.line - 1 if end.column == 0 else end.line))


def _without_blank_end(lines: list[str]) -> list[str]:
    while lines and not lines[-1].strip():
        lines = lines[:-1]
    return lines
