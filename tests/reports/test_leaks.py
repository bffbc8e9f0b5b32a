"""Leaked cases in a report: counted apart, and every score with and without them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from reports.html import render_html
from reports.leaks import finding_lines, leak_facts
from reports.run.changes import spec_changes
from reports.run.schema import DataFacts, DataFinding, DataRow
from reports.run.store import RunStore
from reports.sentences import chips
from reports.summary import summarise

FINDING = DataFinding(
    kind="conflicts", severity="warning", count=2, text="2 inputs with <two> answers", effect="caps", remedy="decide",
    rows=(DataRow(where="train row 7", text="a <b>", note="says x"),),
)  # fmt: skip


@pytest.fixture
def leaky(make_run: Callable[..., RunStore]) -> Callable[..., RunStore]:
    """A run of 60 cases with the first ones leaked, and then some nearly so."""

    def build(leaked: int, near: int, findings: tuple[DataFinding, ...] = ()) -> RunStore:
        store = make_run(cases=60, contenders=3)
        header, names = store.header, [case.question.id for case in store.cases()]
        facts = header.spec.data.model_dump() | {
            "leaked": tuple(names[:leaked]),
            "leaked_near": tuple(names[leaked : leaked + near]),
            "findings": findings,
        }
        spec = header.spec.model_copy(update={"data": DataFacts.model_validate(facts)})
        store.close()
        (store.folder / "run.json").write_text(header.model_copy(update={"spec": spec}).model_dump_json())
        return RunStore.open(store.folder)

    return build


def test_near_copies_are_told_from_leaks_and_left_out_beside_them(leaky: Callable[..., RunStore]) -> None:
    summary = summarise(leaky(4, 8))
    one = summary.approaches[0]
    assert (summary.trust.leaked, summary.trust.leaked_near) == (4, 8)
    assert one.without_leaks is not None
    assert one.without_near_leaks is not None
    assert (one.quality.n, one.without_leaks.n, one.without_near_leaks.n) == (60, 56, 48)
    assert [chip.text for chip in chips(summary) if "training data" in chip.text] == [
        "4 eval cases also in the training data",
        "8 eval cases nearly word for word in the training data",
    ]
    assert any(warning.startswith("8 eval cases stand nearly word for word") for warning in summary.verdict.warnings)
    name, said = leak_facts(summary)[0]
    assert name == one.name
    assert said.count("(n = ") == 3
    assert "without the 4 leaked (n = 56); " in said
    assert said.endswith("without the 8 near copies too (n = 48)")


def test_near_copies_alone(leaky: Callable[..., RunStore]) -> None:
    summary = summarise(leaky(0, 5))
    assert summary.approaches[0].without_leaks is None
    assert leak_facts(summary)[0][1].endswith("without the 5 near copies (n = 55)")
    assert "no leak found" not in {chip.text for chip in chips(summary)}


def test_without_leaks_there_is_nothing_to_say(leaky: Callable[..., RunStore]) -> None:
    summary = summarise(leaky(0, 0))
    assert leak_facts(summary) == ()
    assert finding_lines(summary) == ()
    assert "no leak found" in {chip.text for chip in chips(summary)}


def test_where_every_case_leaks_no_score_is_left_to_give(leaky: Callable[..., RunStore]) -> None:
    summary = summarise(leaky(10, 50))
    assert summary.approaches[0].without_near_leaks is None
    assert leak_facts(summary)[0][1].count("(n = ") == 2


def test_findings_stand_in_the_page_escaped_and_in_the_document(leaky: Callable[..., RunStore]) -> None:
    store = leaky(0, 0, (FINDING,))
    summary = summarise(store)
    page = render_html(summary, store)
    assert "What the data audit found" in page
    assert "To look at: 2 inputs with &lt;two&gt; answers: caps. To do: decide." in page
    assert "Rows to look at: 2 inputs with &lt;two&gt; answers" in page
    assert "train row 7: “a &lt;b&gt;” · says x" in page
    assert summary.document()["trust"]["findings"][0]["rows"][0]["where"] == "train row 7"
    assert summary.document()["trust"]["findings"][0]["kind"] == "conflicts"


def test_another_version_of_the_audit_makes_no_other_run(leaky: Callable[..., RunStore]) -> None:
    header = leaky(0, 3, (FINDING,)).header
    older = header.spec.data.model_copy(update={"leaked_near": (), "findings": ()})
    before = header.model_copy(update={"spec": header.spec.model_copy(update={"data": older})})
    assert spec_changes(before, header) == ()
    fewer = header.spec.data.model_copy(update={"eval_cases": 59})
    assert spec_changes(header.model_copy(update={"spec": header.spec.model_copy(update={"data": fewer})}), header)
