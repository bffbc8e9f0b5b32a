"""A fixed set of small general tasks with answers that can be checked: what a model should still do after training.

    len(GENERAL)                # 120, the same in every version of this module
    GENERAL[0].prompt, GENERAL[0].accepted

Written for this product; from easy to middling, so that small models answer some and large ones most. Half of them
bring their facts along (reading, copying, comparing), half ask for general knowledge. Knows no model.
"""

from __future__ import annotations

from dataclasses import dataclass

VERSION = 1
"""Raised with every change of an item: results before it are not comparable."""


@dataclass(frozen=True)
class Item:
    """One task. Any accepted text, found as whole words in the answer, counts as right."""

    prompt: str
    accepted: tuple[str, ...]
    kind: str


_CAPITALS = (
    *(("France", "Paris"), ("Japan", "Tokyo"), ("Italy", "Rome"), ("Spain", "Madrid"), ("Germany", "Berlin")),
    *(("Egypt", "Cairo"), ("Canada", "Ottawa"), ("Norway", "Oslo"), ("Greece", "Athens"), ("Poland", "Warsaw")),
)
_OPPOSITES = (
    *(("hot", "cold"), ("up", "down"), ("big", "small|little"), ("early", "late"), ("full", "empty")),
    *(("open", "closed|shut|close"), ("fast", "slow"), ("light", "dark|heavy"), ("happy", "sad|unhappy")),
    ("first", "last"),
)
_SUMS = (
    *(("7 + 5", "12"), ("9 + 6", "15"), ("14 - 8", "6"), ("6 x 7", "42"), ("20 / 4", "5")),
    *(("23 + 19", "42"), ("50 - 17", "33"), ("12 x 3", "36"), ("81 / 9", "9"), ("100 - 1", "99")),
)
_FACTS = (
    ("How many days does a week have?", "7|seven"),
    ("How many months does a year have?", "12|twelve"),
    ("What do bees make?", "honey"),
    ("What is frozen water called?", "ice"),
    ("Which planet do we live on?", "earth"),
    ("What colour is the sky on a clear day?", "blue"),
    ("How many legs does a spider have?", "8|eight"),
    ("What do you call a baby dog?", "puppy|pup"),
    ("Which day comes after Monday?", "tuesday"),
    ("Which month comes before May?", "april"),
)
_FRENCH = (
    *(("cat", "chat"), ("house", "maison"), ("water", "eau"), ("bread", "pain"), ("book", "livre")),
    *(("red", "rouge"), ("dog", "chien"), ("thank you", "merci"), ("yes", "oui"), ("good day", "bonjour")),
)
_FEELINGS = (
    ("I love this lamp, it made my evening.", "positive"),
    ("The chair broke on the first day. I want my money back.", "negative"),
    ("What a friendly and quick service!", "positive"),
    ("Nobody answered for three weeks. Terrible.", "negative"),
    ("Best soup I have had in years.", "positive"),
    ("The room was dirty and loud.", "negative"),
    ("My daughter is delighted with the bicycle.", "positive"),
    ("A waste of time from start to end.", "negative"),
    ("Everything arrived early and in perfect order.", "positive"),
    ("I regret buying this phone.", "negative"),
)
_NOTES = (
    ("The Alder bridge is closed until Friday. Its repair is led by Mara Holm.", "Who leads the repair?", "Mara Holm"),
    ("The Alder bridge is closed until Friday. Its repair is led by Mara Holm.", "Until when is it closed?", "Friday"),
    ("The north office opens at 8 and has 14 desks.", "How many desks does the office have?", "14|fourteen"),
    ("The north office opens at 8 and has 14 desks.", "When does the office open?", "8|eight"),
    ("Jonas keeps the spare key in the green box.", "Where is the spare key?", "green box"),
    ("Jonas keeps the spare key in the green box.", "Who keeps the spare key?", "Jonas"),
    ("The Lindow ferry leaves from pier 3 and costs 12 euros.", "Which pier does the ferry leave from?", "3|three"),
    ("The Lindow ferry leaves from pier 3 and costs 12 euros.", "What does the ferry cost?", "12|twelve"),
    ("Payroll questions go to Ines Vidal, badges to the front desk.", "Who answers payroll questions?", "Ines Vidal"),
    ("Payroll questions go to Ines Vidal, badges to the front desk.", "Where do I get a badge?", "front desk"),
    ("The archive moved to the old library in 2019.", "Where is the archive?", "old library"),
    ("The archive moved to the old library in 2019.", "When did the archive move?", "2019"),
    ("The committee meets in room 204 on Tuesdays.", "In which room does the committee meet?", "204"),
    ("The committee meets in room 204 on Tuesdays.", "On which day does the committee meet?", "Tuesday|Tuesdays"),
    ("The parcel weighs 5 kilos and goes to Bremen.", "Where does the parcel go?", "Bremen"),
    ("The parcel weighs 5 kilos and goes to Bremen.", "How heavy is the parcel?", "5|five"),
    ("The Calder line was founded by Olga Renn.", "Who founded the Calder line?", "Olga Renn"),
    ("Visitors park behind the mill.", "Where do visitors park?", "behind the mill|mill"),
    ("The garden team looks after the fountain.", "Which team looks after the fountain?", "garden team|garden"),
    ("The blue form is for travel, the yellow form for training.", "Which form is for training?", "yellow"),
)
_COPIES = ("lantern", "harbour", "copper", "meadow", "violet", "granite", "orchard", "thimble", "pebble", "cinder")
_LARGEST = (
    *(("4, 9, 2", "9"), ("31, 13, 30", "31"), ("7, 70, 17", "70"), ("105, 99, 51", "105"), ("8, 3, 6", "8")),
    *(("12, 21, 20", "21"), ("55, 5, 50", "55"), ("64, 46, 60", "64"), ("2, 1, 0", "2"), ("90, 19, 89", "90")),
)
_ORDERS = (
    ("I would like to order 12 red scarves.", "How many scarves?", "12|twelve"),
    ("Please send 40 glass jars to Harlow.", "Where do the jars go?", "Harlow"),
    ("My name is Peter Vance and I need 3 lamps.", "What is the customer's name?", "Peter Vance"),
    ("Ship 25 oak chairs to Bristol, please.", "What is ordered?", "oak chairs|chairs"),
    ("We need 7 blue pillows for our house in Leeds.", "What colour are the pillows?", "blue"),
    ("Send 100 paper bags to Elena Rossi.", "Who gets the bags?", "Elena Rossi"),
    ("Could I have 2 more of the small tables?", "Which tables: small or large?", "small"),
    ("Cancel order 4471, please.", "What is the order number?", "4471"),
    ("The invoice of 18 May shows 90 euros.", "What is the amount of the invoice?", "90"),
    ("The invoice of 18 May shows 90 euros.", "What is the date of the invoice?", "18 May"),
)


def _items() -> tuple[Item, ...]:
    def ask(kind: str, prompt: str, accepted: str) -> Item:
        return Item(prompt, tuple(accepted.split("|")), kind)

    note = "Passage 1: {}\n\nInput: {}\n\nAnswer the question in a few words."
    return (
        *(ask("capitals", f"What is the capital of {a}? Answer with its name.", b) for a, b in _CAPITALS),
        *(ask("opposites", f'What is the opposite of "{a}"? Answer with one word.', b) for a, b in _OPPOSITES),
        *(ask("sums", f"What is {a}? Answer with the number alone.", b) for a, b in _SUMS),
        *(ask("facts", f"{a} Answer in one word.", b) for a, b in _FACTS),
        *(ask("French", f'What is "{a}" in French? Answer with the word.', b) for a, b in _FRENCH),
        *(
            ask("feelings", f"Input: {a}\n\nIs this positive or negative?\nAnswer with exactly one of: negative, "
                "positive", b) for a, b in _FEELINGS
        ),
        *(ask("reading", note.format(a, b), c) for a, b, c in _NOTES),
        *(ask("copying", f'Repeat this word: "{a}"', a) for a in _COPIES),
        *(ask("largest", f"Which of these numbers is the largest: {a}? Answer with the number.", b) for a, b in
          _LARGEST),
        *(ask("orders", f"Input: {a}\n\n{b} Answer in a few words.", c) for a, b, c in _ORDERS),
        *(ask("counting", f"How many words are in this line: {'tin ' * n}", f"{n}|{w}") for n, w in _COUNTS),
    )  # fmt: skip


_COUNTS = (
    *((2, "two"), (3, "three"), (4, "four"), (5, "five"), (6, "six")),
    *((7, "seven"), (1, "one"), (8, "eight"), (9, "nine"), (10, "ten")),
)

GENERAL = _items()
