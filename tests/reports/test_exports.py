"""Files beside the page: CSV that no spreadsheet executes, JSON that round-trips, Markdown, PDF or a clear word."""

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from reports.errors import EnvironmentFault, UsageError
from reports.exports import cell, render_csv, render_json, write_report
from reports.html import render_html
from reports.markdown import escaped, render_markdown
from reports.pdf import find_browser, on_paper, write_pdf
from reports.run.schema import Answer
from reports.run.store import RunStore
from reports.summary import Summary, summarise


def test_every_format_is_written_below_the_run(make_run: Callable[..., RunStore]) -> None:
    with make_run(cases=12, contenders=3) as store:
        paths = write_report(store, ("html", "md", "csv", "json"))
    assert [path.name for path in paths] == ["report.html", "report.md", "report.csv", "report.json"]
    assert {path.parent for path in paths} == {store.folder / "report"}


def test_an_unknown_format_names_the_known_ones(store: RunStore, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Unknown report format 'docx'") as caught:
        write_report(store, ("html", "docx"), tmp_path)
    assert "html, md, csv, json, pdf" in caught.value.hint
    assert not list(tmp_path.iterdir())


def test_json_is_the_summary_document(summary: Summary) -> None:
    text = render_json(summary)
    assert json.loads(text) == summary.document()
    assert text.endswith("}\n")


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("=1+1", "'=1+1"),
        ("+49 30", "'+49 30"),
        ("-3", "'-3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        (" =1", "' =1"),
        ("\x1b[31m=1", "'=1"),
        ("plain", "plain"),
        (-3.5, -3.5),
        (None, None),
    ],
)
def test_cells_that_look_like_formulas_are_defused(value: object, written: object) -> None:
    assert cell(value) == written


def test_csv_holds_every_answer_and_raw_numbers(make_run: Callable[..., RunStore], tmp_path: Path) -> None:
    with make_run(cases=30, contenders=3, groups=False) as store:
        store.append_answer(Answer(case="c00000", approach="few-shot", text='=HYPERLINK("http://x")\nsecond, line'))
        write_report(store, ("csv",), tmp_path / "out")
    rows = list(csv.DictReader((tmp_path / "out" / "report.csv").open(newline="", encoding="utf-8")))
    assert len(rows) == 90
    changed = next(row for row in rows if row["case"] == "c00000" and row["approach"] == "few-shot")
    assert changed["answer"] == '\'=HYPERLINK("http://x")\nsecond, line'
    approaches = list(csv.DictReader((tmp_path / "out" / "approaches.csv").open(newline="", encoding="utf-8")))
    assert [row["name"] for row in approaches] == ["floor", "zero-shot", "few-shot"]
    assert 0 <= float(approaches[1]["accuracy value"]) <= 1
    assert approaches[1]["accuracy n"] == "30"


def test_unknown_numbers_are_empty_cells_not_zeros(make_run: Callable[..., RunStore]) -> None:
    with make_run(cases=0, contenders=1, finished=False) as store:
        (row,) = csv.DictReader(render_csv(summarise(store)).splitlines())
    assert row["accuracy value"] == row["latency p95_seconds"] == ""


def test_markdown_tables_have_as_many_cells_as_heads(summary: Summary) -> None:
    tables = [line for line in render_markdown(summary).splitlines() if line.startswith("|")]
    assert len(tables) > 20
    widths = {line.replace("\\|", "").count("|") for line in tables}
    assert widths <= {9, 7, 5}


def test_markdown_defuses_what_it_would_obey() -> None:
    assert escaped("a|b\n<i>*x*</i> [l](u) `c`") == "a\\|b \\<i\\>\\*x\\*\\</i\\> \\[l\\](u) \\`c\\`"


def test_no_browser_is_a_clear_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("BROWSER_PATH", raising=False)
    page = tmp_path / "report.html"
    page.write_text("<p>x")
    with pytest.raises(EnvironmentFault, match="No Chromium is installed") as caught:
        write_pdf(page)
    assert "Install chromium" in caught.value.hint


def test_a_browser_that_writes_nothing_is_a_clear_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "browser"
    broken.write_text("#!/bin/sh\necho 'no display' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("BROWSER_PATH", str(broken))
    page = tmp_path / "report.html"
    page.write_text("<p>x")
    with pytest.raises(EnvironmentFault, match="no display"):
        write_pdf(page)


@pytest.mark.skipif(find_browser() is None, reason="no Chromium is installed here")
@pytest.mark.skipif(os.environ.get("CI_NO_BROWSER") == "1", reason="browsers are switched off")
def test_the_page_prints_to_a_pdf(make_run: Callable[..., RunStore]) -> None:
    boxes = {"a4": (595, 842), "letter": (612, 792)}
    with make_run(cases=10, contenders=2) as store:
        for paper, box in boxes.items():
            (path,) = write_report(store, ("pdf",), paper=paper)
            printed = path.read_bytes()
            assert printed.startswith(b"%PDF-")
            found = re.search(rb"/MediaBox *\[ *0 +0 +([\d.]+) +([\d.]+)", printed)
            assert found is not None
            assert tuple(round(float(side)) for side in found.groups()) == box


def test_the_page_names_no_paper_and_its_printed_copy_does(store: RunStore, summary: Summary) -> None:
    page = render_html(summary, store)
    assert "size:" not in page.partition("@page")[2].partition("}")[0]
    assert "<style>@page { size: a4 }</style></head>" in on_paper(page, "a4")
    links = '<head></head><a href="#table">x</a><a href="report-answers-1.html">y</a>'
    assert on_paper(links, "letter").endswith('<a href="#table">x</a><a>y</a>')


def test_an_unknown_paper_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Unknown paper 'a3'"):
        write_pdf(tmp_path / "report.html", "a3")
