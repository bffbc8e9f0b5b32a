"""Forms of personal data that are found, numbers that only look like them, and masks."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baselines.audit import Material
from baselines.audit.personal_data import masked, personal_data
from baselines.audit.privacy import privacy
from tests.baselines.audit.planting import PERSONAL, SENTENCES


def test_every_planted_value_is_masked_whole_in_every_sentence() -> None:
    for value in PERSONAL:
        for sentence in SENTENCES:
            text = sentence.format(text="I need my 3 cards.", value=value)
            found = personal_data(text)
            assert [text[span.start : span.end] for span in found] == [value], text
            assert value not in masked(text)


@pytest.mark.parametrize(
    ("text", "masks"),
    [
        ("mail a.b@posteo.de, or c@d.co.uk.", "mail [E-MAIL], or [E-MAIL]."),
        ("Ruf an: Telefon 030 1234567", "Ruf an: Telefon [PHONE]"),
        ("call me on 020-7946-0958 now", "call me on [PHONE] now"),
        ("IBAN DE89 3704 0044 0532 0130 00 bitte", "IBAN [IBAN] bitte"),
        ("card 4111-1111-1111-1111", "card [CARD]"),
        ("from 203.0.113.7:8080", "from [IP]:8080"),
        ("key=sk-ant-api03-abcDEF123456ghiJKL789", "key=[KEY]"),
        ("-----BEGIN RSA PRIVATE KEY-----", "[KEY]"),
        ("john.doe@example.com, jane.user@example.org", "[E-MAIL], [E-MAIL]"),
        ("DE89-3704-0044-0532-0130-00", "[IBAN]"),
        ("8.8.8.8 or 3.120.44.7", "[IP] or [IP]"),
        ("http://192.168.1.10/admin", "http://[IP]/admin"),
        ("net 203.0.113.0, host 2.3.4.5, 2.3.4.6:8080", "net [IP], host [IP], [IP]:8080"),
        ("call 555 123 4567", "call [PHONE]"),
        ("1-800-555-0199", "[PHONE]"),
        ("0171 2345678", "[PHONE]"),
        ("06 12 34 56 78, 07700 900123", "[PHONE], [PHONE]"),
        ("api_key=9f86d081884c7d659a2feaa0c55ad015", "api_key=[KEY]"),
        ('"client_secret": "Zx81kQp0Lm29vBn47Tyu"', '"client_secret": "[KEY]"'),
        ("postgres://app:s3cr3tPw@db.posteo.de/x", "postgres://app:[KEY]@db.posteo.de/x"),
        ("dop_v1_" + "0a1b2c3d4e5f6071" * 4, "[KEY]"),
        ("Authorization: Bearer abcDEF123ghiJKL456mnoPQR789", "Authorization: Bearer [KEY]"),
        ("aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "aws_secret_access_key = [KEY]"),
    ],
)
def test_what_is_masked(text: str, masks: str) -> None:
    assert masked(text) == masks


@pytest.mark.parametrize(
    "text",
    [
        "order 4111 1111 1111 1112 is late",  # fails the Luhn check
        "DE89 3704 0044 0532 0130 01",  # fails the IBAN check
        "version 1.2.3.4 and 10.0.0.0/8",
        "0.5 (95 % CI 0.12-0.98), p = 0.0001, n = 1,234,567",
        "2021-03-04 12:30:45, 250000-100000-60000=90000",
        "write to you@example.com or you@yourdomain.com",
        "sk-this-is-your-secret-key-placeholder",
        "@handle, a@b, 12:34:56, 1::1",
        "the 1990-2000-2010 decades, 555-1234",
        "127.0.0.1 and ::1 are this machine",
        "mail EMAIL_002@example.com, first.last@example.org or user1@mail.example.net",
        "netmask 255.255.255.0, Agent/9.8.7.60, pkg-12.10.30.4, section 12.1.40.3, v 10.40.2.1",
        "1.2.3.4 Results",
        "postgres://user:password@host/db, http://a:${PASS_1}@b, redis://me:your_pass1@host",
        "555 123 4567 is the order, 1234 5678 the box",
        "api_key=YOUR_API_KEY_GOES_HERE_123, token: /usr/local/lib/python3.8/site-packages",
        "password: correct-horse-battery-staple-2024, the token claude-3-5-sonnet-20241022-preview-v2",
        "tokenizer 9f86d081884c7d659a2feaa0c55ad015, sha256 9f86d081884c7d659a2feaa0c55ad015",
    ],
)
def test_what_only_looks_like_it(text: str) -> None:
    assert masked(text) == text


@given(st.text(max_size=300))
def test_masking_never_fails_and_twice_is_once(text: str) -> None:
    once = masked(text)
    assert masked(once) == once


def test_long_texts_hold_nothing_and_take_time_in_step_with_their_length() -> None:
    for text in (
        "1" * 20_000,
        "a@" * 10_000,
        "1.1.1." * 5_000,
        "+49 " * 5_000,
        ":" * 20_000,
        "DE12 3456 " * 3_000,
        "token_" * 4_000,
        "secret = " * 3_000,
        "aB3" * 7_000,
    ):
        started = time.process_time()
        assert personal_data(text) == ()
        assert time.process_time() - started < 0.5, text[:10]  # hundredths; a pattern that goes back takes seconds


def test_the_finding_masks_what_it_shows_and_leaves_eval_rows_alone(material: Callable[..., Material]) -> None:
    found = privacy(material([("hi", "write to x@posteo.de")], [("I am y@posteo.de, where is my card?", "a")]))
    assert found is not None
    assert [(row.part, row.change) for row in found.rows] == [("train", "mask"), ("eval", None)]
    assert "posteo" not in found.model_dump_json()
    assert "[E-MAIL]" in found.rows[0].excerpt
    assert privacy(material([("hi", "a")])) is None
