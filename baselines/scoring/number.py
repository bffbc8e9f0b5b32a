"""Numeric equality of a final answer, however it is written.

The number is looked for after the last "####", else after the last "A:" or "Answer:" (also "answer is"), else in the
whole text; there the last number counts. Thousands separators, currency signs and a percent sign are dropped;
13, 13.0 and $13.00 are one number, and so are 1,5 and 1.5. No number in the answer is a format failure.
"""

from __future__ import annotations

import math
import re

from baselines.scoring.contract import Reading
from reports.run.schema import Case, Task

RELATIVE_TOLERANCE = 1e-9
_MARKS = (
    re.compile(r"####"),
    re.compile(r"(?:^|(?<=\W))(?:a|answer|antwort)\s*:|\banswer\s+is\b", re.IGNORECASE),
)
_NUMBER = re.compile(
    r"(?<![\w.])(?P<sign>[-−]?)(?:[$€£]\s?)?"
    r"(?:(?P<grouped>\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?)"
    r"|(?P<comma>\d+,\d{1,2}(?![\d,]))"
    r"|(?P<plain>\d+(?:\.\d+)?(?:[eE][-+]?\d+)?|\.\d+))"
)


def number(case: Case, text: str, task: Task) -> Reading:
    """1 where the answer's number equals a reference's, else 0; unscored where no reference holds a number."""
    wanted = [value for reference in case.references if (value := read_number(reference)) is not None]
    if not wanted:
        return Reading(None, unscored="the reference holds no number")
    found = read_number(text)
    if found is None:
        return Reading(0.0, None, _plain(wanted[0]), format_failure=True)
    hit = next((w for w in wanted if math.isclose(found, w, rel_tol=RELATIVE_TOLERANCE, abs_tol=1e-12)), None)
    return Reading(float(hit is not None), _plain(found), _plain(wanted[0] if hit is None else hit))


def read_number(text: str) -> float | None:
    """The number that a text gives as its answer, or None. Too large for a float: None."""
    for mark in _MARKS:
        places = list(mark.finditer(text))
        if places:
            marked = _numbers(text[places[-1].end() :])
            return marked[-1] if marked else None
    numbers = _numbers(text)
    return numbers[-1] if numbers else None


def _numbers(text: str) -> list[float]:
    values = []
    for match in _NUMBER.finditer(text):
        grouped, comma, plain = match["grouped"], match["comma"], match["plain"]
        digits = grouped.replace(",", "") if grouped else comma.replace(",", ".") if comma else plain
        value = float(digits)
        if math.isfinite(value):
            values.append(-value if match["sign"] else value)
    return values


def _plain(value: float) -> str:
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
