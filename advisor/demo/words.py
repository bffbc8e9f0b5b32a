"""Words, names, codes and values that the generated text is made of. Everything is drawn from a `random.Random`.

Knows nothing of tasks or prompts. Names, codes and numbers are made fresh, so that a model trained on them learns to
read what stands before it and can remember nothing.

    >>> import random
    >>> name(random.Random(0))[0].isupper()
    True
"""

from __future__ import annotations

from random import Random

FIRST = """Ada Amir Anna Bela Boris Carla Chen Clara Dora Edda Emil Elena Farid Femi Greta Hana Henrik Ines Ivan Jana Jonas
Karim Lena Leo Lucia Mara Milo Mina Nadia Nils Nora Olga Omar Otto Paula Petra Ravi Rosa Ruth Samir Selma Sven Tara
Theo Tomas Uma Vera Victor Wanda Yara Yusuf Zora Alan Beth Colin Diana Erik Fiona Gavin Helen Iris Jack Kate Liam Maria
Noah Oscar Peter Quinn Rita Simon Tina Ursula Walter""".split()
COLOURS = "red blue green black white grey brown yellow orange purple silver pink violet amber navy golden".split()
MATERIALS = "wooden steel glass paper cotton leather plastic woollen copper ceramic rubber canvas stone bamboo".split()
THINGS = """lamp chair table desk shelf mirror carpet kettle pan bowl cup plate knife spoon towel blanket pillow curtain
clock radio camera printer monitor keyboard cable charger battery speaker phone tablet bicycle helmet jacket coat scarf
glove boot shoe shirt hat bag backpack suitcase wallet umbrella notebook pencil folder stapler box basket bottle candle
vase ladder hammer saw drill rope tent stove heater fan filter pump valve bracket hinge screw panel tile brush bucket
rake hose seat pedal wheel mat cushion bench drawer cabinet mug jar tray ring watch""".split()
FOODS = "apples bread butter cheese coffee flour grapes honey lemons milk oats olives onions pears rice salt soup tea".split()
PLACES = """hall yard garden kitchen cellar library workshop lobby garage terrace archive studio annex tower gate canteen
laboratory warehouse reception basement attic office courtyard chapel pavilion""".split()
SIDES = "north south east west upper lower old new front back main inner outer first second third".split()
ROLES = """director manager engineer clerk nurse teacher driver cook editor gardener librarian accountant technician
planner analyst secretary officer assistant coach inspector""".split()
TEAMS = """payroll facilities security travel purchasing sales support research legal training finance logistics design
maintenance recruiting quality safety planning marketing catering""".split()
MONTHS = "January February March April May June July August September October November December".split()
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
UNITS = "hours days weeks months years minutes".split()
COINS = "euros dollars crowns pounds francs".split()
PLAIN = """river stone cloud forest window paper signal harbor market bridge candle mountain silver garden winter summer
letter number simple bright quiet heavy early late open closed warm cold small large round narrow sharp smooth
travel morning evening answer question metal water fire wind field road corner circle square music story picture
pattern engine planet island valley meadow thunder shadow lantern copper velvet marble feather anchor compass""".split()

_ONSET = "b d f g h k l m n p r s t v w z br dr gr kr pr tr st sk bl fl gl kl pl sh th ch".split()
_VOWEL = "a e i o u a e i o ai ei ou ia".split()
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
    first = rng.choice(FIRST) if rng.random() < 0.8 else name(rng)
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
    if shape < 0.65:
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
        else:
            word = label(rng)
        if word not in found:
            found.append(word)
    return found


def item(rng: Random) -> str:
    """A thing for sale: blue wooden lamp."""
    words = [rng.choice(THINGS)]
    if rng.random() < 0.5:
        words.insert(0, rng.choice(MATERIALS))
    if rng.random() < 0.7 or len(words) == 1:
        words.insert(0, rng.choice(COLOURS))
    return " ".join(words)


def number(rng: Random) -> str:
    return str(rng.randint(2, rng.choice([9, 20, 99, 999])))


def date(rng: Random) -> str:
    return f"{rng.randint(1, 28)} {rng.choice(MONTHS)}"


def clock(rng: Random) -> str:
    return f"{rng.randint(6, 21)}:{rng.choice(['00', '15', '30', '45'])}"


def amount(rng: Random) -> str:
    return f"{rng.randint(2, rng.choice([40, 95, 900]))} {rng.choice(COINS)}"


def span(rng: Random) -> str:
    return f"{rng.randint(2, 40)} {rng.choice(UNITS)}"


def room(rng: Random) -> str:
    style = rng.random()
    if style < 0.4:
        return f"room {rng.randint(1, 499)}"
    if style < 0.6:
        return f"desk {rng.choice(_LETTERS)}{rng.randint(1, 9)}"
    return f"the {rng.choice(SIDES)} {rng.choice(PLACES)}"


def team(rng: Random) -> str:
    return f"the {rng.choice(TEAMS)} team"


def phrase(rng: Random, least: int = 2, most: int = 6) -> str:
    """Unconnected words, for copying."""
    makers = (lambda: rng.choice(PLAIN), lambda: made_up(rng), lambda: name(rng), lambda: code(rng), lambda: number(rng))
    return " ".join(rng.choice(makers)() for _ in range(rng.randint(least, most)))
