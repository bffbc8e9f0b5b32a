"""Texts that stand on both sides: eval cases whose input also occurs in the training data. Knows no approach.

    overlap(cases, examples)         # ids of the leaked cases, in the order of the cases
    same_text("Where is my card? ") == same_text("where is MY card?")

Only the input is compared, context left aside. What stands there nearly word for word, `baselines.audit` finds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from reports.run.schema import Case, Example

_NOT_A_WORD = re.compile(r"[\W_]+")


def same_text(text: str) -> str:
    """The form in which two texts count as the same: case folded, blanks at the ends dropped."""
    return text.strip().casefold()


def bare_text(text: str) -> str:
    """The form in which two texts count as nearly the same: letters and digits only, or same_text without any."""
    return _NOT_A_WORD.sub("", text.casefold()) or same_text(text)


def overlap(cases: Sequence[Case], examples: Iterable[Example]) -> tuple[str, ...]:
    """Ids of the cases whose input also stands in the examples."""
    seen = {same_text(example.input) for example in examples}
    return tuple(case.question.id for case in cases if same_text(case.question.input) in seen)


def repeats(examples: Sequence[Example]) -> int:
    """How many examples repeat the input of an earlier one."""
    return len(examples) - len({same_text(example.input) for example in examples})
