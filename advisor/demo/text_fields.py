"""Taking values out of a text and writing them in an asked form: orders, records, rows, copies.

>>> import random
>>> task = order(random.Random(0)); set(task.fields) <= set(task.values)
True
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from advisor.demo import words

ORDER_FRAMES = [
    "Please send {quantity} {item} to {city}.",
    "Hello, I would like to order {quantity} {item}. Please ship to {city}. {customer}",
    "{customer} here. We need {quantity} {item} in {city} by {date}.",
    "Order {number}: {quantity} {item} for {customer}, {city}.",
    "Hi, could you deliver {quantity} {item} to {customer} in {city}? Our order number is {number}.",
    "We are out of stock. {quantity} {item}, please, to {city}, for {customer}. By {date} if you can.",
    "Ship to {city}: {quantity} {item}. Reference {number}. Thanks, {customer}",
    "{customer} from {city} wants {quantity} {item} before {date}.",
    "This is {customer}. Under {number} I asked for {quantity} {item}, to be sent to {city} on {date}.",
    "Good morning, {city} store speaking. We are missing {quantity} {item}. Regards, {customer}",
    "I need {item}, {quantity} of them, for our office in {city}. My name is {customer}.",
    "Send me {quantity} pieces of the {item}. Address: {customer}, {city}. Needed on {date}.",
]
ORDER_FRAMES += [
    "Please ship {quantity} {item} to {city}. Regards, {customer}",
    "{quantity} {item} for {city}. The bill goes to {customer}.",
    "New order from {customer}: {quantity} {item}, to be delivered to {city}.",
    "Hello, we would like {quantity} {item} for our house in {city}. Thanks, {customer}",
    "Could you send {quantity} {item} this week? The shop is in {city}. {customer}",
    "To {city}: {quantity} {item}. Best wishes, {customer}",
    "Can I get {quantity} {item} before {date}? Delivery to {city}. {customer}",
]
VISIT_FRAMES = [
    "{customer} booked {room} for {date} at {clock}.",
    "Please move the visit of {customer} to {date}, {clock}, {room}.",
    "On {date} at {clock} {customer} comes to {room}. The fee is {amount}.",
    "Meeting with {customer} in {room}, {date}, {clock}.",
    "Hello, {customer} speaking. Is {room} free on {date} at {clock}? I would pay {amount}.",
    "{amount} was paid by {customer} on {date} for {room}.",
]
ASKED = {"quantity": ["quantity", "number of pieces"], "item": ["item", "article"], "city": ["city", "town"],
         "customer": ["customer", "name"], "date": ["date", "day"], "number": ["order number", "reference"],
         "room": ["room", "place"], "clock": ["time"], "amount": ["amount", "price"]}  # fmt: skip
ONE = ["Write the {f}.", "What is the {f}? Write only the {f}.", "Write out the {f} of the message.", "Give the {f}."]
MANY = [
    "Write the {f}, separated by {w}.",
    "Write out the {f}, with {w} between them.",
    "List the {f}, separated by {w}.",
]
NAMED = ["Write the fields {f} as name: value, separated by {w}.", "Give {f}, each with its name, separated by {w}."]
MARKS = {"semicolons": "; ", "commas": ", ", "bars": " | ", "slashes": " / "}


@dataclass(frozen=True)
class FieldTask:
    """A text and the values in it that an instruction can ask for."""

    text: str
    values: dict[str, str]
    fields: tuple[str, ...]


def _customer(rng: Random) -> str:
    if rng.random() < 0.2:
        return f"the {words.name(rng)} {rng.choice(['Hotel', 'School', 'family', 'Bakery', 'shop', 'Museum'])}"
    return words.person(rng)


def order(rng: Random) -> FieldTask:
    """A short order or booking."""
    frame = rng.choice(ORDER_FRAMES if rng.random() < 0.8 else VISIT_FRAMES)
    values = {"quantity": words.number(rng), "item": words.item(rng) + rng.choice(["", "", "s"]),
    "city": words.name(rng), "customer": _customer(rng),
              "date": words.date(rng), "number": words.code(rng), "room": words.room(rng), "clock": words.clock(rng),
              "amount": words.amount(rng)}  # fmt: skip
    text = frame.format(**values)
    if rng.random() < 0.2:
        text = f"{rng.choice(['Note:', 'New message.', 'Mail from today:', 'Urgent!'])} {text}"
    return FieldTask(text[0].upper() + text[1:], values, tuple(f for f in values if "{" + f + "}" in frame))


def ask(rng: Random, task: FieldTask) -> tuple[str, list[str], str]:
    """An instruction on the task: (instruction, asked fields, name of the joining mark or '' for none)."""
    usual: list[str] = [f for f in ("quantity", "item", "city") if f in task.fields]
    style = rng.random()
    if style < 0.35 and len(usual) > 1:
        chosen = usual
    else:
        chosen = rng.sample(task.fields, 1 if style < 0.75 else 2 if style < 0.9 else min(3, len(task.fields)))
    called = [ASKED[f][0] if rng.random() < 0.85 else rng.choice(ASKED[f]) for f in chosen]
    if len(chosen) == 1:
        return rng.choice(ONE).format(f=called[0]), chosen, ""
    mark = rng.choice([*MARKS, "semicolons", "semicolons"])
    joined = ", ".join(called[:-1]) + " and " + called[-1]
    if rng.random() < 0.1:
        return (
            rng.choice(NAMED).format(f=joined, w=mark),
            [f"{c}={f}" for c, f in zip(called, chosen, strict=True)],
            mark,
        )
    return rng.choice(MANY).format(f=joined, w=mark), chosen, mark


def reply(task: FieldTask, chosen: list[str], mark: str) -> str:
    """The answer that `ask` wants of a task."""
    parts = []
    for entry in chosen:
        called, _, field = entry.rpartition("=")
        parts.append(f"{called}: {task.values[field]}" if called else task.values[field])
    return MARKS.get(mark, "").join(parts)


def record(rng: Random) -> tuple[str, list[tuple[str, str]]]:
    """Lines of `key: value`, and for each key the value."""
    makers = (words.name, words.code, words.number, words.amount, words.item, words.person, words.made_up)
    keys = rng.sample(words.PLAIN + words.THINGS, rng.randint(3, 7))
    pairs = [(k, rng.choice(makers)(rng)) for k in keys]
    mark = rng.choice([": ", " = ", " is "])
    between = rng.choice(["\n", "; ", ", "])
    return between.join(f"{k}{mark}{v}" for k, v in pairs), pairs


def rows(rng: Random) -> tuple[str, list[tuple[str, str]]]:
    """A small table, and questions (name and column) with the cell."""
    makers = {"colour": lambda: rng.choice(words.COLOURS), "code": lambda: words.code(rng),
    "price": lambda: words.amount(rng),
              "town": lambda: words.name(rng), "day": lambda: rng.choice(words.DAYS),
              "owner": lambda: words.person(rng)}  # fmt: skip
    columns = rng.sample(list(makers), rng.randint(2, 3))
    names = [words.name(rng) for _ in range(rng.randint(2, 5))]
    lines, asked = [" | ".join(["name", *columns])], []
    for who in names:
        cells = [makers[c]() for c in columns]
        lines.append(" | ".join([who, *cells]))
        asked += [(f"{c} of {who}", v) for c, v in zip(columns, cells, strict=True)]
    return "\n".join(lines), asked
