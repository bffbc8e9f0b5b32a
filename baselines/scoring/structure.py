"""JSON answers: does one parse, and how many of its fields are right.

    read_json('Here you go:\\n```json\\n{"city": "Bonn"}\\n```')      # {'city': 'Bonn'}
    field_f1({"city": "bonn", "day": 3}, {"city": "Bonn", "day": 4})  # 0.5

Fields are (path, value) pairs of the flattened value: objects by key, lists without regard to order. Values are
compared as numbers where both are numbers, else as text without regard to case and blanks. Null, empty text, empty
lists and absent keys are the same: nothing.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice

from baselines.scoring.contract import Reading
from reports.run.schema import Case, Task

_FENCE = re.compile(r"```[\w-]*\s*\n?(.*?)```", re.DOTALL)
_DEEPEST = 50
"""Levels of nesting that are followed; what lies deeper is compared as text."""


MOST_ATTEMPTS = 100
"""Opening brackets inside a text that are tried: a hostile text costs no more."""


class NotJson(ValueError):
    """The text holds no JSON object or list."""


def json_valid(case: Case, text: str, task: Task) -> Reading:
    """1 where the whole answer, one code fence aside, is one JSON object or list; text around it is not allowed."""
    fenced = _FENCE.fullmatch(text.strip())
    try:
        value = _parse((fenced[1] if fenced else text).strip())
    except ValueError:
        return Reading(0.0, format_failure=True)
    valid = isinstance(value, (dict, list))
    return Reading(float(valid), format_failure=not valid)


def json_fields(case: Case, text: str, task: Task) -> Reading:
    """F1 of the fields against the best reference. No JSON in the answer: 0 and a format failure."""
    wanted = []
    for reference in case.references:
        try:
            wanted.append(read_json(reference))
        except NotJson:
            continue
    if not wanted:
        return Reading(None, unscored="the reference is not a JSON object or list")
    try:
        found = read_json(text)
    except NotJson:
        return Reading(0.0, None, _plain(wanted[0]), format_failure=True)
    value, best = max(((field_f1(found, want), want) for want in wanted), key=lambda pair: pair[0])
    return Reading(value, _plain(found), _plain(best))


def read_json(text: str) -> object:
    """The JSON object or list of a text: the whole, a code fence, or the first one that parses inside it.

    Raises NotJson where there is none.
    """
    candidates = [text, *_FENCE.findall(text)]
    for candidate in candidates:
        try:
            value = _parse(candidate.strip())
        except ValueError:
            continue
        if isinstance(value, (dict, list)):
            return value
    return _first_inside(text)


def field_f1(found: object, wanted: object) -> float:
    """Micro F1 over the fields of two JSON values; two values without fields agree (1)."""
    have, want = Counter(_fields(found)), Counter(_fields(wanted))
    total = have.total() + want.total()
    return 2 * (have & want).total() / total if total else 1.0


def _parse(text: str) -> object:
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _first_inside(text: str) -> object:
    decoder = json.JSONDecoder()
    for match in islice(re.finditer(r"[{\[]", text), MOST_ATTEMPTS):
        try:
            value, _ = decoder.raw_decode(text, match.start())
        except ValueError:
            continue
        except RecursionError:
            break
        return value
    raise NotJson("no JSON object or list")


def _fields(value: object, path: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and depth < _DEEPEST:
        for key, item in value.items():
            yield from _fields(item, f"{path}.{str(key).strip().casefold()}", depth + 1)
    elif isinstance(value, list) and depth < _DEEPEST:
        for item in value:
            yield from _fields(item, f"{path}[]", depth + 1)
    elif value is not None and (said := _said(value)):
        yield path, said


def _said(value: object) -> str:
    """A leaf in comparable form: "3", 3 and 3.0 are one; True is "true"."""
    if isinstance(value, bool):
        return str(value).lower()
    text = " ".join(str(value).casefold().split())
    try:
        number = float(text)
    except ValueError:
        return text
    return repr(number) if math.isfinite(number) else text


def _plain(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
