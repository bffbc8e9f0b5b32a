"""The first screenful: what to do, how sure, what it costs, what would change it, before anything else on the page.

The page is also opened in a headless Chromium, where one is installed: no message on its console, no request.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from reports.html import render_html
from reports.markdown import render_markdown
from reports.pdf import FLAGS, find_browser
from reports.run.schema import Decision
from reports.run.store import RunStore
from reports.sentences import opening
from reports.summary import Summary, summarise


def test_the_four_answers_come_first_and_in_order(summary: Summary, store: RunStore) -> None:
    page = render_html(summary, store)
    places = [page.index(words) for words in ("<h1", "How sure", "What it costs", "What would change it", "<table")]
    assert places == sorted(places)


def test_a_reader_of_the_first_screenful_can_act(summary: Summary) -> None:
    first = opening(summary)
    chosen = summary.approach(summary.verdict.approach or "")
    assert first.headline.startswith(f"Use {chosen.name} (")
    assert chosen.quality.low is not None
    assert f"{100 * chosen.quality.low:.0f}" in first.sure[0]
    assert f"{summary.trust.cases} cases" in first.sure[0]
    assert first.costs_big.startswith("$")
    assert first.costs_big.endswith("over 12 months")
    assert "once, to build it ($" in first.costs[0]
    assert "a month at 5,000 answers a day" in first.costs[1]
    assert "adjusted for 6 comparisons" in first.sure[1]
    assert first.change
    assert first.rule.startswith("Only approaches with Accuracy of at least 80 %")


@pytest.mark.parametrize(
    ("options", "begins"),
    [
        ({"cases": 30}, "Pilot only: 30 cases are too few"),
        ({"cases": 80, "decision": Decision(min_quality=0.999)}, "None good enough: every approach breaks a limit"),
        ({"cases": 60, "contenders": 1}, "Nothing can be said yet: only the trivial answer was scored"),
    ],
)
def test_where_nothing_is_recommended_it_says_why(
    make_run: Callable[..., RunStore], options: dict[str, object], begins: str
) -> None:
    first = opening(summarise(make_run(**options)))
    assert first.headline.startswith(begins)
    assert first.rule


@pytest.mark.slow
def test_a_browser_has_nothing_to_complain_of_and_asks_for_nothing(
    summary: Summary, store: RunStore, tmp_path: Path
) -> None:
    browser = find_browser()
    if browser is None:
        pytest.skip("no Chromium is installed")
    page, control = tmp_path / "report.html", tmp_path / "control.html"
    page.write_text(render_html(summary, store), encoding="utf-8")
    control.write_text("<script>console.error('seen')</script><img src='missing.png'>", encoding="utf-8")
    said = {file: _console(browser, file, tmp_path / file.stem) for file in (page, control)}
    assert "seen" in said[control]
    assert "CONSOLE" not in said[page]
    assert "ERR_" not in said[page]


def _console(browser: str, page: Path, profile: Path) -> str:
    """What the browser logs while it loads the page."""
    command = [browser, *FLAGS, "--enable-logging=stderr", f"--user-data-dir={profile}", "--dump-dom", page.as_uri()]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", timeout=120, check=True)
    return done.stderr


def test_a_pilot_has_intervals_and_no_words(make_run: Callable[..., RunStore]) -> None:
    store = make_run(cases=40)
    found = summarise(store)
    assert found.verdict.kind == "pilot only"
    assert any(c.words == "better" for c in found.comparisons), "the arrays alone would say it"
    said = " ".join(opening(found).sure)
    assert "better" not in said
    assert "too few for a word" in said
    assert " beat" not in render_html(found, store).split('<figure id="differences">')[1].split("</figcaption>")[0]


def test_who_is_outside_the_limits_stands_below_the_table_with_the_reason(make_run: Callable[..., RunStore]) -> None:
    store = make_run(decision=Decision(min_quality=0.75))
    found = summarise(store)
    assert found.verdict.excluded
    page = render_html(found, store).replace("\u00a0", " ").replace("\u202f", " ")
    for name, reason in found.verdict.excluded:
        assert f"<strong>{name}</strong>: {reason}" in page
        assert reason.split(" is ")[1] in render_markdown(found)


def test_a_finance_partner_sees_what_the_money_is_made_of(make_run: Callable[..., RunStore]) -> None:
    store = make_run()
    found = summarise(store)
    lines = {(a.name, line.scope): line for a in found.approaches for line in a.cost.lines if line.assumed}
    assert lines, "the shipped hours are assumptions"
    for approach in found.approaches:
        if approach.cost.total_usd is not None:
            once = sum(line.usd for line in approach.cost.lines if line.scope == "once")
            each = sum(line.usd for line in approach.cost.lines if line.scope == "query")
            assert once == pytest.approx(approach.cost.one_off_usd)
            assert each == pytest.approx(approach.cost.per_1000_usd)
    page = render_html(found, store).replace("\u00a0", " ").replace("\u202f", " ")
    assert "40 hours at $75.00 (assumed hours)" in page
    assert " labels at $0" in page
    assert any("are assumed" in said for said in opening(found).costs)


def test_no_break_even_is_not_said_beside_days_to_earn_it_back(make_run: Callable[..., RunStore]) -> None:
    pairs = summarise(make_run()).break_even
    assert pairs
    for pair in pairs:
        if pair.text.startswith("No break-even"):
            assert pair.days is None
        if pair.queries_per_day is not None and pair.queries_per_day_low is not None:
            assert pair.queries_per_day_high is not None
            assert pair.queries_per_day_low < pair.queries_per_day_high
            assert "5 to 95 %" in pair.text.replace("\u00a0", " ")


def test_the_page_says_what_the_interview_suggested_and_why() -> None:
    frozen = Path(__file__).resolve().parents[1] / "runs" / "v1-small"
    with RunStore.open(frozen) as store:
        page = render_html(summarise(store), store).replace("\u00a0", " ").replace("\u202f", " ")
    block = page.split("What the interview suggested")[1].split("<h3>")[0]
    for words in (
        "4 points",
        "The output follows a house convention: +3.",
        "91 %",
        "83 %",
        "high (ticket classification)",
    ):
        assert words in block
    assert "overrides" in block
