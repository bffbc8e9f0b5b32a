"""Outputs that are written otherwise than the others: casing, end of sentence, JSON shape, markup, script, length.

    style(material)          # findings of kind style, length-outliers and languages

Knows no right style: where nearly all outputs agree on a feature, the few that do not are shown. Two things are told
at any share, since no task wants both: JSON beside other text, and an answer in a code fence beside bare ones. So are
several languages, which can be meant.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from statistics import median

from baselines.audit.findings import Change, Finding, Place, place
from baselines.audit.languages import language_of
from baselines.audit.rows import Item, Material
from baselines.audit.tidying import bare_answer
from reports.text import count, listed, share

MAJORITY = 0.9
"""Share of the outputs that must agree before the others are called different."""
FEWEST = 20
MIXED = 0.1
"""Share of outputs in another format or language than most from which a training is spoilt."""
SOME = 0.02
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


def form(text: str) -> str:
    """What a program that reads the output would see: JSON, a code fence around it, or other text."""
    start = text.strip()
    if start.startswith("```"):
        return "JSON in a code fence" if _FENCED_JSON.match(start) else "in a code fence"
    if not start.startswith(("{", "[")):
        return "no JSON"
    try:
        json.loads(start)
    except (ValueError, RecursionError):
        return "broken JSON" if _BEGINS_JSON.match(start) else "no JSON"
    return "JSON"


_FENCED_JSON = re.compile(r"```\w*\s*[{\[]")
_BEGINS_JSON = re.compile(r"(?:\{|\[\s*[\[{])\s*[\"'}]|\[\s*\"|\{\s*\w+\s*:")
"""Other text begins with a bracket too: “[Music]”, “{name} called”."""


def json_keys(text: str) -> str:
    """The keys of a JSON object, or `a list`; "" where it is no JSON: that is told by its form."""
    if form(text) != "JSON":
        return ""
    value = json.loads(text)
    return f"the keys {listed(sorted(value))}" if isinstance(value, dict) else "a list"


def markup(text: str) -> str:
    """What an output is wrapped in or begins with."""
    start = text.strip()
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


_FEATURES: tuple[Callable[[str], str], ...] = (form, json_keys, markup, margins, casing, ending, lines)


def _features(items: Sequence[Item]) -> Finding | None:
    """Rows that leave the majority in some feature, all features in one finding."""
    notes: dict[int, list[str]] = defaultdict(list)
    kinds: Counter[str] = Counter()
    usual: dict[str, str] = {}
    spoilt = False
    for feature in _FEATURES:
        values = [feature(item.output) for item in items]
        common, most = Counter(value for value in values if value).most_common(1)[0] if any(values) else ("", 0)
        known = sum(bool(value) for value in values)
        if known < FEWEST or most == known or (feature is not form and most < MAJORITY * known):
            continue
        usual[feature.__name__] = common
        spoilt |= feature is form and _spoils(values, common)
        for at, value in enumerate(values):
            if value and value != common:
                notes[at].append(f"{value}; {share(most / known)} are: {common}")
                kinds[f"{value} instead of {common}"] += 1
    if not notes:
        return None
    spots = []
    for at, said in notes.items():
        output = items[at].output
        spots.append(place(items[at], "; ".join(said), of=output, change=_change(output, usual)))
    named = listed([f"{what} ({n:,})" for what, n in kinds.most_common(3)])
    return Finding(
        kind="style",
        severity="serious" if spoilt else "warning" if len(notes) > SOME * len(items) else "note",
        count=len(notes),
        text=f"{count(len(notes), 'training output')} of {len(items):,} written otherwise than the rest: {named}",
        rows=tuple(sorted(spots, key=lambda spot: -spot.note.count(";"))),
        effect="the tuned model mixes the styles, and exact metrics count the rarer one as wrong; some percent of rows "
        "in another format can spoil a small training",
        remedy="write them as the others are, or say in the instruction when which form is wanted; the fix takes "
        "blanks and code fences off, and sets other formats aside",
        fix="style" if any(spot.change for spot in spots) else None,
    )


def _change(output: str, usual: Mapping[str, str]) -> Change | None:
    """What a program can do: take off what stands around an answer; another format is for a person to write anew."""
    wanted, margin = usual.get("form"), usual.get("margins")
    if wanted and form(output) != wanted:
        return "unfence" if form(bare_answer(output)) == wanted else "set-aside"
    return "trim" if margin and margins(output) != margin == margins("") else None


def _spoils(forms: Sequence[str], common: str) -> bool:
    """Whether so many leave the usual form that answers in it are left to chance. Code in some answers is no defect."""
    others = [value for value in forms if value != common]
    of_json = any("JSON" in value and value != "no JSON" for value in (common, *others))
    return of_json and len(others) > MIXED * len(forms)


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
            place(
                items[at],
                f"{len(items[at].output):,} characters; half have {usual:,} or more",
                of=items[at].output,
                change="set-aside",
            )
        )
    return Finding(
        kind="length-outliers",
        severity="note",
        count=len(far),
        text=f"{count(len(far), 'training output')} far shorter or longer than the rest (median {usual:,} characters)",
        rows=tuple(spots),
        effect="very long ones dominate the loss, very short ones teach the model to stop early",
        remedy="check that they are whole and belong to the task; the fix sets them aside for that",
        fix="length-outliers",
    )


def _languages(material: Material) -> Finding | None:
    """Rows in another language or script than most, in input or output; one row of each where none has half of them."""
    notes: list[Place] = []
    mixed = False
    for what in ("input", "output"):
        if what == "output" and material.task == "classification":
            continue
        texts = [(item, item.input if what == "input" else item.output) for item in material.learn]
        said = [(item, text, language) for item, text in texts if (language := language_of(text))]
        amounts = Counter(language for _, _, language in said)
        if len(said) < FEWEST or len(amounts) < 2:
            continue
        common, most = amounts.most_common(1)[0]
        others = [one for one in said if one[2] != common]
        if most < len(said) / 2:
            others = list({one[2]: one for one in reversed(said)}.values())[::-1]
        if what == "output":  # an answer in its question's language is as it should be
            mixed = sum(language not in (common, language_of(i.input)) for i, _, language in said) > MIXED * len(said)
        for item, text, language in others:
            amount = "" if most >= MAJORITY * len(said) else f" ({share(amounts[language] / len(said))})"
            note = f"{what} in {language}{amount}, {share(most / len(said))} in {common}"
            notes.append(place(item, note, of=text, change="set-aside" if most >= len(said) / 2 else None))
    if not notes:
        return None
    return Finding(
        kind="languages",
        severity="warning" if mixed else "note",
        count=len(notes),
        text=f"{count(len(notes), 'text')} of the training data in another language or script than most",
        rows=tuple(notes),
        effect="few rows of a language teach it badly, and they can make the model answer in the wrong one",
        remedy="keep them if users write so, and then have such cases in the eval set; else set them aside",
        fix="languages" if any(note.change for note in notes) else None,
    )
