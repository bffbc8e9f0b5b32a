"""Words, names, codes and values that the generated text is made of. Everything is drawn from a `random.Random`.

Knows nothing of tasks or prompts. Names, codes and numbers are made fresh, so that a model trained on them learns to
read what stands before it and can remember nothing.

    >>> import random
    >>> name(random.Random(0))[0].isupper()
    True
"""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

LISTS: dict[str, list[str]] = json.loads(Path(__file__).with_name("words.json").read_text(encoding="utf-8"))
FIRST = LISTS["first"]
COLOURS = LISTS["colours"]
MATERIALS = LISTS["materials"]
THINGS = LISTS["things"]
FOODS = LISTS["foods"]
PLACES = LISTS["places"]
SIDES = LISTS["sides"]
TEAMS = LISTS["teams"]
MONTHS = LISTS["months"]
DAYS = LISTS["days"]
UNITS = LISTS["units"]
COINS = LISTS["coins"]
PLAIN = LISTS["plain"]

_ONSET = LISTS["onset"]
_VOWEL = LISTS["vowel"]
_CODA = ["", "", "", "n", "r", "l", "s", "m", "k", "nd", "rt", "x", "st"]
_ENDING = ["", "", "", "", "berg", "ton", "field", "mar", "holm", "ford", "ia", "en", "ley", "by"]
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"


def made_up(rng: Random, least: int = 1, most: int = 3) -> str:
    """A pronounceable lower-case word that is in no dictionary."""
    parts = [rng.choice(_ONSET) + rng.choice(_VOWEL) + rng.choice(_CODA) for _ in range(rng.randint(least, most))]
    return "".join(parts)


def name(rng: Random) -> str:
    """A made-up proper name of one word."""
    return (made_up(rng, 1, 2) + rng.choice(_ENDING)).capitalize()


def person(rng: Random) -> str:
    """First and last name, a title and a name, or a first name alone."""
    style = rng.random()
    if style < 0.12:
        return f"{rng.choice(['Mr', 'Ms', 'Dr', 'Mrs'])} {name(rng)}"
    first = rng.choice(FIRST) if style < 0.8 else name(rng)
    return first if rng.random() < 0.15 else f"{first} {name(rng)}"


def code(rng: Random) -> str:
    """An identifier in one of many shapes: NX-4471, K41, B-07, 93-TR, QZX."""
    letters = "".join(rng.choice(_LETTERS) for _ in range(rng.randint(1, 3)))
    digits = "".join(rng.choice("0123456789") for _ in range(rng.randint(1, 5)))
    shape = rng.random()
    if shape < 0.45:
        return f"{letters}-{digits}"
    if shape < 0.8:
        return letters + digits
    if shape < 0.88:
        return f"{digits}-{letters}"
    if shape < 0.94:
        return f"{letters}-{rng.choice(PLAIN)}"
    return letters + rng.choice(_LETTERS)


def label(rng: Random) -> str:
    """A class name that says nothing: a code, a made-up word, a plain word, or two of them."""
    shape = rng.random()
    if shape < 0.5:
        return code(rng)
    if shape < 0.6:
        return made_up(rng, 1, 2)
    if shape < 0.8:
        return rng.choice(PLAIN)
    if shape < 0.9:
        return f"{rng.choice(PLAIN)}-{rng.randint(1, 9)}"
    return f"{rng.choice(COLOURS)} {rng.choice(PLAIN)}"


def labels(rng: Random, count: int) -> list[str]:
    """`count` different class names, of one family more often than not."""
    found: list[str] = []
    family = rng.random()
    stem = "".join(rng.choice(_LETTERS) for _ in range(rng.randint(1, 2)))
    while len(found) < count:
        if family < 0.25:
            word = f"{stem}{rng.randint(1, 99):02d}"
        elif family < 0.4:
            word = f"{rng.choice(_LETTERS)}{rng.randint(1, 99)}"
        elif family < 0.5:
            word = f"{rng.choice(_LETTERS)}{rng.choice(_LETTERS)}-{rng.randint(1, 99)}"
        elif family < 0.75:
            word = rng.choice(PLAIN)
        else:
            word = label(rng)
        if word not in found:
            found.append(word)
    return found


def item(rng: Random) -> str:
    """A thing for sale: blue wooden lamp."""
    words = [rng.choice(THINGS) if rng.random() < 0.85 else made_up(rng, 1, 2)]
    if rng.random() < 0.15:
        return f"{rng.choice(PLAIN)} {words[0]}"
    if rng.random() < 0.5:
        words.insert(0, rng.choice(MATERIALS))
    if rng.random() < 0.7 or len(words) == 1:
        words.insert(0, rng.choice(COLOURS))
    return " ".join(words)


def number(rng: Random) -> str:
    """A count of 2 up to 999."""
    return str(rng.randint(2, rng.choice([9, 20, 99, 999])))


def date(rng: Random) -> str:
    """14 March."""
    return f"{rng.randint(1, 28)} {rng.choice(MONTHS)}"


def clock(rng: Random) -> str:
    """7:45."""
    return f"{rng.randint(6, 21)}:{rng.choice(['00', '15', '30', '45'])}"


def amount(rng: Random) -> str:
    """45 crowns."""
    return f"{rng.randint(2, rng.choice([40, 95, 900]))} {rng.choice(COINS)}"


def span(rng: Random) -> str:
    """3 weeks."""
    return f"{rng.randint(2, 40)} {rng.choice(UNITS)}"


def room(rng: Random) -> str:
    """Where something is inside a building."""
    style = rng.random()
    if style < 0.4:
        return f"room {rng.randint(1, 499)}"
    if style < 0.6:
        return f"desk {rng.choice(_LETTERS)}{rng.randint(1, 9)}"
    return f"the {rng.choice(SIDES)} {rng.choice(PLACES)}"


def team(rng: Random) -> str:
    """the payroll team."""
    return f"the {rng.choice(TEAMS)} team"


def phrase(rng: Random, least: int = 2, most: int = 6) -> str:
    """Unconnected words, for copying."""
    makers = (
        lambda: rng.choice(PLAIN),
        lambda: made_up(rng),
        lambda: name(rng),
        lambda: code(rng),
        lambda: number(rng),
    )
    return " ".join(rng.choice(makers)() for _ in range(rng.randint(least, most)))
