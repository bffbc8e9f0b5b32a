"""The mix: one document after another, each a set of prompts with their answers, rendered as the product renders them.

A document holds prompts that share their beginning (examples, passages), so that the trainer reads that part once.
Refuses to know tokens.

    >>> documents = stream(seed=0); document = next(documents)
    >>> document.turns[0].prompt.endswith(document.turns[1].prompt[-5:]) if len(document.turns) > 1 else True
    True
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

from advisor.demo import text_classes, text_fields, text_reading, words
from baselines.prompts import render
from reports.run.schema import Example, Passage, Question, Task, TaskType


@dataclass(frozen=True)
class Turn:
    """A prompt and its answer."""

    prompt: str
    answer: str


@dataclass(frozen=True)
class Sheet:
    """One document. `shot_loss` has for each few-shot example whether its answer can be known from what precedes it."""

    kind: str
    turns: tuple[Turn, ...]
    shot_loss: tuple[bool, ...] = ()


def _task(kind: TaskType, instruction: str, labels: tuple[str, ...] = ()) -> Task:
    return Task(type=kind, instruction=instruction, labels=labels)


def _question(text: str, context: dict[str, str] | None = None) -> Question:
    return Question(id="q", input=text, context=context or {})


def _example(text: str, output: str) -> Example:
    return Example(id="e", input=text, output=output)


def _passages(texts: list[str]) -> list[Passage]:
    return [Passage(document="d", index=i, text=t) for i, t in enumerate(texts)]


def reading(rng: Random, easy: bool = False, long: bool = False) -> Sheet:
    """Passages and questions on them; now and then question-answer shots from elsewhere before the passages."""
    count = rng.choice([1, 1, 2]) if easy else rng.randint(6, 14) if long else rng.choice([1, 2, 3, 3, 4, 4])
    notes = text_reading.make_notes(rng, count)
    task = _task("qa", rng.choice(text_reading.INSTRUCTIONS))
    shots = []
    if not easy and rng.random() < 0.25:
        other = text_reading.make_notes(rng, rng.randint(1, 8))
        shots = [_example(f.question, f.answer) for n in other for f in n.facts[:1]]
    asked = [f for n in notes for f in n.facts]
    rng.shuffle(asked)
    asked = asked[: 4 if easy else 8]
    style = rng.random()
    if style < 0.08:
        asked[-1] = text_reading.Fact(rng.choice(text_reading.make_note(rng).facts).question, text_reading.UNKNOWN)
    turns = []
    for fact in asked:
        if style > 0.92:
            context = {"context": " ".join(n.text.replace("\n", " ") for n in notes)}
            prompt = render(task, _question(fact.question, context), examples=shots)
        else:
            prompt = render(task, _question(fact.question), examples=shots, passages=_passages([n.text for n in notes]))
        turns.append(Turn(prompt.text, fact.answer))
    return Sheet("reading", tuple(turns))


def closed_book(rng: Random) -> Sheet:
    """Questions without any passage: the only right answer is that it is not known."""
    task = _task("qa", rng.choice(text_reading.INSTRUCTIONS))
    shots = []
    if rng.random() < 0.5:
        shots = [
            _example(f.question, f.answer) for n in text_reading.make_notes(rng, rng.randint(1, 8)) for f in n.facts[:1]
        ]
    asked = [f for n in text_reading.make_notes(rng, 2) for f in n.facts[:1]]
    turns = [Turn(render(task, _question(f.question), examples=shots).text, text_reading.UNKNOWN) for f in asked]
    return Sheet("closed book", tuple(turns))


def classes(rng: Random, easy: bool = False, long: bool = False) -> Sheet:
    """Few-shot classification with labels that say nothing; at times the label list, at times a guide in passages."""
    group = text_classes.make_group(rng, easy)
    count = len(group.labels)
    shots, known, seen = [], [], set()
    for _ in range(rng.randint(20, 30) if long else rng.randint(count + 2, count + 8)):
        which = rng.randrange(count)
        shots.append(_example(group.writers[which](rng), group.labels[which]))
        known.append(which in seen)
        seen.add(which)
    listed = tuple(rng.sample(group.labels, count)) if rng.random() < 0.7 else ()
    task = _task("classification", rng.choice(text_classes.INSTRUCTIONS), listed)
    guide = _passages(rng.sample(group.guides, count)) if rng.random() < 0.2 else []
    turns = []
    for _ in range(4):
        which = rng.choice(sorted(seen))
        prompt = render(task, _question(group.writers[which](rng)), examples=shots, passages=guide)
        turns.append(Turn(prompt.text, group.labels[which]))
    return Sheet("classes", tuple(turns), tuple(known))


def neighbours(rng: Random, easy: bool = False) -> Sheet:
    """Retrieved examples as shots, the most alike last: its label is the answer more often than not."""
    group = text_classes.make_group(rng, easy)
    count = len(group.labels)
    listed = tuple(rng.sample(group.labels, count)) if rng.random() < 0.8 else ()
    task = _task("classification", rng.choice(text_classes.INSTRUCTIONS), listed)
    which = rng.randrange(count)
    others = [rng.randrange(count) for _ in range(rng.randint(2, 7))]
    near = [which] * rng.randint(1, 4)
    order = others + near if rng.random() < 0.6 else rng.sample(others + near, len(others + near))
    shots = [_example(group.writers[w](rng), group.labels[w]) for w in order]
    known = [w in order[:i] for i, w in enumerate(order)]
    asked = [which, which, rng.choice(order)]
    turns = [Turn(render(task, _question(group.writers[w](rng)), examples=shots).text, group.labels[w]) for w in asked]
    return Sheet("classes", tuple(turns), tuple(known))


def guided(rng: Random) -> Sheet:
    """No shots: passages say which label is for what."""
    group = text_classes.make_group(rng)
    task = _task(
        "classification", rng.choice(text_classes.INSTRUCTIONS), tuple(rng.sample(group.labels, len(group.labels)))
    )
    guide = _passages(rng.sample(group.guides, len(group.guides)))
    turns = []
    for _ in range(5):
        which = rng.randrange(len(group.labels))
        turns.append(Turn(render(task, _question(group.writers[which](rng)), passages=guide).text, group.labels[which]))
    return Sheet("guided", tuple(turns))


def natural(rng: Random) -> Sheet:
    """Topics under their own names, without shots."""
    group = text_classes.natural_group(rng)
    task = _task(
        "classification", rng.choice(text_classes.INSTRUCTIONS), tuple(rng.sample(group.labels, len(group.labels)))
    )
    turns = []
    for _ in range(4):
        which = rng.randrange(len(group.labels))
        turns.append(Turn(render(task, _question(group.writers[which](rng))).text, group.labels[which]))
    return Sheet("natural", tuple(turns))


def extraction(rng: Random, easy: bool = False) -> Sheet:
    """Fields of one message under several instructions, or the same instruction with shots."""
    task = text_fields.order(rng)
    if not easy and rng.random() < 0.35:
        instruction, chosen, mark = text_fields.ask(rng, task)
        fields = {c.rpartition("=")[2] for c in chosen}
        pool = [t for t in (text_fields.order(rng) for _ in range(12)) if fields <= set(t.fields)][: rng.randint(1, 8)]
        shots = [_example(t.text, text_fields.reply(t, chosen, mark)) for t in pool]
        prompt = render(_task("extraction", instruction), _question(task.text), examples=shots)
        return Sheet("extraction", (Turn(prompt.text, text_fields.reply(task, chosen, mark)),), (True,) * len(shots))
    turns = []
    for _ in range(rng.randint(2, 5)):
        instruction, chosen, mark = text_fields.ask(rng, task)
        prompt = render(_task("extraction", instruction), _question(task.text))
        turns.append(Turn(prompt.text, text_fields.reply(task, chosen, mark)))
    return Sheet("extraction", tuple(turns))


def lookup(rng: Random) -> Sheet:
    """Values by key in a record or a table, asked in the instruction or in the input."""
    text, asked = text_fields.record(rng) if rng.random() < 0.6 else text_fields.rows(rng)
    rng.shuffle(asked)
    style = rng.random()
    turns = []
    for key, value in asked[:5]:
        if style < 0.5:
            ask = rng.choice(["Write the value of {k}.", "What is the {k}?", "Give {k}."]).format(k=key)
            turns.append(Turn(render(_task("extraction", ask), _question(text)).text, value))
        else:
            name = rng.choice(["record", "table", "data"])
            prompt = render(_task("qa", "Look up the value."), _question(f"What is the {key}?", {name: text}))
            turns.append(Turn(prompt.text, value))
    return Sheet("lookup", tuple(turns))


def marks(rng: Random) -> Sheet:
    """What a reference in a message begins with: its letters, its first digit, whether that is odd."""
    letter, digits = rng.choice("ABCDEFGHJKLMNPQRSTUVWXYZ"), str(rng.randint(10, 99_999))
    topic = rng.choice(list(text_classes.TOPICS))
    mark = f"{letter}-{digits}"
    text = text_classes.signed(rng, mark, rng.choice(text_classes.TOPICS[topic]))
    parity = "odd" if int(digits[0]) % 2 else "even"
    asks = [
        (
            rng.choice(["Write the first digit of the account.", "What is the first digit of the number?"]),
            (),
            digits[0],
        ),
        (rng.choice(["Is the first digit odd or even?", "Name the kind of the account."]), ("odd", "even"), parity),
        (rng.choice(["Write the account.", "Write out the number."]), (), mark),
        (rng.choice(text_classes.INSTRUCTIONS), tuple(_some_topics(rng, topic)), text_classes.NATURAL[topic]),
    ]
    turns = []
    for ask, listed, answer in asks:
        task = _task("classification" if listed else "extraction", ask, listed)
        turns.append(Turn(render(task, _question(text)).text, answer))
    return Sheet("marks", tuple(turns))


def _some_topics(rng: Random, topic: str) -> list[str]:
    others = rng.sample([t for t in text_classes.TOPICS if t != topic], rng.randint(2, 5))
    names = [text_classes.NATURAL[t] for t in [*others, topic]]
    rng.shuffle(names)
    return names


def copying(rng: Random) -> Sheet:
    """The input again, or one word of it."""
    text = words.phrase(rng, 3, 10)
    parts = text.split()
    asks = [("Repeat the input.", text), ("Write the input again.", text), ("Write the first word.", parts[0]),
            ("Write the last word.", parts[-1])]  # fmt: skip
    place = rng.randrange(len(parts) - 1)
    if parts.count(parts[place]) == 1:
        asks.append((f"Write the word after {parts[place]}.", parts[place + 1]))
    chosen = rng.sample(asks, 3)
    return Sheet("copying", tuple(Turn(render(_task("generation", a), _question(text)).text, v) for a, v in chosen))


Maker = Callable[[Random], Sheet]
Mix = list[tuple[float, Maker]]
EASY: Mix = [
    (26, lambda r: reading(r, easy=True)),
    (14, lambda r: classes(r, easy=True)),
    (14, lambda r: neighbours(r, easy=True)),
    (14, lambda r: extraction(r, easy=True)),
    (12, lookup),
    (16, copying),
    (4, natural),
]
FULL: Mix = [
    (41, reading),
    (0.5, lambda r: reading(r, long=True)),
    (1.5, closed_book),
    (5, classes),
    (0.5, lambda r: classes(r, long=True)),
    (12, neighbours),
    (1, guided),
    (5, natural),
    (8, marks),
    (22, extraction),
    (2, lookup),
    (1.5, copying),
]


def stream(seed: int, mix: Mix | None = None) -> Iterator[Sheet]:
    """Documents without end; the same seed gives the same text."""
    rng = Random(seed)
    chosen = mix or FULL
    makers, weights = [m for _, m in chosen], [w for w, _ in chosen]
    while True:
        yield rng.choices(makers, weights)[0](rng)
