"""Classification in context: labels that say nothing, and texts whose class shows from the examples before them.

Three grades: a key word shared by the texts of a class, near copies (a text that resembles an earlier one has its
label), and real topics in ever new words. All are learnt with few-shot prompts; guides describe classes in passages.

    >>> import random
    >>> group = make_group(random.Random(0)); len(group.labels) == len(group.writers)
    True
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from advisor.demo import words

TOPICS: dict[str, list[str]] = {
    "billing": ["the invoice is too high", "I was charged twice", "my card was billed wrongly",
        "the amount on the bill is wrong",
                "I want my money back", "the refund has not come", "please send the invoice again",
                "a payment is missing"],
    "login": ["I cannot log in", "my password is refused", "the account is locked", "please reset my password",
              "the sign-in code never comes", "I forgot my user name", "the login page says error"],
    "delivery": ["the parcel has not arrived", "my order is late", "the package came damaged",
        "the courier left no note",
                 "where is my shipment", "the delivery went to the wrong address", "tracking shows nothing"],
    "device": ["the screen stays black", "the device will not start", "it makes a loud noise",
        "the battery is empty at once",
               "a button is broken", "the machine gets very hot", "the printer is jammed"],
    "cancel": ["please close my account", "I want to cancel the contract", "end my subscription",
        "stop the service next month",
               "I no longer need the plan", "how do I quit"],
    "network": ["the internet is down", "the connection is slow", "no signal since this morning",
        "the router blinks red",
                "calls drop all the time", "the wifi does not work"],
    "staff": ["I am ill today", "I would like a day off", "who covers my shift", "my holiday was not entered",
              "the pay slip is missing", "I start my leave on Monday"],
    "room": ["the heating is cold", "a window is broken", "the light is out", "the lift is stuck",
        "the door does not lock",
             "water comes through the roof"],
    "data": ["the report shows old numbers", "please export the table", "a column is missing in the file",
             "the totals do not add up", "the chart is empty", "the backup failed"],
    "food": ["the soup was cold", "I am allergic to nuts", "is there a menu without meat",
        "the coffee machine is empty",
             "lunch came too late", "the bread was hard"],
    "travel": ["please book a train", "my flight was moved", "the hotel has no room", "I need a visa",
        "the taxi did not come",
               "change my seat please"],
    "praise": ["thank you for the quick help", "great service", "everything works well now", "I am very happy with it",
               "the new version is wonderful", "kind and patient people"],
}  # fmt: skip
NATURAL = {"billing": "billing", "login": "login", "delivery": "delivery", "device": "device", "cancel": "cancel",
           "network": "network", "staff": "staff", "room": "building", "data": "data", "food": "food",
           "travel": "travel",
           "praise": "praise"}  # fmt: skip
GREETINGS = ["Hello,", "Hi,", "Good morning,", "Dear team,", "Hi there,", "To whom it may concern:", "Hey,"]
CLOSINGS = ["Thanks.", "Please help.", "Thank you.", "What can I do?", "Can you look into it?", "Regards, {p}.",
            "Please answer soon.", "It is urgent.", "Best, {p}."]  # fmt: skip
SIGNS = [
    "Account {c}:",
    "Ref {c}.",
    "Customer {c}:",
    "[{c}]",
    "My number is {c}.",
    "Contract {c}.",
    "({c})",
    "Plan {c}:",
]
INSTRUCTIONS = ["Name the category of the input.", "Choose the label of the input.", "Which queue does this belong to?",
                "Name the queue.", "Classify the input.", "Pick the group of this message.",
                "Sort the message into a queue.",
                "Name the intent of the message.", "Which class is it?"]  # fmt: skip

Writer = Callable[[Random], str]


@dataclass(frozen=True)
class Group:
    """Classes of one document: a writer of texts for each label, and a line for each that describes it."""

    labels: tuple[str, ...]
    writers: tuple[Writer, ...]
    guides: tuple[str, ...]


def dress(rng: Random, core: str) -> str:
    """A message around its core."""
    text = core[0].upper() + core[1:] + "."
    if rng.random() < 0.35:
        text = f"{rng.choice(GREETINGS)} {core}."
    if rng.random() < 0.35:
        text += " " + rng.choice(CLOSINGS).format(p=rng.choice(words.FIRST))
    return text


def signed(rng: Random, mark: str, core: str) -> str:
    """A message with an account mark before or after it."""
    sign = rng.choice(SIGNS).format(c=mark)
    return f"{sign} {dress(rng, core)}" if rng.random() < 0.7 else f"{dress(rng, core)} {sign}"


def _keyword_writer(key: str, others: list[str]) -> Writer:
    def write(rng: Random) -> str:
        filling = rng.sample(others, rng.randint(1, 4))
        filling.insert(rng.randint(0, len(filling)), key)
        return " ".join(filling)

    return write


def _copy_writer(core: str) -> Writer:
    """Near copies of one sentence: a word dropped, added or doubled."""

    def write(rng: Random) -> str:
        parts = core.split()
        if len(parts) > 3 and rng.random() < 0.5:
            parts.pop(rng.randrange(len(parts)))
        if rng.random() < 0.5:
            parts.insert(rng.randint(0, len(parts)), rng.choice(words.PLAIN))
        return dress(rng, " ".join(parts)) if rng.random() < 0.6 else " ".join(parts)

    return write


def _topic_writer(topic: str) -> Writer:
    def write(rng: Random) -> str:
        core = rng.choice(TOPICS[topic])
        if rng.random() < 0.2:
            core = f"{core} and {rng.choice(TOPICS[topic])}"
        return signed(rng, words.code(rng), core) if rng.random() < 0.2 else dress(rng, core)

    return write


def _mark_writer(prefix: str, topics: list[str]) -> Writer:
    """The class is in the beginning of the account mark, whatever the topic."""

    def write(rng: Random) -> str:
        return signed(rng, f"{prefix}{rng.randint(10, 9999)}", rng.choice(TOPICS[rng.choice(topics)]))

    return write


def keyword_group(rng: Random, count: int) -> tuple[list[Writer], list[str]]:
    """One key word a class among words that say nothing."""
    keys = [rng.choice([words.made_up(rng), rng.choice(words.PLAIN), words.name(rng)]) for _ in range(count)]
    others = [w for w in rng.sample(words.PLAIN, 20) if w not in keys]
    return [_keyword_writer(k, others) for k in keys], [f"with {k}" for k in keys]


def copy_group(rng: Random, count: int) -> tuple[list[Writer], list[str]]:
    """Near copies of one text a class."""
    style = rng.random()
    if style < 0.4:
        cores = [core for topic in rng.sample(list(TOPICS), count) for core in rng.sample(TOPICS[topic], 1)]
    elif style < 0.6:
        cores = rng.sample(TOPICS[rng.choice(list(TOPICS))], count)
    else:
        cores = [words.phrase(rng, 3, 6) for _ in range(count)]
    return [_copy_writer(c) for c in cores], [f"like: {c}" for c in cores]


def topic_group(rng: Random, count: int) -> tuple[list[Writer], list[str]]:
    """One real topic a class, in ever new words."""
    topics = rng.sample(list(TOPICS), count)
    return [_topic_writer(t) for t in topics], [f"about {NATURAL[t]}, like: {rng.choice(TOPICS[t])}" for t in topics]


def mark_group(rng: Random, count: int) -> tuple[list[Writer], list[str]]:
    """The class shows in the beginning of the account mark alone."""
    letters = "ABCDEFGHJKLMNPQRSTUVWXYZ"
    if rng.random() < 0.5:
        stem = rng.choice(letters) + "-"
        chosen = [f"{stem}{digit}" for digit in rng.sample("123456789", count)]
    else:
        chosen = [
            f"{p}-" for p in rng.sample(sorted({rng.choice(letters) + rng.choice(letters) for _ in range(40)}), count)
        ]
    topics = rng.sample(list(TOPICS), 4)
    return [_mark_writer(p, topics) for p in chosen], [f"of accounts that begin with {p}" for p in chosen]


def make_group(rng: Random, easy: bool = False) -> Group:
    """Two to six classes of one grade, with fresh labels."""
    count = rng.choice([2, 2, 3, 3, 4]) if easy else rng.choice([2, 3, 4, 5, 6])
    makers = [keyword_group, copy_group, topic_group, mark_group]
    maker = rng.choices(makers, [4, 4, 1, 1] if easy else [1.5, 4, 4, 1])[0]
    writers, describes = maker(rng, count)
    names = words.labels(rng, count)
    frames = [
        "Queue {l} takes messages {d}.",
        "{l} is for messages {d}.",
        "Messages {d} go to {l}.",
        "Put what is {d} into {l}.",
    ]
    frame = rng.choice(frames)
    return Group(
        tuple(names), tuple(writers), tuple(frame.format(l=n, d=d) for n, d in zip(names, describes, strict=True))
    )


def natural_group(rng: Random) -> Group:
    """Topics under their own names: what a prompt alone can do."""
    topics = rng.sample(list(TOPICS), rng.randint(2, 6))
    return Group(tuple(NATURAL[t] for t in topics), tuple(_topic_writer(t) for t in topics), ())
