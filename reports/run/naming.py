"""Approach names as file names. Knows nothing else.

file_name("rag+few-shot") == "rag+few-shot"; file_name("a/b") == "a%2Fb"
"""

from __future__ import annotations

import hashlib

SAFE = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-_.=@,")
LONGEST = 120


def file_name(name: str) -> str:
    """The name with every other byte percent-encoded; distinct names stay distinct, none is hidden or too long."""
    data = name.encode("utf-8", "surrogatepass")
    text = "".join(chr(byte) if byte in SAFE else f"%{byte:02X}" for byte in data) or "%"
    if text.startswith("."):
        text = "%2E" + text[1:]
    if len(text) > LONGEST:
        text = f"{text[:LONGEST]}%{hashlib.sha256(data).hexdigest()[:16]}"
    return text
