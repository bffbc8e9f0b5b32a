"""The shown run's numbers for the screens about it: read once aside, kept while nothing changes.

    asked = await numbers(screen)             # reports.what_if.WhatIf, or None after the reason was told

A run that is under way is read anew at each visit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.widgets import Static

from advisor.tui.aside import aside
from advisor.tui.plain import plain
from reports.errors import AdvisorError, DataError

if TYPE_CHECKING:
    from advisor.tui.frame import StepScreen
    from reports.run.store import RunStore
    from reports.what_if import WhatIf


async def numbers(screen: StepScreen) -> WhatIf | None:
    """Everything that can be said of the run that is open. On failure the screen says why in its `#trouble` line."""
    session = screen.session
    if session.asked is not None and not session.running:
        return session.asked
    try:
        asked = await aside(_read, session.reading())
    except AdvisorError as error:
        tell(screen, error)
        return None
    except OSError as error:
        tell(screen, DataError(f"The run cannot be read: {error}", "check that its folder is still there"))
        return None
    session.asked = asked
    return asked


def tell(screen: StepScreen, error: AdvisorError) -> None:
    """The error and its hint where the screen's content would stand."""
    if not screen.is_attached:
        return
    said = str(error) + (f"\n{error.hint}" if error.hint else "")
    trouble = screen.query_one("#trouble", Static)
    trouble.update(plain(said, limit=2_000))
    trouble.display = True


def _read(store: RunStore) -> WhatIf:
    from reports.what_if import WhatIf

    return WhatIf(store)
