"""Estimates before a run: known machines, unknown ones, endpoints, and what was measured of the demo."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from advisor import estimates, plan, project
from advisor.demo import project_folder
from advisor.hardware import Gpu, Hardware
from reports.expected import against_actual, expected_words, span_words
from reports.run.schema import Answer, ApproachSpec, Environment, Expected, JudgeSpec, ModelSpec, RunHeader, Score
from reports.run.store import RunStore
from reports.summary import summarise

GIB = 2**30


def machine(gpu: str | None = None, gib: int = 24) -> Hardware:
    cards = (Gpu(gpu, gib * GIB, gib * GIB, (8, 9), "1"),) if gpu else ()
    return Hardware("test", 2, 16 * GIB, 12 * GIB, cards, torch="2.13.0")


@pytest.fixture(scope="module")
def prepared() -> plan.Prepared:
    return plan.prepare(project.load(project_folder("tickets")))


@pytest.fixture(autouse=True)
def quiet_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    """What two quiet cores reached: the machine of a test must not decide."""
    monkeypatch.setattr(estimates, "measured_here", lambda: (110e9, 10e9))


def with_model(prepared: plan.Prepared, model: ModelSpec) -> plan.Prepared:
    specs = tuple(s.model_copy(update={"model": model}) if s.model else s for s in prepared.spec.approaches)
    spec = prepared.spec.model_copy(update={"approaches": specs})
    return plan.Prepared(**{**vars(prepared), "spec": spec})


def of(found: estimates.PlanEstimate, name: str) -> Expected:
    return next(one for one in found.approaches if one.approach == name)


@pytest.mark.parametrize(
    ("approach", "measured"),
    # Seconds until all 150 cases were answered, measured once on two cores that were shared.
    [("zero-shot", 1.25), ("few-shot", 1.1), ("knn-few-shot", 7.4), ("classifier", 10.2), ("qlora", 57.4)],
)
def test_what_the_demo_took_lies_in_the_range(prepared: plan.Prepared, approach: str, measured: float) -> None:
    found = of(estimates.estimate(prepared, machine()), approach)
    assert found.seconds
    low, typical, high = found.seconds
    assert low <= typical <= high
    assert low <= measured <= high


def test_memory_of_the_demo_s_training_is_near_what_was_measured(prepared: plan.Prepared) -> None:
    found = of(estimates.estimate(prepared, machine()), "qlora")
    assert found.memory_bytes == pytest.approx(739e6, rel=0.15)
    assert found.fits is True


def test_a_known_card_has_time_and_money_and_says_what_would_fit(prepared: plan.Prepared) -> None:
    found = estimates.estimate(with_model(prepared, ModelSpec(id="Qwen2.5-32B")), machine("NVIDIA L4", 23))
    qlora = of(found, "qlora")
    assert qlora.fits is False
    assert any("nf4" in remedy for remedy in qlora.would_fit)
    assert qlora.seconds
    assert qlora.usd
    assert 0 < qlora.usd[0] < qlora.usd[2]
    said = list(estimates.words(found))
    assert any("does not fit" in line for line in said)
    assert any("would fit: precision: nf4" in line for line in said)


def test_what_others_hold_of_a_card_is_not_there(prepared: plan.Prepared) -> None:
    whole = machine("NVIDIA L4", 23)
    shared = replace(whole, gpus=(replace(whole.gpus[0], free_bytes=2 * GIB),))
    asked = with_model(prepared, ModelSpec(id="Qwen2.5-1.5B"))
    there, taken = (of(estimates.estimate(asked, one), "zero-shot") for one in (whole, shared))
    assert (there.fits, there.device_bytes) == (True, 23 * GIB)
    assert (taken.fits, taken.device_bytes) == (False, 2 * GIB)


def test_a_card_that_no_table_knows_has_memory_but_no_time(prepared: plan.Prepared) -> None:
    found = estimates.estimate(with_model(prepared, ModelSpec(id="Qwen2.5-0.5B")), machine("Zeta 9000", 16))
    zero = of(found, "zero-shot")
    assert zero.seconds is None
    assert zero.memory_bytes
    assert (zero.device_bytes, zero.fits) == (16 * GIB, True)
    assert "no figures for Zeta 9000" in zero.unknown
    assert any("without " in line and "zero-shot" in line for line in estimates.words(found))


def test_a_part_of_a_card_has_memory_but_not_the_card_s_speed(prepared: plan.Prepared) -> None:
    whole = machine("NVIDIA L4", 23)
    part = replace(whole, gpus=(replace(whole.gpus[0], part=True),))
    found = of(estimates.estimate(with_model(prepared, ModelSpec(id="Qwen2.5-0.5B")), part), "zero-shot")
    assert (found.seconds, found.fits) == (None, True)


def test_a_model_that_is_not_here_is_unknown_not_an_error(prepared: plan.Prepared) -> None:
    found = of(estimates.estimate(with_model(prepared, ModelSpec(id="acme/none")), machine()), "few-shot")
    assert found.seconds is None
    assert "acme/none" in found.unknown


def test_an_endpoint_costs_tokens_and_waits_for_its_limit(prepared: plan.Prepared) -> None:
    priced = ModelSpec(id="openai:x", input_usd_per_million=1.0, output_usd_per_million=2.0, requests_per_minute=60)
    found = of(estimates.estimate(with_model(prepared, priced), machine()), "zero-shot")
    assert found.seconds
    assert found.seconds[0] >= 150
    assert found.usd
    assert 0.001 < found.usd[1] < 0.05


def test_the_latency_pass_and_the_judge_are_paid_too(prepared: plan.Prepared) -> None:
    priced = ModelSpec(id="openai:x", input_usd_per_million=1.0, output_usd_per_million=2.0)
    remote = with_model(prepared, priced)
    update = {"latency_samples": 72, "latency_concurrency": (4,), "judge": JudgeSpec(model=priced)}
    found = estimates.estimate(
        plan.Prepared(**{**vars(remote), "spec": remote.spec.model_copy(update=update)}), machine()
    )
    answers = sum(one.usd[1] for one in found.approaches if one.usd and remote_of(remote, one.approach))
    beside = dict(found.beside)
    assert beside["latency pass"][1] == pytest.approx(answers * (72 + 1 + 72 + 4) / 150)
    calls = 150 * len(found.approaches)
    assert calls * 100 * 1e-6 < beside["judge"][1] < calls * 600 * 1e-6
    assert found.usd is not None
    assert found.usd[1] == pytest.approx(
        sum(one.usd[1] for one in found.approaches if one.usd) + beside["latency pass"][1] + beside["judge"][1]
    )
    assert "of which latency pass" in list(estimates.words(found))[-1]
    assert dict(estimates.estimate(prepared, machine()).beside) == {}


def remote_of(prepared: plan.Prepared, name: str) -> bool:
    return any(spec.name == name and spec.model is not None for spec in prepared.spec.approaches)


def test_the_report_holds_the_estimate_against_what_it_took(prepared: plan.Prepared, tmp_path: Path) -> None:
    spec = ApproachSpec(name="zero-shot", kind="zero-shot", model=ModelSpec(id="demo"))
    header = RunHeader(
        run="r",
        started="2026-11-24T00:00:00+00:00",
        spec=prepared.spec.model_copy(update={"approaches": (spec,), "metrics": ("accuracy",)}),
        environment=Environment(python="3", platform="p", packages={}, device="cpu"),
        expected=(Expected(approach="zero-shot", seconds=(1.0, 2.0, 4.0), memory_bytes=6e8),),
    )
    with RunStore.create(tmp_path / "r", header, prepared.cases[:3]) as store:
        for case in prepared.cases[:3]:
            store.append_answer(Answer(case=case.question.id, approach="zero-shot", text="x", seconds=0.5))
            store.append_score(
                Score(case=case.question.id, approach="zero-shot", metric="accuracy", version=1, value=1.0)
            )
        store.sync()
        summary = summarise(store)
    ((name, words),) = against_actual(summary, {"zero-shot": 0.2})
    assert name == "zero-shot"
    assert words == "1.0 s to 4.0 s, about 2.0 s, 600 MB; took 1.7 s (as estimated)"
    ((_, held),) = against_actual(summary, {"zero-shot": 0.2}, {"zero-shot": 580 * 10**6})
    assert held == f"{words}, answering 580 MB at most"
    assert span_words((0.0, 0.1, 0.4)) == "under a second"


def test_memory_grows_with_what_is_answered_together_and_only_one_prompt_must_fit(prepared: plan.Prepared) -> None:
    asked = with_model(prepared, ModelSpec(id="Qwen2.5-7B"))
    small, large = (of(estimates.estimate(asked, machine("NVIDIA L4", gib)), "few-shot") for gib in (18, 80))
    assert small.fits
    assert large.memory_bytes
    assert small.memory_bytes
    assert 15.2e9 < small.memory_bytes <= 18 * GIB < large.memory_bytes


def test_two_cards_halve_the_time_and_hold_together_what_one_cannot(prepared: plan.Prepared) -> None:
    one = machine("NVIDIA L4", 23)
    cards = tuple(replace(one.gpus[0], token=f"GPU-{number}") for number in range(2))
    plain = next(item for item in prepared.spec.approaches if item.kind == "zero-shot")
    several = plain.model_copy(update={"name": "again", "model": ModelSpec(id="Qwen2.5-0.5B")})
    large = several.model_copy(update={"name": "large", "model": ModelSpec(id="Qwen2.5-14B")})
    first = several.model_copy(update={"name": "first", "model": ModelSpec(id="Qwen2.5-1.5B")})
    spec = prepared.spec.model_copy(update={"approaches": (first, several)})
    both = plan.Prepared(**{**vars(prepared), "spec": spec})
    apart, together = (estimates.estimate(both, replace(one, gpus=gpus)) for gpus in (cards[:1], cards))
    assert apart.seconds
    assert together.seconds
    assert together.seconds[1] == max(found.seconds[1] for found in together.approaches if found.seconds)
    assert apart.seconds[1] == pytest.approx(sum(found.seconds[1] for found in apart.approaches if found.seconds))
    assert any("2 jobs, up to 2 at a time" in line for line in estimates.words(together))
    wide = plan.Prepared(**{**vars(prepared), "spec": spec.model_copy(update={"approaches": (large,)})})
    (refused,), (found,) = (estimates.estimate(wide, replace(one, gpus=gpus)).approaches for gpus in (cards[:1], cards))
    assert (refused.fits, found.fits, found.cards) == (False, True, 2)
    assert any("on 2 GPUs" in line for line in estimates.words(estimates.estimate(wide, replace(one, gpus=cards))))


def test_a_training_on_several_cards_says_how_many_and_what_each_holds(prepared: plan.Prepared) -> None:
    one = machine("NVIDIA L4", 23)
    cards = tuple(replace(one.gpus[0], token=f"GPU-{number}") for number in range(4))
    trained = next(item for item in prepared.spec.approaches if item.kind == "qlora")
    wide = trained.model_copy(update={"name": "wide", "options": {**trained.options, "devices": 4}})
    spec = prepared.spec.model_copy(update={"approaches": (trained, wide)})
    both = plan.Prepared(**{**vars(prepared), "spec": spec})
    alone, shared = estimates.estimate(both, replace(one, gpus=cards)).approaches
    assert alone.training_seconds
    assert shared.training_seconds
    assert shared.training_seconds[1] == pytest.approx(alone.training_seconds[1] / 4 * 1.2)
    assert shared.training_seconds[2] == alone.training_seconds[2]
    assert shared.memory_bytes == alone.memory_bytes
    assert (alone.trained_on, shared.trained_on) == (1, 4)
    assert shared.usd == alone.usd
    assert "on each of 4 GPUs" in expected_words(shared)
