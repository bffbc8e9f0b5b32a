"""The interview, the scorecard with its seven worked cases, similar published cases, and the shipped table."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor.prior import PROBABILITY, agreed, prior, published_cases
from advisor.questions import FIELDS, QUESTIONS, Interview, read_interview
from reports.errors import UsageError
from reports.prior import PriorRecord

FT, RAG, BOTH, PROMPT = "fine-tuning", "retrieval", "fine-tuning with retrieval", "prompting"

WORKED: list[tuple[str, dict[str, Any], int, float, str]] = [
    (
        "intent labels with a house taxonomy",
        {"task": "ticket-classification", "idiosyncratic": True, "reasoning": False, "labels_today": 800},
        4,
        0.91,
        FT,
    ),
    (
        "product manual questions",
        {"task": "knowledge-qa", "needs_facts": "specific", "idiosyncratic": False, "corpus": "documents"},
        -1,
        0.39,
        RAG,
    ),
    ("maths tutoring", {"task": "reasoning-qa", "needs_facts": "no", "reasoning": True}, -2, 0.27, PROMPT),
    (
        "house JSON from claims with a code book",
        {"task": "extraction", "needs_facts": "specific", "idiosyncratic": True, "corpus": "documents"},
        4,
        0.91,
        BOTH,
    ),
    (
        "exam-style general knowledge with reasoning",
        {"task": "knowledge-qa", "needs_facts": "general", "reasoning": True, "corpus": "documents"},
        -4,
        0.11,
        PROMPT,
    ),
    ("press-release headlines in house style", {"task": "style-generation", "idiosyncratic": True}, 4, 0.91, FT),
    (
        "news questions after the cut-off",
        {"task": "knowledge-qa", "needs_facts": "specific", "corpus": "documents", "change": "weekly"},
        -1,
        0.39,
        RAG,
    ),
]


@pytest.mark.parametrize(("name", "answers", "score", "probability", "first"), WORKED, ids=[w[0] for w in WORKED])
def test_worked_cases(name: str, answers: dict[str, Any], score: int, probability: float, first: str) -> None:
    record = prior(read_interview(answers))
    assert (record.score, record.probability, record.ranking[0]) == (score, probability, first), name
    assert set(record.ranking) == {FT, RAG, BOTH, PROMPT}
    assert sum(int(reason.split(":")[0]) for reason in record.reasons if reason[0] in "+-") == score


def test_twelve_questions_say_why_and_can_be_skipped() -> None:
    assert len(QUESTIONS) == 12
    assert all(q.text.endswith("?") and len(q.why) > 40 and q.fields for q in QUESTIONS)
    assert len(FIELDS) == sum(len(q.fields) for q in QUESTIONS)
    assert set(FIELDS) == set(Interview.__dataclass_fields__)


def test_nothing_answered_is_a_coin_toss_that_says_so() -> None:
    record = prior(read_interview({}))
    assert (record.score, record.probability, record.tier) == (0, 0.53, "unknown")
    assert record.unanswered == tuple(q.id for q in QUESTIONS)


def test_project_type_stands_in_for_a_skipped_question() -> None:
    assert prior(Interview(), task_type="classification").score == 1
    assert prior(Interview(), task_type="qa").score == -1
    assert prior(Interview(task="translation"), task_type="qa").score == 0


def test_frontier_models_halve_the_odds() -> None:
    record = prior(read_interview({"task": "classification", "idiosyncratic": "yes"}))
    assert record.probability_frontier == pytest.approx(0.91 / 0.09 / 2 / (1 + 0.91 / 0.09 / 2), abs=0.005)


@pytest.mark.parametrize(
    ("answers", "tier"),
    [
        ({"task": "legal-analysis"}, "high"),
        ({"task": "medical-coding"}, "high"),
        ({"task": "ticket-classification"}, "high"),
        ({"task": "house-code"}, "high"),
        ({"task": "style-generation"}, "moderate"),
        ({"task": "translation"}, "moderate"),
        ({"task": "summarization"}, "moderate"),
        ({"task": "knowledge-qa", "needs_facts": "general"}, "low"),
        ({"task": "summarization", "needs_facts": "specific", "change": "weekly"}, "low"),
        ({"task": "other"}, "unknown"),
    ],
)
def test_domain_tiers(answers: dict[str, str], tier: str) -> None:
    record = prior(read_interview(answers))
    assert record.tier == tier
    assert len(record.tier_reason) > 20


def test_similar_cases_are_near_sourced_and_not_all_of_one_study() -> None:
    record = prior(read_interview({"task": "ticket-classification", "idiosyncratic": True, "needs_facts": "no"}))
    assert len(record.similar) == 5
    assert {case.task_type for case in record.similar} == {"classification"}
    assert all(case.source and case.note for case in record.similar)
    assert max([c.source for c in record.similar].count(c.source) for c in record.similar) <= 2


def test_record_is_stored_and_read_back() -> None:
    record = prior(read_interview(WORKED[3][1]))
    assert PriorRecord.model_validate_json(record.model_dump_json()) == record
    assert agreed(record, "fine-tuning with retrieval")
    assert not agreed(record, "fine-tuning")
    assert not agreed(record, "not shown")


@pytest.mark.parametrize(
    ("answers", "said", "hint"),
    [
        ({"idiosyncratc": True}, "idiosyncratc", "idiosyncratic"),
        ({"colour": "red"}, "no such question", "known keys"),
        ({"needs_facts": "maybe"}, "needs_facts", "no, general, specific"),
        ({"queries_per_day": "many"}, "queries_per_day", "plain number"),
        ({"label_usd": -1}, "label_usd", "plain number"),
        ({"labels_today": True}, "labels_today", "plain number"),
        ({"reasoning": 3}, "reasoning", "yes, no"),
    ],
)
def test_bad_answers_name_their_key(answers: dict[str, Any], said: str, hint: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        read_interview(answers)
    assert hint in caught.value.hint


@pytest.mark.parametrize(("given", "read"), [(True, True), (False, False), ("yes", True), ("No", False)])
def test_yaml_booleans_and_words_mean_the_same(given: object, read: bool) -> None:
    assert read_interview({"reasoning": given}).reasoning is read
    assert read_interview({"needs_facts": False}).needs_facts == "no"


@settings(deadline=None, max_examples=50)
@given(
    st.fixed_dictionaries(
        {}, optional={f.id: st.sampled_from([c.value for c in f.choices]) for f in FIELDS.values() if f.choices}
    )
)
def test_every_interview_gets_a_guess(answers: dict[str, str]) -> None:
    record = prior(read_interview(answers))
    assert record.probability == PROBABILITY[record.score]
    assert record.probability_frontier < record.probability
    assert len(set(record.ranking)) == 4
    assert len(record.similar) == 5


def gain(row: dict[str, str]) -> float:
    """Points by which the better tuned arm beats the better other one, on a scale of 1."""
    scores = {
        key: float(row[key]) / float(row["scale"]) for key in ("prompt", "rag", "finetune", "rag_finetune") if row[key]
    }
    tuned = max(scores.get("finetune", -1.0), scores.get("rag_finetune", -1.0))
    return tuned - max(scores.get("prompt", -1.0), scores.get("rag", -1.0))


def test_shipped_table_is_sourced_and_its_winners_follow_from_its_scores() -> None:
    rows = published_cases()
    assert len(rows) > 75
    for row in rows:
        assert row["source"], row["id"]
        if row["winner"] in ("finetune", "rag+ft"):
            assert gain(row) > 0.0099, row["id"]
        elif row["winner"] in ("prompt", "rag"):
            assert gain(row) < -0.0099, row["id"]


def test_scorecard_beats_always_and_never_on_the_shipped_table() -> None:
    types = {
        "classification": "classification",
        "extraction": "extraction",
        "generation style": "style-generation",
        "qa knowledge": "knowledge-qa",
        "qa reasoning": "reasoning-qa",
        "code": "code",
    }
    right, worth = [], []
    for row in published_cases():
        interview = read_interview(
            {
                "task": types[row["task_type"]],
                "needs_facts": row["needs_facts"],
                "idiosyncratic": row["idiosyncratic"],
                "reasoning": row["reasoning"],
            }
        )
        worth.append(gain(row) >= 0.0099)
        right.append((prior(interview).score >= 1) == worth[-1])
    always = sum(worth) / len(worth)
    assert sum(right) / len(right) > 0.8 > max(always, 1 - always) + 0.2
