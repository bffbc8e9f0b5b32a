"""Outputs that are written otherwise than the others: casing, end of sentence, JSON shape, markup, script, length.

    style(material)          # findings of kind style, length-outliers and languages

Knows no right style: where nearly all outputs agree on a feature, the few that do not are shown.
"""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from statistics import median

from baselines.audit.findings import Finding, Place, place
from baselines.audit.languages import language_of
from baselines.audit.rows import Item, Material
from reports.text import count, listed, share

MAJORITY = 0.9
"""Share of the outputs that must agree before the others are called different."""
FEWEST = 20
OUTLIER = 5.0
"""Robust standard deviations of the logarithm of the length from which an output is an outlier."""


def style(material: Material) -> list[Finding | None]:
    """What differs among the training outputs; of a classification the inputs' languages alone."""
    found = [_languages(material)]
    if material.task == "classification" or len(material.learn) < FEWEST:
        return found
    return [_features(material.learn), _lengths(material.learn), *found]


def casing(text: str) -> str:
    """How the letters of an output are written; "" where it has no two cases (numbers, scripts without case)."""
    letters = [c for c in text if c.lower() != c.upper()]
    if not letters:
        return ""
    if all(c.isupper() for c in letters) and len(letters) > 3:
        return "in capitals"
    return "begins small" if letters[0].islower() else "begins with a capital"


def ending(text: str) -> str:
    """Whether an output ends as a sentence does."""
    return (
        "ends with a stop"
        if text.rstrip().endswith((".", "!", "?", "。", "！", "？", "।", "؟", "…"))
        else "without a stop"
    )


def json_shape(text: str) -> str:
    """The keys of a JSON object, `a list`, or `no JSON`."""
    start = text.strip()
    if start.startswith("```"):
        return "JSON in a code fence" if "{" in start or "[" in start else "no JSON"
    if not start.startswith(("{", "[")):
        return "no JSON"
    try:
        value = json.loads(start)
    except (ValueError, RecursionError):
        return "broken JSON"
    return f"the keys {listed(sorted(value))}" if isinstance(value, dict) else "a list"


def markup(text: str) -> str:
    """What an output is wrapped in or begins with."""
    start = text.strip()
    if start.startswith("```"):
        return "in a code fence"
    if len(start) > 1 and start[0] in "\"“„«'" and start[-1] in "\"”“»'":
        return "in quotation marks"
    if start.startswith(("- ", "* ", "• ", "1. ", "1) ")):
        return "as a list"
    if start.startswith("#"):
        return "with a heading"
    return "plain"


def margins(text: str) -> str:
    """Whether blanks stand around an output."""
    return "blanks around it" if text != text.strip() else "no blanks around it"


def lines(text: str) -> str:
    """One line or several."""
    return "several lines" if "\n" in text.strip() else "one line"


_FEATURES: tuple[Callable[[str], str], ...] = (json_shape, markup, margins, casing, ending, lines)


def _features(items: Sequence[Item]) -> Finding | None:
    """Rows that leave the majority in some feature, all features in one finding."""
    notes: dict[int, list[str]] = defaultdict(list)
    kinds: Counter[str] = Counter()
    for feature in _FEATURES:
        values = [feature(item.output) for item in items]
        common, most = Counter(value for value in values if value).most_common(1)[0] if any(values) else ("", 0)
        known = sum(bool(value) for value in values)
        if known < FEWEST or not MAJORITY * known <= most < known:
            continue
        for at, value in enumerate(values):
            if value and value != common:
                notes[at].append(f"{value}; {share(most / known)} are: {common}")
                kinds[f"{value} instead of {common}"] += 1
    if not notes:
        return None
    spots = [place(items[at], "; ".join(said), of=items[at].output) for at, said in notes.items()]
    named = listed([f"{what} ({n:,})" for what, n in kinds.most_common(3)])
    return Finding(
        kind="style",
        severity="warning" if len(notes) > 0.02 * len(items) else "note",
        count=len(notes),
        text=f"{count(len(notes), 'training output')} of {len(items):,} written otherwise than the rest: {named}",
        rows=tuple(sorted(spots, key=lambda spot: -spot.note.count(";"))),
        effect="the tuned model mixes the styles, and exact metrics count the rarer one as wrong; some percent of rows "
        "in another format can spoil a small training",
        remedy="write them as the others are, or say in the instruction when which form is wanted",
    )


def _lengths(items: Sequence[Item]) -> Finding | None:
    """Outputs far shorter or longer than the rest, by the median absolute deviation of the logarithm."""
    sizes = [math.log(1 + len(item.output)) for item in items]
    middle = median(sizes)
    spread = 1.4826 * median(abs(size - middle) for size in sizes)
    far = [(abs(size - middle), at) for at, size in enumerate(sizes) if abs(size - middle) > OUTLIER * max(spread, 0.1)]
    if not far or len(far) > (1 - MAJORITY) * len(items):
        return None
    usual = round(math.exp(middle) - 1)
    spots: list[Place] = []
    for _, at in sorted(far, reverse=True):
        spots.append(
            place(items[at], f"{len(items[at].output):,} characters; half have {usual:,} or more", of=items[at].output)
        )
    return Finding(
        kind="length-outliers",
        severity="note",
        count=len(far),
        text=f"{count(len(far), 'training output')} far shorter or longer than the rest (median {usual:,} characters)",
        rows=tuple(spots),
        effect="very long ones dominate the loss, very short ones teach the model to stop early",
        remedy="check that they are whole and belong to the task",
    )


def _languages(material: Material) -> Finding | None:
    """Rows in another language or script than nearly all, in input or output."""
    notes: list[Place] = []
    texts: tuple[tuple[str, Callable[[Item], str]], ...] = (
        ("input", lambda i: i.input),
        ("output", lambda i: i.output),
    )
    for what, text in texts:
        if what == "output" and material.task == "classification":
            continue
        said = [(item, language) for item in material.learn if (language := language_of(text(item)))]
        if len(said) < FEWEST:
            continue
        common, most = Counter(language for _, language in said).most_common(1)[0]
        if MAJORITY * len(said) <= most < len(said):
            notes += [
                place(item, f"{what} in {language}, {share(most / len(said))} in {common}", of=text(item))
                for item, language in said
                if language != common
            ]
    if not notes:
        return None
    return Finding(
        kind="languages",
        severity="note",
        count=len(notes),
        text=f"{count(len(notes), 'text')} of the training data in another language or script than the rest",
        rows=tuple(notes),
        effect="few rows of a language teach it badly, and they can make the model answer in the wrong one",
        remedy="keep them if users write so, and then have such cases in the eval set; else remove them",
    )
