"""`batch: true` in a project file, down to the bill, the limit on seconds and the page."""

from __future__ import annotations

from pathlib import Path

import pytest

from advisor import project
from advisor.plan import prepare
from reports.costs import CostEstimate, PriceNeeded
from reports.costs.bill import price_of, production_price
from reports.errors import UsageError
from reports.html import render_html
from reports.run.schema import Answer, Environment, Finished, LatencySample, ModelSpec, Prices, RunHeader, Score
from reports.run.store import RunStore
from reports.summary import Summary, summarise

DAY = "2026-11-23"
FILE = """name: p
task: {{type: classification}}
data: {{eval: eval.csv, train: train.csv}}
models:
  now: {{id: openai:gpt-4.1-mini}}
  later: {{id: openai:gpt-4.1-mini, batch: true{more}}}
approaches: [{{zero-shot: {{model: now}}}}, {{zero-shot: {{as: by-batch, model: later}}}}]
metrics: [accuracy]
{rest}
"""
ROWS = "id,text,label\n" + "".join(f"{n},question {n} of many,{'ab'[n % 2]}\n" for n in range(80))


def written(folder: Path, more: str = "", rest: str = "") -> project.Project:
    for name, text in (
        ("eval.csv", ROWS),
        ("train.csv", ROWS.replace("question", "example")),
        (project.FILE, FILE.format(more=more, rest=rest)),
    ):
        (folder / name).write_text(text)
    return project.load(folder)


def measured(folder: Path, more: str = "", rest: str = "") -> tuple[Summary, RunStore]:
    """A run of that project: 2,000 tokens in, 1,620 of them from the cache, and 100 out; 0.5 s a request."""
    prepared = prepare(written(folder, more, rest))
    header = RunHeader(
        run="r",
        started=f"{DAY}T00:00:00Z",
        spec=prepared.spec,
        environment=Environment(python="3.11", platform="linux", packages={}, device="cpu"),
    )
    store = RunStore.create(folder / "run", header, prepared.cases)
    for name in store.approaches:
        for i, case in enumerate(prepared.cases):
            key = {"case": case.question.id, "approach": name}
            store.append_answer(
                Answer(**key, text="a", prompt_tokens=2000, cached_prompt_tokens=1620, completion_tokens=100, seconds=1)
            )
            store.append_score(Score(**key, metric="accuracy", version=1, value=float(i % 5 > 0), predicted="a"))
            store.append_latency(LatencySample(**key, seconds=0.5, phase="warm"))
    store.finish(Finished(finished=f"{DAY}T00:01:00Z", seconds=60))
    return summarise(store), store


def per_1000(summary: Summary) -> dict[str, float | None]:
    return {a.name: a.cost.per_1000_usd for a in summary.approaches}


def test_the_list_s_batch_price_is_paid_and_cached_tokens_count_in_full(tmp_path: Path) -> None:
    """gpt-4.1-mini: $0.40, $0.10 cached and $1.60 directly, $0.20 and $0.80 by batch: no saving on a cached prompt."""
    found, _ = measured(tmp_path)
    assert per_1000(found) == {
        "zero-shot": pytest.approx((380 * 0.40 + 1620 * 0.10 + 100 * 1.60) / 1000),
        "by-batch": pytest.approx((2000 * 0.20 + 100 * 0.80) / 1000),
    }
    lines = found.approach("by-batch").cost.lines
    assert next(line.what for line in lines if line.scope == "query").endswith("by batch")
    assert any("batch price of genai-prices" in source for source in found.approach("by-batch").cost.sources)


def test_a_stated_discount_is_taken_off_every_token(tmp_path: Path) -> None:
    prices = "prices: {input_usd_per_million: 1, output_usd_per_million: 2, cached_input_usd_per_million: 0.5}"
    found, _ = measured(tmp_path, ", batch_discount: 0.4", prices)
    direct = (380 * 1 + 1620 * 0.5 + 100 * 2) / 1000
    assert per_1000(found) == {"zero-shot": pytest.approx(direct), "by-batch": pytest.approx(0.6 * direct)}


@pytest.mark.parametrize(
    ("model", "prices"),
    [
        (ModelSpec(id="openai:gpt-4.1-mini", batch=True), Prices(input_usd_per_million=1, output_usd_per_million=2)),
        (ModelSpec(id="openai:house", batch=True, input_usd_per_million=1, output_usd_per_million=2), Prices()),
        (ModelSpec(id="openai:gpt-4.1-mini", batch=True, input_usd_per_million=1), Prices()),
        (ModelSpec(id="openai:gpt-3.5-turbo-0301", batch=True), Prices()),
    ],
    ids=["own price of all", "own price", "own in part", "listed without one"],
)
def test_no_usual_discount_is_assumed(model: ModelSpec, prices: Prices) -> None:
    assert not isinstance(price_of(model, prices, DAY), PriceNeeded), "asked directly it has a price"
    found = production_price(model, prices, DAY)
    assert isinstance(found, PriceNeeded)
    assert found.what == f"batch requests to {model.id.removeprefix('openai:')}"
    assert "batch_discount" in found.hint


def test_before_the_list_knew_a_batch_price_there_is_none() -> None:
    model = ModelSpec(id="openai:gpt-4.1-mini", batch=True)
    assert isinstance(production_price(model, Prices(), "2026-10-13"), PriceNeeded)
    assert not isinstance(production_price(model, Prices(), "2026-10-14"), PriceNeeded)


def test_an_unknown_batch_price_is_asked_for_on_the_page(tmp_path: Path) -> None:
    found, store = measured(tmp_path, rest="prices: {input_usd_per_million: 1, output_usd_per_million: 2}")
    cost = found.approach("by-batch").cost
    assert cost.per_1000_usd is None
    assert cost.missing.startswith("no price for batch requests to gpt-4.1-mini: set batch_discount")
    assert "no price for batch requests to gpt-4.1-mini" in render_html(found, store)


def test_no_limit_on_seconds_is_kept_by_batch(tmp_path: Path) -> None:
    """Both were measured at half a second; by batch it is cheaper, and chosen only where nobody waits."""
    (tmp_path / "free").mkdir()
    (tmp_path / "limited").mkdir()
    patient, store = measured(tmp_path / "free", ", batch_discount: 0.5")
    assert patient.verdict.approach == "by-batch"
    assert not [t for t in patient.verdict.would_change_if if t.kind == "latency"]
    (said,) = [warning for warning in patient.verdict.warnings if "within hours" in warning]
    assert said.startswith("by-batch is billed by batch")
    assert "p95 too, not of batch traffic" in said
    page = render_html(patient, store)
    assert "Answers come by batch, within hours; a direct request takes" in page
    assert "direct; by batch hours" in page
    assert patient.document()["approaches"][1]["batch"] is True
    hurried, limited = measured(tmp_path / "limited", ", batch_discount: 0.5", "decision: {max_p95_seconds: 2}")
    assert hurried.verdict.approach == "zero-shot"
    assert "by-batch is slower than your limit of 2.0 s" in render_html(hurried, limited)
    assert dict(hurried.verdict.excluded) == {"by-batch": "its batch API answers within hours, not within 2.0 s"}


@pytest.mark.parametrize(
    ("models", "said"),
    [
        ("{m: {id: openai:x, batch_discount: 0.5}}", "models.m: batch_discount says nothing without batch"),
        ("{m: {id: org/model, batch: true}}", "batch is a key of endpoints, and org/model is a local model"),
        ("{m: {id: openai:x, batch: true, batch_discount: 1.5}}", "models.m.batch_discount"),
        ("{m: {id: openai:x, batch: true, batch_discount: 50}}", "models.m.batch_discount"),
        ("{m: {id: openai:x, batch: sometimes}}", "models.m.batch"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(tmp_path: Path, models: str, said: str) -> None:
    text = f"name: a\ntask: {{type: qa}}\ndata: {{eval: eval.csv}}\nmodels: {models}\n"
    (tmp_path / project.FILE).write_text(text)
    with pytest.raises(UsageError) as caught:
        project.load(tmp_path)
    assert said in str(caught.value)


def test_the_run_itself_is_paid_at_the_price_of_direct_requests() -> None:
    model = ModelSpec(id="openai:gpt-4.1-mini", batch=True)
    direct = price_of(model.model_copy(update={"batch": False}), Prices(), DAY)
    assert price_of(model, Prices(), DAY) == direct
    assert not isinstance(direct, CostEstimate)
