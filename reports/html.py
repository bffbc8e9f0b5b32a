"""One self-contained page: no script, no network, foreign text cleaned and escaped. Knows no numbers of its own.

page = render_html(summary, store)
for file, page in render_pages(summary, store): ...       # above 500 cases the answers stand on pages of their own
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING

from reports import text
from reports.answers import ON_THE_PAGE, CaseItem, Filter, case_items, filter_rules, filters
from reports.charts import Sketch, finish_all, sketch_all
from reports.differing import Differing, differing
from reports.drawing import Drawer
from reports.method import Block, method_blocks, reproduction
from reports.run.schema import SkippedApproach
from reports.run.store import RunStore
from reports.sentences import Chip, Opening, chips, limits, mind, opening
from reports.serving import serving_table
from reports.slices import SliceView, slice_views
from reports.summary.model import ApproachSummary, Summary
from reports.tables import Table, bill_table, break_even_table, comparison_table, main_table, metric_table
from reports.waiting import concurrency_table

if TYPE_CHECKING:
    import jinja2

MAIN = "report.html"
_UNIT = re.compile(r"(?<=\d) (?=(?:%|s|ms|min|points?|cases?)\b|%)")


@dataclass(frozen=True)
class Link:
    """One page of answers."""

    file: str
    text: str
    current: bool = False


@dataclass(frozen=True)
class AnswerList:
    """Answers of some cases, with the filters over them."""

    cases: tuple[CaseItem, ...]
    case_filters: tuple[Filter, ...]
    approach_filters: tuple[Filter, ...]
    rules: str
    """Style rules of the filters."""


@dataclass(frozen=True)
class AnswersPage:
    """What the template of a page of answers reads."""

    title: str
    project: str
    answers: AnswerList
    answer_pages: tuple[Link, ...]


@dataclass(frozen=True)
class ReportPage:
    """What the template of the report reads."""

    title: str
    project: str
    subtitle: str
    demo: bool
    opening: Opening
    warnings: tuple[str, ...]
    chips: list[Chip]
    main: Table
    other_metrics: Table | None
    comparisons: Table
    together: Table | None
    """Latency of several requests at a time, where the project asks for it."""
    serving: Table | None
    """What it takes to serve a trained approach, where an export measured it."""
    bill: Table | None
    break_even: Table | None
    excluded: tuple[tuple[str, str], ...]
    """(approach, the limit that it breaks)."""
    skipped: tuple[SkippedApproach, ...]
    failed: tuple[ApproachSummary, ...]
    slices: list[SliceView]
    differing: Differing | None
    reviews: tuple[tuple[str, ...], ...]
    """Sentences for each pair that was reviewed blind."""
    method: list[Block]
    limits: list[str]
    command: str
    reproduction: list[tuple[str, str]]
    case_count: str
    answers: AnswerList | None
    """None where they stand on pages of their own."""
    answer_pages: tuple[Link, ...]


def render_html(summary: Summary, store: RunStore, drawer: Drawer | None = None) -> str:
    """The report. Above 500 cases it links to the pages that `render_pages` writes beside it."""
    with drawer or Drawer() as drawing:
        sketches = _ask(summary, store, drawing)
        return _main_page(summary, store, _links(summary.trust.cases), sketches, drawing)


def render_pages(summary: Summary, store: RunStore, drawer: Drawer | None = None) -> Iterator[tuple[str, str]]:
    """(file name, page): the pages of answers where the cases are too many for one, then the report that links to them.

    The figures are drawn in the drawer's process while the answers are written in this one.
    """
    with drawer or Drawer() as drawing:
        sketches = _ask(summary, store, drawing)
        links, items = _links(summary.trust.cases), case_items(summary, store)
        for i, link in enumerate(links):
            part = tuple(islice(items, ON_THE_PAGE))
            page = _answers_page(summary, part, links, i)
            yield link.file, _environment().get_template("answers_page.html.j2").render(page=page)
        yield MAIN, _main_page(summary, store, links, sketches, drawing)


def _ask(summary: Summary, store: RunStore, drawer: Drawer) -> list[Sketch]:
    """The figures that the report will show, and their drawing begun."""
    sketches = sketch_all(summary, store)
    drawer.ask([sketch.drawing for sketch in sketches])
    return sketches


def _main_page(summary: Summary, store: RunStore, links: list[Link], sketches: list[Sketch], drawer: Drawer) -> str:
    page, template = _report(summary, store, links), _environment().get_template("report.html.j2")
    return template.render(page=page, figures=finish_all(sketches, drawer.answer()))  # waits for the drawings last


def _report(summary: Summary, store: RunStore, links: list[Link]) -> ReportPage:
    cases = () if links else tuple(case_items(summary, store))
    chosen, method = differing(summary, store), method_blocks(summary, store)
    header = summary.header
    command, facts = reproduction(summary)
    started = header.started.replace("T", " ").removesuffix("Z")[:16]
    return ReportPage(
        title=f"{header.spec.name}: which approach to use",
        project=header.spec.name,
        subtitle=f"{text.count(summary.trust.cases, 'case')}, {summary.primary.title}, {started} UTC",
        demo=summary.trust.demo_model,
        opening=opening(summary),
        warnings=mind(summary),
        chips=chips(summary),
        main=main_table(summary),
        other_metrics=metric_table(summary),
        comparisons=comparison_table(summary),
        together=concurrency_table(summary.approaches),
        serving=serving_table(summary.serving) if summary.serving else None,
        bill=bill_table(summary),
        break_even=break_even_table(summary),
        excluded=summary.verdict.excluded,
        skipped=summary.skipped,
        failed=tuple(approach for approach in summary.approaches if approach.error),
        slices=slice_views(summary),
        differing=chosen,
        reviews=tuple(found.words for found in summary.reviews),
        method=method,
        limits=limits(summary),
        command=command,
        reproduction=facts,
        case_count=f"{summary.trust.cases:,}",
        answer_pages=tuple(links),
        answers=None if links else _answer_list(summary, cases),
    )


def _answers_page(summary: Summary, cases: tuple[CaseItem, ...], links: list[Link], current: int) -> AnswersPage:
    marked = tuple(Link(link.file, link.text, i == current) for i, link in enumerate(links))
    return AnswersPage(
        title=f"Answers: {links[current].text}",
        project=summary.header.spec.name,
        answer_pages=marked,
        answers=_answer_list(summary, cases),
    )


def _answer_list(summary: Summary, cases: tuple[CaseItem, ...]) -> AnswerList:
    names = [text.one_line(approach.name, 60) for approach in summary.approaches]
    return AnswerList(
        cases=cases,
        case_filters=tuple(filters(list(cases))),
        approach_filters=tuple(Filter(f"a-{i}", name) for i, name in enumerate(names)),
        rules=filter_rules(len(names)),
    )


def _links(count: int) -> list[Link]:
    if count <= ON_THE_PAGE:
        return []
    starts = range(0, count, ON_THE_PAGE)
    return [
        Link(f"report-answers-{i}.html", f"{start + 1:,} to {min(start + ON_THE_PAGE, count):,}")
        for i, start in enumerate(starts, 1)
    ]


@cache
def _environment() -> jinja2.Environment:
    """Autoescape for every template, undefined names are errors, and every text is cleaned on its way out."""
    import jinja2
    from markupsafe import Markup

    def finalize(value: object) -> object:
        if isinstance(value, Markup):
            return value
        if isinstance(value, str):
            return text.clean(value)
        return value

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("reports", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=finalize,
        trim_blocks=False,
        keep_trailing_newline=True,
    )
    environment.filters["kept"] = kept_together
    return environment


def kept_together(said: str) -> str:
    """Our own sentences with numbers that stay on the line of their unit. Not for texts of the run."""
    return _UNIT.sub("\u00a0", said)
