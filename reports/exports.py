"""Writes a stored run's report to files: HTML, Markdown, CSV, JSON, PDF. Decides nothing about their content.

paths = write_report(store, ("html", "json"))          # below the run: report/report.html, report/report.json
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, get_args

from reports.drawing import Drawer
from reports.errors import UsageError
from reports.run import atomic
from reports.run.store import RunStore
from reports.summary import Summary, summarise
from reports.text import clean, json_text

Format = Literal["html", "md", "csv", "json", "pdf"]
FORMATS: tuple[Format, ...] = get_args(Format)
DEFUSED = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet takes a cell that begins so for a formula."""


def write_report(
    store: RunStore,
    formats: Sequence[str] = ("html",),
    out: Path | None = None,
    *,
    summary: Summary | None = None,
    drawer: Drawer | None = None,
    paper: str = "a4",
) -> list[Path]:
    """Writes the named formats below `out` (default: report/ in the run's directory) and returns the main files.

    A `reports.drawing.Drawer` that was started before any heavy import saves half a second on two cores.

    Raises UsageError for an unknown format or paper, EnvironmentFault where the disk refuses or PDF lacks its browser.
    """
    for name in formats:
        if name not in FORMATS:
            raise UsageError(f"Unknown report format '{name}'", hint=f"Choose from {', '.join(FORMATS)}.")
    folder = out or store.folder / "report"
    if drawer is None and {"html", "pdf"} & set(formats):
        drawer = Drawer()
    try:
        summary = summary or summarise(store)
        wanted = dict.fromkeys(formats)
        written = {n: _write(n, summary, store, folder, drawer) for n in wanted if n != "pdf"}
        if "pdf" in wanted:
            written["pdf"] = _print(written.get("html") or _write("html", summary, store, folder, drawer), paper)
        return [written[name] for name in wanted]
    finally:
        if drawer:
            drawer.close()


def _write(name: str, summary: Summary, store: RunStore, folder: Path, drawer: Drawer | None) -> Path:
    path = folder / f"report.{name}"
    match name:
        case "json":
            atomic.write(path, render_json(summary))
        case "csv":
            atomic.write_lines(path, answer_lines(summary, store))
            atomic.write(folder / "approaches.csv", render_csv(summary))
        case "md":
            from reports.markdown import render_markdown

            atomic.write(path, render_markdown(summary))
        case _:
            from reports.html import render_pages

            for file, page in render_pages(summary, store, drawer):
                atomic.write(folder / file, page)
    return path


def _print(page: Path, paper: str) -> Path:
    from reports.pdf import write_pdf

    return write_pdf(page, paper)


def render_json(summary: Summary) -> str:
    """The document of `advisor run --json`: keys in a fixed order, no NaN, a newline at the end."""
    return json_text(summary.document())


def render_csv(summary: Summary) -> str:
    """One row an approach with raw numbers: shares of 1, seconds, US dollars."""
    columns = ("name", "kind", "model", "state")
    quality = ("value", "low", "high", "n", "failed", "format_failures")
    latency = ("p50_seconds", "p95_seconds", "ttft_p50_seconds", "n")
    cost = ("per_1000_usd", "one_off_usd", "monthly_usd", "total_usd")
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\r\n")
    metrics = [metric.name for metric in summary.metrics[1:]]
    writer.writerow(
        [*columns, *(f"{summary.primary.name} {name}" for name in quality), *metrics]
        + [f"latency {name}" for name in latency]
        + list(cost)
    )
    for approach in summary.approaches:
        measured = [approach.metrics[name].value if name in approach.metrics else None for name in metrics]
        row = [getattr(approach, name) for name in columns] + [getattr(approach.quality, name) for name in quality]
        row += measured + [getattr(approach.latency, name) for name in latency]
        row += [getattr(approach.cost, name) for name in cost]
        writer.writerow([cell(value) for value in row])
    return stream.getvalue()


def answer_lines(summary: Summary, store: RunStore) -> Iterator[bytes]:
    """Every answer as a CSV row, one at a time: case, input, reference, approach, answer, status, primary score."""
    yield _row(["case", "group", "input", "references", "approach", "answer", "status", "error", summary.primary.name])
    tables = {name: (store.answers(name), store.scores(name, summary.primary.name)) for name in store.approaches}
    for case in store.cases():
        question = case.question
        for name, (answers, scores) in tables.items():
            answer = answers.get(question.id)
            if answer is None:
                continue
            score = scores.get(question.id)
            yield _row(
                [
                    question.id,
                    question.group,
                    question.input,
                    " | ".join(case.references),
                    name,
                    answer.text,
                    answer.status,
                    answer.error,
                    score.value if score else None,
                ]
            )


def cell(value: object) -> object:
    """A CSV cell that no spreadsheet executes and no terminal obeys: text is cleaned, and text that begins like a
    formula gets an apostrophe in front."""
    if not isinstance(value, str):
        return value
    shown = clean(value)
    return f"'{shown}" if shown.lstrip().startswith(DEFUSED) or shown.startswith(DEFUSED) else shown


def _row(values: Sequence[object]) -> bytes:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\r\n").writerow([cell(value) for value in values])
    return stream.getvalue().encode("utf-8", "surrogatepass")
