"""The user's own metric: `python:quality.py:brevity`, a function (answer, references) -> a number, True or False.

    def brevity(answer: str, references: list[str]) -> float:
        return 1.0 if len(answer) <= 100 else 0.0

The file's path starts at the project's folder. A function that raises, or returns anything but a finite number, leaves
the case unscored with the reason; only a file or function that is not there stops the run before it starts.
"""

from __future__ import annotations

import hashlib
import importlib.util
import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from traceback import extract_tb

from baselines.scoring.contract import Reading, Tools
from reports.errors import UsageError
from reports.run.schema import Case, Task

UserFunction = Callable[[str, list[str]], object]


def user_function(pairs: Sequence[tuple[Case, str]], task: Task, tools: Tools, argument: str) -> list[Reading]:
    """One reading a pair. Raises UsageError where the function cannot be loaded."""
    function = load(argument, tools.folder)
    path, name = _split(argument, tools.folder)
    return [_read(function, path, name, case, text) for case, text in pairs]


def load(argument: str, folder: Path) -> UserFunction:
    """The function that `file.py:function` names. Raises UsageError that says what is missing."""
    path, name = _split(argument, folder)
    return _load(path, name, path.stat().st_mtime_ns)


def version(argument: str, folder: Path) -> int:
    """A number that changes with the file's content: an edited metric scores stored answers again."""
    path, _ = _split(argument, folder)
    return int.from_bytes(hashlib.sha256(path.read_bytes()).digest()[:4], "big")


def _split(argument: str, folder: Path) -> tuple[Path, str]:
    file, _, name = argument.rpartition(":")
    if not file or not name.isidentifier():
        raise UsageError(
            f"the metric python:{argument} does not name a file and a function",
            "write it as python:quality.py:brevity",
        )
    path = folder / file
    if not path.is_file():
        raise UsageError(f"the metric python:{argument}: there is no file {file} in the project's folder")
    return path, name


@lru_cache(maxsize=16)
def _load(path: Path, name: str, changed_ns: int) -> UserFunction:
    """`changed_ns` is only there so that an edited file is loaded again."""
    spec = importlib.util.spec_from_file_location(f"project_metric_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise UsageError(f"the metric file {path.name} is not a Python file", "its name must end in .py")
    module = importlib.util.module_from_spec(spec)
    try:
        _guarded(path, spec.loader.exec_module, module)
    except _UserCodeFailed as error:
        raise UsageError(f"the metric file {path.name} cannot be loaded: {error}") from error
    function = getattr(module, name, None)
    if not callable(function):
        raise UsageError(f"the metric file {path.name} has no function {name}")
    return function  # type: ignore[no-any-return]


def _read(function: UserFunction, path: Path, name: str, case: Case, text: str) -> Reading:
    try:
        value = _guarded(path, function, text, list(case.references))
    except _UserCodeFailed as error:
        return Reading(None, unscored=f"{name} raised {error}")
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        number = math.nan
    if isinstance(value, str) or not math.isfinite(number):
        shown = repr(value)[:60]
        return Reading(None, unscored=f"{name} returned {shown}: it must return a finite number, True or False")
    return Reading(number)


class _UserCodeFailed(Exception):
    """What the user's code raised, in one line."""


def _guarded(path: Path, code: Callable[..., object], *arguments: object) -> object:
    """The one boundary around the user's code in `path`, which may raise anything: told with its line there."""
    try:
        return code(*arguments)
    except Exception as error:
        lines = [frame.lineno for frame in extract_tb(error.__traceback__) if Path(frame.filename) == path]
        place = f" ({path.name}, line {lines[-1]})" if lines else ""
        raise _UserCodeFailed(" ".join(f"{type(error).__name__}: {error}".split())[:200] + place) from error
