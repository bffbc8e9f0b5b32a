"""A language model as judge of open-ended answers: pass or fail by a rubric, or against another answer in both orders.

    judge = Judge(spec, model, instruction=task.instruction, others=lambda case: baseline[case])
    readings = judge.read(pairs)        # 1 pass, 0 fail; pairwise: 1 preferred in both orders … 0.5 tie … 0
    judge.used                          # calls, tokens, seconds, how often the one shown first won

The judge's model comes through the one model interface, so limits, budgets and keys are those of any other model.
Refuses to know approaches and to say whether it may decide: that is `reports.judging`, from people's labels.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from baselines.models.contract import Decoding, Generation
from baselines.prompts import Prompt
from baselines.scoring.contract import Reading, Tools
from baselines.scoring.judge_prompt import CHOICES, GRADES, VERSION, Fence, pair_prompt, read_verdict, rubric_prompt
from reports.errors import UsageError
from reports.run.events import NOT_ASKED, Judged
from reports.run.fingerprint import of_value
from reports.run.schema import Case, JudgeSpec, Task

if TYPE_CHECKING:
    from baselines.models.contract import Model

AT_ONCE = 64
"""Cases of which all calls are out at the same time: verdicts are stored after each such part."""
UNREADABLE = "the judge gave no verdict"


@dataclass
class Used:
    """What one pass took."""

    calls: int = 0
    unreadable: int = 0
    prompt_tokens: int = 0
    cached_prompt_tokens: int = 0
    completion_tokens: int = 0
    usage_estimated: bool = False
    seconds: float = 0.0
    decided: int = 0
    first_preferred: int = 0
    flipped: int = 0


def fingerprint(spec: JudgeSpec) -> str:
    """Of everything that decides a verdict; limits, prices and labels are not part of it."""
    model = spec.model
    said = [VERSION, model.id, model.base_url, model.api_key_env, model.revision, model.precision]
    return of_value([*said, model.chat_template_arguments, spec.mode, spec.rubric, spec.against, spec.max_tokens])[:16]


def version(spec: JudgeSpec | None) -> int:
    """The metric's version: another judge's scores are other scores. Raises UsageError where nobody judges."""
    if spec is None:
        raise UsageError(
            "the metric judge needs a judge", "judge: {model: openai:NAME, rubric: What a good answer is.}"
        )
    return int(fingerprint(spec)[:8], 16)


def judge_metric(pairs: Sequence[tuple[Case, str]], task: Task, tools: Tools, argument: str) -> list[Reading]:
    """One reading a pair. Raises UsageError where the project names no judge."""
    if tools.judge is None:
        version(None)
    assert tools.judge is not None
    return list(tools.judge().read(pairs))


class Judge:
    """One judge with its model. Counts what it uses."""

    def __init__(
        self,
        spec: JudgeSpec,
        model: Model,
        *,
        instruction: str = "",
        seed: int = 0,
        others: Callable[[str], str | None] = lambda case: None,
    ) -> None:
        """`others`: pairwise, case id to the answer that others are compared with; None where it has none."""
        self.spec = spec
        self.model = model
        self.instruction = instruction
        self.others = others
        self.used = Used()
        self._decoding = Decoding(max_new_tokens=spec.max_tokens, seed=seed)

    def read(self, pairs: Sequence[tuple[Case, str]]) -> Iterator[Reading]:
        """One reading a pair, in order."""
        work = self._grade if self.spec.mode == "rubric" else self._compare
        for start in range(0, len(pairs), AT_ONCE):
            yield from work(pairs[start : start + AT_ONCE])

    def told(self, approach: str | None, labels: Sequence[tuple[str, str, str]] = ()) -> Judged:
        """What was used since the last time, as an event."""
        used, self.used = self.used, Used()
        return Judged(approach=approach, judge=fingerprint(self.spec), labels=tuple(labels), **vars(used))

    def _grade(self, pairs: Sequence[tuple[Case, str]]) -> Iterator[Reading]:
        asked = [rubric_prompt(self.spec.rubric, Fence(), _texts(case, text), self.instruction) for case, text in pairs]
        for said in self._verdicts(asked, GRADES):
            yield said.without_value or _reading(float(said.verdict == "pass"), said.verdict)

    def _compare(self, pairs: Sequence[tuple[Case, str]]) -> Iterator[Reading]:
        """Both orders of each pair. Orders that contradict each other are a tie."""
        others = [self.others(case.question.id) for case, _ in pairs]
        asked: list[str] = []
        for (case, text), other in zip(pairs, others, strict=True):
            if other is not None and other.strip() != text.strip():
                asked += [self._pair(case, text, other), self._pair(case, other, text)]
        verdicts = iter(self._verdicts(asked, CHOICES))
        for (_, text), other in zip(pairs, others, strict=True):
            if other is None:
                yield Reading(None, unscored=f"{self.spec.against} has no answer to compare with")
            elif other.strip() == text.strip():
                yield _reading(0.5, "the same answer")
            else:
                yield self._both(next(verdicts), next(verdicts))

    def _pair(self, case: Case, first: str, second: str) -> str:
        texts = {**_asked(case), "first answer": first, "second answer": second}
        return pair_prompt(self.spec.rubric, Fence(), texts, self.instruction)

    def _both(self, first: _Said, second: _Said) -> Reading:
        if (nothing := first.without_value or second.without_value) is not None:
            return nothing
        shown_first, shown_second = first.verdict, second.verdict
        for verdict in (shown_first, shown_second):
            self.used.decided += verdict != "tie"
            self.used.first_preferred += verdict == "first"
        points = {"first": 1.0, "tie": 0.5, "second": 0.0}
        value = (points[shown_first] + 1.0 - points[shown_second]) / 2
        self.used.flipped += shown_first == shown_second != "tie"
        return _reading(value, f"{shown_first}, then {shown_second}")

    def _verdicts(self, asked: Sequence[str], allowed: Sequence[str]) -> list[_Said]:
        """One a prompt."""
        found = [_said(generation, allowed) for generation in self._ask(asked)]
        self.used.unreadable += sum(not said.verdict and not said.failure for said in found)
        return found

    def _ask(self, asked: Sequence[str]) -> list[Generation]:
        started = time.perf_counter()
        found: dict[int, Generation] = {}
        for batch in self.model.generate([Prompt(text) for text in asked], self._decoding) if asked else ():
            for generation in batch:
                found[generation.index] = generation
                self.used.calls += generation.attempts
                self.used.prompt_tokens += generation.prompt_tokens or 0
                self.used.cached_prompt_tokens += generation.cached_prompt_tokens or 0
                self.used.completion_tokens += generation.completion_tokens or 0
                self.used.usage_estimated |= generation.usage_estimated
        self.used.seconds += time.perf_counter() - started
        return [found.get(index, Generation(index, status="error")) for index in range(len(asked))]


@dataclass(frozen=True)
class _Said:
    """What became of one call."""

    verdict: str = ""
    """Empty where none can be read."""
    failure: str = ""
    """Why nobody answered; that is no habit of the judge."""

    @property
    def without_value(self) -> Reading | None:
        if self.verdict:
            return None
        return Reading(None, unscored=f"{NOT_ASKED}: {self.failure}" if self.failure else UNREADABLE)


def _said(generation: Generation, allowed: Sequence[str]) -> _Said:
    if generation.status in ("error", "timeout"):
        return _Said(failure=generation.error or "no answer")
    answered = generation.status in ("ok", "truncated")
    return _Said(verdict=(read_verdict(generation.text, allowed) or "") if answered else "")


def _reading(value: float, said: str) -> Reading:
    return Reading(value, predicted=said)


def _asked(case: Case) -> dict[str, str]:
    """Question, further fields and references, as the judge reads them before the answer."""
    fields = {f"field {i}": f"{name}: {text}" for i, (name, text) in enumerate(case.question.context.items(), start=1)}
    references = {f"reference {i}": text for i, text in enumerate(case.references, start=1)}
    return {**fields, "question": case.question.input, **references}


def _texts(case: Case, answer: str) -> dict[str, str]:
    return {**_asked(case), "answer": answer}
