"""The base of everything that a run stores: immutable, no unknown keys. Knows no field.

class Answer(Record): ...
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """Base of every stored type: immutable, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")
