"""What stands around an answer and belongs to none: blanks, and a code fence around the whole of it.

bare_answer('```json\\n{"a": 1}\\n```\\n')      # '{"a": 1}'
"""

from __future__ import annotations

import re

_FENCED = re.compile(r"\s*```[\w+-]*[ \t]*\n?(?P<inside>(?:(?!```).)*?)\s*```\s*", re.DOTALL)


def bare_answer(text: str) -> str:
    """Without blanks around it and without its fence; a text with more than one fence is only trimmed."""
    fenced = _FENCED.fullmatch(text)
    return (fenced["inside"] if fenced else text).strip()
