"""Where the program keeps what belongs to a user and to no project: settings, and what it may lose.

state_folder() / "recent.json"        # ~/.local/state/approach-advisor/recent.json
"""

from __future__ import annotations

import os
from pathlib import Path

NAME = "approach-advisor"


def config_folder() -> Path:
    """Settings that the user writes, by the XDG rules; not made here."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / NAME


def state_folder() -> Path:
    """What the program remembers and may lose; not made here."""
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / NAME
