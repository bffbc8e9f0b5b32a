"""Contains and pattern: does a reference, or the text behind the metric's name, stand in the answer.

`contains` asks for a reference, `contains:Bonn` for "Bonn" in every answer; `regex` takes the references as patterns,
`regex:^\\d+$` one pattern for all. Contains ignores case and runs of blanks; a pattern is searched for as it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from baselines.scoring.contract import Reading, Tools
from reports.run.schema import Case, Task


def contains(pairs: Sequence[tuple[Case, str]], task: Task, tools: Tools, argument: str) -> list[Reading]:
    """1 where one of the wanted texts stands in the answer, else 0."""
    return [_contains(text, (argument,) if argument else case.references) for case, text in pairs]


def regex(pairs: Sequence[tuple[Case, str]], task: Task, tools: Tools, argument: str) -> list[Reading]:
    """1 where one of the patterns is found in the answer, else 0; unscored where a pattern does not compile."""
    return [_found(text, (argument,) if argument else case.references) for case, text in pairs]


def _contains(text: str, wanted: Sequence[str]) -> Reading:
    haystack = _plain(text)
    hits = [want for want in wanted if _plain(want) in haystack]
    return Reading(float(bool(hits)), expected=hits[0] if hits else wanted[0])


def _found(text: str, patterns: Sequence[str]) -> Reading:
    for pattern in patterns:
        try:
            match = _compiled(pattern).search(text)
        except re.error as error:
            return Reading(None, unscored=f"the pattern {pattern[:80]!r} does not compile: {error}")
        if match:
            return Reading(1.0, match.group(), pattern)
    return Reading(0.0, None, patterns[0])


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
