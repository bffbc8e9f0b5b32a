"""Reading: short notes of made-up facts, and questions whose answer stands in one of them word for word.

A note is a few sentences on one subject; a question names the subject and what is asked of it, often in other words
than the note. Distractor notes speak of other subjects with the same kinds of fact.

    >>> import random
    >>> note = make_note(random.Random(1)); fact = note.facts[0]
    >>> fact.answer in note.text
    True
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from advisor.demo import words

Maker = Callable[[Random], str]
Relation = tuple[Maker, list[str], list[str]]

# maker of the value, statements, questions; {e} is the subject, {v} the value.
PERSON_FACTS: list[Relation] = [
    (
        words.person,
        ["{e} is led by {v}.", "The head of {e} is {v}.", "{v} runs {e}.", "{v} is in charge of {e}."],
        ["Who leads {e}?", "Who is in charge of {e}?", "Who runs {e}?", "Who is the head of {e}?"],
    ),
    (
        words.person,
        ["Questions about {e} go to {v}.", "For {e}, ask {v}.", "The contact for {e} is {v}."],
        ["Who is the contact for {e}?", "Whom do I ask about {e}?", "Who answers questions about {e}?"],
    ),
    (
        words.person,
        ["{e} was founded by {v}.", "{v} set up {e}.", "{v} started {e}."],
        ["Who founded {e}?", "Who started {e}?", "Who set up {e}?"],
    ),
    (
        words.team,
        ["{e} is looked after by {v}.", "{v} looks after {e}.", "Requests for {e} are handled by {v}."],
        ["Which team looks after {e}?", "Who handles requests for {e}?", "Which team handles {e}?"],
    ),
    (
        words.person,
        ["{v} signs off {e}.", "{e} must be approved by {v}.", "Approval of {e} lies with {v}."],
        ["Who approves {e}?", "Who signs off {e}?", "Whose approval does {e} need?"],
    ),
]
PLACE_FACTS: list[Relation] = [
    (
        words.room,
        ["{e} is in {v}.", "You find {e} in {v}.", "{e} has moved to {v}."],
        ["Where is {e}?", "Where do I find {e}?", "In which place is {e}?"],
    ),
    (
        words.name,
        ["{e} is based in {v}.", "{e} sits in {v}.", "The home of {e} is {v}."],
        ["Where is {e} based?", "In which town is {e}?", "Which town is the home of {e}?"],
    ),
    (
        words.room,
        ["Forms for {e} are handed in at {v}.", "Hand in papers for {e} at {v}.", "Papers for {e} go to {v}."],
        ["Where do papers for {e} go?", "Where are forms for {e} handed in?", "Where do I hand in forms for {e}?"],
    ),
    (
        words.room,
        ["The key of {e} is kept in {v}.", "The key for {e} hangs in {v}."],
        ["Where is the key of {e}?", "Where is the key for {e} kept?"],
    ),
]
TIME_FACTS: list[Relation] = [
    (
        words.clock,
        ["{e} opens at {v}.", "The doors of {e} open at {v}.", "Opening time of {e} is {v}."],
        ["When does {e} open?", "At what time does {e} open?", "What is the opening time of {e}?"],
    ),
    (
        words.clock,
        ["{e} closes at {v}.", "{e} shuts at {v}.", "Closing time of {e} is {v}."],
        ["When does {e} close?", "At what time does {e} close?", "What is the closing time of {e}?"],
    ),
    (
        words.date,
        ["{e} ends on {v}.", "The deadline of {e} is {v}.", "The last day of {e} is {v}."],
        ["When does {e} end?", "What is the deadline of {e}?", "What is the last day of {e}?"],
    ),
    (
        words.date,
        ["{e} starts on {v}.", "{e} begins on {v}.", "The first day of {e} is {v}."],
        ["When does {e} start?", "When does {e} begin?", "What is the first day of {e}?"],
    ),
    (
        lambda rng: rng.choice(words.DAYS),
        ["{e} meets every {v}.", "{e} takes place on {v}.", "{e} is held on {v}."],
        ["On which day does {e} meet?", "On which day is {e} held?", "Which day is {e} on?"],
    ),
    (
        words.span,
        ["{e} takes {v}.", "{e} lasts {v}.", "Allow {v} for {e}."],
        ["How long does {e} take?", "How long does {e} last?", "How much time does {e} need?"],
    ),
    (
        words.span,
        ["Records of {e} are kept for {v}.", "{e} keeps its records for {v}."],
        ["How long are records of {e} kept?", "For how long does {e} keep records?"],
    ),
    (
        words.span,
        ["Ask for {e} {v} ahead.", "Notice for {e} is {v}.", "{e} needs a notice of {v}."],
        ["What is the notice for {e}?", "How far ahead must I ask for {e}?", "How much notice does {e} need?"],
    ),
]
NUMBER_FACTS: list[Relation] = [
    (
        words.amount,
        ["{e} costs {v}.", "The price of {e} is {v}.", "The fee for {e} is {v}."],
        ["What does {e} cost?", "How much is {e}?", "What is the price of {e}?", "What is the fee for {e}?"],
    ),
    (
        words.amount,
        ["The limit for {e} is {v}.", "{e} is paid up to {v}.", "At most {v} is paid for {e}."],
        ["What is the limit for {e}?", "Up to how much is paid for {e}?", "How much is paid for {e} at most?"],
    ),
    (
        words.number,
        ["{e} has {v} seats.", "{v} people fit into {e}.", "There is room for {v} people in {e}."],
        ["How many people fit into {e}?", "How many seats has {e}?", "For how many people has {e} room?"],
    ),
    (
        words.number,
        ["The extension of {e} is {v}.", "Call {e} on extension {v}.", "Dial {v} for {e}."],
        ["What is the extension of {e}?", "Which number do I dial for {e}?", "On which extension is {e}?"],
    ),
    (
        words.code,
        ["The code of {e} is {v}.", "{e} is booked under {v}.", "Use code {v} for {e}."],
        ["What is the code of {e}?", "Under which code is {e} booked?", "Which code is used for {e}?"],
    ),
    (
        words.code,
        ["Fill in form {v} for {e}.", "{e} needs form {v}.", "The form for {e} is {v}."],
        ["Which form does {e} need?", "What is the form for {e}?", "Which form is filled in for {e}?"],
    ),
]
THING_FACTS: list[Relation] = [
    (
        lambda rng: rng.choice(words.COLOURS),
        ["The colour of {e} is {v}.", "{e} is marked in {v}.", "{e} has a {v} sign."],
        ["What is the colour of {e}?", "Which colour marks {e}?", "Which colour has {e}?"],
    ),
    (
        words.item,
        ["Bring a {v} to {e}.", "{e} needs a {v}.", "For {e} you need a {v}."],
        ["What does {e} need?", "What do I bring to {e}?", "What do you need for {e}?"],
    ),
    (
        words.item,
        ["{e} sells a {v}.", "{e} makes the {v}.", "{e} is known for its {v}."],
        ["What does {e} sell?", "What does {e} make?", "What is {e} known for?"],
    ),
    (
        lambda rng: rng.choice(words.FOODS),
        ["{e} serves {v}.", "At {e} there is {v}."],
        ["What does {e} serve?", "What is there at {e}?"],
    ),
]
RELATIONS: list[Relation] = [*PERSON_FACTS, *PLACE_FACTS, *TIME_FACTS, *NUMBER_FACTS, *THING_FACTS]

OPENERS = ["Note.", "Good to know.", "New this year.", "Please read.", "In short.", "For all staff.", "Updated."]
FILLERS = ["Please be on time.", "There are no exceptions.", "This was decided last year.", "Ask early.",
           "Guests are welcome.", "Thank you for your help.", "It has worked well so far.", "Changes are sent by mail.",
           "The rule is the same for everyone.", "Lost cards are replaced.", "Please keep the door shut.",
           "More is planned for next year.", "It is often busy.", "Nothing else has changed."]  # fmt: skip
UNKNOWN = "I don't know."
INSTRUCTIONS = ["Answer the question in a few words.", "Answer in a few words.", "Answer from the passages.",
                "Give a short answer.", "Answer the question from the passages in a few words.",
                "Answer the question with the words of the handbook."]  # fmt: skip


@dataclass(frozen=True)
class Fact:
    """One question on a note; `answer` stands in the note."""

    question: str
    answer: str


@dataclass(frozen=True)
class Note:
    """One subject and its facts."""

    text: str
    facts: tuple[Fact, ...]


def subject(rng: Random) -> str:
    """What a note is about: the Varnholm fund, desk K4, the second garage, Lena Brakford."""
    style = rng.random()
    if style < 0.2:
        return words.name(rng)
    if style < 0.42:
        named = [*words.PLACES, *words.THINGS, "fund", "course", "office", "plan", "club"]
        return f"the {words.name(rng)} {rng.choice(named)}"
    if style < 0.6:
        return f"the {rng.choice(words.SIDES)} {rng.choice(words.PLACES)}"
    if style < 0.75:
        what = rng.choice(["permit", "course", "allowance", "desk", "meeting", "leave", "budget", "training",
        "refund", "pass",
                           "card", "visit", "review", "request", "service", "check"])  # fmt: skip
        return f"the {rng.choice(words.TEAMS + words.THINGS + words.PLACES)} {what}"
    if style < 0.87:
        return f"{rng.choice(['project', 'machine', 'rule', 'line', 'shop', 'team'])} {words.name(rng)}"
    if style < 0.94:
        return f"the {words.item(rng)}"
    return f"{rng.choice(['machine', 'room', 'rule', 'desk'])} {words.code(rng)}"


def sentence(text: str) -> str:
    """With a capital first letter."""
    return text[0].upper() + text[1:]


def make_note(rng: Random, about: str | None = None, relations: Sequence[Relation] = RELATIONS) -> Note:
    """A note of one to four facts; now and then with an opener, a filler or a title."""
    about = about or subject(rng)
    count = min(len(relations), rng.choice([1, 1, 2, 2, 3, 4]))
    lines: list[str] = []
    asked: list[Fact] = []
    for place, (maker, statements, questions) in enumerate(rng.sample(relations, count)):
        value = maker(rng)
        entity = about if place == 0 or rng.random() < 0.7 else rng.choice(["it", "it", about])
        lines.append(sentence(rng.choice(statements).format(e=entity, v=value)))
        asked.append(Fact(sentence(rng.choice(questions).format(e=about, v=value)), value))
    if rng.random() < 0.25:
        lines.insert(0, rng.choice(OPENERS))
    if rng.random() < 0.35:
        lines.insert(rng.randint(1, len(lines)), rng.choice(FILLERS))
    if rng.random() < 0.3:
        lines.insert(0, sentence(about) + rng.choice([".", ":", "\n"]))
    return Note(" ".join(lines).replace("\n ", "\n"), tuple(asked))


def make_notes(rng: Random, count: int) -> list[Note]:
    """Notes on different subjects, often with the same kinds of fact, as retrieval brings them: the name decides.

    At times two subjects share a word, so that reading half of the name is not enough.
    """
    subjects: list[str] = []
    while len(subjects) < count:
        about = subject(rng)
        if subjects and rng.random() < 0.15:
            head, _, _ = about.rpartition(" ")
            about = f"{head} {rng.choice(subjects).rpartition(' ')[2]}".strip() if rng.random() < 0.5 else about
        if about not in subjects:
            subjects.append(about)
    relations = rng.sample(RELATIONS, rng.randint(2, 5)) if count > 1 and rng.random() < 0.6 else RELATIONS
    return [make_note(rng, about, relations) for about in subjects]
