"""Money that a run takes at endpoints besides its answers: the latency pass, and the judge.

beside_answers(prepared, expected)        # [("latency pass", (low, best guess, high)), ("judge", …)]

Works on what the answers are estimated to cost; knows no network. What has no price is left out, as it is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from advisor.counting import TEMPLATE, by_characters, mean, spread
from baselines.latency import levels_of, wanted
from baselines.scoring.judge_prompt import Fence, pair_prompt, rubric_prompt
from reports.costs.bill import price_of
from reports.costs.estimate import PriceNeeded
from reports.run.schema import ApproachSpec, Case, Expected, JudgeSpec, Span, Task, is_endpoint

if TYPE_CHECKING:
    from advisor.plan import Prepared

LABELS = 40
"""Answers that people graded and the judge grades too: 30 to 50 are asked for."""
VERDICT = (6.0, 30.0)
"""Tokens of a verdict, bare and after a sentence; at most what the project allows."""


def beside_answers(prepared: Prepared, expected: Sequence[Expected]) -> tuple[tuple[str, Span], ...]:
    """What there is to pay, by name."""
    found = {"latency pass": _latency(prepared, expected), "judge": _judge(prepared)}
    return tuple((name, span) for name, span in found.items() if span is not None and span[2] > 0)


def timed_requests(cases: int, samples: int, levels: Sequence[int]) -> int:
    """Of the latency pass for one approach: what is measured at each level, and the round that warms it up."""
    counts = {level: wanted(cases, samples, level) for level in levels_of(levels)}
    return sum(count + min(level, cases) for level, count in counts.items() if count)


def _latency(prepared: Prepared, expected: Sequence[Expected]) -> Span | None:
    spec, cases = prepared.spec, len(prepared.cases)
    if not spec.latency_samples or not cases:
        return None
    share = timed_requests(cases, spec.latency_samples, spec.latency_concurrency) / cases
    remote = {item.name for item in spec.approaches if _is_remote(item)}
    answers = [one.usd for one in expected if one.approach in remote and one.usd is not None]
    return _sum([(low * share, typical * share, high * share) for low, typical, high in answers])


def _judge(prepared: Prepared) -> Span | None:
    judge = prepared.spec.judge
    if judge is None or not is_endpoint(judge.model):
        return None
    price = price_of(judge.model, prepared.spec.prices, datetime.now(UTC).date().isoformat())
    if isinstance(price, PriceNeeded):
        return None
    judged = [item for item in prepared.spec.approaches if item.name != judge.against]
    calls = len(prepared.cases) * len(judged) * (2 if judge.mode == "pairwise" else 1)
    calls += LABELS if judge.labels is not None else 0
    prompt = mean([_asked(judge, prepared.spec.task, case) for case in spread(prepared.cases)])
    most = float(judge.max_tokens)
    low, typical, high = (
        calls * price.of(prompt * by, min(tokens, most))
        for by, tokens in ((1 / 1.3, VERDICT[0]), (1.0, VERDICT[1]), (1.3, most))
    )
    return (low, typical, high)


def _asked(judge: JudgeSpec, task: Task, case: Case) -> int:
    """Tokens of one prompt, with the reference in place of an answer."""
    answer = case.references[0] if case.references else ""
    texts = {"question": case.question.input, **{f"reference {i}": text for i, text in enumerate(case.references, 1)}}
    if judge.mode == "rubric":
        asked = rubric_prompt(judge.rubric, Fence(), {**texts, "answer": answer}, task.instruction)
    else:
        both = {**texts, "first answer": answer, "second answer": answer}
        asked = pair_prompt(judge.rubric, Fence(), both, task.instruction)
    return by_characters(asked) + TEMPLATE


def _is_remote(spec: ApproachSpec) -> bool:
    return is_endpoint(spec.model)


def _sum(spans: Sequence[Span]) -> Span | None:
    if not spans:
        return None
    low, typical, high = (sum(ends) for ends in zip(*spans, strict=True))
    return (low, typical, high)
