"""Where the program keeps what belongs to a user and to no project, and how a path is said to a user.

state_folder() / "recent.json"        # ~/.local/state/approach-advisor/recent.json
typed(folder)                         # advisor-demo/tickets, or '/data/my task' in quotes
"""

from __future__ import annotations

import os
import shlex
from pathlib import Path

NAME = "approach-advisor"


def config_folder() -> Path:
    """Settings that the user writes, by the XDG rules; not made here."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / NAME


def state_folder() -> Path:
    """What the program remembers and may lose; not made here."""
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / NAME


def typed(path: Path) -> str:
    """A path as one would type it in a shell: relative where the user stands above it, quoted where it must be."""
    full, here = path.absolute(), Path.cwd()
    return shlex.quote(str(full.relative_to(here)) if full.is_relative_to(here) else str(full))
