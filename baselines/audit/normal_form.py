"""The form in which two texts count as the same: any script, any writing of a letter, no punctuation. No data here.

normal("Où est  MA carte ?!") == normal("où est ma carte")
numbers("Order 17 of 3,000") == ("17", "3000")
"""

from __future__ import annotations

import re
import unicodedata

_NOT_A_WORD = re.compile(r"[\W_]+")
_APOSTROPHE = re.compile(r"(?<=\w)['’`´](?=\w)")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


def normal(text: str) -> str:
    """Compatibility form, case folded, words parted by one blank: `I'm` and `Im`, `ﬁ` and `fi` are the same.

    A text without letters and digits keeps its signs.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return _NOT_A_WORD.sub(" ", _APOSTROPHE.sub("", folded)).strip() or folded.strip()


def bare(normal_text: str) -> str:
    """A normal form without its blanks: `top up`, `top-up` and `topup` are the same."""
    return normal_text.replace(" ", "")


def numbers(text: str) -> tuple[str, ...]:
    """The numbers in a text, sorted, without separators: rows of one template differ in them and are no repeats."""
    return tuple(sorted(re.sub("[.,]", "", found) for found in _NUMBER.findall(text)))
