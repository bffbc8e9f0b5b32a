"""Blind review: who stands where is drawn, ties count half, the metric is held against the reader."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from reports.html import render_html
from reports.markdown import render_markdown
from reports.review import FILE, Deck, Pick, Review, deal, result, results, reviews, shown, verdict_on, withdrawn
from reports.run.store import RunStore
from reports.summary import summarise

A, B = "zero-shot", "few-shot"


@pytest.fixture
def store(make_run: Callable[..., RunStore]) -> RunStore:
    """A run of two models' worth of tickets, open for writing."""
    return make_run(cases=60, contenders=3)


@pytest.fixture
def deck(store: RunStore) -> Deck:
    return deal(store, A, B)


def judge(store: RunStore, deck: Deck, picks: list[str]) -> None:
    """Stores picks for the first cards, by name of the approach, 'tie' or 'skip'."""
    for card, wanted in zip(deck.cards, picks, strict=False):
        pick: Pick = "left" if wanted == card.left else "right" if wanted == card.right else "tie"
        store.append(FILE, verdict_on(card, "skip" if wanted == "skip" else pick))


def test_only_cases_with_two_different_answers_are_dealt(store: RunStore, deck: Deck) -> None:
    first, second = store.answers(A), store.answers(B)
    assert all(first[card.case].text != second[card.case].text for card in deck.cards)
    assert len(deck.cards) + deck.same + deck.failed == 60
    assert deck.same > 0
    assert f"{len(deck.cards)} cases" in deck.rule


def test_the_same_run_deals_the_same_cards_on_mixed_sides(store: RunStore, deck: Deck) -> None:
    assert deal(store, A, B) == deck
    assert {card.left for card in deck.cards} == {A, B}
    assert [card.case for card in deck.cards] != sorted(card.case for card in deck.cards)


def test_the_second_case_of_a_group_comes_after_the_first_of_every_group(store: RunStore, deck: Deck) -> None:
    groups = {case.question.id: case.question.group for case in store.cases()}
    dealt = [groups[card.case] for card in deck.cards]
    assert len(set(dealt[: len(set(dealt))])) == len(set(dealt))


def test_a_card_shows_the_answers_on_their_sides(store: RunStore, deck: Deck) -> None:
    cases = {case.question.id: case for case in store.cases()}
    seen = shown(store, deck.cards[0], cases)
    assert seen.left == store.answers(deck.cards[0].left)[deck.cards[0].case]
    assert seen.right.approach == deck.cards[0].right
    assert seen.case.question.id == deck.cards[0].case


def test_ties_count_half_and_skips_do_not_count(store: RunStore, deck: Deck) -> None:
    judge(store, deck, [B, B, A, "tie", "skip"])
    found = result(store, A, B, "accuracy")
    assert (found.b_wins, found.a_wins, found.ties, found.skipped) == (2, 1, 1, 1)
    assert found.win_rate == pytest.approx(2.5 / 4)
    assert found.low is not None
    assert found.high is not None
    assert 0 < found.low < 0.5 < found.high < 1
    assert any("not enough to say" in line for line in found.words)


def test_a_second_judgement_of_a_case_replaces_the_first(store: RunStore, deck: Deck) -> None:
    judge(store, deck, [A])
    judge(store, deck, [B])
    found = result(store, A, B, "accuracy")
    assert (found.a_wins, found.b_wins) == (0, 1)


def test_a_withdrawn_judgement_is_as_if_it_had_not_been_made(store: RunStore, deck: Deck) -> None:
    judge(store, deck, [A, B])
    store.append(FILE, withdrawn(deck.cards[0]))
    assert list(reviews(store, A, B)) == [deck.cards[1].case]
    assert result(store, A, B, "accuracy").judged == 1


def test_picks_with_the_reference_open_are_said(store: RunStore, deck: Deck) -> None:
    store.append(FILE, verdict_on(deck.cards[0], "tie", reference_seen=True))
    assert "The reference was open at 1 of them." in result(store, A, B, "accuracy").words


def test_agreement_counts_the_cases_where_both_prefer_one(store: RunStore, deck: Deck) -> None:
    scores = {name: store.scores(name, "accuracy") for name in (A, B)}
    better = {
        card.case: A if (scores[A][card.case].value or 0) > (scores[B][card.case].value or 0) else B
        for card in deck.cards
        if card.case in scores[A]
        and card.case in scores[B]
        and scores[A][card.case].value != scores[B][card.case].value
    }
    cards = [card for card in deck.cards if card.case in better][:8]
    picks = [better[card.case] for card in cards]
    picks[0] = A if picks[0] == B else B
    judge(store, Deck(A, B, tuple(cards), 0, 0), picks)
    level = next(card for card in deck.cards if card.case not in better)
    store.append(FILE, verdict_on(level, "left"))
    found = result(store, A, B, "accuracy")
    assert (found.compared, found.agreed, found.undecided) == (8, 7, 1)
    assert found.agreement == pytest.approx(7 / 8)


def test_an_approach_may_be_called_like_a_pick() -> None:
    card = Review(case="1", left="tie", right="skip", pick="left")
    from reports.review import _winner

    assert _winner(card) == "tie"
    assert _winner(card.model_copy(update={"pick": "tie"})) is None


def test_summary_page_and_markdown_say_what_readers_preferred(store: RunStore, deck: Deck) -> None:
    untouched = summarise(store)
    assert untouched.reviews == ()
    assert "What readers preferred" not in render_html(untouched, store)
    judge(store, deck, [B, B, B, B, "tie"])
    summary = summarise(store)
    (found,) = summary.reviews
    assert (found.a, found.b) == (A, B)
    assert summary.document()["reviews"][0]["win_rate"] == pytest.approx(0.9)
    page = render_html(summary, store)
    assert "What readers preferred" in page
    assert "5 cases read and judged blind" in page.replace("\u00a0", " ")
    assert "## What readers preferred" in render_markdown(summary)


def test_all_skipped_is_said_without_a_rate(store: RunStore, deck: Deck) -> None:
    judge(store, deck, ["skip", "skip"])
    (found,) = results(store, ("accuracy",))
    assert found.win_rate is None
    assert found.words == (f"No case of {A} and {B} was judged: 2 cases skipped.",)


def test_nothing_was_reviewed_in_an_older_run(small_run: Path) -> None:
    assert results(RunStore.open(small_run), ("accuracy",)) == ()
