"""Keys, tokens and passwords of programs in a text: by their issuer's form, by a word before random characters, and in
the address of a server.

    secret_keys("api_key=9f86d081884c7d659a2feaa0c55ad015")      # ((8, 40),)

A word such as `token` alone proves nothing: what follows must look random, which names, paths and placeholders do not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_ISSUED = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"sk-(?:proj-|ant-|or-|live-|test-)?[A-Za-z0-9_-]{20,}"  # OpenAI, Anthropic, OpenRouter
    r"|[rs]k_(?:live|test)_[A-Za-z0-9]{16,}"  # Stripe
    r"|(?:AKIA|ASIA)[A-Z0-9]{16}"  # AWS
    r"|gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{30,}"
    r"|glpat-[A-Za-z0-9_-]{20,}|hf_[A-Za-z0-9]{30,}|npm_[A-Za-z0-9]{36}"
    r"|AIza[A-Za-z0-9_-]{35}"  # Google
    r"|xox[abprs]-[A-Za-z0-9-]{10,}"  # Slack
    r"|pypi-[A-Za-z0-9_-]{40,}|dop_v1_[0-9a-f]{40,}|dckr_pat_[A-Za-z0-9_-]{20,}|shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}"
    r"|SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{30,}"  # SendGrid
    r"|eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"  # a JSON web token
    r")(?![A-Za-z0-9])"
    r"|-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----"
)
_NAMED = re.compile(
    r"(?:(?:api|access|account|auth|private)[ _-]?key|secret|token|bearer|password|passwd)(?:[_-][\w-]{0,24})?\W{1,4}"
    r"(?P<value>[\w/+=.~-]{20,200})",
    re.IGNORECASE | re.ASCII,
)
_IN_ADDRESS = re.compile(
    r"\b[a-z][a-z0-9+]{1,20}://[^\s:/@\[\]]{1,64}:(?P<value>[^\s:/@\[\]]{6,64})@[\w.-]{1,200}", re.ASCII | re.IGNORECASE
)
_PLACEHOLDER = re.compile(r"your|placeholder|goes.?here|insert|replace|dummy|(.)\1{3}|^[$<{%]", re.IGNORECASE)
_SWITCH = re.compile(r"[a-z](?=[A-Z0-9])|[A-Z](?=[0-9])|[0-9](?=[A-Za-z])")
"""A capital before a small letter is left out: TitleCase has no other."""
LEAST_SWITCHES = 0.2
"""Changes between small letters, capitals and digits per character: about 0.45 in random hexadecimal or base64 text,
below 0.15 in words, dates and version numbers joined by hyphens."""
LEAST_DIFFERENT = 10


def secret_keys(text: str) -> Iterator[tuple[int, int]]:
    """(start, end) of each; one may be told twice."""
    for match in _ISSUED.finditer(text):
        key = match.group()
        if key.startswith("-----") or (any(c.isdigit() for c in key) and len(set(key)) >= LEAST_DIFFERENT):
            yield match.span()
    for match in _NAMED.finditer(text):
        value = match["value"].rstrip(".-")
        if _is_random(value):
            yield match.start("value"), match.start("value") + len(value)
    for match in _IN_ADDRESS.finditer(text):
        if any(letter.isdigit() for letter in match["value"]) and not _PLACEHOLDER.search(match["value"]):
            yield match.span("value")


def _is_random(value: str) -> bool:
    solid = re.sub(r"[\W_]", "", value)
    return (
        len(solid) >= 18
        and any(letter.isdigit() for letter in solid)
        and len(set(solid)) >= LEAST_DIFFERENT
        and len(_SWITCH.findall(solid)) >= LEAST_SWITCHES * len(solid)
        and not _PLACEHOLDER.search(value)
    )
