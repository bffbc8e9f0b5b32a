"""What every file of the house keeps to: a docstring, a sane size, a noun for a name, no folder of one machine."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("advisor", "baselines", "finetune", "reports")
MOST_LINES = 400
MOST_FUNCTION_LINES = 60
NO_NAMES = {"util", "utils", "helper", "helpers", "common", "misc", "manager", "managers"}
PLACES = re.compile(r"(?<![\w./~-])/(?:home|root|Users|work|tmp|opt|mnt|srv|private)/\w|\b[A-Za-z]:\\+Users\\")
"""Folders of one machine. `/path/to/python` and the like are examples, and stay."""


def python_files(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout, so there is no list of tracked files")
    paths = (ROOT / name for name in listed.stdout.decode().split("\0") if name)
    return [path for path in paths if path.is_file()]


def short(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_every_module_says_what_it_is() -> None:
    silent = [short(path) for path in python_files(*PACKAGES) if not ast.get_docstring(ast.parse(path.read_text()))]
    assert silent == []


def test_no_file_is_longer_than_a_reader_s_patience() -> None:
    sizes = {short(path): len(path.read_text("utf-8").splitlines()) for path in python_files(*PACKAGES, "tests")}
    assert {name: size for name, size in sizes.items() if size > MOST_LINES} == {}


def test_no_function_is_longer_than_a_screen() -> None:
    spans = {
        f"{short(path)}:{node.name}": (node.end_lineno or node.lineno) - node.lineno + 1
        for path in python_files(*PACKAGES)
        for node in functions(path)
    }
    assert {name: lines for name, lines in spans.items() if lines > MOST_FUNCTION_LINES} == {}


def test_no_module_is_named_after_nothing() -> None:
    names = [path.relative_to(ROOT) for path in python_files(*PACKAGES, "tests")]
    assert [name.as_posix() for name in names if NO_NAMES & {part.removesuffix(".py") for part in name.parts}] == []


def test_no_tracked_text_names_a_folder_of_one_machine() -> None:
    found = []
    for path in tracked():
        content = path.read_bytes()
        if b"\0" in content:
            continue
        for place in PLACES.finditer(content.decode("utf-8", "replace")):
            line = content[: place.start()].count(b"\n") + 1
            found.append(f"{short(path)}:{line}: {place.group()}")
    assert found == []


@pytest.mark.parametrize(
    ("text", "caught"),
    [
        ("/" + "home/ann/project", True),
        ("'/" + "tmp/x'", True),
        ("C:" + r"\Users\ann", True),
        ("/path/to/python", False),
        ("from home/" + "work/school", False),
        ("https://example.org/" + "home/page", False),
    ],
)
def test_the_search_for_places_finds_places(text: str, caught: bool) -> None:
    assert bool(PLACES.search(text)) is caught
