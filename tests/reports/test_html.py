"""The page: the same bytes for the same run, nothing active in it, every finding with its number."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

from reports.exports import write_report
from reports.html import render_html, render_pages
from reports.run.events import ApproachFailed, Warned
from reports.run.schema import (
    Answer,
    ApproachSpec,
    Case,
    DataFacts,
    Environment,
    Finished,
    LatencySample,
    Passage,
    Question,
    RunHeader,
    RunSpec,
    Score,
    SkippedApproach,
    Task,
)
from reports.run.store import RunStore
from reports.summary import Summary, summarise

EVIL = (
    "</script><script>alert(1)</script><img src=x onerror=alert(1)><a href='https://evil.example/x'>"
    "</pre></title></style><svg onload=alert(1)>\"' onmouseover='x' {{7*7}} {% raw %} "
    "\x1b[31m\x00\u202e &lt;b&gt; =cmd|'/c'!A1"
)
FORBIDDEN_TAGS = {"script", "iframe", "object", "embed", "form", "base", "link", "img", "image", "foreignobject"}
FORBIDDEN_ATTRIBUTES = {"src", "action", "formaction", "srcset", "xlink:href", "ping", "background"}
VOID = {"meta", "link", "br", "hr", "img", "input", "wbr"}


class Page(HTMLParser):
    """What a browser would build: tags, attributes, and whether everything that opens also closes."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.unbalanced: list[str] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.unbalanced.append(tag)

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def assert_harmless(source: str) -> Page:
    page = Page(source)
    assert not page.unbalanced
    assert not page.open
    allowed_links = re.compile(r"#[a-z-]+|report(-answers-\d+)?\.html")
    for tag, attributes in page.tags:
        assert tag not in FORBIDDEN_TAGS
        for name, value in attributes.items():
            assert not name.startswith("on"), (tag, name)
            assert name not in FORBIDDEN_ATTRIBUTES, (tag, name)
            if name == "href":
                assert value is not None
                assert allowed_links.fullmatch(value)
    first = source[source.index("<head>") + 6 :].lstrip()
    assert first.startswith('<meta http-equiv="Content-Security-Policy" content="default-src \'none\';')
    styles = "".join(re.findall(r"<style>(.*?)</style>", source, re.DOTALL))
    assert "url(" not in styles
    assert "@import" not in styles
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", source)
    return page


def hostile_run(folder: Path) -> RunStore:
    """Everything that a user or a model writes is an attack; one approach is empty, one failed on every case."""
    names = (EVIL, "empty", "all-failed", "a/../b", "[/x]" * 60)
    header = RunHeader(
        run=EVIL,
        started=EVIL,
        spec=RunSpec(
            name=EVIL,
            task=Task(type="classification", instruction=EVIL, labels=(EVIL, "b")),
            metrics=("accuracy", "python:x.py:<script>"),
            approaches=tuple(ApproachSpec(name=n, kind="zero-shot", options={EVIL: EVIL}) for n in names),
            skipped=(SkippedApproach(name=EVIL + "2", kind=EVIL, reason=EVIL),),
            data=DataFacts(
                eval_cases=60, train_examples=0, dev_examples=0, documents=0, notes=(EVIL,), files={EVIL: EVIL}
            ),
        ),
        environment=Environment(python=EVIL, platform=EVIL, packages={EVIL: EVIL}, device=EVIL),
        fingerprints={EVIL: EVIL},
    )
    questions = [
        Question(
            id=f"{i} {EVIL}", input=EVIL * 3, context={EVIL: EVIL, "tongue": EVIL[: 5 + i % 2]}, group=EVIL[i % 3 :]
        )
        for i in range(60)
    ]
    store = RunStore.create(folder, header, [Case(question=q, references=(EVIL, "b")) for q in questions])
    for n, name in enumerate(names):
        if name == "empty":
            continue
        for i, question in enumerate(questions):
            failed = name == "all-failed"
            text = "" if failed else "A" * 1_000_000 if i == n == 0 else EVIL
            store.append_answer(
                Answer(
                    case=question.id,
                    approach=name,
                    text=text,
                    status="error" if failed else "ok",
                    error=EVIL if failed else None,
                    prompt=EVIL,
                    passages=(Passage(document=EVIL, index=0, text=EVIL, title=EVIL),),
                )
            )
            if not failed:
                for metric in header.spec.metrics:
                    value = float((i + n) % 3 > 0)
                    score = Score(case=question.id, approach=name, metric=metric, version=1, value=value)
                    score = score.model_copy(update={"predicted": EVIL, "expected": EVIL, "format_failure": i == 5})
                    store.append_score(score)
            store.append_latency(LatencySample(case=question.id, approach=name, seconds=0.01 * (i + 1)))
    store.record(Warned(approach=EVIL, text=EVIL, hint=EVIL))
    store.record(ApproachFailed(approach="all-failed", error=EVIL, hint=EVIL))
    store.finish(Finished(finished="x", seconds=1.0, failed=(EVIL,)))
    store.close()
    return RunStore.open(folder)


def test_a_hostile_run_renders_and_nothing_in_it_is_active(tmp_path: Path) -> None:
    store = hostile_run(tmp_path / "run")
    summary = summarise(store)
    source = render_html(summary, store)
    assert_harmless(source)
    assert "alert(1)" in source
    assert "1,000,000 characters" in source
    assert len(source) < 5_000_000
    paths = write_report(store, ("html", "md", "csv", "json"), tmp_path / "out", summary=summary)
    assert all(path.stat().st_size for path in paths)
    markdown = (tmp_path / "out" / "report.md").read_text()
    assert not re.search(r"(?<!\\)<", markdown)


def test_the_same_run_gives_the_same_bytes(small_run: Path) -> None:
    pages = [
        dict(render_pages(summarise(store), store)) for store in (RunStore.open(small_run), RunStore.open(small_run))
    ]
    assert pages[0] == pages[1]


def test_the_page_is_well_formed_and_says_what_a_reader_looks_for(summary: Summary, store: RunStore) -> None:
    source = render_html(summary, store)
    page = assert_harmless(source)
    assert page.named("html")[0]["lang"] == "en"
    assert len(page.named("h1")) == 1
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert len(page.named("caption")) == len(page.named("table")) - summary.trust.cases
    for svg in page.named("svg"):
        assert svg["role"] == "img"
        assert (svg["aria-labelledby"] or "").split()[0] in ids
    for heading in ("How sure", "What it costs", "What would change it", "What this does not show", "To make it again"):
        assert heading in source
    for approach in summary.approaches:
        assert approach.name in source
    for digest in summary.header.spec.data.files.values():
        assert digest in source
    assert source.count('<article class="case') == summary.trust.cases


def test_prompts_stand_verbatim(summary: Summary, store: RunStore) -> None:
    answer = next(a for a in store.answers("few-shot").stream() if a.case == "c00000")
    shown = render_html(summary, store).replace("&#39;", "'")
    assert answer.prompt
    assert answer.prompt in shown


def test_many_cases_move_to_pages_of_their_own_and_none_is_lost(make_run: Callable[..., RunStore]) -> None:
    store = make_run(cases=1001, contenders=2)
    pages = dict(render_pages(summarise(store), store))
    assert list(pages) == [*(f"report-answers-{i}.html" for i in (1, 2, 3)), "report.html"]
    assert 'href="report-answers-3.html"' in pages["report.html"]
    counts = [page.count('<article class="case') for page in pages.values()]
    assert counts == [500, 500, 1, 0]
    for page in pages.values():
        assert_harmless(page)


def test_a_run_without_any_answer_still_has_a_page(make_run: Callable[..., RunStore]) -> None:
    store = make_run(cases=0, contenders=3, finished=False)
    source = render_html(summarise(store), store)
    assert_harmless(source)
    assert "not finished" in source


@pytest.mark.parametrize("cases", [1, 3, 49])
def test_small_samples_render_and_are_called_a_pilot(make_run: Callable[..., RunStore], cases: int) -> None:
    store = make_run(cases=cases)
    assert "pilot only" in render_html(summarise(store), store)


def test_a_frozen_run_renders_to_the_same_bytes_as_when_it_was_frozen() -> None:
    runs = sorted((Path(__file__).resolve().parents[1] / "runs").glob("*/run.json"))
    assert runs
    for header in runs:
        store = RunStore.open(header.parent)
        frozen = header.parent.with_suffix(".html").read_text(encoding="utf-8")
        assert render_html(summarise(store), store) == frozen, "if the change is meant: python tests/runs/freeze.py"
        assert not (header.parent / "lock").exists()
