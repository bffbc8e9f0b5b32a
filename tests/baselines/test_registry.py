"""The table of kinds, its validation, and what is skipped for which reason."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields
from importlib import import_module
from typing import Any

import pytest

from baselines.kinds import KINDS, METHODS
from baselines.registry import applicable, create, find, too_few, validate_options
from finetune.recipe import Recipe
from reports.errors import UsageError
from reports.run.schema import ApproachSpec, DataFacts, Example, Task

CLASSIFICATION = Task(type="classification", labels=("a", "b"))
FULL = DataFacts(eval_cases=10, train_examples=10, dev_examples=2, documents=3)


def test_the_kinds_of_the_design_are_all_there() -> None:
    assert set(KINDS) == {
        *("floor", "recorded", "zero-shot", "few-shot", "knn-few-shot", "rag", "rag+few-shot", "classifier"),
        *("qlora", "lora", "full", "qlora+rag"),
    }


@pytest.mark.parametrize("kind", KINDS)
def test_every_factory_exists(kind: str) -> None:
    module, _, function = KINDS[kind].factory.partition(":")
    if module == "baselines.finetuned":
        pytest.importorskip(module, reason="fine-tuning is not there yet")
    assert callable(getattr(import_module(module), function))


@pytest.mark.parametrize("kind", KINDS)
def test_every_default_is_valid_and_visible(kind: str) -> None:
    given = {"path": "x.csv"} if kind == "recorded" else {}
    resolved = validate_options(kind, given)
    assert set(resolved) == {option.name for option in KINDS[kind].options if not option.silent}
    assert validate_options(kind, resolved) == resolved


def test_the_recipes_dials_are_all_offered() -> None:
    dials = {field.name for field in fields(Recipe)} - {"method"}
    parts = {"share", "curve", "seeds", "curve_of", "seed_of", "probe", "engine", "engine_python", "devices"}
    parts |= {"merged_latency"}
    assert {option.name for option in KINDS["qlora"].options} == dials | parts


def test_defaults_of_the_design() -> None:
    assert validate_options("few-shot", {}) == {"shots": 8}
    assert validate_options("rag", {})["passages"] == 4
    assert {k: validate_options("qlora", {})[k] for k in ("rank", "alpha", "learning_rate")} == {
        "rank": 16,
        "alpha": 32,
        "learning_rate": 2e-4,
    }
    assert validate_options("full", {})["learning_rate"] == 2e-5
    assert validate_options("qlora", {"rank": 64})["use_rslora"] is True


@pytest.mark.parametrize(
    ("kind", "options", "words"),
    [
        ("few-shots", {}, "did you mean few-shot?"),
        ("few-shot", {"shot": 4}, "did you mean shots?"),
        ("zero-shot", {"shots": 4}, "it takes instruction, instruction_first, as, model"),
        ("floor", {"model": "demo"}, "it takes as"),
        ("few-shot", {"shots": 0}, "must be from 1 to 1000"),
        ("few-shot", {"shots": 2.5}, "must be a whole number"),
        ("few-shot", {"shots": "many"}, "must be a number"),
        ("few-shot", {"shots": True}, "must be a number"),
        ("rag", {"search": "sparse"}, "one of: dense, lexical, hybrid"),
        ("rag", {"chunk_tokens": 64, "overlap_tokens": 64}, "must be smaller than chunk_tokens"),
        ("qlora", {"learning_rate": "fast"}, "must be a number"),
        ("qlora", {"gradient_checkpointing": "yes"}, "must be true or false"),
        ("qlora", {"learning_rate": -1}, "must be above 0"),
        ("recorded", {}, "needs the file with the answers"),
        ("few-shot", {"as": ""}, "must be a text"),
    ],
)
def test_wrong_options_are_one_clear_error(kind: str, options: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError) as caught:
        validate_options(kind, options)
    assert words in f"{caught.value} {caught.value.hint}"


def test_as_and_model_belong_to_the_spec() -> None:
    assert validate_options("few-shot", {"as": "mine", "model": "demo", "shots": 2}) == {"shots": 2}


def test_a_rate_that_yaml_reads_as_text_is_a_number() -> None:
    assert validate_options("qlora", {"learning_rate": "2e-3"})["learning_rate"] == 0.002


@pytest.mark.parametrize(
    ("kind", "task", "facts", "words"),
    [
        ("classifier", Task(type="qa"), FULL, "only classifies"),
        ("classifier", Task(type="classification", labels=("a",)), FULL, "only one label"),
        ("few-shot", CLASSIFICATION, FULL.model_copy(update={"train_examples": 0, "dev_examples": 0}), "data.train"),
        ("rag", CLASSIFICATION, FULL.model_copy(update={"documents": 0}), "data.documents"),
        ("qlora+rag", CLASSIFICATION, FULL.model_copy(update={"documents": 0}), "data.documents"),
        (
            "floor",
            Task(type="classification"),
            FULL.model_copy(update={"train_examples": 0}),
            "neither a list of labels nor training data",
        ),
    ],
)
def test_what_does_not_fit_says_why(kind: str, task: Task, facts: DataFacts, words: str) -> None:
    assert words in (applicable(kind, task, facts) or "")


@pytest.mark.parametrize(
    ("kind", "there", "skipped"), [("qlora", 9, True), ("lora", 10, False), ("few-shot", 1, False)]
)
def test_fine_tuning_is_not_begun_on_too_few_examples(kind: str, there: int, skipped: bool) -> None:
    reason = too_few(kind, FULL.model_copy(update={"train_examples": there, "dev_examples": 0}))
    assert (reason is not None) == skipped
    assert reason is None or "at least 10 training examples, and there are 9" in reason


@pytest.mark.parametrize("kind", KINDS)
def test_everything_fits_a_project_that_has_everything(kind: str) -> None:
    assert applicable(kind, CLASSIFICATION, FULL) is None


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_model_only_the_model_kinds_are_skipped(kind: str) -> None:
    assert (applicable(kind, CLASSIFICATION, FULL, has_model=False) is not None) == ("model" in find(kind).needs)


def test_every_method_is_a_fine_tuning_kind() -> None:
    assert all(KINDS[kind].family.startswith("fine-tuning") for kind in METHODS)


def test_create_fills_in_the_defaults(world: Any) -> None:
    resources = world.resources(train=[Example(id="1", input="x", output="a")])
    approach = create(ApproachSpec(name="f", kind="few-shot"), resources)
    assert approach.spec.options == {"shots": 8}


def test_the_table_imports_nothing_heavy() -> None:
    heavy = "torch transformers sklearn faiss numpy sentence_transformers bm25s pandas"
    code = (
        f"import baselines.registry, baselines.scoring, sys; print([m for m in '{heavy}'.split() if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
