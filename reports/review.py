"""Blind review: a reader picks between two unlabelled answers; the win rate, and whether the metric agrees.

    deck = deal(store, "few-shot", "rag")                  # which cases, in which order, on which side: a printed rule
    store.append(FILE, verdict_on(deck.cards[0], "left"))
    for result in results(store, ("accuracy",)): print(result.words)

Refuses to show anything that tells the sides apart: that is the screen's part, and here a side is drawn by a hash.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from reports import text
from reports.run.fingerprint import of_texts
from reports.run.schema import Answer, Case, Record, Score
from reports.run.store import RunStore
from reports.statistics.proportions import wilson

Pick = Literal["left", "right", "tie", "skip"]
FILE = "reviews"
"""Name of the run's file of judgements."""
READABLE = ("ok", "truncated")


class Review(Record):
    """One judgement: which of two unlabelled answers a reader preferred."""

    case: str
    left: str
    """The approach whose answer stood left."""
    right: str
    pick: Pick | Literal["withdrawn"]
    """The last one of a case and pair counts; withdrawn: as if it had not been judged."""
    reference_seen: bool = False
    """The reader had the reference open."""
    at: str = ""
    """ISO 8601, UTC."""


class ReviewResult(Record):
    """All judgements of one pair of approaches: B against A, a tie counting half for each."""

    a: str
    b: str
    a_wins: int
    b_wins: int
    ties: int
    skipped: int = 0
    win_rate: float | None
    """Of B; None where every case was skipped."""
    low: float | None = None
    high: float | None = None
    compared: int = 0
    """Cases on which reader and metric both prefer one side."""
    agreed: int = 0
    agreement: float | None = None
    agreement_low: float | None = None
    agreement_high: float | None = None
    metric: str = ""
    undecided: int = 0
    """Cases on which the reader preferred one and the metric gave both the same score."""
    with_reference: int = 0
    """Picks and ties that were made with the reference open."""
    differing: int = 0
    """Cases answered differently by the two: what was drawn from."""
    same: int = 0
    """Cases with the same answer: nothing to pick."""
    rule: str = ""

    @property
    def judged(self) -> int:
        """Cases with a pick or a tie."""
        return self.a_wins + self.b_wins + self.ties

    @property
    def words(self) -> tuple[str, ...]:
        """The result in sentences, for page, Markdown and app."""
        return tuple(_words(self))


@dataclass(frozen=True)
class Card:
    """One case to judge, and who stands where."""

    case: str
    left: str
    right: str


@dataclass(frozen=True)
class Deck:
    """The cases of a pair in the order in which they are shown."""

    a: str
    b: str
    cards: tuple[Card, ...]
    same: int
    """Cases left out because both say the same."""
    failed: int
    """Cases left out because an answer is missing or failed."""
    grouped: bool = False
    """Cases have groups, and one of each comes first."""

    @property
    def rule(self) -> str:
        """How the cases were chosen, for print."""
        names = f"{text.one_line(self.a, 60)} and {text.one_line(self.b, 60)}"
        left_out = f"{text.count(self.same, 'case')} with the same answer left out"
        if self.failed:
            left_out += f", {self.failed:,} where one failed too"
        order = ", one case of each group first" if self.grouped else ""
        return (
            f"Drawn from the {text.count(len(self.cards), 'case')} that {names} answered differently ({left_out}); "
            f"order and side follow a hash of the run's seed and the case's id{order}."
        )


@dataclass(frozen=True)
class Shown:
    """What a reader sees of a card."""

    case: Case
    left: Answer
    right: Answer


def deal(store: RunStore, a: str, b: str) -> Deck:
    """The cases on which the two can be told apart. The same run gives the same deck."""
    first, second = store.answers(a), store.answers(b)
    seed = str(store.header.spec.seed)
    ranked: list[tuple[str, Card, str | None]] = []
    same = failed = 0
    for case in store.cases():
        known = case.question.id
        one, other = first.get(known), second.get(known)
        if one is None or other is None or one.status not in READABLE or other.status not in READABLE:
            failed += 1
        elif _bare(one.text) == _bare(other.text):
            same += 1
        else:
            drawn = of_texts(("review", seed, a, b, known))
            sides = (a, b) if int(drawn[-1], 16) % 2 else (b, a)
            ranked.append((drawn, Card(known, *sides), case.question.group))
    cards = tuple(_one_of_each_group(sorted(ranked, key=lambda item: item[0])))
    return Deck(a, b, cards, same, failed, any(group for _, _, group in ranked))


def shown(store: RunStore, card: Card, cases: dict[str, Case]) -> Shown:
    """The card's texts. `cases`: by id. Raises KeyError where the run has lost one."""
    left, right = (store.answers(name)[card.case] for name in (card.left, card.right))
    return Shown(cases[card.case], left, right)


def verdict_on(card: Card, pick: Pick, *, reference_seen: bool = False) -> Review:
    """The record of a pick, made now."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return Review(case=card.case, left=card.left, right=card.right, pick=pick, reference_seen=reference_seen, at=now)


def withdrawn(card: Card) -> Review:
    """The record that takes a pick back."""
    return verdict_on(card, "skip").model_copy(update={"pick": "withdrawn"})


def reviews(store: RunStore, a: str, b: str) -> dict[str, Review]:
    """Case id to the last judgement of this pair."""
    made = {r.case: r for r in store.appended(FILE, Review) if {r.left, r.right} == {a, b}}
    return {case: review for case, review in made.items() if review.pick != "withdrawn"}


def results(store: RunStore, metrics: Sequence[str], order: Sequence[str] = ()) -> tuple[ReviewResult, ...]:
    """Every pair that was reviewed. `metrics`: the first one is compared with the reader; `order`: the approaches from
    the simplest on, which decides who is A."""
    found: dict[frozenset[str], None] = {}
    for review in store.appended(FILE, Review):
        found[frozenset((review.left, review.right))] = None
    rank = {name: i for i, name in enumerate(order or store.approaches)}
    pairs = [sorted(pair, key=lambda name: (rank.get(name, len(rank)), name)) for pair in found if len(pair) == 2]
    return tuple(result(store, a, b, metrics[0] if metrics else "") for a, b in pairs)


def result(store: RunStore, a: str, b: str, metric: str) -> ReviewResult:
    """The judgements of one pair, with Wilson's intervals. Ties count half: their spread is smaller than a coin's, so
    the interval is wide enough."""
    made = reviews(store, a, b)
    deck = deal(store, a, b)
    won = Counter(_winner(review) for review in made.values())
    picked = Counter(review.pick for review in made.values())
    judged = won[a] + won[b] + picked["tie"]
    rate = wilson(won[b] + picked["tie"] / 2, judged) if judged else None
    agreed, compared, undecided = _agreement(store, made.values(), (a, b), metric)
    known = wilson(agreed, compared) if compared else None
    return ReviewResult(
        a=a,
        b=b,
        a_wins=won[a],
        b_wins=won[b],
        ties=picked["tie"],
        skipped=picked["skip"],
        win_rate=rate.value if rate else None,
        low=rate.low if rate else None,
        high=rate.high if rate else None,
        compared=compared,
        agreed=agreed,
        agreement=known.value if known else None,
        agreement_low=known.low if known else None,
        agreement_high=known.high if known else None,
        metric=metric,
        undecided=undecided,
        with_reference=sum(r.reference_seen for r in made.values() if r.pick != "skip"),
        differing=len(deck.cards),
        same=deck.same,
        rule=deck.rule,
    )


def _winner(review: Review) -> str | None:
    """Name of the preferred approach; None for a tie and for a skipped case."""
    return review.left if review.pick == "left" else review.right if review.pick == "right" else None


def _agreement(store: RunStore, made: Iterable[Review], pair: tuple[str, str], metric: str) -> tuple[int, int, int]:
    """(agreed, compared, the metric saw no difference) over the cases on which the reader preferred one."""
    scores = {name: store.scores(name, metric) for name in pair} if metric else {}
    agreed = compared = undecided = 0
    for review in made:
        winner = _winner(review)
        if winner is None or winner not in scores:
            continue
        own, other = (_value(scores[n], review.case) for n in (winner, pair[winner == pair[0]]))
        if own is None or other is None:
            continue
        if own == other:
            undecided += 1
        else:
            compared, agreed = compared + 1, agreed + (own > other)
    return agreed, compared, undecided


def _value(scores: Mapping[str, Score], case: str) -> float | None:
    return scores[case].value if case in scores else None


def _one_of_each_group(ranked: Iterable[tuple[str, Card, str | None]]) -> list[Card]:
    """Cases of one group are alike: the second of any group comes after the first of all."""
    seen: Counter[str] = Counter()
    placed: list[tuple[int, Card]] = []
    for _, card, group in ranked:
        placed.append((seen[group] if group else 0, card))
        if group:
            seen[group] += 1
    return [card for _, card in sorted(placed, key=lambda item: item[0])]


def _bare(said: str) -> str:
    return " ".join(said.split()).casefold()


def _words(found: ReviewResult) -> list[str]:
    a, b = text.one_line(found.a, 60), text.one_line(found.b, 60)
    if found.win_rate is None:
        return [f"No case of {a} and {b} was judged: {text.count(found.skipped, 'case')} skipped."]
    rate = text.quality(found.win_rate, found.low, found.high)
    said = [
        f"Readers who did not see which was which preferred {b} to {a} in {rate} of {text.count(found.judged, 'case')} "
        f"({text.interval(found.low, found.high)}): {found.b_wins:,} for {b}, {found.a_wins:,} for {a}, "
        f"{text.count(found.ties, 'tie')} counted half."
    ]
    if found.with_reference:
        said.append(f"The reference was open at {found.with_reference:,} of them.")
    if found.low is not None and found.high is not None and found.low <= 0.5 <= found.high:
        said.append("That is not enough to say which one readers prefer.")
    if found.compared:
        share = text.quality(found.agreement, found.agreement_low, found.agreement_high)
        ends = text.interval(found.agreement_low, found.agreement_high)
        said.append(
            f"Where both preferred one, {found.metric} agreed with them in {found.agreed:,} of "
            f"{text.count(found.compared, 'case')} ({share}, {ends})."
        )
    if found.undecided:
        said.append(f"{found.metric} saw no difference in {found.undecided:,} in which they did.")
    said.append(found.rule)
    return said
