"""`python -m advisor.tui [FOLDER]`: the app without the command line's entry."""

from __future__ import annotations

import sys
from pathlib import Path

from advisor.tui.app import AdvisorApp

if __name__ == "__main__":
    AdvisorApp(Path(sys.argv[1]) if len(sys.argv) > 1 else None).run()
