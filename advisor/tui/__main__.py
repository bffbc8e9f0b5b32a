"""`python -m advisor.tui`: the app without the command line's entry; what `--web` serves."""

from __future__ import annotations

from advisor.tui.app import AdvisorApp

if __name__ == "__main__":
    AdvisorApp().run()
