"""Exact match and token F1 after the normalisation of SQuAD v1.1, the larger over all references.

Lower case, ASCII punctuation dropped, the English articles a, an, the dropped, blanks collapsed: the official
evaluation script (Rajpurkar et al. 2016). It knows English only: German articles stay, in answer and reference alike.
"""

from __future__ import annotations

import re
import string
from collections import Counter

from baselines.scoring.contract import Reading
from reports.run.schema import Case, Task

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def squad_normalise(text: str) -> str:
    """`normalize_answer` of the official script: lower, punctuation, articles, blanks, in this order."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def exact_match(case: Case, text: str, task: Task) -> Reading:
    """1 where the normalised answer equals a normalised reference, else 0."""
    found = squad_normalise(text)
    wanted = [squad_normalise(reference) for reference in case.references]
    hit = found in wanted
    return Reading(float(hit), found, found if hit else wanted[0])


def token_f1(case: Case, text: str, task: Task) -> Reading:
    """Harmonic mean of token precision and recall, between 0 and 1, the best over the references."""
    return Reading(max(f1_of_tokens(text, reference) for reference in case.references))


def f1_of_tokens(text: str, reference: str) -> float:
    """Token F1 of two texts. Two texts without tokens agree (1); one without tokens scores 0."""
    found, wanted = squad_normalise(text).split(), squad_normalise(reference).split()
    if not found or not wanted:
        return float(found == wanted)
    common = sum((Counter(found) & Counter(wanted)).values())
    return 2 * common / (len(found) + len(wanted))
