"""A defect of ours in one sentence, with the file that holds its traceback: nobody is shown one, and none is lost.

fault = told(error)     # str(fault), fault.hint
"""

from __future__ import annotations

import tempfile
import traceback

from reports.errors import EnvironmentFault


def told(error: Exception) -> EnvironmentFault:
    """What the user is told; the traceback goes to a file of its own beside other temporary ones."""
    with tempfile.NamedTemporaryFile("w", prefix="advisor-", suffix=".log", delete=False, encoding="utf-8") as log:
        log.write("".join(traceback.format_exception(error)))
    said = (f"{type(error).__name__}: {error}".splitlines() or [""])[0]
    return EnvironmentFault(
        f"a defect in the program: {said}", f"what is stored stays; please report it with {log.name}"
    )
