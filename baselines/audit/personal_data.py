"""Personal data and secrets in a text, by forms that can be checked: few false alarms matter more than every hit.

    found = personal_data("Mail me: ann@posteo.de")       # (Span(kind="e-mail", start=9, end=22),)
    masked("Mail me: ann@posteo.de")                      # 'Mail me: [E-MAIL]'

Payment cards pass the Luhn check (ISO/IEC 7812-1), IBANs the remainder 97 (ISO 13616), addresses Python's parser of IP
addresses. Names and street addresses are not looked for: telling them from other words takes a model.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from baselines.audit.secret_keys import secret_keys

SpanKind = Literal["e-mail", "phone", "card", "iban", "ip", "key"]


@dataclass(frozen=True)
class Span:
    """One piece of personal data, by its place in the text."""

    kind: SpanKind
    start: int
    end: int


_EMAIL = re.compile(r"(?<![\w.+-])[\w][\w.+-]{0,63}@(?:[\w](?:[\w-]{0,61}[\w])?\.)+[^\W\d_]{2,24}(?![\w@])")
_CARD = re.compile(
    r"(?<![\w.,/-])(?:\d{13,19}|\d{4}(?P<a>[ -])\d{4}(?P=a)\d{4}(?P=a)\d{1,7}|\d{4}(?P<b>[ -])\d{6}(?P=b)\d{4,5})"
    r"(?![\w]|[.,/-]\d)"
)
_IBAN = re.compile(r"(?<![^\W_])[A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z0-9]{4}){2,7}(?:[ -]?[A-Za-z0-9]{1,3})?(?![^\W_])")
_IP4 = re.compile(r"(?<![\w.])(?<![A-Za-z]-)(?<!\w/)(?:\d{1,3}\.){3}\d{1,3}(?![\w]|\.\d|/\d{1,2}(?!\d))")
"""A path may follow an address; `/24` says that it is a network, `Agent/9.8.7.6` that it is a version."""
_IP6 = re.compile(r"(?<![\w:.])(?=[0-9A-Fa-f]*:[0-9A-Fa-f:]*:)[0-9A-Fa-f:]{6,39}(?![\w:/])")
_NUMBERED = re.compile(
    r"(?:\b(?:v|version|ver|release|rev|revision|build|firmware|driver|update|upgrade|section|sect|sec|chapter|clause|"
    r"article|paragraph|para|figure|fig|table|step|item|appendix|abschnitt|kapitel)\b\.?|§)[\s:=(#]{0,3}(?:to )?$",
    re.IGNORECASE,
)
"""Words before four numbers that are no address."""
_HOST = re.compile(
    r"(?:://|@|\b(?:ip|ipv4|address|addr|host|server|dns|ping|gateway|router|client|peer|proxy|resolver|adresse)\b"
    r"[^\d\n]{0,12})$",
    re.IGNORECASE,
)
_PHONE = re.compile(
    r"(?<![\w.,/+-])(?:"
    r"(?:\+|(?<!\d )00)[1-9]\d{0,2}[ .-]?(?:\(0?\d{1,4}\)[ .-]?)?\d{1,4}(?:[ .-]?\d{2,5}){1,5}"  # international
    r"|(?:1[ .-]?)?\(\d{3}\) ?\d{3}[ .-]\d{4}|(?:1[.-])?\d{3}[.-]\d{3}[.-]\d{4}"  # North America
    r"|01[567]\d[ /-]\d{7,8}|07\d{3} \d{3} ?\d{3}|0[1-9](?:[ .]\d{2}){4}"  # German and British mobile, French
    r")(?![\w]|[.,/-]\d)"
)
_CALLED = re.compile(
    r"(?:\b(?:tel|phone|telephone|mobile|cell|fax|call|reach|ring|dial|whatsapp|telefon|handy|mobil|rufen|téléphone|"
    r"portable|teléfono|móvil|telefono|cellulare|telefone)\b[^\d\n+]{0,20})"
    r"(\(?0\d{1,5}\)?[ ./-]{0,3}\d{2,8}(?:[ -]?\d{2,5}){0,3}|(?:1 )?\(?[2-9]\d{2}\)? \d{3}[ -]\d{4})"
    r"(?![\w]|[.,/-]\d)",
    re.IGNORECASE,
)
"""A national number begins with 0, or has blanks, and looks like any other: a word before it says what it is."""
_PLACEHOLDER = re.compile(
    r"^(?:your?|user|username|name|e?-?mail|me|someone|somebody|nobody|(?:your|first|last|user|my|e)[._-]?"
    r"(?:name|last|mail|email|surname))[_-]?\d*@(?:[\w-]+\.)*(?:example(?:\.\w+)?|test|invalid|localhost)$"
    r"|@(?:your|my)[\w-]*domain\.com$",
    re.IGNORECASE,
)
"""What documentation writes. A name at a domain that is nobody's (RFC 2606) still is the name of somebody."""
_TRIGGERS = re.compile(r"\d{3}|\d\.\d|\d\d \d\d|@|:|-----BEGIN|[\w/+=-]{20}")
"""One look that lets nearly every text pass."""


def personal_data(text: str) -> tuple[Span, ...]:
    """All spans in their order, none inside another."""
    if not _TRIGGERS.search(text):
        return ()
    # a password before a host, secret@db.posteo.de, reads like an e-mail address too: what is graver is said
    found = sorted(_spans(text), key=lambda span: (span.start, span.kind != "key", -span.end))
    kept: list[Span] = []
    for span in found:
        if not kept or span.start >= kept[-1].end:
            kept.append(span)
    return tuple(kept)


def masked(text: str) -> str:
    """The text with `[E-MAIL]`, `[PHONE]`, `[CARD]`, `[IBAN]`, `[IP]` or `[KEY]` in the place of each span."""
    pieces, at = [], 0
    for span in personal_data(text):
        pieces += [text[at : span.start], f"[{span.kind.upper()}]"]
        at = span.end
    return "".join([*pieces, text[at:]])


def _spans(text: str) -> Iterator[Span]:
    for start, end in secret_keys(text):
        yield Span("key", start, end)
    if "@" in text:
        for match in _EMAIL.finditer(text):
            if ".." not in match.group() and not _PLACEHOLDER.search(match.group()):
                yield Span("e-mail", *match.span())
    for match in _IBAN.finditer(text):
        end = _iban_end(match.group())
        if end:
            yield Span("iban", match.start(), match.start() + end)
    for match in _CARD.finditer(text):
        if _is_card(match.group()):
            yield Span("card", *match.span())
    for match in _IP4.finditer(text):
        if _is_host(match.group()) and not _is_numbering(text, match):
            yield Span("ip", *match.span())
    for match in _IP6.finditer(text):
        if "::" in match.group() or match.group().count(":") == 7:
            shown = match.group().rstrip(":") if not match.group().endswith("::") else match.group()
            if _is_host(shown) and any(letter in shown for letter in "23456789abcdefABCDEF"):
                yield Span("ip", match.start(), match.start() + len(shown))
    for match in _PHONE.finditer(text):
        if 8 <= sum(letter.isdigit() for letter in match.group()) <= 15:
            yield Span("phone", *match.span())
    for match in _CALLED.finditer(text):
        if 7 <= sum(letter.isdigit() for letter in match.group(1)) <= 13:
            yield Span("phone", *match.span(1))


def _is_card(said: str) -> bool:
    digits = [int(letter) for letter in said if letter.isdigit()]
    issuer = int("".join(map(str, digits[:2])))
    known = digits[0] in (4, 6) or 51 <= issuer <= 55 or 22 <= issuer <= 27 or issuer in (30, 34, 35, 36, 37, 38, 39)
    if not known or len(set(digits)) < 3 - (digits[0] == 4) or not 13 <= len(digits) <= 19:
        return False
    doubled = [d if i % 2 == 0 else d * 2 - 9 * (d > 4) for i, d in enumerate(reversed(digits))]
    return sum(doubled) % 10 == 0


_IBAN_LENGTHS = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BR": 29, "CH": 21,
    "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18, "FO": 18,
    "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28, "HR": 21, "HU": 28, "IE": 22, "IL": 23,
    "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "MC": 27,
    "MD": 24, "ME": 22, "MK": 19, "MR": 27, "MT": 31, "MU": 30, "NL": 18, "NO": 15, "PK": 24, "PL": 28, "PS": 29,
    "PT": 25, "QA": 29, "RO": 24, "RS": 22, "SA": 24, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "TN": 24, "TR": 26,
    "UA": 29, "VA": 22, "VG": 24, "XK": 20,
}  # fmt: skip
"""Letters and digits of a country's IBAN (SWIFT's IBAN registry)."""


def _iban_end(said: str) -> int:
    """Length of the IBAN that the text begins with, blanks and hyphens included; 0 where it is none."""
    length = _IBAN_LENGTHS.get(said[:2].upper(), 0)
    taken = end = 0
    while end < len(said) and taken < length:
        taken += said[end].isalnum()
        end += 1
    if not length or taken < length or said[end : end + 1].isalnum():
        return 0
    plain = re.sub("[ -]", "", said[:end]).upper()
    turned = "".join(str(int(letter, 36)) for letter in plain[4:] + plain[:4])
    return end if int(turned) % 97 == 1 else 0


def _is_host(said: str) -> bool:
    """Whether it is the address of a machine: no loopback, no group of machines, no mask such as 255.255.255.0."""
    try:
        address = ipaddress.ip_address(said)
    except ValueError:
        return False
    if address.is_unspecified or address.is_loopback or address.is_multicast:
        return False
    return address.version == 6 or (int(address) >> 24 > 0 and not address.is_reserved)


def _is_numbering(text: str, match: re.Match[str]) -> bool:
    """Whether four numbers are a version or the number of a chapter, by the word before them or by being small."""
    before = text[max(0, match.start() - 40) : match.start()]
    if _NUMBERED.search(before):
        return True
    numbers = [int(part) for part in match.group().split(".")]
    small = numbers[0] < 10 and max(numbers) < 30 and len(set(numbers)) > 1  # 8.8.8.8 is a machine, and nothing else
    port = re.match(r":\d{2,5}\b", text[match.end() : match.end() + 7])
    return small and not port and not _HOST.search(before)
