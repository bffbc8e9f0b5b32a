"""The demo project `tickets`: a support desk whose queue names follow a house rule that no general model can know.

A ticket's queue depends on what it is about and on the letter of the account number, by a table grown over years.
The written guideline names a part of that table, as guidelines do. `old_router` is the desk's former keyword router.

    python -m advisor.demo.projects       # writes all three projects
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

HOME, BUSINESS = "c", "C"
"""How account numbers begin: a small letter for homes, a capital for businesses, as the oldest system of the house
wrote them. An embedding model that reads everything in small letters cannot see it."""

QUEUES: dict[tuple[str, str], str] = {
    (HOME, "billing"): "harbor",
    (HOME, "login"): "lantern",
    (HOME, "delivery"): "meadow",
    (BUSINESS, "billing"): "anchor",
    (BUSINESS, "login"): "valley",
    (BUSINESS, "delivery"): "compass",
}
"""The house rule: (letter of the account, topic) to queue."""

LABELS = tuple(sorted(set(QUEUES.values())))
MONTHS = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December"
]  # fmt: skip
GOODS = [
    "router", "printer", "phone", "monitor", "headset", "tablet", "keyboard", "scanner", "modem", "camera",
    "speaker", "laptop"
]  # fmt: skip
CORES: dict[str, list[str]] = {
    "billing": [
        "the invoice for {month} is too high", "I was charged twice in {month}",
        "the bill shows a {good} that I never ordered",
        "my refund for the {good} has not come", "please send the invoice for {month} again",
        "the amount on my bill is wrong",
        "you took {money} euros from my card and I do not know why",
        "a payment of {money} euros is missing on the statement",
        "the discount is not on the invoice", "I paid the bill on the {day}th and got a reminder all the same",
        "why does the {month} bill have two fees", "the tax on the invoice for the {good} looks wrong",
    ],
    "login": [
        "I cannot log in since {month}", "my password is refused", "the account is locked after {few} attempts",
        "please reset my password", "the sign-in code never comes to my phone", "I forgot my user name",
        "the login page says error {error}", "the portal throws me out after {few} minutes",
        "my new password does not work",
        "the link to reset the password has expired", "I cannot get into the portal with my user name",
        "the sign-in page stays empty",
    ],
    "delivery": [
        "the parcel with the {good} has not arrived", "my order of the {day}th is late", "the package came damaged",
        "the courier left no note", "where is my shipment of {few} {good}s", "the {good} went to the wrong address",
        "tracking shows nothing for {few} days", "only one of {few} boxes was delivered",
        "the driver could not find us",
        "the delivery for {month} is still open", "can the parcel be delivered on the {day}th", "the box arrived empty",
    ],
}  # fmt: skip
GREETINGS = ["Hello,", "Hi,", "Good morning,", "Dear support,", "Dear team,", "Hi there,", "Good evening,", ""]
ENDINGS = ["Thanks.", "Please help.", "Thank you.", "What can I do?", "Can you look into it?", "Please answer soon.",
           "It is urgent.", "This is the second time I ask.", "Kind regards", "", "", ""]  # fmt: skip
MARKS_BEFORE = ["Account {a}:", "{a}:", "Customer {a}.", "Our number is {a}.", "Ref. {a}.", "[{a}]"]
MARKS_AFTER = ["Account {a}.", "My number is {a}.", "Customer {a}.", "({a})", "Contract {a}.", "Our account is {a}."]

_PAGES = {
    "Accounts": "Account numbers of homes begin with a small c, those of businesses with a capital C.",
    "Billing": "Messages about a bill, a refund or a payment of homes go to harbor. Businesses have anchor.",
    "Devices": "A broken device is sent to the workshop. The parcel for it counts as a delivery.",
    "Login": "Passwords and sign-in of homes go to lantern. Businesses have valley.",
    "Delivery": "Late or damaged parcels go to meadow. Ask the shift leader about business accounts.",
    "Tone": "Thank the customer, say what happens next, and never promise a date.",
    "Hours": "The desk is open from 8:00 to 18:00. Urgent tickets are read first.",
    "Transfers": "A ticket in the wrong queue is sent on once. After that the shift leader decides.",
}
GUIDELINE = {f"{title.lower()}.md": f"# {title}\n\n{text}\n" for title, text in _PAGES.items()}
"""The written guideline: a part of the rule, and things that are no part of it."""


@dataclass(frozen=True)
class Ticket:
    """One ticket with its true queue."""

    id: str
    text: str
    queue: str


def write(rng: Random, number: int) -> Ticket:
    """A ticket from one of the customers, all kinds equally often."""
    letter, topic = rng.choice(list(QUEUES))
    core = rng.choice(CORES[topic]).format(
        month=rng.choice(MONTHS), good=rng.choice(GOODS), money=rng.randint(9, 240), day=rng.randint(4, 19),
        few=rng.randint(2, 9), error=rng.randint(10, 99),
    )  # fmt: skip
    account = f"{letter}-{rng.randint(1000, 9999)}"
    greeting, ending = rng.choice(GREETINGS), rng.choice(ENDINGS)
    body = f"{greeting} {core}." if greeting else f"{core[0].upper()}{core[1:]}."
    if rng.random() < 0.6:
        text = f"{rng.choice(MARKS_BEFORE).format(a=account)} {body} {ending}"
    else:
        text = f"{body} {rng.choice(MARKS_AFTER).format(a=account)} {ending}"
    return Ticket(f"t{number:04d}", text.strip(), QUEUES[letter, topic])


def tickets(seed: int, count: int) -> list[Ticket]:
    """`count` tickets, no text twice."""
    rng = Random(seed)
    found: list[Ticket] = []
    seen: set[str] = set()
    while len(found) < count:
        ticket = write(rng, len(found))
        if ticket.text not in seen:
            seen.add(ticket.text)
            found.append(ticket)
    return found


KEYWORDS = [
    ("refund", "billing"),
    ("invoice", "billing"),
    ("bill", "billing"),
    ("charged", "billing"),
    ("password", "login"),
    ("log in", "login"),
    ("sign-in", "login"),
    ("parcel", "delivery"),
    ("package", "delivery"),
    ("order", "delivery"),
]


def old_router(text: str) -> str:
    """The former system: the first key word decides; an account is a home unless the text says "we", "our" or "us"."""
    lowered = text.lower()
    topic = next((t for word, t in KEYWORDS if word in lowered), "delivery")
    several = any(word in lowered.replace(",", " ").split() for word in ("we", "our", "us"))
    return QUEUES[BUSINESS if several else HOME, topic]
