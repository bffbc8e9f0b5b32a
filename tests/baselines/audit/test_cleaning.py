"""The cleaned copy: what leaves, what changes, what stays, in every layout; the original is never touched."""

from __future__ import annotations

import json
from collections.abc import Collection
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from baselines.audit import Audit, examine, read_material
from baselines.audit.cleaning import FIXES, LOG, SAFE, Cleaned, clean
from baselines.audit.lengths import TokenBudget
from baselines.dataset import load_examples
from baselines.source import Source
from reports.errors import DataError, UsageError
from reports.run.schema import Task, TaskType

EVAL = "text,label\nWhere is my card today?,card\nI cannot log in to the app,app\n"
TRAIN = """text;label;note
Where is my card today?;card;leak
where is my card  today;card;near leak
My refund is late;refund;
MY REFUND IS LATE!;Refund;repeat, other writing
"Write to ann@posteo.de; please";refund;personal
The app crashes at once;app;a
The app crashes at once;card;conflict
one
Two lines
here;app;x;y;z
"""


def project(folder: Path, train: str = TRAIN, name: str = "train.csv") -> Path:
    (folder / "eval.csv").write_text(EVAL)
    (folder / name).write_text(train)
    return folder


def look(folder: Path, train: Source, task: TaskType = "classification") -> Audit:
    return examine(read_material(Source(path="eval.csv"), train, task, folder), Task(type=task))


def cleaned(folder: Path, fixes: Collection[Any], train: Source, task: TaskType = "classification") -> Cleaned:
    return clean(train, task, folder, audit=look(folder, train, task), fixes=fixes, folder=folder / "cleaned")


def log(done: Cleaned) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.log.read_text("utf-8").splitlines()]


def test_a_csv_stays_a_csv_without_what_was_asked_for(tmp_path: Path) -> None:
    done = cleaned(project(tmp_path), FIXES, Source(path="train.csv"))
    assert done.files == (tmp_path / "cleaned" / "train.csv",)
    assert done.files[0].read_text() == (
        'text;label;note\nMy refund is late;refund;\n"Write to [E-MAIL]; please";refund;personal\n'
    )
    assert dict(done.removed) == {"broken-rows": 3, "duplicates": 2, "leaks": 1, "conflicts": 2}
    assert dict(done.changed) == {"personal-data": 1}
    assert done.kept == 2
    assert (tmp_path / "train.csv").read_text() == TRAIN
    assert (tmp_path / "eval.csv").read_text() == EVAL


def test_the_log_names_every_row_with_its_reason_and_no_personal_data(tmp_path: Path) -> None:
    done = cleaned(project(tmp_path), FIXES, Source(path="train.csv"))
    rows = log(done)
    assert done.log.name == LOG
    assert len(rows) == sum(done.removed.values()) + sum(done.changed.values())
    by_row = {row["row"]: row for row in rows if row["fix"] != "broken-rows"}
    assert (by_row[2]["done"], by_row[2]["fix"]) == ("removed", "leaks")
    assert "eval.csv row 2" in by_row[2]["why"]
    assert (by_row[6]["done"], by_row[6]["fix"]) == ("masked", "personal-data")
    assert "posteo" not in done.log.read_text()


def test_where_nothing_is_said_only_what_is_safe_is_done(tmp_path: Path) -> None:
    done = cleaned(project(tmp_path), SAFE, Source(path="train.csv"))
    text = done.files[0].read_text()
    assert "ann@posteo.de" in text
    assert text.count("The app crashes") == 2
    assert "Where is my card" not in text
    assert "Refund" not in text


def noisy() -> str:
    """Rows of three topics, one of them with the label of another."""
    topics = {"card": "card chip magnet plastic payment", "loan": "loan rate mortgage repay credit",
              "app": "app login screen update crash"}  # fmt: skip
    rows = [f"{' '.join(w)},{name}" for name, words in topics.items() for w in permutations(words.split(), 3)]
    return "\n".join(["text,label", "card chip magnet plastic payment,loan", *rows]) + "\n"


def test_label_noise_is_set_aside_in_the_same_columns_and_never_lost(tmp_path: Path) -> None:
    assert not {"label-noise", "style", "languages"} & set(SAFE)
    text = noisy()
    done = cleaned(project(tmp_path, text), ["label-noise"], Source(path="train.csv"))
    assert dict(done.aside) == {"label-noise": 1}
    assert dict(done.removed) == {}
    assert [file.relative_to(tmp_path).as_posix() for file in done.aside_files] == ["cleaned/set-aside/train.csv"]
    doubtful = "card chip magnet plastic payment,loan\n"
    assert done.aside_files[0].read_text() == f"text,label\n{doubtful}"
    assert done.files[0].read_text() == text.replace(doubtful, "")
    assert [(row["row"], row["done"], row["fix"]) for row in log(done)] == [(2, "set aside", "label-noise")]
    assert "“card” is likelier" in log(done)[0]["why"]


def test_a_row_leaves_once_and_is_masked_where_it_is_set_aside(tmp_path: Path) -> None:
    text = noisy().replace("payment,loan", "payment a@posteo.de,loan")
    text += "card chip magnet plastic payment a@posteo.de,loan\n"
    done = cleaned(project(tmp_path, text), ["personal-data", "duplicates", "label-noise"], Source(path="train.csv"))
    assert dict(done.removed) == {"duplicates": 1}
    assert dict(done.aside) == {"label-noise": 1}
    assert done.aside_files[0].read_text() == "text,label\ncard chip magnet plastic payment [E-MAIL],loan\n"
    assert "posteo" not in done.files[0].read_text()


ODD = (' {"a": 1}', '```json\n{"a": 2}\n```\n', "The a is three.", '{"a": "```x```"}')


@pytest.mark.parametrize("chat", [False, True])
def test_blanks_and_fences_are_taken_off_and_other_formats_set_aside(tmp_path: Path, chat: bool) -> None:
    def row(n: int, output: str) -> dict[str, Any]:
        asked = {"role": "user", "content": f"question {n}"}
        answer = {"role": "assistant", "content": output}
        return {"messages": [asked, answer]} if chat else {"input": f"question {n}", "output": output}

    outputs = [*ODD, *(f'{{"a": {n}}}' for n in range(30))]
    text = "".join(json.dumps(row(n, output)) + "\n" for n, output in enumerate(outputs))
    (tmp_path / "eval.csv").write_text('input,output\nother,"{""a"": 0}"\n')
    (tmp_path / "train.jsonl").write_text(text)
    done = cleaned(tmp_path, ["style"], Source(path="train.jsonl"), "generation")
    assert (dict(done.changed), dict(done.aside)) == ({"style": 2}, {"style": 1})
    kept = [json.loads(line) for line in done.files[0].read_text().splitlines()]
    assert kept == [row(n, output) for n, output in enumerate(['{"a": 1}', '{"a": 2}', *outputs[2:]]) if n != 2]
    assert json.loads(done.aside_files[0].read_text()) == row(2, ODD[2])
    assert (tmp_path / "train.jsonl").read_text() == text


def test_other_languages_and_lengths_are_set_aside_and_what_does_not_fit_is_removed(tmp_path: Path) -> None:
    rows = [(f"Where is my card number {n} and why is it so late?", "It is on the way.") for n in range(30)]
    rows += [("Wo ist meine Karte und warum ist sie so spät?", "It is on the way."), ("long", "word " * 900)]
    (tmp_path / "eval.jsonl").write_text(json.dumps({"input": "other", "output": "o"}) + "\n")
    (tmp_path / "train.jsonl").write_text("".join(json.dumps({"input": i, "output": o}) + "\n" for i, o in rows))
    source, task = Source(path="train.jsonl"), Task(type="generation")
    material = read_material(Source(path="eval.jsonl"), source, "generation", tmp_path)
    audit = examine(material, task, budget=TokenBudget("small", 300, 16))
    for fixes, removed, aside in (
        (["too-long", "languages", "length-outliers"], {"too-long": 1}, {"languages": 1}),
        (["length-outliers"], {}, {"length-outliers": 1}),
    ):
        folder = tmp_path / fixes[0]
        done = clean(source, "generation", tmp_path, audit=audit, fixes=fixes, folder=folder)  # type: ignore[arg-type]
        assert (dict(done.removed), dict(done.aside)) == (removed, aside)
        assert done.kept == 32 - len(removed) - len(aside)


def test_a_cleaned_copy_has_nothing_left_to_clean(tmp_path: Path) -> None:
    done = cleaned(project(tmp_path), FIXES, Source(path="train.csv"))
    again = look(tmp_path, Source(path=str(done.files[0].relative_to(tmp_path))))
    assert [found.kind for found in again.findings if found.fix] == []


def test_labels_are_written_in_one_way(tmp_path: Path) -> None:
    rows = "text,label\na one,Card Lost\nb two,card_lost\nc three,card_lost\nd four,other\n"
    done = cleaned(project(tmp_path, rows), ["label-spelling"], Source(path="train.csv"))
    assert done.files[0].read_text() == rows.replace("Card Lost", "card_lost")


LINES = [
    {"messages": [{"role": "user", "content": "My mail is x@posteo.de"}, {"role": "assistant", "content": "Noted."}]},
    {"messages": [{"role": "user", "content": "Weather?"}, {"role": "assistant", "content": "As an AI, I cannot."}]},
    {"messages": [{"role": "user", "content": "Hello there"}, {"role": "assistant", "content": "Hello."}], "k": 1},
]


def test_conversations_keep_their_layout(tmp_path: Path) -> None:
    text = "\n".join(map(json.dumps, LINES)) + "\nbroken\n"
    source = Source(path="train.jsonl")
    done = cleaned(project(tmp_path, text, "train.jsonl"), ["personal-data", "boilerplate"], source, "generation")
    kept = [json.loads(line) for line in done.files[0].read_text("utf-8").splitlines()]
    assert kept[0]["messages"][0] == {"role": "user", "content": "My mail is [E-MAIL]"}
    assert kept[1:] == LINES[2:]
    assert dict(done.removed) == {"broken-rows": 1, "boilerplate": 1}
    again = load_examples(Source(path="cleaned/train.jsonl"), "generation", tmp_path)
    assert [e.output for e in again.items] == ["Noted.", "Hello."]


def test_a_json_list_stays_one(tmp_path: Path) -> None:
    rows = [{"text": "One two three", "label": "a", "n": 1}, {"text": "one two THREE", "label": "a", "n": None}]
    source = Source(path="train.json")
    done = cleaned(project(tmp_path, json.dumps(rows), "train.json"), ["duplicates"], source)
    assert json.loads(done.files[0].read_text()) == rows[:1]


def test_a_layout_that_cannot_be_kept_gets_plain_columns_and_says_so(tmp_path: Path, shared_data: Path) -> None:
    squad = {
        "data": [
            {"title": "t", "paragraphs": [{"context": "Rome is old. " * 5, "qas": [
                {"id": "1", "question": "How old?", "answers": [{"text": "old", "answer_start": 8}]},
                {"id": "2", "question": "How OLD", "answers": [{"text": "old", "answer_start": 8}]},
            ]}]}
        ]
    }  # fmt: skip
    source = Source(path="train.json")
    done = cleaned(project(tmp_path, json.dumps(squad), "train.json"), ["duplicates"], source, "qa")
    assert done.files[0].name == "train.jsonl"
    assert done.columns.startswith("input: input, reference: output, context: [")
    again = Source(path="cleaned/train.jsonl", input=("input",), reference=("output",), context=("context",))
    assert [e.input for e in load_examples(again, "qa", tmp_path).items] == ["How old?"]


def test_several_files_are_cleaned_each_for_itself(tmp_path: Path) -> None:
    project(tmp_path)
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "a.csv").write_text("text,label\nOne two three,a\nFour five six,b\n")
    (tmp_path / "parts" / "b.csv").write_text("text,label\none two three!,a\nSeven,b\n")
    done = cleaned(tmp_path, ["duplicates"], Source(path="parts/*.csv"))
    assert [file.name for file in done.files] == ["a.csv", "b.csv"]
    assert done.files[1].read_text() == "text,label\nSeven,b\n"
    assert [(row["file"], row["row"]) for row in log(done)] == [("parts/b.csv", 2)]


def test_nothing_is_overwritten_and_an_empty_copy_is_refused(tmp_path: Path) -> None:
    project(tmp_path, "text,label\nWhere is my card today?,card\n")
    with pytest.raises(DataError, match="no training row"):
        cleaned(tmp_path, ["leaks"], Source(path="train.csv"))
    assert not (tmp_path / "cleaned").exists()
    (tmp_path / "cleaned").mkdir()
    (tmp_path / "cleaned" / "mine.txt").write_text("x")
    with pytest.raises(UsageError, match="not empty"):
        cleaned(tmp_path, ["duplicates"], Source(path="train.csv"))


def test_other_writings_of_a_table_survive(tmp_path: Path) -> None:
    text = '\ufeff"text"\t"label"\t""\r\n"a ""b""\tc"\tx\t1\r\n"line\nbreak"\ty\t\r\n'
    project(tmp_path).joinpath("train.tsv").write_bytes(text.encode())
    done = cleaned(tmp_path, [], Source(path="train.tsv"))
    before = load_examples(Source(path="train.tsv"), "classification", tmp_path).items
    after = load_examples(Source(path="cleaned/train.tsv"), "classification", tmp_path).items
    assert [(e.input, e.output) for e in after] == [(e.input, e.output) for e in before]
    assert done.removed == {}
