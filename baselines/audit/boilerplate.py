"""Sentences of a chat model in the outputs: refusals, self-descriptions, openings and closings. Reads outputs only.

phrase_in("As an AI language model, I cannot …")      # Phrase("speaks as an AI", grave=True)
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from baselines.audit.findings import Finding, place
from baselines.audit.rows import Material
from reports.text import count


@dataclass(frozen=True)
class Phrase:
    """What a chat model's sentence is."""

    words: str
    grave: bool
    """The row is no answer at all: a refusal, or the model talks of itself."""


_START = r"^[\s\"'“”*_>#-]*"
_PATTERNS = (
    (
        Phrase("speaks as an AI", True),
        r"\bas an? (?:ai\b|artificial intelligence|(?:large )?language model)|\bi(?: a|')m (?:just |only )?an? (?:ai\b|"
        r"(?:large )?language model)|\b(?:as|for) chatgpt\b|\bi(?: a|')m chatgpt\b|\bi was (?:developed|trained) by "
        r"(?:openai|anthropic|google|meta|mistral)|\bals (?:ki|künstliche intelligenz)\b[- ]?(?:sprachmodell)?|"
        r"\bals sprachmodell\b|\ben tant qu(?:'|’|e )?(?:ia\b|intelligence artificielle|(?:un )?modèle de langage)|"
        r"\bcomo (?:una? )?(?:ia\b|inteligencia artificial|modelo de lenguaje)|\bcome (?:ia\b|modello linguistico)|"
        r"\bcomo (?:uma? )?(?:modelo de linguagem)|作为(?:一个|一名)?(?:人工智能|AI|ai)|как (?:языковая модель|ии\b)",
    ),
    (
        Phrase("knowledge cutoff", True),
        r"\bmy (?:knowledge cut-?off|training data|last (?:knowledge )?update)\b|\bknowledge cut-?off (?:date )?"
        r"(?:of|in|is)\b|\bas of my (?:last|latest) (?:update|training)",
    ),
    (
        Phrase("refuses", True),
        _START + r"(?:i(?: a|')m (?:very |really |so )?sorry,? (?:but )?(?:i|as)\b.{0,20}\b(?:can ?not|can't|cannot|"
        r"unable|won't|am not able|do not|don't)|i (?:apologi[sz]e|must decline)|i (?:can ?not|can't|am (?:unable|not "
        r"able) to|won't) (?:fulfil|assist|help (?:you )?with|provide|comply|generate|create|answer|do that|engage)|"
        r"(?:es tut mir leid|tut mir leid), (?:aber )?(?:ich kann|das kann ich)|(?:je suis )?désolée?,? (?:mais )?je "
        r"ne (?:peux|suis)|lo siento,? (?:pero )?no puedo|mi dispiace,? (?:ma )?non posso)",
    ),
    (
        Phrase("opens as a chat does", False),
        _START
        + r"(?:sure|certainly|of course|absolutely|great question|no problem)[!,.]+ ?(?:here(?:'s| is| are)|i'd be|"
        r"i can|let me|below)|" + _START + r"here(?:'s| is| are) (?:the|a|an|your|my|some) [^\n:]{0,60}:\s",
    ),
    (
        Phrase("closes as a chat does", False),
        r"\b(?:i hope (?:this|that) helps|let me know if (?:you|there)|feel free to (?:ask|reach out|contact)|is there "
        r"anything else (?:i|you)|if you have any (?:other|further|more|additional)? ?questions)\b[^\n]{0,80}$",
    ),
)
_COMPILED = tuple((phrase, re.compile(pattern, re.IGNORECASE)) for phrase, pattern in _PATTERNS)
_SHARE = 0.5
"""Where so large a share of the outputs closes politely it is the style that is wanted (a support desk's letters)."""


def phrase_in(output: str) -> Phrase | None:
    """The first sentence of a chat model in a text, the gravest kind first."""
    for phrase, pattern in _COMPILED:
        if pattern.search(output):
            return phrase
    return None


def boilerplate(material: Material) -> Finding | None:
    """Training outputs in which a chat model speaks. The fix removes those that are no answer at all."""
    found = [(item, phrase) for item in material.learn if (phrase := phrase_in(item.output))]
    light = [pair for pair in found if not pair[1].grave]
    if len(light) > _SHARE * len(material.learn):
        found = [pair for pair in found if pair[1].grave]
    if not found:
        return None
    grave = sum(phrase.grave for _, phrase in found)
    found.sort(key=lambda pair: not pair[1].grave)
    return Finding(
        kind="boilerplate",
        severity="warning" if grave else "note",
        count=len(found),
        text=f"{count(len(found), 'training output')} with a chat model's own sentences, {grave:,} of them no answer",
        rows=tuple(
            place(item, phrase.words, of=item.output, change="remove" if phrase.grave else None)
            for item, phrase in found
        ),
        effect="the tuned model learns to refuse and to talk of itself: a few such rows show up in many answers",
        remedy="remove refusals and self-descriptions; cut openings and closings by hand where they are not wanted",
        fix="boilerplate" if grave else None,
    )
