"""What it takes to serve a trained approach in each of its forms: one stored line a form. Computes nothing.

store.append(SERVING, ServingRow(approach="qlora", form="gguf q8_0", …))        # serving.jsonl beside run.json
read_serving(store)                                                             # the newest line of each form
"""

from __future__ import annotations

from reports.run.schema import Record
from reports.run.store import RunStore

SERVING = "serving"
"""Name of the run's file."""


class ServingRow(Record):
    """One form of a trained approach: the base model, the adapter beside it, merged weights, a GGUF file."""

    approach: str
    form: str
    """`base`, `adapter`, `merged`, `gguf f16`, …"""
    engine: str = ""
    """What answered: `transformers`, `llama.cpp 0.3.36`."""
    file_bytes: int | None = None
    """Of the weights on disk; an adapter's base included."""
    peak_bytes: int | None = None
    """Highest memory of the answering process, libraries included (on a GPU: of the GPU)."""
    seconds: tuple[float, ...] = ()
    """Of each answer, one request at a time after a warm-up."""
    threads: int | None = None
    metric: str = ""
    quality: float | None = None
    """By the run's first metric, on the cases that this form answered."""
    low: float | None = None
    high: float | None = None
    n: int = 0
    equal: int | None = None
    """Answers equal to those of the merged weights, of `of`."""
    of: int | None = None


def read_serving(store: RunStore) -> tuple[ServingRow, ...]:
    """The newest row of each approach and form, in the order in which forms were first measured."""
    found: dict[tuple[str, str], ServingRow] = {}
    for row in store.appended(SERVING, ServingRow):
        found[row.approach, row.form] = row
    return tuple(found.values())
