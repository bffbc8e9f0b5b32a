"""What a judge is worth: its agreement with people, its habits, its bill, and whether it may decide.

found = judge_summary(store); found.decides; found.words

It decides from 30 answers or pairs on that people judged too, with a kappa of at least 0.6; below that it is shown and
the next metric decides. Where the judge gave no readable verdict, that disagrees with people's. Reads stored events,
scores and blind reviews; asks no model.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from reports import review, text
from reports.basis import same_model
from reports.costs.bill import price_of
from reports.costs.estimate import PriceNeeded
from reports.run.events import NO_VERDICT, NOT_ASKED, Judged
from reports.run.schema import JudgeSpec, Record, Score, is_endpoint
from reports.run.store import RunStore
from reports.statistics.agreement import cohen_kappa
from reports.statistics.proportions import wilson

Source = Literal["", "graded answers", "blind review"]
METRIC = "judge"
ENOUGH_LABELS = 30
ENOUGH_AGREEMENT = 0.6
"""Kappa: "substantial" by Landis and Koch (1977)."""


class JudgeSummary(Record):
    """One judge in one run."""

    model: str
    mode: Literal["rubric", "pairwise"]
    rubric: str = ""
    against: str | None = None
    decides: bool = False
    kappa: float | None = None
    """Cohen's kappa with people; None where it is not known."""
    kappa_low: float | None = None
    kappa_high: float | None = None
    compared: int = 0
    agreed: int = 0
    without_verdict: int = 0
    """Of the compared: graded by people, without a readable verdict of the judge."""
    source: Source = ""
    calls: int = 0
    unreadable: int = 0
    failed: int = 0
    """Answers that could not be put to it."""
    contenders: tuple[str, ...] = ()
    """Approaches that answer with the judge's own model."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    usage_estimated: bool = False
    seconds: float = 0.0
    usd: float | None = None
    """Of all its calls; None where the model has no token price."""
    decided: int = 0
    first_preferred: int = 0
    first_low: float | None = None
    first_high: float | None = None
    flipped: int = 0

    @property
    def words(self) -> tuple[str, ...]:
        """Agreement, habits and bill in sentences."""
        return tuple(_words(self))

    @property
    def own(self) -> str:
        """A caution where the judge grades its own model's answers; empty where it does not."""
        if not self.contenders:
            return ""
        named = text.listed([text.one_line(name, 60) for name in self.contenders])
        return (
            f"The judge's model ({text.one_line(self.model, 60)}) also answers, in {named}: models tend to prefer "
            "their own words. Another model as judge would not have that interest."
        )

    @property
    def caution(self) -> str:
        """Why it does not decide; empty where it does."""
        if self.decides:
            return ""
        babbles = f" {_unreadable(self)}" if 2 * self.unreadable > self.calls else ""
        return f"The judge ({text.one_line(self.model, 60)}) is shown but does not decide: {_why_not(self)}{babbles}"


def judge_summary(store: RunStore) -> JudgeSummary | None:
    """The run's judge; None where it has none."""
    spec = store.header.spec.judge
    if spec is None or METRIC not in store.header.spec.metrics:
        return None
    told = [event for event in store.events() if isinstance(event, Judged)]
    told = [event for event in told if event.judge == told[-1].judge]
    pairs, source = _pairs(store, spec, told)
    kappa = cohen_kappa([a for a, _ in pairs], [b for _, b in pairs])
    silent = sum(judge == NO_VERDICT for _, judge in pairs)
    known = len(pairs) > silent and not math.isnan(kappa.value)
    decided, first = sum(e.decided for e in told), sum(e.first_preferred for e in told)
    habit = wilson(first, decided) if decided else None
    prompted, completed = sum(e.prompt_tokens for e in told), sum(e.completion_tokens for e in told)
    return JudgeSummary(
        model=spec.model.id,
        mode=spec.mode,
        rubric=spec.rubric,
        against=spec.against,
        decides=known and len(pairs) >= ENOUGH_LABELS and kappa.value >= ENOUGH_AGREEMENT,
        kappa=kappa.value if known else None,
        kappa_low=kappa.low if known else None,
        kappa_high=kappa.high if known else None,
        compared=len(pairs),
        agreed=sum(a == b for a, b in pairs),
        without_verdict=silent,
        source=source,
        calls=sum(e.calls for e in told),
        unreadable=sum(e.unreadable for e in told),
        failed=_not_asked(store),
        contenders=tuple(
            item.name
            for item in store.header.spec.approaches
            if item.model is not None and same_model(item.model, spec.model)
        ),
        prompt_tokens=prompted,
        completion_tokens=completed,
        usage_estimated=any(e.usage_estimated for e in told),
        seconds=sum(e.seconds for e in told),
        usd=_usd(store, spec, (prompted, completed, sum(e.cached_prompt_tokens for e in told))),
        decided=decided,
        first_preferred=first,
        first_low=habit.low if habit else None,
        first_high=habit.high if habit else None,
        flipped=sum(e.flipped for e in told),
    )


def deciding_first(metrics: Sequence[str], judge: JudgeSummary | None) -> tuple[str, ...]:
    """The metrics of a run with the one that decides in front: a judge that may not goes behind the next one."""
    if judge is None or judge.decides or len(metrics) < 2 or metrics[0] != METRIC:
        return tuple(metrics)
    return (metrics[1], METRIC, *metrics[2:])


def _pairs(store: RunStore, spec: JudgeSpec, told: Sequence[Judged]) -> tuple[list[tuple[str, str]], Source]:
    """(people's verdict, the judge's) on the same things, from the graded answers, else from blind reviews."""
    graded = [(human, judge) for event in told for _, human, judge in event.labels]
    if graded:
        return graded, "graded answers"
    scores = {name: store.scores(name, METRIC) for name in store.approaches}
    found = []
    made: dict[tuple[str, frozenset[str]], review.Review] = {}
    for item in store.appended(review.FILE, review.Review):
        made[item.case, frozenset((item.left, item.right))] = item
    for item in made.values():
        if spec.mode == "pairwise" and spec.against not in (item.left, item.right):
            continue
        preferred = _preferred(scores, item)
        if preferred is not None and item.pick in ("left", "right", "tie"):
            found.append((str(item.pick), preferred))
    return found, "blind review" if found else ""


def _preferred(scores: dict[str, dict[str, Score]], item: review.Review) -> str | None:
    left, right = (scores.get(name, {}).get(item.case) for name in (item.left, item.right))
    if left is None or right is None or left.value is None or right.value is None:
        return None
    return "tie" if left.value == right.value else "left" if left.value > right.value else "right"


def _usd(store: RunStore, spec: JudgeSpec, tokens: tuple[int, int, int]) -> float | None:
    if not is_endpoint(spec.model):
        return None
    price = price_of(spec.model, store.header.spec.prices, store.header.started[:10])
    return None if isinstance(price, PriceNeeded) else price.of(*tokens)


def _not_asked(store: RunStore) -> int:
    scores = (score for name in store.approaches for score in store.scores(name, METRIC).values())
    return sum((score.unscored or "").startswith(NOT_ASKED) for score in scores)


def _why_not(judge: JudgeSummary) -> str:
    if judge.compared < ENOUGH_LABELS:
        seen = f"only {judge.compared}" if judge.compared else "no"
        return f"{seen} answers were judged by people too, and {ENOUGH_LABELS} are needed to know what it is worth."
    if judge.compared == judge.without_verdict:
        return (
            f"it gave no readable verdict on any of the {judge.compared:,} answers that people graded, so their "
            "agreement cannot be computed."
        )
    if judge.kappa is None:
        return "people and judge gave one and the same verdict everywhere, which shows nothing."
    return (
        f"its agreement with people is a kappa of {text.number(judge.kappa, 2)} ({_ends(judge)}, "
        f"{text.count(judge.compared, 'answer')}), below {ENOUGH_AGREEMENT}."
    )


def _words(judge: JudgeSummary) -> list[str]:
    said = []
    if judge.kappa is not None:
        said.append(
            f"Agreement with people ({judge.source}): Cohen's kappa {text.number(judge.kappa, 2)} ({_ends(judge)}), "
            f"{judge.agreed:,} of {judge.compared:,} the same{_silence(judge)}."
        )
    said.append("It decides." if judge.decides else judge.caution)
    if judge.own:
        said.append(judge.own)
    if judge.decided:
        share = text.share(judge.first_preferred / judge.decided)
        ends = text.interval(judge.first_low or 0.0, judge.first_high or 1.0, "share")
        said.append(
            f"Position: the answer shown first was preferred in {share} ({ends}) of {judge.decided:,} calls with a "
            f"preference; without a habit it would be half. {text.count(judge.flipped, 'case')} with orders that "
            "contradict each other count as ties."
        )
    local = f"{text.seconds(judge.seconds)} on this machine" if not is_endpoint(judge.model) else ""
    money = local or ("no token price is known" if judge.usd is None else text.money(judge.usd))
    estimated = ", partly estimated" if judge.usage_estimated else ""
    said.append(
        f"Its bill: {text.count(judge.calls, 'call')}, {judge.prompt_tokens:,} tokens in and "
        f"{judge.completion_tokens:,} out{estimated}: {money}. It is a cost of measuring, of no approach."
    )
    if judge.unreadable:
        said.append(f"{_unreadable(judge)[:-1]}: those answers count as failed.")
    if judge.failed:
        said.append(
            f"{text.count(judge.failed, 'answer')} could not be put to it and count as failed: `advisor resume` asks "
            "again."
        )
    return said


def _unreadable(judge: JudgeSummary) -> str:
    return f"{judge.unreadable:,} of its {text.count(judge.calls, 'call')} gave no readable verdict."


def _silence(judge: JudgeSummary) -> str:
    if not judge.without_verdict:
        return ""
    return f", {judge.without_verdict:,} without a readable verdict, which counts as disagreement"


def _ends(judge: JudgeSummary) -> str:
    return f"{text.number(judge.kappa_low, 2)} to {text.number(judge.kappa_high, 2)}"
