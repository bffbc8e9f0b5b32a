"""Reads labels out of a model's text: tolerant of dress, strict about ambiguity. Knows no metric and no case.

    read_label("**Card_Arrival.** The customer waits for a card.", labels).label    # 'card arrival'
    read_label("refund or transfer", labels).problem                               # names two labels: …

The rules, in order; the first that applies decides:
 1. The whole text is a label, apart from case, quotes, markdown, `_` for blank, and closing punctuation.
 2. A lead-in such as "Label:" or "Answer:" is dropped.
 3. One of the lines or clauses is exactly a label. Two of them that are different labels: ambiguous.
 4. Labels are looked for as whole words anywhere; a label inside a longer one that also matches does not count.
    Exactly one: that one. Several: ambiguous. None: no label.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

_DRESS = " \t\r\n\"'`*_“”‘’«»„‚()[]{}<>#-–—•:;,.!?"
_LEAD_IN = re.compile(
    r"^\W*(?:the\s+)?(?:final\s+|correct\s+|predicted\s+|best\s+)?"
    r"(?:label|answer|category|class|intent|output|prediction|classification|sentiment|topic)"
    r"(?:\s+is\b\s*:?|\s*[:=]|\s*->)\s*",
    re.IGNORECASE,
)
_CLAUSES = re.compile(r"[\n;|,]+|[.!?:]+(?=\s|$)|\s+(?:or|and|oder|und)\s+|\s+[-–—]+\s+|\s*[()]\s*", re.IGNORECASE)
MOST_CHARACTERS = 20_000
"""An answer is read so far: labels stand at its beginning, and a text of megabytes must not stop a run."""
SHOWN_LABELS = 4
"""An ambiguous answer's message names at most so many."""


@dataclass(frozen=True)
class LabelReading:
    """One label, or why there is none."""

    label: str | None
    problem: str | None = None


def normalise(text: str) -> str:
    """Case, Unicode form, blanks and underscores made equal; quotes, markdown and closing punctuation dropped."""
    text = unicodedata.normalize("NFKC", text).casefold().replace("_", " ")
    return " ".join(text.split()).strip(_DRESS)


def read_label(text: str, labels: Sequence[str]) -> LabelReading:
    """The one label that the text names. Without known labels the first line, stripped of its dress, is the label."""
    if not labels:
        return _free_label(text)
    known = _known(tuple(labels))
    text = text[:MOST_CHARACTERS]
    if text.strip() in known.exact:
        return LabelReading(text.strip())
    body = _LEAD_IN.sub("", text.strip())
    whole = known.of(body)
    if whole is not None:
        return LabelReading(whole)
    clauses = {label for part in _parts(body) if (label := known.of(part)) is not None}
    found = clauses or set(known.mentions(body))
    if len(found) == 1:
        return LabelReading(found.pop())
    if not found:
        return LabelReading(None, "names no known label" if body.strip() else "is empty")
    shown = sorted(found)[:SHOWN_LABELS]
    more = f" and {len(found) - len(shown)} more" if len(found) > len(shown) else ""
    return LabelReading(None, f"names {len(found)} labels: {', '.join(shown)}{more}")


def read_labels(text: str, labels: Sequence[str]) -> frozenset[str] | None:
    """All labels that the text names, for multi-label tasks; None where nothing in it is readable.

    A JSON list, or labels separated by commas, semicolons, bars or lines. "none", "[]" and an empty text say: no label.
    """
    text = text[:MOST_CHARACTERS]
    if normalise(text) in ("", "none", "no label", "no labels", "n/a", "keine"):
        return frozenset()
    listed = _json_list(text)
    body = _LEAD_IN.sub("", text.strip()) if listed is None else "\n".join(listed)
    if not labels:
        parts = listed if listed is not None else re.split(r"[,;|\n]", body)
        return frozenset(p for part in parts if (p := normalise(part)))
    found = frozenset(_known(tuple(labels)).mentions(body))
    return found or None


def canonical(label: str, labels: Sequence[str]) -> str:
    """A reference label as the label list spells it; a label that the list lacks stays as it is, stripped."""
    stripped = label.strip()
    if not labels:
        return normalise(stripped) or stripped
    known = _known(tuple(labels))
    return stripped if stripped in known.exact else known.of(stripped) or stripped


class _Labels:
    """A label list, indexed once. Labels that differ in dress only ("Yes", "yes") are told apart by their raw text."""

    def __init__(self, labels: tuple[str, ...]) -> None:
        self.exact = frozenset(labels)
        self.by_form: dict[str, list[str]] = {}
        for label in labels:
            form = normalise(label) or label.casefold()
            self.by_form.setdefault(form, []).append(label)
        forms = sorted(self.by_form, key=len, reverse=True)
        # Longest first, so that a label inside a longer one is consumed by it. "3" is not a mention inside "3.5".
        alternatives = "|".join(re.escape(form) for form in forms)
        self.pattern = re.compile(rf"(?<![\w])(?<!\d[.,])(?:{alternatives})(?![\w]|[.,]\d)")

    def of(self, text: str) -> str | None:
        """The label that the whole text is, or None."""
        same = self.by_form.get(normalise(text)) or self.by_form.get(text.strip().casefold())
        if same is None:
            return None
        if len(same) == 1:
            return same[0]
        stripped = text.strip().strip(_DRESS)
        return stripped if stripped in same else None

    def mentions(self, text: str) -> list[str]:
        """Labels that stand in the text as whole words; forms that several labels share are not readable here."""
        plain = " ".join(unicodedata.normalize("NFKC", text).casefold().replace("_", " ").split())
        forms = dict.fromkeys(match.group() for match in self.pattern.finditer(plain))
        return [self.by_form[form][0] for form in forms if len(self.by_form[form]) == 1]


@lru_cache(maxsize=8)
def _known(labels: tuple[str, ...]) -> _Labels:
    return _Labels(labels)


def _parts(text: str) -> list[str]:
    """Lines, and the clauses of each: a line that is a label as a whole is kept whole."""
    lines = [line for line in text.splitlines() if line.strip()]
    stripped = [_LEAD_IN.sub("", line) for line in lines]
    return stripped + [clause for line in stripped for clause in _CLAUSES.split(line) if clause.strip()]


def _free_label(text: str) -> LabelReading:
    lines = [line for line in _LEAD_IN.sub("", text.strip()).splitlines() if normalise(line)]
    return LabelReading(normalise(lines[0])) if lines else LabelReading(None, "is empty")


def _json_list(text: str) -> list[str] | None:
    stripped = text.strip()
    if not stripped.startswith("["):
        return None
    try:
        value = json.loads(stripped)
    except ValueError:
        return None
    return [str(item) for item in value] if isinstance(value, list) else None
