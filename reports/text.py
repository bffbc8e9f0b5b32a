"""Foreign text made harmless, and numbers made readable. Pure functions; knows no run, no page and no terminal.

print(clean(answer.text, limit=2_000)); share(0.8617, 0.786, 0.957)  # '86 %'
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from typing import Literal

Unit = Literal["share", "number"]
"""How a metric is printed: a share of 1 as percent, anything else as it stands."""

MINUS = "−"  # U+2212: does not break from its number and is as wide as the plus sign

# --- foreign text -------------------------------------------------------------------------------------

# Escape sequences by ECMA-48: CSI, then strings (OSC, DCS, SOS, PM, APC) that end on their own line, then the rest.
# A string that is not ended keeps its body: a model's words are not swallowed by one stray byte.
_SEQUENCES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d\x9e\x9f])[^\x07\x1b\x9c\n]{0,4096}(?:\x07|\x1b\\|\x9c)"
    r"|\x1b[ -/]*[0-~]"
)
_LINE_ENDS = re.compile("\r\n?|[\x85\u2028\u2029]")
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_SURROGATES = re.compile("[\ud800-\udfff]")
# Directional embeddings, overrides and isolates, and the invisible tag characters: they make a text read as another.
_HIDDEN = re.compile("[\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]")
_ESCAPED = re.compile("[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\U000e0000-\U000e007f]")
"""What JSON leaves as it stands and a terminal does not; C0 controls are escapes in JSON anyway."""
_SUSPECT = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\U000e0000-\U000e007f]"
)
"""One look that lets nearly every text pass: the eight substitutions below take ten times as long."""


def clean(text: str, limit: int | None = None) -> str:
    """Foreign text as it may be shown: no control or escape sequences, hidden direction marks spelled out.

    Newlines and tabs stay. `limit` caps the length in characters and says so at the cut. Cleaning twice changes
    nothing. What a text means to HTML or to a terminal's markup is not decided here: escape it there.
    """
    if not _SUSPECT.search(text):
        return text if limit is None else cut(text, limit)
    before = None
    while before != text:  # what surrounds a removed sequence may form another one
        before = text
        text = _SEQUENCES.sub("", text)
    text = _LINE_ENDS.sub("\n", text)
    text = _CONTROLS.sub("", text)
    text = _SURROGATES.sub("\ufffd", text)
    text = _HIDDEN.sub(lambda match: f"⟨U+{ord(match.group()):04X}⟩", text)
    return text if limit is None else cut(text, limit)


def json_text(value: object) -> str:
    """A JSON document that any language reads and no terminal obeys: what could move a cursor or hide is an escape."""
    written = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    return _ESCAPED.sub(lambda match: json.dumps(match.group())[1:-1], written) + "\n"


def cut(text: str, limit: int) -> str:
    """The text, or its beginning with a note of its full length: never longer than `limit` (at least 40)."""
    limit = max(limit, 40)
    if len(text) <= limit:
        return text
    note = f" … [cut: {len(text):,} characters]"
    return text[: limit - len(note)] + note


def one_line(text: str, limit: int = 100) -> str:
    """Cleaned text on one line, for tables and messages."""
    return cut(" ".join(clean(text).split()), limit)


# --- numbers ------------------------------------------------------------------------------------------


def decimals(low: float, high: float, most: int = 4) -> int:
    """Decimal places that an interval supports, by the Particle Data Group's rounding rule on its half-width.

    Two digits of the half-width where they lie between 10 and 35, else one: ±0.016 supports three places, ±0.05 two.
    An interval without width supports `most`.
    """
    half = abs(high - low) / 2
    if not math.isfinite(half) or half <= 0:
        return most
    exponent = math.floor(math.log10(half))
    leading = half / 10**exponent
    return max(0, min(most, -exponent + (1 if leading < 3.55 else 0)))


def number(value: float | None, places: int = 2, *, signed: bool = False) -> str:
    """A number with thousands separators and a true minus sign; '–' where there is none."""
    if value is None or math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else f"{MINUS}∞"
    text = f"{abs(value):,.{places}f}"
    negative = value < 0 and any(digit in text for digit in "123456789")
    if negative:
        return MINUS + text
    return f"+{text}" if signed and any(digit in text for digit in "123456789") else text


def significant(value: float, digits: int = 2) -> str:
    """A number to so many significant digits, never in exponent form: 0.00047, 12, 1,200."""
    if value == 0 or not math.isfinite(value):
        return number(value, 0)
    places = digits - 1 - math.floor(math.log10(abs(value)))
    return number(round(value, places), max(0, places))


def quality(value: float | None, low: float | None = None, high: float | None = None, unit: Unit = "share") -> str:
    """A score with the digits that its interval supports: '86 %', '31.4 %', '3.62'; '–' where there is none."""
    if value is None:
        return "–"
    scale = 100 if unit == "share" else 1
    places = 1
    if low is not None and high is not None:
        places = decimals(scale * low, scale * high, most=2)
    elif float(scale * value).is_integer():
        places = 0
    return number(scale * value, places) + (" %" if unit == "share" else "")


def interval(low: float | None, high: float | None, unit: Unit = "share", *, signed: bool = False) -> str:
    """Two ends with the digits that they support: '79 to 96 %', '−1.2 to +2.0'."""
    if low is None or high is None:
        return "–"
    scale = 100 if unit == "share" else 1
    places = decimals(scale * low, scale * high, most=2)
    ends = f"{number(scale * low, places, signed=signed)} to {number(scale * high, places, signed=signed)}"
    return ends + (" %" if unit == "share" and not signed else "")


def difference(value: float, low: float, high: float, unit: Unit = "share") -> str:
    """A paired difference: '+4.1 points' for shares, '+0.31' for other numbers."""
    scale = 100 if unit == "share" else 1
    text = number(scale * value, decimals(scale * low, scale * high, most=2), signed=True)
    return f"{text} {'point' if text.lstrip('+' + MINUS) == '1' else 'points'}" if unit == "share" else text


def share(value: float, low: float | None = None, high: float | None = None) -> str:
    """A share of 1 as percent, with the digits that its interval supports."""
    return quality(value, low, high, "share")


def money(value: float | None) -> str:
    """US dollars: '$0.00047', '$0.52', '$12.50', '$5,004'; '–' where unknown."""
    if value is None or math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞"
    sign = MINUS if value < 0 else ""
    amount = abs(value)
    if amount == 0:
        return "$0"
    if amount < 1:
        return f"{sign}${significant(amount, 2)}"
    return f"{sign}${amount:,.{2 if amount < 100 else 0}f}"


def amount(value: float | None) -> str:
    """A sum that somebody pays, in dollars and cents: '$5,004', '$0.52', 'under $0.01'. Unit prices go by `money`."""
    return "under $0.01" if value is not None and 0 < value < 0.005 else money(value)


def seconds(value: float | None) -> str:
    """A duration: '8 ms', '0.42 s', '12 s', '3 min 20 s', '2 h 5 min'; '–' where unknown."""
    if value is None or not math.isfinite(value):
        return "–"
    if value < 0.1:
        return f"{significant(1000 * value, 2)} ms" if value else "0 ms"
    if value < 10:
        return f"{significant(value, 2)} s"
    if value < 119.5:
        return f"{value:.0f} s"
    minutes, rest = divmod(round(value), 60)
    if minutes < 120:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(round(value / 60), 60)
    return f"{hours:,} h {minutes} min" if minutes else f"{hours:,} h"


def size(value: float | None) -> str:
    """Bytes as a reader says them: '512 B', '1.2 MB', '11 GB' (powers of 1,000)."""
    if value is None:
        return "–"
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{significant(value, 2 if value < 10 else 3)} {unit}" if unit != "B" else f"{value:.0f} B"
        value /= 1000
    return f"{significant(value, 3)} TB"


def p_value(p: float | None) -> str:
    """'p = 0.03', 'p = 0.0032', 'p < 0.001'; '–' where no test was made."""
    if p is None or math.isnan(p):
        return "–"
    if p < 0.001:
        return "p < 0.001"
    return f"p = {significant(p, 2) if p < 0.1 else f'{p:.2f}'}"


def evidence(p: float | None) -> str:
    """What a p-value says in words. Never 'no difference': absence of evidence is called that."""
    if p is None or math.isnan(p):
        return "not tested"
    for bound, words in ((0.001, "very strong evidence"), (0.01, "strong evidence"), (0.05, "some evidence")):
        if p < bound:
            return words
    return "weak hint at best" if p < 0.1 else "no evidence of a difference in these cases"


def count(n: int, noun: str, plural: str = "") -> str:
    """'1 case', '1,234 cases'."""
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"


def listed(items: Sequence[str], last: str = "and") -> str:
    """'a', 'a and b', 'a, b and c'."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {last} {items[-1]}"
