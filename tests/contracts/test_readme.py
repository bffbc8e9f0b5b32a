"""The README's command help is the program's own: every `$ advisor …` between the help markers, and what it prints.

    python tests/contracts/test_readme.py        # writes the help into README.md again

The block is one fenced text between the lines <!-- help --> and <!-- /help -->; a line that begins with `$ advisor`
is a command, the lines below it its output.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).resolve().parents[2] / "README.md"
BLOCK = re.compile(r"(<!-- help -->\n```text\n)(.*?)(```\n<!-- /help -->)", re.DOTALL)
COLUMNS = "100"


def shown_commands(block: str) -> list[list[str]]:
    """Arguments of every command in the block."""
    return [line.split()[2:] for line in block.splitlines() if line.startswith("$ advisor")]


def output_of(arguments: list[str]) -> str:
    """What the program prints, in a fixed width and without colour."""
    code = f"import sys; sys.argv = ['advisor', *{arguments!r}]; from advisor.cli import main; sys.exit(main())"
    surroundings = {**os.environ, "COLUMNS": COLUMNS, "NO_COLOR": "1", "TERM": "dumb", "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", env=surroundings, check=False
    )
    assert done.returncode == 0, done.stderr
    return "\n".join(line.rstrip() for line in done.stdout.strip("\n").splitlines())


def with_help(text: str) -> str:
    """The README with the help as the program prints it now."""
    found = BLOCK.search(text)
    assert found, "README.md has no help block: <!-- help -->, a fence ```text, ```, <!-- /help -->"
    commands = shown_commands(found[2])
    assert commands, "the help block names no command: write lines such as `$ advisor --help`"
    printed = [f"$ {' '.join(['advisor', *arguments])}\n{output_of(arguments)}\n" for arguments in commands]
    return text[: found.start(2)] + "\n".join(printed) + text[found.end(2) :]


def test_the_help_in_the_readme_is_the_program_s_own() -> None:
    if not README.exists():
        pytest.skip("README.md is not written yet")
    text = README.read_text("utf-8")
    assert text == with_help(text), "run: python tests/contracts/test_readme.py"


def test_commands_are_read_from_their_lines() -> None:
    assert shown_commands("$ advisor --help\nUsage: advisor\n\n$ advisor run --help\n$ ls\n") == [
        ["--help"],
        ["run", "--help"],
    ]


if __name__ == "__main__":
    README.write_text(with_help(README.read_text("utf-8")), "utf-8")
