"""promptfoo's test CSV: `__expected` columns to references, other magic columns left aside. Knows no task.

    language,body,__expected
    French,Hello world,icontains:bonjour        →  reference `bonjour`, metric `contains`; language becomes context

Assertions that need a program, a judge or no reference at all (javascript:, python:, llm-rubric:, is-json, …) are
not run here and give no reference; the notes say so.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

from baselines.formats.table import JSON, Row, Table, as_text, listed

EXPECTED = "expected"
OUTPUTS = "promptfoo outputs"
"""Shape of promptfoo's table of outputs: answers of systems, no references."""
_KIND = re.compile(r"\s*(not-)?([a-z][a-z-]*)(?:\(([0-9.]+)\))?\s*:\s*(.*)", re.DOTALL)
_METRIC = {
    "equals": "exact-match",
    "contains": "contains",
    "icontains": "contains",
    "regex": "regex",
    "similar": "embedding-similarity",
}
_WITHOUT_TEXT = {"is-json", "is-valid-json", "contains-json", "is-xml", "is-sql", "is-html", "is-refusal", "latency"}
_NEEDS_MORE = re.compile(
    r"javascript|fn|eval|python|file|llm-rubric|grade|factuality|g-eval|model-graded-closedqa|"
    r"answer-relevance|context-recall|context-relevance|context-faithfulness|webhook|classifier|"
    r"moderation|select-best|rouge-n|bleu|levenshtein|perplexity|cost|contains-any|contains-all|"
    r"icontains-any|icontains-all|starts-with"
)
_OUTPUT = re.compile(r"\[(?:PASS|FAIL|ERROR)\](?: \([\d.]+\))?\s*(.*?)\s*(?:(?:Pass|Fail) Reason:.*)?", re.DOTALL)


def recognise(table: Table) -> Table:
    """The table with a column `expected` (a list of references) where it has promptfoo's magic columns."""
    if any(is_output(as_text(row.cells.get(c))) for row in table.rows[:3] for c in table.columns):
        return replace(table, shape=OUTPUTS)
    if not any(re.fullmatch(r"__expected\d*", column) for column in table.columns):
        return table
    kinds: Counter[str] = Counter()
    left_out: Counter[str] = Counter()
    rows = [_converted(row, kinds, left_out) for row in table.rows]
    variables = tuple(c for c in table.columns if not c.startswith("__"))
    usable = bool(kinds)
    notes = list(table.notes)
    if left_out:
        what = listed(f"{kind} ({n})" for kind, n in left_out.most_common())
        notes.append(f"In `__expected`, assertions that need a program or a judge give no reference: {what}.")
    if len(kinds) > 1:
        notes.append(f"{table.file} mixes kinds of assertions ({listed(kinds)}); one metric decides for all rows.")
    metrics = tuple(dict.fromkeys(_METRIC[kind] for kind, _ in kinds.most_common()))
    return replace(
        table,
        rows=tuple(rows),
        columns=(*variables, EXPECTED) if usable else variables,
        shape="promptfoo",
        notes=tuple(notes),
        metrics=metrics,
        reference=(EXPECTED,) if usable else (),
    )


def _converted(row: Row, kinds: Counter[str], left_out: Counter[str]) -> Row:
    cells = {k: v for k, v in row.cells.items() if not k.startswith("__")}
    references: list[JSON] = []
    for column, cell in row.cells.items():
        text = as_text(cell).strip()
        if not re.fullmatch(r"__expected\d*", column) or not text:
            continue
        kind, value = assertion(text)
        if value is None:
            left_out[kind] += 1
        else:
            kinds[kind] += 1
            references.append(value)
    return replace(row, cells={**cells, EXPECTED: references} if references else cells)


def assertion(text: str) -> tuple[str, str | None]:
    """(kind, reference) of one `__expected` cell; the reference is None where a text cannot be compared with.

    assertion("icontains: bonjour") is ("icontains", "bonjour"); a cell without a known kind means equality.
    """
    bare = text.removeprefix("not-").split("(")[0]
    if bare in _WITHOUT_TEXT:
        return bare, None
    found = _KIND.fullmatch(text)
    if not found:
        return "equals", text
    negated, kind, _, value = found.groups()
    if _NEEDS_MORE.fullmatch(kind) or kind in _WITHOUT_TEXT or (negated and kind in _METRIC):
        return f"{negated or ''}{kind}", None
    return (kind, value) if kind in _METRIC else ("equals", text)


def is_output(text: str) -> bool:
    """Whether a cell is an answer in promptfoo's table of outputs."""
    return text.startswith(("[PASS]", "[FAIL]", "[ERROR]"))


def unwrapped(text: str) -> str:
    """The answer inside a cell of promptfoo's output table: `[PASS] (1.00)` before it and the reason after it go."""
    found = _OUTPUT.fullmatch(text)
    return found.group(1) if found else text
