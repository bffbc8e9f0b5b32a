"""Known defects in real data, by a seed: near duplicates, flipped labels, leaked eval cases, personal data.

    planted = plant(train, test, seed=1, near=200, flipped=100, leaked=50, personal=30)
    planted.rows[planted.near[0].at]        # a changed copy of planted.rows[planted.near[0].of]

Rows are (text, label). Every row carries one defect at most, and copies stand at random places.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Pair = tuple[str, str]

PREFIXES = ("Hi, ", "Hello, ", "Please help: ", "Good morning. ", "Hi there! ", "Quick question: ", "Hello team, ")
SUFFIXES = (" Thanks.", " Thank you!", " Please help.", " Many thanks", " Please advise.")
SYNONYMS = {
    "help": "assist",
    "assist": "help",
    "get": "receive",
    "want": "would like",
    "need": "require",
    "money": "cash",
    "cash": "money",
    "transfer": "payment",
    "card": "bank card",
    "account": "bank account",
    "can": "could",
    "could": "can",
    "cannot": "can't",
    "can't": "cannot",
    "tell": "inform",
    "wrong": "incorrect",
    "purchase": "order",
    "charged": "billed",
    "received": "got",
    "still": "even now",
    "fee": "charge",
    "use": "make use of",
    "my": "our",
    "the": "this",
    "i": "we",
    "please": "kindly",
    "just": "only",
}
PERSONAL = (
    "anna.kowalski@posteo.de",
    "j.smith+bank@example.co.uk",
    "+44 20 7946 0958",
    "(415) 555-0132",
    "+49 171 5551234",
    "4111 1111 1111 1111",
    "5500-0000-0000-0004",
    "378282246310005",
    "DE89 3704 0044 0532 0130 00",
    "GB82WEST12345698765432",
    "DE89-3704-0044-0532-0130-00",
    "john.doe@example.com",
    "1-800-555-0199",
    "0171 2345678",
    "192.168.17.44",
    "8.8.8.8",
    "2001:db8:85a3::8a2e:370:7334",
    "sk-proj-" + "Ab3dEf6hIj9lMn2pQr5tUv8xYz1B",
    "AKIA" + "IOSFODNN7EXAMPLE",
    "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a",
)
"""Published test numbers and documentation addresses; keys of the right form that open nothing."""
SENTENCES = ("{text} My details: {value}.", "{text} Reach me at {value}", "{text} ({value})", "{value} - {text}")


@dataclass(frozen=True)
class Copy:
    """A row that repeats another one with a small change."""

    at: int
    """0-based position in the planted rows."""
    of: int
    """Position in the planted rows, or in the test rows for a leak."""
    how: str


@dataclass(frozen=True)
class Planted:
    """Rows with defects, and where they are."""

    rows: tuple[Pair, ...]
    near: tuple[Copy, ...]
    leaked: tuple[Copy, ...]
    flipped: tuple[int, ...]
    personal: tuple[int, ...]


def plant(
    train: Sequence[Pair],
    test: Sequence[Pair],
    *,
    seed: int,
    near: int = 200,
    flipped: int = 100,
    leaked: int = 50,
    personal: int = 30,
) -> Planted:
    """Half of the leaks are word for word, the other half changed as near duplicates are."""
    chance = random.Random(seed)
    touched = chance.sample(range(len(train)), near + flipped + personal)
    sources, turned, exposed = touched[:near], set(touched[near : near + flipped]), set(touched[near + flipped :])
    labels = sorted({label for _, label in train})
    values = [PERSONAL[i % len(PERSONAL)] for i in range(personal)]
    kept: list[tuple[Pair, tuple[str, int, str]]] = []
    for index, (text, label) in enumerate(train):
        if index in turned:
            kept.append(((text, chance.choice([other for other in labels if other != label])), ("flipped", index, "")))
        elif index in exposed:
            said = chance.choice(SENTENCES).format(text=text, value=values.pop())
            kept.append(((said, label), ("personal", index, "")))
        else:
            kept.append(((text, label), ("", index, "")))
    for source in sources:
        text, how = changed(train[source][0], chance)
        kept.append(((text, train[source][1]), ("near", source, how)))
    for number, source in enumerate(chance.sample(range(len(test)), leaked)):
        text, how = (test[source][0], "verbatim") if number % 2 else changed(test[source][0], chance)
        kept.append(((text, test[source][1]), ("leaked", source, how)))
    chance.shuffle(kept)
    return _planted(kept)


def _planted(kept: Sequence[tuple[Pair, tuple[str, int, str]]]) -> Planted:
    place = {index: at for at, (_, (what, index, _)) in enumerate(kept) if what not in {"near", "leaked"}}
    found: dict[str, list[tuple[int, int, str]]] = {"near": [], "leaked": [], "flipped": [], "personal": [], "": []}
    for at, (_, (what, index, how)) in enumerate(kept):
        found[what].append((at, index, how))
    return Planted(
        rows=tuple(row for row, _ in kept),
        near=tuple(Copy(at, place[index], how) for at, index, how in found["near"]),
        leaked=tuple(Copy(at, index, how) for at, index, how in found["leaked"]),
        flipped=tuple(at for at, _, _ in found["flipped"]),
        personal=tuple(at for at, _, _ in found["personal"]),
    )


def changed(text: str, chance: random.Random) -> tuple[str, str]:
    """(the text as another person may have typed it, what was done)."""
    edits: list[tuple[str, Callable[[str, random.Random], str]]] = [
        ("case", _case),
        ("punctuation", _punctuation),
        ("typo", _typo),
        ("word", _word),
        ("polite", _polite),
    ]
    chance.shuffle(edits)
    for how, edit in edits:
        new = edit(text, chance)
        if new.strip() != text.strip():
            return new, how
    raise AssertionError(f"no edit changes {text!r}")


def _case(text: str, chance: random.Random) -> str:
    return chance.choice((text.upper(), text.lower(), text.title()))


def _punctuation(text: str, chance: random.Random) -> str:
    bare = re.sub(r"(?<!\d)[^\w\s']|[^\w\s'](?!\d)", "", text)
    return chance.choice((bare, bare + "??", bare + " ...", bare.replace(" ", "  ", 1) + "!"))


def _typo(text: str, chance: random.Random) -> str:
    """Two letters swapped, one left out, or one doubled in a word of five letters or more."""
    long = list(re.finditer(r"[^\W\d_]{5,}", text))
    if not long:
        return text
    word = chance.choice(long)
    at = chance.randrange(word.start() + 1, word.end() - 1)
    a, b = text[at], text[at + 1]
    return text[:at] + chance.choice((b + a, b, a + a + b)) + text[at + 2 :]


def _word(text: str, chance: random.Random) -> str:
    """One word said otherwise."""
    known = [m for m in re.finditer(r"[\w']+", text) if m.group().lower() in SYNONYMS]
    if not known:
        return text
    word = chance.choice(known)
    new = SYNONYMS[word.group().lower()]
    return text[: word.start()] + (new.capitalize() if word.start() == 0 else new) + text[word.end() :]


def _polite(text: str, chance: random.Random) -> str:
    return chance.choice(PREFIXES) + text if chance.random() < 0.6 else text.rstrip() + chance.choice(SUFFIXES)
