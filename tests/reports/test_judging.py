"""What a judge is worth: kappa with people, when it decides, its habits and its bill."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from baselines.models.contract import Decoding, Generation
from baselines.prompts import Prompt
from baselines.scoring import Tools
from baselines.scoring.judge import Judge
from baselines.scoring.judge import version as judge_version
from baselines.scoring.missing import missing_scores
from reports.basis import basis, different_models, several_models
from reports.judging import deciding_first, judge_summary
from reports.review import FILE, Review
from reports.run.events import NO_VERDICT, NOT_ASKED, Judged
from reports.run.schema import (
    Answer,
    ApproachSpec,
    Case,
    DataFacts,
    Environment,
    JudgeSpec,
    ModelSpec,
    Prices,
    Question,
    RunHeader,
    RunSpec,
    Score,
    Task,
)
from reports.run.store import RunStore
from reports.statistics.agreement import cohen_kappa
from reports.summary import summarise

PRICED = ModelSpec(id="openai:judge", base_url="http://127.0.0.1:1/v1")
MODELS = {"zero-shot": ModelSpec(id="demo"), "few-shot": ModelSpec(id="demo"), "big": ModelSpec(id="openai:big")}
CASES = 40


def store_of(folder: Path, **judge: Any) -> RunStore:
    """Three approaches with answers; judge and exact match disagree on who is best."""
    spec = RunSpec(
        name="judged",
        task=Task(type="generation"),
        metrics=("judge", "exact-match"),
        approaches=tuple(ApproachSpec(name=n, kind="zero-shot", model=m) for n, m in MODELS.items()),
        data=DataFacts(eval_cases=CASES, train_examples=0, dev_examples=0, documents=0),
        judge=JudgeSpec(**{"model": PRICED, **judge}),
        prices=Prices(input_usd_per_million=1.0, output_usd_per_million=2.0),
    )
    environment = Environment(python="3", platform="x", packages={}, device="cpu")
    header = RunHeader(run="r", started="2026-11-23T00:00:00+00:00", spec=spec, environment=environment)
    cases = [Case(question=Question(id=str(i), input=f"q{i}"), references=("yes",)) for i in range(CASES)]
    store = RunStore.create(folder, header, cases)
    for i in range(CASES):
        for name in MODELS:
            store.append_answer(Answer(case=str(i), approach=name, text="yes" if name == "big" else f"no {name}"))
            passed = {"zero-shot": i % 2, "few-shot": 1, "big": 0}[name]
            add_score(store, i, name, "judge", passed, version=9)
            add_score(store, i, name, "exact-match", name == "big", version=1)
    return store


def add_score(store: RunStore, case: int, name: str, metric: str, value: float, version: int) -> None:
    store.append_score(Score(case=str(case), approach=name, metric=metric, version=version, value=float(value)))


def labelled(store: RunStore, agreeing: int, of: int) -> None:
    """So many labels on which people and judge agree, half of them passes."""
    said = [("pass", "fail")[i % 2 == 0] for i in range(of)]
    turned = {"pass": "fail", "fail": "pass"}
    rows = [(str(i), word, word if i < agreeing else turned[word]) for i, word in enumerate(said)]
    store.record(Judged(judge="j", labels=tuple(rows), calls=of, prompt_tokens=100_000, completion_tokens=50_000))


@pytest.mark.parametrize(("categories", "seed"), [(2, 0), (2, 1), (3, 2)])
def test_kappa_and_its_interval_follow_from_statsmodels_own(categories: int, seed: int) -> None:
    import numpy as np
    from scipy.stats import t
    from statsmodels.stats.inter_rater import cohens_kappa

    rng = np.random.default_rng(seed)
    a = rng.integers(0, categories, 45)
    b = np.where(rng.random(45) < 0.7, a, rng.integers(0, categories, 45))
    table = np.zeros((categories, categories))
    np.add.at(table, (a, b), 1)
    found, padded = cohen_kappa([str(x) for x in a], [str(x) for x in b]), cohens_kappa(table + 1 / table.size)
    assert found.value == pytest.approx(cohens_kappa(table).kappa)
    half = t.ppf(0.975, len(a) - 1) * padded.std_kappa / (1 - padded.kappa**2)
    ends = np.tanh(np.arctanh(padded.kappa) + half * np.array([-1, 1]))
    assert (found.low, found.high) == pytest.approx((ends[0], ends[1]))


def test_full_agreement_lies_inside_its_interval() -> None:
    found = cohen_kappa(["pass", "fail"] * 20, ["pass", "fail"] * 20)
    assert (found.value, found.high) == (1.0, 1.0)
    assert 0.6 < found.low < 1


def test_kappa_of_one_verdict_everywhere_is_unknown() -> None:
    found = cohen_kappa(["pass"] * 40, ["pass"] * 40)
    assert found.value != found.value
    with pytest.raises(ValueError, match="cannot be paired"):
        cohen_kappa(["pass"], [])


def test_a_judge_that_agrees_with_people_decides(tmp_path: Path) -> None:
    store = store_of(tmp_path / "r")
    labelled(store, 38, 40)
    found = judge_summary(store)
    assert found is not None
    assert (found.decides, found.compared, found.agreed, found.source) == (True, 40, 38, "graded answers")
    assert found.kappa == pytest.approx(0.9, abs=0.01)
    assert found.usd == pytest.approx(0.2)
    assert any("Cohen's kappa 0.90" in line for line in found.words)
    assert any("40 calls" in line and "$0.20" in line for line in found.words)
    summary = summarise(store)
    assert (summary.primary.name, summary.approach("few-shot").quality.value) == ("judge", 1.0)
    store.close()


@pytest.mark.parametrize(
    ("agreeing", "of", "words"),
    [
        (28, 40, "kappa of 0.40"),
        (20, 20, "only 20 answers were judged by people too"),
        (0, 0, "no answers were judged by people too"),
    ],
)
def test_a_judge_that_does_not_is_shown_and_the_next_metric_decides(
    tmp_path: Path, agreeing: int, of: int, words: str
) -> None:
    store = store_of(tmp_path / "r")
    if of:
        labelled(store, agreeing, of)
    summary = summarise(store)
    store.close()
    assert [metric.name for metric in summary.metrics] == ["exact-match", "judge"]
    assert summary.approach("big").quality.value == 1.0
    assert summary.approach("few-shot").metrics["judge"].value == 1.0
    [caution] = [text for text in summary.verdict.warnings if "shown but does not decide" in text]
    assert words in caution
    assert summary.document()["judge"]["decides"] is False


@pytest.mark.parametrize(
    ("silent", "kappa", "words"),
    [
        (40, None, "no readable verdict on any of the 40 answers that people graded"),
        (20, 1 / 3, "kappa of 0.33"),
        (2, 0.905, "It decides."),
    ],
)
def test_where_the_judge_says_nothing_readable_it_does_not_agree(
    tmp_path: Path, silent: int, kappa: float | None, words: str
) -> None:
    store = store_of(tmp_path / "r", model=ModelSpec(id="demo"))
    said = [("pass", "fail")[i % 2] for i in range(40)]
    rows = [(str(i), word, NO_VERDICT if i < silent else word) for i, word in enumerate(said)]
    store.record(Judged(judge="j", labels=tuple(rows), calls=40, unreadable=silent, seconds=12.0))
    found = judge_summary(store)
    store.close()
    assert found is not None
    assert (found.compared, found.without_verdict) == (40, silent)
    assert found.kappa == (None if kappa is None else pytest.approx(kappa, abs=0.001))
    assert found.decides == (words == "It decides.")
    assert any(words in line for line in found.words)
    assert ("40 of its 40 calls gave no readable verdict" in found.caution) == (silent == 40)
    assert any("12 s on this machine" in line for line in found.words)


def test_blind_reviews_are_people_too(tmp_path: Path) -> None:
    store = store_of(tmp_path / "r")
    for i in range(CASES):
        pick = "tie" if i % 2 else "right"  # the judge: zero-shot passes every second case, few-shot all
        store.append(FILE, Review(case=str(i), left="zero-shot", right="few-shot", pick=pick))
    found = judge_summary(store)
    store.close()
    assert found is not None
    assert (found.source, found.compared, found.kappa, found.decides) == ("blind review", CASES, 1.0, True)


def test_figures_of_another_judge_do_not_mix_and_its_scores_are_replaced(tmp_path: Path) -> None:
    store = store_of(tmp_path / "r")
    labelled(store, 10, 40)
    store.record(Judged(judge="k", calls=3, decided=100, first_preferred=80, flipped=7))
    add_score(store, 0, "big", "judge", 1, version=2)  # a hash that happens to be smaller
    found = judge_summary(store)
    assert found is not None
    assert (found.calls, found.compared) == (3, 0)
    assert any("80 %" in line and "7 cases with orders" in line for line in found.words)
    assert store.scores("big", "judge")["0"].value == 1.0
    assert summarise(store).approach("big").metrics["judge"].value == pytest.approx(1 / CASES)
    store.close()


def test_answers_that_could_not_be_put_to_it_are_told_and_asked_again(tmp_path: Path) -> None:
    store = store_of(tmp_path / "r")
    labelled(store, 40, 40)
    version = judge_version(store.header.spec.judge)
    for i, (name, reason) in enumerate((("big", f"{NOT_ASKED}: cut"), ("big", "the judge gave no verdict"))):
        store.append_score(
            Score(case=str(i), approach=name, metric="judge", version=version, value=None, unscored=reason)
        )
    found = judge_summary(store)
    assert found is not None
    assert found.failed == 1
    assert any("1 answer could not be put to it" in line and "asks again" in line for line in found.words)
    tools = Tools(judge=lambda: Judge(store.header.spec.judge, Praising()), judged_by=store.header.spec.judge)  # type: ignore[arg-type]
    again = {each.score.case: each.score.value for each in missing_scores(store, "big", ("judge",), tools)}
    assert again["0"] == 1.0
    assert "1" not in again, "what the judge did say stays"
    store.close()


class Praising:
    """A judge's model that lets everything pass."""

    def generate(self, prompts: Sequence[Prompt], decoding: Decoding) -> Iterator[list[Generation]]:
        yield [Generation(index, "VERDICT: pass") for index in range(len(prompts))]


def test_a_judge_that_grades_its_own_model_is_cautioned_of(tmp_path: Path) -> None:
    store = store_of(tmp_path / "r", model=ModelSpec(id="demo", precision="nf4"))
    labelled(store, 40, 40)
    found = judge_summary(store)
    assert found is not None
    assert found.contenders == ("zero-shot", "few-shot")
    assert found.own in found.words
    assert found.own in summarise(store).verdict.warnings
    store.close()
    other = store_of(tmp_path / "other")
    labelled(other, 40, 40)
    told = judge_summary(other)
    assert told is not None
    assert told.own == ""
    other.close()


def test_the_bill_knows_the_price_of_cached_tokens(tmp_path: Path) -> None:
    store = store_of(tmp_path / "r", model=PRICED.model_copy(update={"cached_input_usd_per_million": 0.1}))
    store.record(Judged(judge="j", calls=2, prompt_tokens=1_000_000, cached_prompt_tokens=600_000))
    found = judge_summary(store)
    store.close()
    assert found is not None
    assert found.usd == pytest.approx(0.4 * 1.0 + 0.6 * 0.1)


def test_a_run_without_a_judge_keeps_its_order() -> None:
    assert deciding_first(("judge", "rougeL"), None) == ("judge", "rougeL")


def test_comparisons_say_whether_they_stand_on_one_model(tmp_path: Path) -> None:
    spec = store_of(tmp_path / "r").header.spec
    assert several_models(spec)
    assert basis(spec, "zero-shot", "few-shot") == "same base model"
    assert basis(spec, "zero-shot", "big") == "different models"
    assert basis(spec, "zero-shot", "floor") == ""
    assert "use different models" in different_models(spec, "zero-shot", "big")
    assert different_models(spec, "zero-shot", "few-shot") == ""


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"precision": "nf4"}, "precision"),
        ({"engine": "vllm"}, "engine"),
        ({"chat_template_arguments": {"thinking": False}}, "chat-template arguments"),
        ({"precision": "nf4", "engine": "vllm"}, "precision and engine"),
    ],
)
def test_the_same_weights_used_in_another_way_are_said_to_be(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    spec = store_of(tmp_path / "r").header.spec
    changed = [
        one.model_copy(update={"model": one.model.model_copy(update=change)})
        if one.name == "few-shot" and one.model
        else one
        for one in spec.approaches
    ]
    spec = spec.model_copy(update={"approaches": tuple(one for one in changed if one.name != "big")})
    assert several_models(spec)
    assert basis(spec, "zero-shot", "few-shot") == f"same base model, with different {said}"
    assert f"use the same base model with different {said}:" in different_models(spec, "zero-shot", "few-shot")
