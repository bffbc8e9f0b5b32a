"""A field for a number: digits go in, every other letter stays a key of the screen.

Number("500", placeholder="skipped")
"""

from __future__ import annotations

from textual import events
from textual.widgets import Input

TAKEN = frozenset("0123456789.,_")


class Number(Input):
    """An Input in which `s`, `n` or `?` still do what the footer says."""

    async def _on_key(self, event: events.Key) -> None:
        if event.is_printable and event.character not in TAKEN:
            event.prevent_default()
            return
        await super()._on_key(event)

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Which keys are the field's own."""
        return character is not None and character in TAKEN
