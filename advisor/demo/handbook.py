"""The demo project `handbook`: short pages of a made-up company, and questions whose answer stands only there.

Each page speaks of one subject and states a few facts about it; who has not got the page cannot know them.

    python -m advisor.demo.projects       # writes all three projects
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

PEOPLE = [
    "Marta Holub", "Deniz Aksoy", "Ingrid Solberg", "Paul Renner", "Amina Diallo", "George Pike", "Lena Fischer",
    "Hugo Marchetti", "Kofi Mensah", "Ruth Amsel", "Stefan Novak", "Carla Winther", "Yusuf Karam", "Nora Field",
    "Tomas Berg", "Vera Lindt", "Simon Brook", "Olga Tarin"
]  # fmt: skip
TEAMS = ["the payroll team", "the facilities team", "the travel team", "the safety team", "the legal team",
    "the training team",
         "the finance team", "the support team"]  # fmt: skip
ROOMS = ["room 12", "room 31", "room 104", "room 118", "room 207", "room 215", "room 309", "desk B4", "desk C2",
    "desk F7",
         "the north lobby", "the old library", "the east hall", "the lower garage", "the main reception"]  # fmt: skip
MONTHS = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December"
]  # fmt: skip
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"]

# kind of subject: its subjects
SUBJECTS: dict[str, list[str]] = {
    "place": ["the canteen", "the library", "the bicycle cellar", "the north workshop", "the visitor lounge",
        "the print room",
              "the quiet room", "the roof terrace", "the sample store", "the mail room", "the gym",
              "the south car park",
              "the paint shop", "the Harlow lab", "the Merton hall"],
    "event": ["the first-aid course", "the laser training", "the welcome day", "the summer party", "the safety meeting",
              "the choir", "the chess club", "the Spanish course", "the open day", "the fire drill", "the stock count",
              "the Ashdown project", "the mentor programme", "the forklift course", "the board visit"],
    "claim": ["the parking permit", "the relocation allowance", "the bicycle lease", "the study leave",
        "the glasses subsidy",
              "the lunch voucher", "the home office budget", "the phone allowance", "the parental leave",
              "the train pass",
              "the nursery place", "the language bonus", "the guest badge", "the taxi refund", "the overtime claim"],
    "service": ["the help desk", "the company doctor", "the car pool", "the translation service", "the tool loan",
        "the archive",
                "the calibration bench", "the shredding service", "the night porter", "the patent desk",
                "the flower fund",
                "the spare key service", "the backup system", "the visitor wifi", "the Calder line"],
}  # fmt: skip

Maker = Callable[[Random], str]


def _pick(options: list[str]) -> Maker:
    return lambda rng: rng.choice(options)


def _date(rng: Random) -> str:
    return f"{rng.randint(1, 28)} {rng.choice(MONTHS)}"


def _hour(first: int, last: int) -> Maker:
    return lambda rng: f"{rng.randint(first, last)}:{rng.choice(['00', '15', '30', '45'])}"


def _money(rng: Random) -> str:
    return f"{rng.randint(4, 400)} euros"


def _span(rng: Random) -> str:
    return f"{rng.randint(2, 20)} {rng.choice(['days', 'weeks', 'months'])}"


def _form(rng: Random) -> str:
    return f"{rng.choice('ABDFHLMR')}-{rng.randint(10, 399)}"


# a fact: maker of the value, ways to say it, ways to ask for it
FactKind = tuple[Maker, list[str], list[str]]
OPENS: FactKind = (_hour(6, 10), ["{S} opens at {v}.", "In the morning {s} opens at {v}."],
                   ["When does {s} open?", "At what time does {s} open?"])  # fmt: skip
CLOSES: FactKind = (_hour(15, 21), ["{S} closes at {v}.", "It is a rule that {s} closes at {v}."],
                    ["When does {s} close?", "What is the closing time of {s}?"])  # fmt: skip
SEATS: FactKind = (lambda rng: str(rng.randint(6, 180)), ["There is room for {v} people in {s}.", "{S} has {v} seats."],
                   ["For how many people is there room in {s}?", "How many people fit into {s}?"])  # fmt: skip
KEY: FactKind = (_pick(ROOMS), ["The key of {s} is kept in {v}.", "After hours the key for {s} hangs in {v}."],
                 ["Where is the key of {s} kept?", "Where is the key for {s}?"])  # fmt: skip
LEADER: FactKind = (_pick(PEOPLE), ["{v} is in charge of {s}.", "{S} is led by {v}."],
                    ["Who is in charge of {s}?", "Who leads {s}?"])  # fmt: skip
CONTACT: FactKind = (_pick(PEOPLE), ["The contact for {s} is {v}.", "Questions about {s} go to {v}."],
                     ["Who is the contact for {s}?", "Whom do I ask about {s}?"])  # fmt: skip
STARTS: FactKind = (_date, ["{S} starts on {v}.", "This year {s} begins on {v}."],
                    ["When does {s} start?", "What is the first day of {s}?"])  # fmt: skip
ENDS: FactKind = (_date, ["{S} ends on {v}.", "The last day of {s} is {v}."],
                  ["When does {s} end?", "What is the last day of {s}?"])  # fmt: skip
LASTS: FactKind = (
    _span,
    ["{S} lasts {v}.", "Allow {v} for {s}."],
    ["How long does {s} last?", "How long does {s} take?"],
)
DAY: FactKind = (_pick(DAYS), ["{S} takes place on {v}.", "{S} is held every {v}."],
                 ["On which day is {s} held?", "On which day does {s} take place?"])  # fmt: skip
WHERE: FactKind = (_pick(ROOMS), ["{S} is in {v}.", "You find {s} in {v}."], ["Where is {s}?", "Where do I find {s}?"])
COSTS: FactKind = (
    _money,
    ["The fee for {s} is {v}.", "{S} costs {v}."],
    ["What is the fee for {s}?", "What does {s} cost?"],
)
LIMIT: FactKind = (_money, ["The limit for {s} is {v}.", "At most {v} is paid for {s}."],
                   ["What is the limit for {s}?", "How much is paid for {s} at most?"])  # fmt: skip
FORM: FactKind = (_form, ["{S} needs form {v}.", "Fill in form {v} for {s}."],
                  ["Which form does {s} need?", "Which form is filled in for {s}?"])  # fmt: skip
APPROVER: FactKind = (_pick(PEOPLE), ["{v} signs off {s}.", "{S} must be approved by {v}."],
                      ["Who signs off {s}?", "Who approves {s}?"])  # fmt: skip
NOTICE: FactKind = (_span, ["Notice for {s} is {v}.", "Ask for {s} {v} ahead."],
                    ["What is the notice for {s}?", "How far ahead must I ask for {s}?"])  # fmt: skip
EXTENSION: FactKind = (lambda rng: str(rng.randint(100, 899)), ["Call {s} on extension {v}.",
    "The extension of {s} is {v}."],
                       ["What is the extension of {s}?", "On which extension is {s}?"])  # fmt: skip
TEAM: FactKind = (_pick(TEAMS), ["{S} is looked after by {v}.", "Requests for {s} are handled by {v}."],
                  ["Which team looks after {s}?", "Who handles requests for {s}?"])  # fmt: skip
RECORDS: FactKind = (_span, ["Records of {s} are kept for {v}."], ["How long are records of {s} kept?"])

FACTS: dict[str, list[FactKind]] = {
    "place": [OPENS, CLOSES, SEATS, KEY, LEADER, EXTENSION],
    "event": [STARTS, ENDS, LASTS, DAY, LEADER, CONTACT, WHERE, COSTS],
    "claim": [LIMIT, FORM, APPROVER, NOTICE, CONTACT, ENDS, TEAM],
    "service": [EXTENSION, OPENS, TEAM, CONTACT, WHERE, COSTS, RECORDS],
}
ASIDES = ["Please be on time.", "There are no exceptions.", "Guests are welcome.",
    "Lost badges are replaced at reception.",
          "Changes are sent by mail.", "The rule is the same for all sites.", "Please leave the place tidy.",
          "More is planned for next year.", "New colleagues are shown around on their first day."]  # fmt: skip
INSTRUCTION = "Answer the question in a few words."


@dataclass(frozen=True)
class Asked:
    """One question on a page."""

    id: str
    question: str
    answer: str
    page: str


def _say(template: str, subject: str, value: str) -> str:
    text = template.format(S=subject, s=subject, v=value)
    return text[0].upper() + text[1:]


def handbook(seed: int) -> tuple[dict[str, str], list[Asked]]:
    """Pages (file name to text) and questions on them, in random order."""
    rng = Random(seed)
    pages: dict[str, str] = {}
    asked: list[Asked] = []
    for kind, subjects in SUBJECTS.items():
        for subject in subjects:
            lines = []
            file = subject.removeprefix("the ").replace(" ", "-").lower() + ".md"
            for maker, says, asks in rng.sample(FACTS[kind], 3):
                value = maker(rng)
                lines.append(_say(rng.choice(says), subject, value))
                asked.append(Asked("", _say(rng.choice(asks), subject, value), value, file))
            if rng.random() < 0.6:
                lines.insert(rng.randint(1, 3), rng.choice(ASIDES))
            title = subject.removeprefix("the ")
            pages[file] = f"# {title[0].upper()}{title[1:]}\n\n{' '.join(lines)}\n"
    rng.shuffle(asked)
    return pages, [Asked(f"q{i:03d}", a.question, a.answer, a.page) for i, a in enumerate(asked)]
