"""The program from outside, in this process: `ended = advisor("plan", folder)`."""

from __future__ import annotations

import contextlib
import io
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from advisor import cli


class Ended(NamedTuple):
    """What a command left behind."""

    code: object
    out: str
    err: str

    @property
    def run(self) -> Path:
        return Path(self.out.splitlines()[-1]).resolve()


def advisor(*words: object) -> Ended:
    """`advisor …` in this process."""
    out, err, before = io.StringIO(), io.StringIO(), sys.argv
    sys.argv = ["advisor", *map(str, words)]
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.raises(SystemExit) as ended:
            cli.main()
    finally:
        sys.argv = before
    return Ended(ended.value.code, out.getvalue(), err.getvalue())
