"""One JSON document to records: the nestings that people really have. Knows no task and reads no files.

[{…}, {…}]                                       a list of records
{"data": [{…}, {…}]}                             the only list inside an object
{"17": {…}, "18": {…}}                           an object keyed by id (PubMedQA): the key becomes the column `id`
{"17": "yes", "18": "no"}                        the same with bare values: columns `id` and `value`
{"text": […], "label": […]}                      columns, also as {"text": {"0": …}} (pandas)
{"data": [{"paragraphs": [{"qas": […]}]}]}       SQuAD: see squad.py
{"GetWeather": [{"data": [{"text", "entity"}]}]} labelled pieces of text (Snips): see slots.py
"""

from __future__ import annotations

from baselines.formats import slots, squad
from baselines.formats.table import JSON, Problem, Row, Table, listed, place, sayable
from reports.errors import DataError

_WRAPPERS = ("data", "rows", "examples", "items", "records", "instances", "questions", "samples", "tests", "results")


def records_of(document: JSON, name: str) -> Table:
    """The records of a parsed JSON document. Raises DataError when there are none."""
    if isinstance(document, dict):
        return _from_object(document, name)
    if isinstance(document, list):
        return _from_list(document, name)
    raise DataError(f"{name} holds a single JSON value, {sayable(document)}, not rows", "Write a list of objects.")


def _from_list(items: list[JSON], name: str, notes: tuple[str, ...] = ()) -> Table:
    if not items:
        raise DataError(f"{name} is an empty list", "Name a file that holds rows.")
    if squad.recognises(items):
        return squad.read(items, name)
    rows, broken = [], []
    for number, item in enumerate(items, start=1):
        if isinstance(item, dict):
            inner = item.get("row")  # the dataset viewer wraps each record once more
            cells = inner if isinstance(inner, dict) and set(item) <= {"row", "row_idx", "truncated_cells"} else item
            rows.append(Row(name, number, cells, "item"))
        else:
            reason = f"an object is expected, this is {sayable(item)}"
            broken.append(Problem(place(name, "item", number), reason, number))
    if not rows:
        raise DataError(
            f"{name} is a list of {len(items)} values that are not objects, such as {sayable(items[0])}",
            'Write objects with named fields: [{"input": …, "output": …}, …].',
        )
    return _table(name, rows, broken, notes=notes)


def _from_object(document: dict[str, JSON], name: str) -> Table:
    if not document:
        raise DataError(f"{name} is an empty object", "Name a file that holds rows.")
    data = document.get("data")
    if isinstance(data, list) and squad.recognises(data):
        return squad.read(data, name)
    if slots.recognises(document):
        return slots.read(document, name)
    if columns := _as_columns(document):
        lines = enumerate(zip(*columns.values(), strict=True), start=1)
        rows = [Row(name, i, dict(zip(columns, cells, strict=True)), "item") for i, cells in lines]
        return _table(name, rows)
    inner = next(iter(document.values()))
    if len(document) == 1 and isinstance(inner, dict):
        return _from_object(inner, name)
    if _several_tables(document):
        raise DataError(
            f"{name} holds several tables: {listed(document)}",
            "Write each into a file of its own: one for eval, one for train.",
        )
    lists = [k for k, v in document.items() if isinstance(v, list) and v and all(isinstance(i, dict) for i in v)]
    wrapper = next((k for k in _WRAPPERS if k in lists), lists[0] if len(lists) == 1 and not _chat_key(lists) else None)
    if wrapper is not None:
        inner = document[wrapper]
        note = f"{name}: the rows are those of `{wrapper}`."
        return _from_list(inner if isinstance(inner, list) else [], name, (note,))
    if len(document) > 1 and all(isinstance(v, dict) for v in document.values()):
        return _keyed(document, name)
    if (
        len(document) > 1
        and all(v is None or isinstance(v, (str, int, float)) for v in document.values())
        and _bare_map(document)
    ):
        rows = [Row(name, i, {"id": k, "value": v}, "item") for i, (k, v) in enumerate(document.items(), start=1)]
        return _table(name, rows, notes=(f"{name} is an object of {len(rows)} ids, each with one value.",))
    return _table(name, [Row(name, 1, document, "item")], notes=(f"{name} holds a single record.",))


def _several_tables(document: dict[str, JSON]) -> bool:
    """{"train": […], "test": […]}: every value is a list of rows, and none is a conversation."""
    rows = [k for k, v in document.items() if isinstance(v, list) and v and isinstance(v[0], (dict, list))]
    return len(rows) == len(document) > 1 and not any(_chat_key([key]) for key in rows)


def _chat_key(keys: list[str]) -> bool:
    """Whether the only list is the turns of one conversation, not a list of rows."""
    return keys[0] in {
        "messages",
        "conversations",
        "conversation",
        "contents",
        "chosen",
        "turns",
        "dialog",
        "prompt",
        "items",
    }


def _bare_map(document: dict[str, JSON]) -> bool:
    """Keys that look like ids rather than like the field names of one record."""
    known = {"input", "output", "instruction", "text", "label", "question", "answer", "prompt", "completion"}
    return not known & {key.casefold() for key in document}


def _keyed(document: dict[str, JSON], name: str) -> Table:
    rows = []
    for number, (key, value) in enumerate(document.items(), start=1):
        fields = value if isinstance(value, dict) else {}
        rows.append(Row(name, number, {"key" if "id" in fields else "id": key, **fields}, "item"))
    return _table(name, rows, notes=(f"{name} is an object of {len(rows)} entries; the keys are the ids.",))


def _as_columns(document: dict[str, JSON]) -> dict[str, list[JSON]] | None:
    """{"text": […], "label": […]}, or pandas' {"text": {"0": …}, "label": {"0": …}}, as columns of equal length."""
    if len(document) < 2:
        return None
    values = list(document.values())
    if all(isinstance(v, list) and v and not isinstance(v[0], (dict, list)) for v in values):
        lists = {k: v for k, v in document.items() if isinstance(v, list)}
        return lists if len({len(v) for v in lists.values()}) == 1 else None
    if all(isinstance(v, dict) and v and all(k.isdigit() for k in v) for v in values):
        objects = {k: v for k, v in document.items() if isinstance(v, dict)}
        keys = [list(v) for v in objects.values()]
        if all(k == keys[0] for k in keys):
            return {k: list(v.values()) for k, v in objects.items()}
    return None


def _table(name: str, rows: list[Row], broken: list[Problem] | None = None, notes: tuple[str, ...] = ()) -> Table:
    columns = tuple(dict.fromkeys(key for row in rows for key in row.cells))
    return Table(name, tuple(rows), columns, "json", broken=tuple(broken or ()), notes=notes)
