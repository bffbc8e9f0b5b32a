"""The project file's YAML as data: one clear error with line and column, names and labels left as they are written.

    read_yaml(Path("advisor.yaml"))["task"]["labels"]      # ["yes", "no", "1.0"], not [True, False, 1.0]

YAML takes `yes`, `1.0`, `null` and `2024-01-01` for something else than text; a label is compared letter by letter with
what stands in the data. A key that stands there twice is an error: YAML would keep the last one and say nothing.
Knows where texts are meant, and no other meaning of the keys.
"""

from __future__ import annotations

from pathlib import Path

import yaml

from reports.errors import EnvironmentFault, UsageError

TEXTS = (("name",), ("task", "labels"))
"""Places whose scalars are texts, however they look."""
_TEXT = "tag:yaml.org,2002:str"
_NOTHING = "tag:yaml.org,2002:null"


def read_yaml(file: Path) -> object:
    """What the file holds; None for an empty one.

    Raises UsageError with line and column for what is no YAML, not UTF-8, or has a key twice; EnvironmentFault where
    the file cannot be read.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{file}: not UTF-8 at byte {error.start}", "save the file as UTF-8") from error
    except OSError as error:
        raise EnvironmentFault(f"{file} cannot be read: {error.strerror}", "check its owner and permissions") from error
    try:
        return _constructed(text, file)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        words = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise UsageError(f"{file}{place}: not valid YAML: {words}", "check indentation, colons and quotes") from error
    except RecursionError as error:
        raise UsageError(f"{file}: nested too deeply", "check brackets") from error


def _constructed(text: str, file: Path) -> object:
    loader = yaml.SafeLoader(text)
    try:
        root = loader.get_single_node()
        if root is None:
            return None
        _refuse_twice(root, file, set())
        for place in TEXTS:
            _keep_as_text(root, place)
        return loader.construct_document(root)
    finally:
        loader.dispose()


def _keep_as_text(node: yaml.Node, place: tuple[str, ...]) -> None:
    """Tags the scalars at a place as text. An empty one stays nothing; a word such as `null` in a list is a text."""
    if place and isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == place[0]:
                _keep_as_text(value, place[1:])
    elif not place and isinstance(node, yaml.ScalarNode) and not (node.tag == _NOTHING and not node.value):
        node.tag = _TEXT
    elif not place and isinstance(node, yaml.SequenceNode):
        for item in node.value:
            if isinstance(item, yaml.ScalarNode):
                _keep_as_text(item, ())


def _refuse_twice(node: yaml.Node, file: Path, seen: set[int]) -> None:
    if id(node) in seen:  # an alias, perhaps to what holds it
        return
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _refuse_twice(item, file, seen)
    elif isinstance(node, yaml.MappingNode):
        lines: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if isinstance(key, yaml.ScalarNode):
                if key.value in lines:
                    first = lines[key.value]
                    raise UsageError(
                        f"{file}, line {line}: the key {key.value!r} stands there twice, first in line {first}",
                        "keep one of them",
                    )
                lines[key.value] = line
            _refuse_twice(value, file, seen)
