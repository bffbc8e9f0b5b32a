"""Real public files with known answers: what loads loads in full, what does not is refused in plain words."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from baselines.dataset import Source, labels_of, load_cases, load_examples
from baselines.formats.reading import read_table
from reports.errors import DataError
from reports.run.schema import TaskType

BANKING = "banking77/raw/banking_data"
SPAM = "formats_dev/raw/mohitgupta-omg__Kaggle-SMS-Spam-Collection-Dataset-/spam.csv"
SNIPS = "snips_slots/raw/2017-06-custom-intent-engines"
MTS = "mts_dialog/raw/Main-Dataset"
DOCS = "anthropic_docs_rag/raw/skills/retrieval_augmented_generation/evaluation"
GSM = "gsm8k/raw/grade_school_math/data"
XQUAD = "xquad_en_de/raw/google-deepmind__xquad"

CASES: list[tuple[str, TaskType, int, int]] = [
    # file, task, rows, cases
    (f"{BANKING}/test.csv", "classification", 3080, 3080),
    (SPAM, "classification", 5572, 5169),
    (f"{XQUAD}/xquad.en.json", "qa", 1190, 1190),
    (f"{XQUAD}/xquad.de.json", "qa", 1190, 1190),
    ("xquad_en_de/corpus_en/questions_qrels.jsonl", "qa", 1190, 1190),
    ("pubmedqa/raw/data/ori_pqal.json", "classification", 1000, 1000),
    ("pubmedqa/corpus/questions_qrels.jsonl", "classification", 1000, 1000),
    (f"{SNIPS}/*/validate_*.json", "extraction", 700, 697),
    (f"{MTS}/MTS-Dialog-ValidationSet.csv", "summarization", 100, 100),
    (f"{MTS}/MTS-Dialog-ValidationSet.csv", "classification", 100, 100),
    ("e2e_nlg_dev/raw/devset.csv", "generation", 4672, 547),
    (f"{GSM}/test.jsonl", "qa", 1319, 1319),
    (f"{DOCS}/docs_evaluation_dataset.json", "qa", 100, 100),
    (f"{DOCS}/promptfoo_datasets/end_to_end_dataset.csv", "qa", 100, 100),
]


@pytest.mark.parametrize(("path", "task", "rows", "cases"), CASES)
def test_rows_and_cases(shared_data: Path, path: str, task: TaskType, rows: int, cases: int) -> None:
    loaded = load_cases(Source(path=path), task, shared_data)
    assert (loaded.rows, len(loaded.items), loaded.broken) == (rows, cases, ())
    assert len({case.question.id for case in loaded.items}) == cases


@pytest.mark.parametrize(
    ("path", "task", "rows", "examples"),
    [
        (f"{BANKING}/train.csv", "classification", 10003, 10003),
        (f"{GSM}/train.jsonl", "qa", 7473, 7473),
        (f"{MTS}/MTS-Dialog-TrainingSet.csv", "summarization", 1201, 1201),
        ("e2e_nlg_dev/raw/devset.csv", "generation", 4672, 4521),
        (f"{SNIPS}/*/train_*_full.json", "extraction", 13784, 13623),
    ],
)
def test_training_pairs(shared_data: Path, path: str, task: TaskType, rows: int, examples: int) -> None:
    loaded = load_examples(Source(path=path), task, shared_data)
    assert (loaded.rows, len(loaded.items), loaded.broken) == (rows, examples, ())


def test_banking77_labels_and_line_breaks(shared_data: Path) -> None:
    train = load_examples(Source(path=f"{BANKING}/train.csv"), "classification", shared_data).items
    test = load_cases(Source(path=f"{BANKING}/test.csv"), "classification", shared_data).items
    categories = json.loads((shared_data / BANKING / "categories.json").read_text())
    assert labels_of(train) == labels_of(test) == tuple(sorted(categories))
    assert sum("\n" in example.input for example in train) == 10


def test_spam_is_cp1252_with_duplicates_and_spilled_text(shared_data: Path) -> None:
    loaded = load_cases(Source(path=SPAM), "classification", shared_data)
    assert loaded.encoding == "cp1252"
    assert "£" in "".join(case.question.input for case in loaded.items)
    assert any("hold text in 50 rows" in note for note in loaded.notes)
    assert any("count once: 403 " in note for note in loaded.notes)
    assert labels_of(loaded.items) == ("ham", "spam")


def test_e2e_has_all_references_of_an_input(shared_data: Path) -> None:
    cases = load_cases(Source(path="e2e_nlg_dev/raw/devset.csv"), "generation", shared_data).items
    assert sum(len(case.references) for case in cases) == 4521
    assert all(len(set(case.references)) == len(case.references) for case in cases)


def test_pubmedqa_gold_context_and_ids(shared_data: Path) -> None:
    source = Source(path="pubmedqa/raw/data/ori_pqal.json")
    cases = load_cases(source, "classification", shared_data).items
    assert Counter(case.references[0] for case in cases) == {"yes": 552, "no": 338, "maybe": 110}
    assert cases[0].question.id == "21645374"
    assert set(cases[0].question.context) == {"CONTEXTS"}
    conclusion = read_table(source.path, shared_data).rows[0].cells["LONG_ANSWER"]
    assert str(conclusion) not in cases[0].question.model_dump_json()
    hidden = load_cases(source, "classification", shared_data, own_passages=False).items
    assert not any(case.question.context for case in hidden)


def test_snips_gold_and_cesu_8(shared_data: Path) -> None:
    loaded = load_examples(Source(path=f"{SNIPS}/PlayMusic/train_PlayMusic_full.json"), "extraction", shared_data)
    assert loaded.encoding == "cesu-8"
    assert any("\U0001f355" in example.input for example in loaded.items)
    assert json.loads(loaded.items[0].output) == {
        "intent": "PlayMusic",
        "music_item": "song",
        "track": "Aspro Mavro",
        "artist": "Bill Szymczyk",
        "service": "Youtube",
    }
    cases = load_cases(Source(path=f"{SNIPS}/*/validate_*.json", reference=("intent",)), "classification", shared_data)
    assert len(labels_of(cases.items)) == 7


FORMATS: list[tuple[str, int | str]] = [
    # file, cases or the words of its refusal
    ("TheAtticusProject__cuad/category_descriptions.csv", "no column looks like the expected answer"),
    ("anthropics__anthropic-cookbook/finetuning/datasets/json_mode_dataset.jsonl", 499),
    ("axolotl-ai-cloud__axolotl/tests/fixtures/alpaca/alpaca.json", 2),
    ("axolotl-ai-cloud__axolotl/tests/fixtures/conversation.json", 1),
    ("hiyouga__LLaMA-Factory/data/dataset_info.json", "no column looks like the input"),
    ("hiyouga__LLaMA-Factory/data/glaive_toolcall_en_demo.json", 264),
    ("hiyouga__LLaMA-Factory/data/identity.json", 89),
    ("hiyouga__LLaMA-Factory/data/v1_dpo_demo.jsonl", 10),
    ("mohitgupta-omg__Kaggle-SMS-Spam-Collection-Dataset-/spam.csv", 5169),
    ("openai_cookbook_toy_chat_fine_tuning.jsonl", "line 4: the conversation has no message of the user before"),
    ("visioninhope__promptfoo/examples/assistant-cli/tests.csv", "no column looks like the expected answer"),
    ("visioninhope__promptfoo/examples/csv-metadata/tests.csv", 3),
    (
        "visioninhope__promptfoo/examples/custom-grader-csv/tests.csv",
        "a program or a judge give no reference: javascript",
    ),
    ("visioninhope__promptfoo/examples/custom-prompt-function/prompts.csv", 4),
    ("visioninhope__promptfoo/examples/self-grading/tests.csv", "a program or a judge give no reference: grade"),
    ("visioninhope__promptfoo/examples/simple-cli/output.csv", "is promptfoo's table of outputs"),
    ("visioninhope__promptfoo/examples/simple-csv/tests.csv", 4),
    ("visioninhope__promptfoo/examples/simple-test/tests.csv", r"give no reference: fn \(2\), is-json \(1\)"),
]


@pytest.mark.parametrize(("path", "outcome"), FORMATS)
def test_every_file_of_formats_dev_loads_or_says_why_not(shared_data: Path, path: str, outcome: int | str) -> None:
    source = Source(path=f"formats_dev/raw/{path}")
    if isinstance(outcome, int):
        assert len(load_cases(source, "generation", shared_data).items) == outcome
        return
    with pytest.raises(DataError, match=outcome) as error:
        load_cases(source, "generation", shared_data)
    assert path in str(error.value)
    assert error.value.hint


def test_no_data_file_of_formats_dev_is_left_out_here(shared_data: Path) -> None:
    folder = shared_data / "formats_dev" / "raw"
    found = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.suffix in {".csv", ".json", ".jsonl"}}
    assert found == {path for path, _ in FORMATS}


def test_the_toy_chat_loads_when_told(shared_data: Path) -> None:
    source = Source(path="formats_dev/raw/openai_cookbook_toy_chat_fine_tuning.jsonl")
    loaded = load_cases(source, "generation", shared_data, allow_broken=True)
    assert (len(loaded.items), len(loaded.broken)) == (4, 1)
    assert loaded.items[0].question.context["system"].startswith("You are a happy assistant")


def test_placeholders_stay_as_they_stand(shared_data: Path) -> None:
    source = Source(path="formats_dev/raw/hiyouga__LLaMA-Factory/data/identity.json")
    loaded = load_cases(source, "generation", shared_data)
    assert loaded.items[0].references[0].startswith("Hello! I am {{name}}, an AI assistant developed by {{author}}")
    assert any("{{placeholders}}" in note for note in loaded.notes)
