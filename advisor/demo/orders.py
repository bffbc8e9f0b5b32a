"""The demo project `orders`: quantity, article and town out of short order mails. Everything asked stands in the text.

python -m advisor.demo.projects       # writes all three projects
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

ARTICLES = [
    "blue wooden lamps", "red leather bags", "steel desks", "white paper folders", "black staplers",
    "green curtains", "brown chairs", "grey woollen blankets", "brown leather wallets", "copper pans",
    "orange plastic buckets", "yellow rubber mats", "white ceramic plates", "black cotton shirts",
    "purple cushions", "silver steel pans", "wooden tables", "red canvas tents", "navy cotton jackets",
    "amber glass bottles", "bamboo trays", "green rubber hoses", "black phones", "white cotton towels",
    "grey carpets", "pink mugs", "violet pillows", "golden rings", "blue plastic baskets", "brown wooden drawers"
]  # fmt: skip
TOWNS = [
    "Draberg", "Bamley", "Finmar", "Bailton", "Rourtholm", "Nomholm", "Husmar", "Gaberg", "Famton", "Prihikton",
    "Nialton", "Thesley", "Chaiford", "Brexton", "Kraimar", "Woumar", "Wustton", "Plakfield", "Wikholm",
    "Krikholm", "Beirton", "Wourtley", "Brefield", "Viberg"
]  # fmt: skip
NAMES = [
    "Ms Okafor", "Mr Brandt", "Elena Rossi", "Victor Hadley", "Dr Weiss", "Nadia Kostner", "Jonas Kowal",
    "Sven Lindberg", "Peter Vance", "Diana Castro", "Otto Reiter", "Clara Holm", "the Bright Hotel",
    "the Hill School"
]  # fmt: skip
MAILS = [
    "Please send {n} {a} to {t}. Regards, {w}",
    "Hello, this is {w}. We would like {n} {a} for our house in {t}.",
    "{w} here. Could you ship {n} {a} to {t} by Friday?",
    "Good morning, we need {n} {a} in {t}. Thank you, {w}",
    "New order from {w}: {n} {a}, to be delivered to {t}.",
    "Hi, {n} {a} please. The address is {t}. Thanks, {w}",
    "Our store in {t} has no more stock. Send {n} {a} this week. {w}",
    "I would like to order {n} {a}. Ship to {t}, please. My name is {w}.",
    "{w} from {t} asks for {n} {a} as soon as you can.",
    "To {t}: {n} {a}, with the invoice to {w}.",
    "As agreed on the phone, {n} {a} go to {t}. Best wishes, {w}",
    "Can we still get {n} {a} before the weekend? Delivery is to {t}. {w}",
]
INSTRUCTION = "Write the quantity, item and city, separated by semicolons."


@dataclass(frozen=True)
class Order:
    """One mail and the line that the stock system wants."""

    id: str
    mail: str
    line: str


def orders(seed: int, count: int) -> list[Order]:
    """`count` orders, no mail twice."""
    rng = Random(seed)
    found: list[Order] = []
    seen: set[str] = set()
    while len(found) < count:
        number, article, town = rng.randint(2, 250), rng.choice(ARTICLES), rng.choice(TOWNS)
        mail = rng.choice(MAILS).format(n=number, a=article, t=town, w=rng.choice(NAMES))
        mail = mail[0].upper() + mail[1:]
        if mail not in seen:
            seen.add(mail)
            found.append(Order(f"o{len(found):04d}", mail, f"{number}; {article}; {town}"))
    return found
