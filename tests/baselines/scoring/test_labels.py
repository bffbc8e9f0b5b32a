"""What a label reader accepts, and what it calls ambiguous."""

from __future__ import annotations

import pytest

from baselines.scoring.labels import canonical, read_label, read_labels

BANK = ("card_arrival", "card_payment_fee_charged", "card_payment", "refund", "transfer")
ANSWERS = ("yes", "no", "maybe")


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("refund", "refund"),
        ("Refund.", "refund"),
        ('"REFUND"', "refund"),
        ("**refund**", "refund"),
        ("`card_arrival`", "card_arrival"),
        ("card arrival", "card_arrival"),
        ("  card-payment ", None),
        ("Label: refund", "refund"),
        ("The answer is refund.", "refund"),
        ("Category = transfer", "transfer"),
        ("intent -> transfer", "transfer"),
        ("refund\n\nThe customer wants the money back.", "refund"),
        ("refund. The customer did not ask for a transfer of money.", "refund"),
        ("- refund", "refund"),
        ("1. refund", "refund"),
        ("I would say refund here", "refund"),
        ("card_payment_fee_charged", "card_payment_fee_charged"),
        ("This is card payment fee charged, clearly", "card_payment_fee_charged"),
        ("card_payment", "card_payment"),
        ("Ｒｅｆｕｎｄ", "refund"),
        ("refund, refund", "refund"),
    ],
)
def test_a_label_in_any_dress(text: str, label: str | None) -> None:
    assert read_label(text, BANK).label == label


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("refund or transfer", "names 2 labels: refund, transfer"),
        ("refund\ntransfer", "names 2 labels: refund, transfer"),
        ("It could be a refund, though I see a transfer too", "names 2 labels: refund, transfer"),
        ("refunds", "names no known label"),
        ("I do not know", "names no known label"),
        ("", "is empty"),
        ("  \n", "is empty"),
    ],
)
def test_no_label_or_several_is_a_format_failure(text: str, problem: str) -> None:
    found = read_label(text, BANK)
    assert (found.label, found.problem) == (None, problem)


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("Yes, there is no doubt", "yes"),
        ("No. Maybe later studies will show it.", "no"),
        ("maybe", "maybe"),
        ("not known", None),
        ("yes/no", None),
        ("yes and no", None),
    ],
)
def test_words_of_everyday_language_as_labels(text: str, label: str | None) -> None:
    assert read_label(text, ANSWERS).label == label


@pytest.mark.parametrize(
    ("text", "label"), [("3", "3"), ("3.", "3"), ("Rating: 3", "3"), ("3.5", None), ("4 of 5", None)]
)
def test_numbers_as_labels(text: str, label: str | None) -> None:
    assert read_label(text, ("1", "2", "3", "4", "5")).label == label


def test_labels_that_differ_in_case_only_need_their_case() -> None:
    labels = ("US", "us")
    assert [read_label(text, labels).label for text in ("US", "us", "Us")] == ["US", "us", None]


@pytest.mark.parametrize("label", ["N/A", "C++", "a.b", "?", "Q&A (general)", "10-20", "-", "yes!"])
def test_every_label_reads_itself(label: str) -> None:
    labels = ("other thing", label)
    assert read_label(label, labels).label == label
    assert canonical(label.upper(), labels) == label


def test_without_a_label_list_the_first_line_is_the_label() -> None:
    assert read_label("Label: Cash_Withdrawal.\nBecause of the machine.", ()).label == "cash withdrawal"
    assert read_label(" ", ()).problem == "is empty"


def test_a_reference_outside_the_list_stays_itself() -> None:
    assert canonical(" Chargeback ", BANK) == "Chargeback"


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("refund, transfer", {"refund", "transfer"}),
        ('["refund", "transfer"]', {"refund", "transfer"}),
        ("- refund\n- card arrival", {"refund", "card_arrival"}),
        ("refund|transfer", {"refund", "transfer"}),
        ("none", set()),
        ("[]", set()),
        ("", set()),
        ("chargeback", None),
    ],
)
def test_several_labels(text: str, labels: set[str] | None) -> None:
    assert read_labels(text, BANK) == (None if labels is None else frozenset(labels))


def test_several_labels_without_a_list() -> None:
    assert read_labels("Sport; Politics", ()) == frozenset({"sport", "politics"})
