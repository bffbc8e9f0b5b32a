"""Texts in labelled pieces (Snips, Rasa-like): the gold JSON of each text is derived from its pieces.

    {"GetWeather": [{"data": [{"text": "Is it windy in "}, {"text": "Boston", "entity": "city"}]}]}

gives text `Is it windy in Boston`, intent `GetWeather` and json `{"intent": "GetWeather", "city": "Boston"}`. An
entity that stands twice in a text gives a list, in order. Pieces keep their blanks in the text and lose those at
their ends in the JSON.
"""

from __future__ import annotations

import json

from baselines.formats.table import JSON, Problem, Row, Table, place
from reports.errors import DataError


def recognises(document: dict[str, JSON]) -> bool:
    """Whether every value is a list of objects whose `data` is a list of pieces with `text`."""
    return bool(document) and all(
        isinstance(items, list)
        and bool(items)
        and all(isinstance(item, dict) and _pieces(item) is not None for item in items[:50])
        for items in document.values()
    )


def read(document: dict[str, JSON], name: str) -> Table:
    """One row a text: columns text, intent and json. Raises DataError when no row can be used."""
    rows: list[Row] = []
    broken: list[Problem] = []
    number = 0
    for intent, items in document.items():
        for item in items if isinstance(items, list) else []:
            number += 1
            pieces = _pieces(item)
            if pieces is None:
                broken.append(Problem(place(name, "item", number), "`data` is not a list of text pieces", number))
                continue
            text = "".join(text for text, _ in pieces)
            cells: dict[str, JSON] = {"text": text, "intent": intent, "json": _gold(intent, pieces)}
            rows.append(Row(name, number, cells, "item"))
    if not rows:
        raise DataError(f"{name} has texts in labelled pieces, but none that is whole", "Name a file that holds rows.")
    note = f"{name} labels pieces of text: the expected JSON was derived from them (intent and slots; see column json)."
    return Table(
        name,
        tuple(rows),
        ("text", "intent", "json"),
        "json",
        shape="slots",
        broken=tuple(broken),
        notes=(note,),
        input=("text",),
        reference=("json",),
    )


def _pieces(item: JSON) -> list[tuple[str, str | None]] | None:
    """(text, entity or None) of each piece, or None where the item is of another form."""
    data = item.get("data") if isinstance(item, dict) else None
    if not isinstance(data, list) or not data:
        return None
    pieces: list[tuple[str, str | None]] = []
    for piece in data:
        text = piece.get("text") if isinstance(piece, dict) else None
        entity = piece.get("entity") if isinstance(piece, dict) else None
        if not isinstance(text, str):
            return None
        pieces.append((text, entity if isinstance(entity, str) else None))
    return pieces


def _gold(intent: str, pieces: list[tuple[str, str | None]]) -> str:
    gold: dict[str, str | list[str]] = {"intent": intent}
    for text, entity in pieces:
        if entity is None:
            continue
        before = gold.get(entity)
        value = text.strip()
        if before is None:
            gold[entity] = value
        else:
            gold[entity] = [*before, value] if isinstance(before, list) else [before, value]
    return json.dumps(gold, ensure_ascii=False)
