"""The error tree of the product: every message says where and what to do.

    AdvisorError            exit code 2 unless a subclass says otherwise
    ├── UsageError          a wrong option, a project file that does not validate        (2)
    ├── DataError           a file, row, column or key that cannot be used               (2)
    │   └── ColumnUnknown   which column holds the input or the reference must be said
    └── EnvironmentFault   no GPU, no key, no memory, no disk, a package that is absent (3)

Front doors print `str(error)` and `error.hint`; nothing else is shown to a user.
"""

from __future__ import annotations

from typing import Literal


class AdvisorError(Exception):
    """A failure that a user can act on: one sentence that says where, and a hint that says what to do."""

    exit_code = 2
    cause: Literal["", "budget"] = ""
    """What a front door must tell apart: a budget that is used up stops a run that could go on."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(AdvisorError):
    """The command or the project file is wrong."""


class DataError(AdvisorError):
    """A data file is missing, broken, or does not fit the task."""


class ColumnUnknown(DataError):
    """Which column of a table of cases holds the input or the reference cannot be told: the user has to say it."""


class EnvironmentFault(AdvisorError):
    """The machine lacks what the run needs: a GPU, a key, memory, disk, an installed extra."""

    exit_code = 3
