"""SQuAD's nesting: articles, their paragraphs, their questions. One row a question. Knows no other format.

    {"data": [{"title", "paragraphs": [{"context", "qas": [{"id", "question", "answers": [{"text"}]}]}]}]}

gives the columns id, question, answers (a list of texts), context and title. A question marked `is_impossible`
(SQuAD 2) has the one answer "": saying nothing is right.
"""

from __future__ import annotations

from collections.abc import Iterator

from baselines.formats.table import JSON, Problem, Row, Table, as_text, count, place
from reports.errors import DataError


def recognises(items: list[JSON]) -> bool:
    """Whether a list holds articles."""
    return bool(items) and all(isinstance(item, dict) and isinstance(item.get("paragraphs"), list) for item in items)


def read(articles: list[JSON], name: str) -> Table:
    """The questions of all articles in file order. Raises DataError when there is none."""
    rows: list[Row] = []
    broken: list[Problem] = []
    for number, (title, context, entry) in enumerate(_questions(articles), start=1):
        question = entry.get("question")
        if not isinstance(question, str) or not question.strip():
            broken.append(Problem(place(name, "question", number), "`question` is empty", number))
            continue
        cells: dict[str, JSON] = {
            "id": entry.get("id"),
            "question": question,
            "answers": _answers(entry),
            "context": context,
            "title": title,
        }
        rows.append(Row(name, number, cells, "question"))
    if not rows:
        raise DataError(f"{name} has SQuAD's nesting, but no question in it", "Name a file that holds questions.")
    impossible = sum(row.cells["answers"] == [""] for row in rows)
    notes = [f"{name}: an empty answer is right where the paragraph has none, in {count(impossible, 'question')}."]
    return Table(
        name,
        tuple(rows),
        ("id", "question", "answers", "context", "title"),
        "json",
        shape="squad",
        broken=tuple(broken),
        notes=tuple(notes) if impossible else (),
        input=("question",),
        reference=("answers",),
        context=("context",),
        passages=("context",),
    )


def _answers(entry: dict[str, JSON]) -> list[JSON]:
    if entry.get("is_impossible") is True:
        return [""]
    answers = entry.get("answers")
    return [as_text(a.get("text")) for a in answers if isinstance(a, dict)] if isinstance(answers, list) else []


def _questions(articles: list[JSON]) -> Iterator[tuple[JSON, JSON, dict[str, JSON]]]:
    """(title, paragraph, question entry) for every question."""
    for article in _objects(articles):
        for paragraph in _objects(article.get("paragraphs")):
            for entry in _objects(paragraph.get("qas")):
                yield article.get("title"), paragraph.get("context"), entry


def _objects(value: JSON) -> list[dict[str, JSON]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
