"""What serving a trained approach takes: the newest row of each form, shown in every report."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from reports.html import render_html
from reports.markdown import render_markdown
from reports.run.serving import SERVING, ServingRow, read_serving
from reports.run.store import RunStore
from reports.serving import serving_table
from reports.summary import summarise

ADAPTER = ServingRow(
    approach="qlora", form="adapter", engine="transformers", file_bytes=6_400_000, peak_bytes=500_000_000,
    seconds=tuple(0.004 * i for i in range(1, 73)), threads=1, metric="accuracy", quality=0.98, low=0.94, high=0.99,
    n=150,
)  # fmt: skip
GGUF = ServingRow(
    approach="qlora", form="gguf q4_0", seconds=(0.002,) * 5, metric="accuracy", quality=0.9, low=0.8, high=0.95, n=150,
    equal=95, of=100,
)  # fmt: skip


@pytest.fixture
def store(make_run: Callable[..., RunStore]) -> RunStore:
    return make_run(cases=20, contenders=2)


def test_the_newest_row_of_a_form_counts(store: RunStore) -> None:
    store.append(SERVING, GGUF)
    store.append(SERVING, ADAPTER)
    store.append(SERVING, GGUF.model_copy(update={"equal": 96}))
    assert [(row.form, row.equal) for row in read_serving(store)] == [("gguf q4_0", 96), ("adapter", None)]


def test_every_report_shows_it(store: RunStore) -> None:
    assert summarise(store).serving == ()
    assert "serve the trained approach" not in render_html(summarise(store), store)
    store.append(SERVING, ADAPTER)
    summary = summarise(store)
    assert "What it takes to serve the trained approach" in render_html(summary, store)
    assert "## Serving it" in render_markdown(summary)
    assert summary.document()["serving"][0]["form"] == "adapter"


def test_a_tail_of_few_requests_is_not_given() -> None:
    table = serving_table((ADAPTER, GGUF))
    assert [row[4].text for row in table.rows] == ["0.15 s / 0.27 s", "2.0 ms / –"]
    assert [row[3].text for row in table.rows] == ["–", "95 of 100"]
