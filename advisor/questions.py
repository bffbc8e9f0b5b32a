"""The interview as data: twelve questions, why each is asked, what may be answered. Asks nobody, decides nothing.

for question in QUESTIONS: print(question.text, "-", question.why)
interview = read_interview({"task": "ticket-classification", "idiosyncratic": True})      # raises UsageError

Every answer can be skipped. `yes` and `no` may come as YAML's booleans. Questions 1 to 5 drive the guess at quality,
the rest cost and what is feasible.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal

from reports.errors import UsageError

Kind = Literal["choice", "yes-no", "number"]


@dataclass(frozen=True)
class Choice:
    """One possible answer: the word of the project file and what a person reads."""

    value: str
    label: str


@dataclass(frozen=True)
class Field:
    """One thing to fill in; its id is the key below `interview:` in the project file."""

    id: str
    label: str
    kind: Kind
    choices: tuple[Choice, ...] = ()
    unit: str = ""
    sets: str = ""
    """Key of the project file that a number is copied to, where there is one."""


@dataclass(frozen=True)
class InterviewQuestion:
    """One question with its fields."""

    id: str
    text: str
    why: str
    fields: tuple[Field, ...]


YES_NO = (Choice("yes", "Yes"), Choice("no", "No"))


def _choice(name: str, label: str, *choices: tuple[str, str]) -> Field:
    return Field(name, label, "choice", tuple(Choice(value, said) for value, said in choices))


def _yes_no(name: str, label: str) -> Field:
    return Field(name, label, "yes-no", YES_NO)


def _number(name: str, label: str, unit: str, sets: str = "") -> Field:
    return Field(name, label, "number", unit=unit, sets=sets)


QUESTIONS: tuple[InterviewQuestion, ...] = (
    InterviewQuestion(
        "task",
        "What shall the answers be?",
        "Published results differ most by the kind of task: tuning won 35 of 45 classification comparisons, and 4 of "
        "19 in reasoning.",
        (
            _choice(
                "task",
                "Kind of task",
                ("ticket-classification", "Tickets, messages or intents sorted into labels"),
                ("classification", "Other texts sorted into labels"),
                ("extraction", "Fields taken out of a text"),
                ("medical-coding", "Medical codes assigned to notes"),
                ("legal-analysis", "Legal documents analysed or labelled"),
                ("style-generation", "Texts written in a given style: headlines, replies, descriptions"),
                ("tool-calling", "Calls of tools or APIs"),
                ("house-code", "Code for your own framework, language or database"),
                ("code", "Code of a general kind"),
                ("summarization", "Summaries"),
                ("translation", "Translation"),
                ("knowledge-qa", "Answers to questions of fact"),
                ("reasoning-qa", "Answers that must be worked out: maths, logic, several steps"),
                ("other", "Something else"),
            ),
        ),
    ),
    InterviewQuestion(
        "needs_facts",
        "Does the answer need facts that are not in the input?",
        "Facts belong to retrieval: where specific ones were needed and the form was ordinary, retrieval beat tuning "
        "in 79 % of the comparisons. Training on facts is slow and invites inventions.",
        (
            _choice(
                "needs_facts",
                "Facts beyond the input",
                ("no", "No, everything is in the input"),
                ("general", "General knowledge"),
                ("specific", "Our own, private or recent facts"),
            ),
        ),
    ),
    InterviewQuestion(
        "idiosyncratic",
        "Would a careful outsider with a one-page guideline get the expected output wrong?",
        "A habit of your own (a label scheme, a format, a style that no guideline conveys) is the strongest sign for "
        "tuning: it was worth it in 51 of 58 such comparisons.",
        (_yes_no("idiosyncratic", "The output follows a convention of our own"),),
    ),
    InterviewQuestion(
        "reasoning",
        "Does it take several steps of reasoning, maths, or open-ended coding?",
        "Small tuned models lose here: tuning was worth it in 3 of 23 such comparisons.",
        (_yes_no("reasoning", "Reasoning in several steps"),),
    ),
    InterviewQuestion(
        "corpus",
        "Is there something to look things up in?",
        "Documents, a code book or a pool of labelled examples make retrieval possible. Where a corpus existed, "
        "retrieval beat the plain prompt in 83 % of the comparisons.",
        (
            _choice(
                "corpus",
                "To retrieve from",
                ("no", "Nothing"),
                ("documents", "Documents or a code book"),
                ("examples", "A pool of labelled examples"),
                ("both", "Both"),
            ),
        ),
    ),
    InterviewQuestion(
        "labels",
        "How many labelled examples are there, how many could there be, and what does one cost?",
        "Small classifiers overtake prompting at about 100 labels; tuning levels off at 200 to 500 in many tasks. "
        "Labels are often the largest cost.",
        (
            _number("labels_today", "Labelled examples today", "examples"),
            _number("labels_obtainable", "Obtainable at most", "examples"),
            _number("label_usd", "Price of one label", "US dollars", "prices.label_usd"),
        ),
    ),
    InterviewQuestion(
        "change",
        "How often do the facts, the labels or the interfaces change?",
        "What changes often must be looked up: a tuned model is out of date until it is trained again.",
        (
            _choice(
                "change",
                "Changes",
                ("never", "Never or hardly"),
                ("yearly", "About once a year"),
                ("monthly", "About once a month"),
                ("weekly", "Weekly or more often"),
            ),
        ),
    ),
    InterviewQuestion(
        "largest_model",
        "What is the largest model you may use, and may the data leave your house?",
        "Against a current frontier model tuning wins less often than the published tables say; a small model of your "
        "own gains more from it.",
        (
            _choice(
                "largest_model",
                "Largest model",
                ("frontier", "A frontier model by API"),
                ("mid", "A mid-size model"),
                ("small", "A model of our own, up to 8 billion parameters"),
            ),
            _yes_no("data_stays", "The data must not leave our machines"),
        ),
    ),
    InterviewQuestion(
        "traffic",
        "How many queries a day, and for how long?",
        "The price of a token pays back an investment only at volume; small traffic favours the prompt.",
        (
            _number("queries_per_day", "Queries a day", "queries", "traffic.queries_per_day"),
            _number("horizon_months", "Horizon", "months", "traffic.horizon_months"),
        ),
    ),
    InterviewQuestion(
        "latency",
        "Within how many seconds must 95 of 100 answers be there?",
        "Long prompts, retrieval and large models take time; what breaks the limit is not recommended.",
        (_number("p95_seconds", "p95", "seconds", "decision.max_p95_seconds"),),
    ),
    InterviewQuestion(
        "errors",
        "What does one wrong answer cost, and which difference in quality is too small to matter?",
        "The cost of errors decides more often than that of tokens. The margin says when two approaches count as "
        "equally good, so that the cheaper one may win.",
        (
            _number("error_cost_usd", "Cost of a wrong answer", "US dollars", "decision.error_cost_usd"),
            _number("margin", "Smallest difference that matters", "share of 1", "decision.margin"),
        ),
    ),
    InterviewQuestion(
        "audit",
        "Must answers cite their sources, be auditable, or forget facts on demand?",
        "Retrieval can cite and delete; what a model was trained on, it cannot unlearn.",
        (_yes_no("audit", "Citations, audit or deletion required"),),
    ),
)
FIELDS: dict[str, Field] = {field.id: field for question in QUESTIONS for field in question.fields}


@dataclass(frozen=True)
class Interview:
    """Answers, checked. None: skipped."""

    task: str | None = None
    needs_facts: str | None = None
    idiosyncratic: bool | None = None
    reasoning: bool | None = None
    corpus: str | None = None
    labels_today: float | None = None
    labels_obtainable: float | None = None
    label_usd: float | None = None
    change: str | None = None
    largest_model: str | None = None
    data_stays: bool | None = None
    queries_per_day: float | None = None
    horizon_months: float | None = None
    p95_seconds: float | None = None
    error_cost_usd: float | None = None
    margin: float | None = None
    audit: bool | None = None

    def skipped(self) -> tuple[str, ...]:
        """Ids of the questions without any answer, in order."""
        return tuple(q.id for q in QUESTIONS if all(getattr(self, field.id) is None for field in q.fields))


def read_interview(answers: Mapping[str, Any]) -> Interview:
    """The `interview:` part of a project file as typed answers.

    Raises UsageError that names the key and what it may be.
    """
    return Interview(**{key: _read(key, value) for key, value in answers.items() if value is not None})


def _read(key: str, value: Any) -> Any:
    field = FIELDS.get(key)
    if field is None:
        near = get_close_matches(str(key), FIELDS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known keys: {', '.join(FIELDS)}"
        raise UsageError(f"interview.{key}: there is no such question", hint)
    if field.kind == "number":
        return _number_of(key, value)
    word = {True: "yes", False: "no"}.get(value, value) if isinstance(value, bool) else str(value).strip().lower()
    allowed = [choice.value for choice in field.choices]
    if word not in allowed:
        raise UsageError(f"interview.{key}: {str(value)[:60]!r} is no answer to it", f"one of: {', '.join(allowed)}")
    return word == "yes" if field.kind == "yes-no" else word


def _number_of(key: str, value: Any) -> float:
    try:
        number = float(value) if not isinstance(value, bool) else float("nan")
    except (TypeError, ValueError):
        number = float("nan")
    if not 0 <= number < float("inf"):
        raise UsageError(f"interview.{key}: {str(value)[:60]!r} is not a number of at least 0", "give a plain number")
    return number
