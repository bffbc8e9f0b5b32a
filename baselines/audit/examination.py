"""The whole audit: every look at the rows, in one order, with what was left out and why.

audit = examine(material, task, budget=budget)
audit = examine(material, task, embed=embed_all)       # with embeddings: slower, sees paraphrases
seen = survey(cases, train, dev, task, budget)         # what a plan has time for
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from baselines.audit.balance import balance
from baselines.audit.boilerplate import boilerplate
from baselines.audit.conflicts import conflicts
from baselines.audit.findings import Audit, Finding, excerpt, ordered
from baselines.audit.label_noise import Unsure, label_noise, why_not
from baselines.audit.lengths import TokenBudget, lengths
from baselines.audit.near_duplicates import repeats, twins_of
from baselines.audit.paraphrases import own_paraphrases, paraphrases
from baselines.audit.privacy import privacy
from baselines.audit.repetition import duplicates, exact_duplicates, leaking, leaks, near_leaks
from baselines.audit.rows import Material, of_run
from baselines.audit.style import style
from reports.errors import AdvisorError
from reports.run.schema import Case, Example, Task
from reports.text import count

SURVEYED_ROWS = 12_000
SURVEYED_CHARACTERS = 3_000_000
"""Training data up to which a plan takes the time to search it: about three seconds at the limit."""
Embed = Callable[[Sequence[str]], Any]
"""Texts to unit vectors, shape (texts, dimensions)."""


def examine(
    material: Material,
    task: Task,
    *,
    budget: TokenBudget | None = None,
    embed: Embed | None = None,
    on_look: Callable[[str], None] = lambda _: None,
) -> Audit:
    """Every finding on the material. Takes seconds for 10,000 rows; with `embed` as long as the embedding takes.

    `on_look` is told, in a few words, what is looked at next.
    """
    started = time.perf_counter()
    skipped = []
    if material.learn:
        on_look("rows that say nearly the same, in the training data and between it and the eval set")
    twins = twins_of(material.learn)
    shared = leaking(material.learn, material.eval)
    on_look("conflicting answers, personal data, boilerplate, balance")
    found: list[Finding | None] = [_broken(material), *leaks(material, shared), *conflicts(material, twins)]
    found += [privacy(material), boilerplate(material), *duplicates(material, twins), *balance(material)]
    if budget is not None:
        on_look(f"lengths, in tokens of {budget.model}")
        found.append(lengths(material, task, budget))
    else:
        skipped.append("lengths against the context: the project names no local model whose files are here")
    vectors = None
    if embed is not None and material.learn:
        on_look("paraphrases: sentence embeddings of all rows")
        vectors = embed([item.input for item in (*material.learn, *material.eval)])
        found.append(paraphrases(material, vectors, {twin.right for twin in shared}))
        found.append(own_paraphrases(material, vectors, repeats(material.learn, twins)))
    elif material.learn:
        skipped.append("paraphrases: --deep looks for them with sentence embeddings (minutes for 10,000 texts)")
    if material.task == "classification" and material.learn:
        on_look("label noise: what a classifier says that has not seen the row")
        reason = why_not(material.learn)
        skipped += [reason] if reason else []
        try:
            found.append(label_noise(material, None if vectors is None else vectors[: len(material.learn)]))
        except Unsure as unsure:
            skipped.append(str(unsure))
    on_look("style, length and language of the answers")
    found += style(material)
    if not material.learn:
        skipped.append("leaks, repeats, conflicts and label noise: there is no training data")
    return Audit(
        train_rows=len(material.learn),
        eval_rows=len(material.eval),
        findings=ordered(found),
        skipped=tuple(skipped),
        seconds=round(time.perf_counter() - started, 3),
    )


@dataclass(frozen=True)
class Survey:
    """What a plan finds out on the way."""

    leaked_near: tuple[str, ...]
    """Ids of the cases that stand nearly word for word in the training data, but not exactly."""
    findings: tuple[Finding, ...]
    """Rows know their number there, and no file."""
    skipped: str = ""
    """What there was no time for; `examine` looks at it."""


def survey(
    cases: Sequence[Case],
    train: Sequence[Example],
    dev: Sequence[Example],
    task: Task,
    budget: TokenBudget | None = None,
) -> Survey:
    """Every look but embeddings: 4 s for Banking77. Of very large training data those that take no search within it."""
    material = of_run(cases, train, dev, task.type)
    shared = leaking(material.learn, material.eval)
    large = len(material.learn) > SURVEYED_ROWS or sum(len(item.input) for item in material.learn) > SURVEYED_CHARACTERS
    twins = () if large else twins_of(material.learn)
    found: list[Finding | None] = [*leaks(material, shared), *conflicts(material, twins), privacy(material)]
    found += [boilerplate(material), *balance(material), *style(material)]
    found += exact_duplicates(material) if large else duplicates(material, twins)
    if budget is not None:
        with contextlib.suppress(AdvisorError):  # a broken tokenizer: whether a model can be used is checked elsewhere
            found.append(lengths(material, task, budget))
    skipped = "near copies within the training data and doubtful labels were not looked for: it is large"
    if not large:
        skipped = ""
        with contextlib.suppress(Unsure):
            found.append(label_noise(material))
    return Survey(near_leaks(cases, (*train, *dev), shared), ordered(found), skipped)


def _broken(material: Material) -> Finding | None:
    """Rows that no reader can use."""
    from baselines.audit.findings import Place

    if not material.broken:
        return None
    total = sum(material.rows.values())
    return Finding(
        kind="broken-rows",
        severity="serious" if len(material.broken) > 0.05 * total else "warning",
        count=len(material.broken),
        text=f"{count(len(material.broken), 'row')} of {total:,} cannot be used",
        rows=tuple(
            Place(
                part=part, file=material.file_of[part], row=problem.row or 0, excerpt="", note=excerpt(problem.reason)
            )
            for part, problem in material.broken
        ),
        effect="they are left out and counted; over 5 % of a file stops a run",
        remedy="repair them: a quotation mark or a delimiter in the text is the usual cause",
    )
