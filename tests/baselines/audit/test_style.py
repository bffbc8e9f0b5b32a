"""Answers that are written otherwise than most: format, casing, margins, length, and the languages of texts."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from baselines.audit import Material
from baselines.audit.findings import Finding
from baselines.audit.languages import language_of
from baselines.audit.style import style

Build = Callable[..., Material]


def kinds(findings: list[Finding | None]) -> dict[str, Finding]:
    return {found.kind: found for found in findings if found is not None}


@pytest.mark.parametrize(
    ("usual", "odd", "said"),
    [
        ('{"a": 1, "b": 2}', '{"a": 1, "c": 2}', "the keys a and c"),
        ('{"a": 1}', '{"a": 1', "broken JSON"),
        ('{"a": 1}', '```json\n{"a": 1}\n```', "code fence"),
        ("A sentence.", "a sentence.", "begins small"),
        ("A sentence.", "A sentence", "without a stop"),
        ("A sentence.", "A SENTENCE.", "in capitals"),
        ("A sentence.", " A sentence.", "blanks around it"),
        ("A sentence.", "Two\nlines.", "several lines"),
    ],
)
def test_the_few_that_are_written_otherwise(material: Build, usual: str, odd: str, said: str) -> None:
    rows = [(f"q {n}", usual) for n in range(30)] + [("odd", odd)]
    found = kinds(style(material(rows, task="generation")))["style"]
    assert [row.row for row in found.rows] == [32]
    assert said in found.rows[0].note


def test_where_styles_are_mixed_there_is_no_right_one(material: Build) -> None:
    rows = [(f"q {n}", "One." if n % 2 else "one") for n in range(40)]
    assert "style" not in kinds(style(material(rows, task="generation")))


@pytest.mark.parametrize(
    ("usual", "odd", "said", "gravest"),
    [
        ('{"a": 1}', "The a is one.", "no JSON", "serious"),
        ('{"a": 1}', '```json\n{"a": 1}\n```', "JSON in a code fence", "serious"),
        ("The a is one.", '{"a": 1}', "JSON", "serious"),
        ("def f(): ...", "```python\ndef f(): ...\n```", "in a code fence", "warning"),
    ],
)
@pytest.mark.parametrize("percent", [3, 12, 20, 40])
def test_a_mixed_format_is_told_at_any_share(
    material: Build, usual: str, odd: str, said: str, gravest: str, percent: int
) -> None:
    rows = [(f"q {n}", odd if n < percent else usual) for n in range(100)]
    found = kinds(style(material(rows, task="generation")))["style"]
    assert [row.row for row in found.rows] == list(range(2, percent + 2))
    assert all(row.note.startswith(f"{said}; ") for row in found.rows)
    assert found.severity == (gravest if percent > 10 else "warning")


def test_keys_are_compared_among_the_outputs_that_are_json(material: Build) -> None:
    outputs = ["A sentence."] * 20 + ['{"a": 1}'] * 79 + ['{"b": 1}']
    found = kinds(style(material([(f"q {n}", text) for n, text in enumerate(outputs)], task="extraction")))["style"]
    assert next(row.note for row in found.rows if row.row == 101) == "the keys b; 98.8 % are: the keys a"


def test_a_bracket_makes_no_json(material: Build) -> None:
    outputs = ["[Music] It plays.", "{name} was here.", "[1] says so."] * 8 + ["A sentence."] * 30
    assert "style" not in kinds(style(material([(f"q {n}", t) for n, t in enumerate(outputs)], task="generation")))


def test_outputs_of_another_length(material: Build) -> None:
    rows = [(f"q {n}", "word " * (20 + n % 7)) for n in range(40)] + [("long", "word " * 3000), ("short", "w")]
    found = kinds(style(material(rows, task="generation")))["length-outliers"]
    assert {row.row for row in found.rows} == {42, 43}


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Where is my card and why did it not arrive?", "English"),
        ("Wo ist meine Karte und warum ist sie nicht da?", "German"),
        ("Où est ma carte bancaire ? Je ne la trouve pas.", "French"),
        ("¿Dónde está mi tarjeta y por qué no ha llegado?", "Spanish"),
        ("где моя банковская карта", "Cyrillic script"),
        ("私のカードはどこですか", "Japanese"),
        ("我的卡在哪里", "Chinese"),
        ("OK", ""),
        ("12345 67890", ""),
    ],
)
def test_languages(text: str, language: str) -> None:
    assert language_of(text) == language


def test_rows_of_another_language(material: Build) -> None:
    rows = [(f"Where is my card number {n} and why is it late?", "a") for n in range(30)]
    found = kinds(style(material([*rows, ("Wo ist meine Karte und warum ist sie so spät?", "a")])))["languages"]
    assert [row.row for row in found.rows] == [32]
    assert "German" in found.rows[0].note


@pytest.mark.parametrize("percent", [3, 12, 40])
def test_a_second_language_is_told_at_any_share(material: Build, percent: int) -> None:
    english, german = "Your card number is on its way and will be there.", "Die Karte ist auf dem Weg und wird da sein."
    asked = "Where is my card and why is it late?"
    rows = [(asked, german if n < percent else english) for n in range(100)]
    found = kinds(style(material(rows, task="generation")))["languages"]
    assert found.count == percent
    assert found.severity == ("warning" if percent > 10 else "note")
    answered = [("Wo ist die Karte und warum ist sie so spät?", german) if n < percent else (asked, english)
                for n in range(100)]  # fmt: skip
    assert kinds(style(material(answered, task="generation")))["languages"].severity == "note"


def test_of_many_languages_one_row_each_is_shown(material: Build) -> None:
    texts = ("Where is my card and why is it late?", "Wo ist meine Karte und warum ist sie so spät?",
             "Où est ma carte bancaire ? Je ne la trouve pas.")  # fmt: skip
    found = kinds(style(material([(texts[n % 3], "a") for n in range(60)])))["languages"]
    assert [row.row for row in found.rows] == [2, 3, 4]
    assert "German (33.3 %)" in found.rows[1].note
