"""Foreign text is made harmless; numbers carry no more digits than their interval supports."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports import text

ANYTHING = st.text(
    alphabet=st.characters() | st.sampled_from("\x1b[]m\x9b\x9d\x07\\;0\r\n\u202e\u2066\x00"), max_size=200
)


@given(ANYTHING)
def test_clean_leaves_no_control_no_surrogate_no_hidden_direction(foreign: str) -> None:
    shown = text.clean(foreign)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]", shown)
    assert text.clean(shown) == shown


@given(ANYTHING, st.integers(min_value=40, max_value=120))
def test_a_limit_holds_and_is_stable(foreign: str, limit: int) -> None:
    shown = text.clean(foreign, limit)
    assert len(shown) <= limit
    assert text.clean(shown, limit) == shown
    assert "\n" not in text.one_line(foreign, limit)


@given(st.text(alphabet=st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\u2028\u2029"), max_size=80))
def test_ordinary_text_is_unchanged(ordinary: str) -> None:
    if not re.search("[\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]", ordinary):
        assert text.clean(ordinary) == ordinary


@pytest.mark.parametrize(
    ("foreign", "shown"),
    [
        ("a\x1b[31mred\x1b[0m", "ared"),
        ("\x1b]8;;http://x\x07link\x1b]8;;\x07", "link"),
        ("\x1b]0;title never ended\nnext", "0;title never ended\nnext"),
        ("\x1b\x1b[0m[31mx", "x"),
        ("\x9b31mx", "x"),
        ("tab\tstays\r\nline\rline", "tab\tstays\nline\nline"),
        ("user\u202egnp.exe", "user⟨U+202E⟩gnp.exe"),
        ("nul\x00 \ud800!", "nul \ufffd!"),
        ("[/foo] </script> ok", "[/foo] </script> ok"),
        ("שלום \u200fعليكم", "שלום \u200fعليكم"),
    ],
)
def test_clean_examples(foreign: str, shown: str) -> None:
    assert text.clean(foreign) == shown


def test_a_cut_says_how_long_the_text_was() -> None:
    shown = text.clean("x" * 1_000_000, 100)
    assert len(shown) == 100
    assert shown.endswith("… [cut: 1,000,000 characters]")


@pytest.mark.parametrize(
    ("low", "high", "places"),
    [(0.78, 0.90, 2), (0.848, 0.880, 3), (79, 91, 0), (84.8, 88.0, 1), (0.5, 0.5, 4), (0, 40, 0)],
)
def test_decimals_follow_the_half_width(low: float, high: float, places: int) -> None:
    assert text.decimals(low, high) == places


@given(st.floats(-1e6, 1e6), st.floats(1e-9, 1e6))
def test_the_last_digit_is_never_finer_than_a_tenth_of_the_half_width(low: float, width: float) -> None:
    places = text.decimals(low, low + width, most=20)
    half = abs((low + width) - low) / 2
    assert half == 0 or places == 0 or 10**-places >= half / 36


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (text.quality(0.8617, 0.786, 0.957), "86 %"),
        (text.quality(0.8617, 0.850, 0.873), "86.2 %"),
        (text.quality(3.618, 3.2, 4.0, "number"), "3.6"),
        (text.quality(None), "–"),
        (text.interval(0.786, 0.957), "79 to 96 %"),
        (text.interval(-0.012, 0.020, signed=True), "−1.2 to +2.0"),
        (text.interval(None, None), "–"),
        (text.difference(0.041, -0.02, 0.10), "+4 points"),
        (text.difference(0.01, -0.05, 0.07), "+1 point"),
        (text.difference(-0.31, -0.5, -0.1, "number"), "−0.31"),
        (text.number(-0.0001, 2), "0.00"),
        (text.number(-1234.5, 1), "−1,234.5"),
        (text.number(None), "–"),
        (text.number(float("inf")), "∞"),
        (text.significant(0.000474), "0.00047"),
        (text.significant(1234), "1,200"),
        (text.money(0.000474), "$0.00047"),
        (text.money(0), "$0"),
        (text.money(12.5), "$12.50"),
        (text.money(5004.35), "$5,004"),
        (text.money(-3.0), "−$3.00"),
        (text.money(None), "–"),
        (text.seconds(0.0084), "8.4 ms"),
        (text.seconds(0.42), "0.42 s"),
        (text.seconds(1.5), "1.5 s"),
        (text.seconds(200), "3 min 20 s"),
        (text.seconds(7500), "2 h 5 min"),
        (text.size(11_999_000), "12.0 MB"),
        (text.size(512), "512 B"),
        (text.p_value(0.0032), "p = 0.0032"),
        (text.p_value(0.068), "p = 0.068"),
        (text.p_value(0.58), "p = 0.58"),
        (text.p_value(2.9e-45), "p < 0.001"),
        (text.evidence(0.0032), "strong evidence"),
        (text.evidence(0.58), "no evidence of a difference in these cases"),
        (text.count(1, "case"), "1 case"),
        (text.count(3080, "case"), "3,080 cases"),
        (text.listed(["a"]), "a"),
        (text.listed(["a", "b", "c"], "or"), "a, b or c"),
    ],
)
def test_formats(shown: str, expected: str) -> None:
    assert shown == expected


def test_json_text_escapes_what_a_terminal_would_obey_and_loses_nothing() -> None:
    hostile = "a\x1b[31m\x9b\u202e\x00\u2028é日本"
    written = text.json_text({"said": hostile})
    assert json.loads(written) == {"said": hostile}
    assert not set("\x1b\x9b\u202e\x00\u2028") & set(written)
    assert "é日本" in written


def test_a_gpu_is_named_with_what_decides_its_last_digits() -> None:
    from reports.method import _device
    from reports.run.schema import Environment

    plain = Environment(python="3", platform="p", packages={}, device="cpu")
    card = plain.model_copy(update={"device": "NVIDIA L4", "compute_capability": "8.9", "driver": "570.1"})
    assert (_device(plain), _device(card)) == ("cpu", "NVIDIA L4 (compute capability 8.9, driver 570.1)")
