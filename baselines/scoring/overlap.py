"""ROUGE-1, -2, -L and -Lsum: F1 by rouge-score, Porter stemming on, the best reference counts.

The tokenizer of rouge-score knows ASCII letters and digits only: text in other scripts has no tokens and scores 0,
and an umlaut splits a word. For ROUGE-Lsum the text is split at newlines, else into sentences at `.`, `!`, `?`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from baselines.scoring.contract import Reading, Tools
from reports.run.schema import Case, Task

USE_STEMMER = True
MOST_CHARACTERS = 50_000
"""Texts are compared so far: the longest common subsequence takes time with the product of the lengths."""
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")


class Rouge:
    """One ROUGE variant as a metric."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def __call__(self, pairs: Sequence[tuple[Case, str]], task: Task, tools: Tools, argument: str) -> list[Reading]:
        return [Reading(max(rouge_f1(self.kind, text, ref) for ref in case.references)) for case, text in pairs]


def rouge_f1(kind: str, text: str, reference: str) -> float:
    """F-measure of `rouge1`, `rouge2`, `rougeL` or `rougeLsum`, between 0 and 1."""
    text, reference = text[:MOST_CHARACTERS], reference[:MOST_CHARACTERS]
    if kind == "rougeLsum":
        text, reference = _sentences(text), _sentences(reference)
    return float(_scorer(kind).score(reference, text)[kind].fmeasure)


def _sentences(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return "\n".join(lines if len(lines) > 1 else _SENTENCE_END.split(text.strip()))


@lru_cache(maxsize=4)
def _scorer(kind: str) -> Any:
    from rouge_score.rouge_scorer import RougeScorer  # 2.2 s

    return RougeScorer([kind], use_stemmer=USE_STEMMER)
